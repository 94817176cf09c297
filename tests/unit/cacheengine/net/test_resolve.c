#include "cacheengine/net/resolve.h"

#include <criterion/criterion.h>

/* A label has 63 bytes at most: nobody is asked about this one. */
#define NO_NAME "x123456789x123456789x123456789x123456789x123456789x123456789x1234"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

static struct err resolve(const char *host, struct resolution **r, const struct addrinfo **out)
{
    struct err e = resolve_begin(host, 6379, r);

    cr_assert_not(err_failed(e));
    struct pollfd wait = {.fd = resolve_fd(*r), .events = POLLIN};
    cr_assert_eq(poll(&wait, 1, 30000), 1);
    return resolve_result(*r, out);
}

Test(resolve, an_address_is_itself)
{
    struct resolution *r;
    const struct addrinfo *found;

    cr_assert_not(err_failed(resolve("127.1.2.3", &r, &found)));
    const struct sockaddr_in *a = (const void *)found->ai_addr;
    cr_assert_eq(ntohl(a->sin_addr.s_addr), 0x7f010203);
    cr_assert_eq(ntohs(a->sin_port), 6379);
    resolve_end(r);
}

Test(resolve, a_name_is_looked_up)
{
    struct resolution *r;
    const struct addrinfo *found = NULL;

    cr_assert_not(err_failed(resolve("localhost", &r, &found)));
    cr_assert(found);
    resolve_end(r);
}

Test(resolve, a_name_of_nobody_is_unavailable)
{
    struct resolution *r;
    const struct addrinfo *found;

    cr_assert(err_is(resolve(NO_NAME, &r, &found), ERR_UNAVAILABLE));
    resolve_end(r);
}

Test(resolve, it_can_be_given_up_at_any_time)
{
    struct resolution *r;

    for (int i = 0; i < 20; i++) {
        cr_assert_not(err_failed(resolve_begin("localhost", 1, &r)));
        resolve_end(r);
    }
}
