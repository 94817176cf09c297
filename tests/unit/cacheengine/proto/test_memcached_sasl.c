#include "cacheengine/proto/memcached_binary.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <unistd.h>

static bool is_right(const char *users, struct str message)
{
    char path[] = "/tmp/larder-sasl-XXXXXX";
    int fd = mkstemp(path);
    ssize_t written = write(fd, users, strlen(users));

    close(fd);
    check(written == (ssize_t)strlen(users));
    bool result = mc_sasl_plain_is_right(path, message);
    unlink(path);
    return result;
}

#define MESSAGE(text) ((struct str){(text), sizeof(text) - 1})

Test(memcached_sasl, users_stand_in_lines_with_their_passwords)
{
    const char *users = "a:1\n\nann:secret:more\r\nno password\nb:\n";

    cr_assert(is_right(users, MESSAGE("\0ann\0secret")));
    cr_assert(is_right(users, MESSAGE("ann\0ann\0secret")));
    cr_assert(is_right(users, MESSAGE("\0a\0"
                                      "1")));
    cr_assert_not(is_right(users, MESSAGE("\0ann\0secret:more")));
    cr_assert_not(is_right(users, MESSAGE("\0ann\0secre")));
    cr_assert_not(is_right(users, MESSAGE("\0an\0n:secret")));
    cr_assert_not(is_right(users, MESSAGE("a\0ann\0secret")));
    cr_assert_not(is_right(users, MESSAGE("\0b\0")));
    cr_assert_not(is_right(users, MESSAGE("\0no password\0")));
    cr_assert_not(is_right(users, MESSAGE("ann")));
    cr_assert_not(is_right(users, MESSAGE("")));
}

Test(memcached_sasl, a_file_that_is_not_there_lets_nobody_in)
{
    cr_assert_not(mc_sasl_plain_is_right("/nonexistent/users", MESSAGE("\0ann\0secret")));
}
