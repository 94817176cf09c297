#include "net_fixture.h"

Test(notify, a_manager_that_asks_is_told_once)
{
    char dir[] = "/tmp/larder-notify-XXXXXX", got[64] = {0};
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    cr_assert(mkdtemp(dir));
    snprintf(a.sun_path, sizeof(a.sun_path), "%s/n", dir);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    setenv("NOTIFY_SOCKET", a.sun_path, 1);
    notify_ready();
    cr_assert(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT) > 0);
    cr_assert_str_eq(got, "READY=1\n");
    unsetenv("NOTIFY_SOCKET");
    notify_ready();
    cr_assert(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT) < 0);
    close(fd);
    unlink(a.sun_path);
    rmdir(dir);
}
