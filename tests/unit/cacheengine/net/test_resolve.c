#include "cacheengine/net/resolve.h"

#include <criterion/criterion.h>

/* A label has 63 bytes at most: nobody is asked about this one. */
#define NO_NAME "x123456789x123456789x123456789x123456789x123456789x123456789x1234"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct err resolve(struct resolver *s, const char *host, struct resolution **r,
                          const struct addrinfo **out)
{
    struct err e = resolve_begin(s, host, 6379, r);

    cr_assert_not(err_failed(e));
    struct pollfd wait = {.fd = resolve_fd(*r), .events = POLLIN};
    cr_assert_eq(poll(&wait, 1, 30000), 1);
    return resolve_result(*r, out);
}

Test(resolve, an_address_is_itself)
{
    struct resolver *s = resolver_new(getaddrinfo);
    struct resolution *r;
    const struct addrinfo *found;

    cr_assert_not(err_failed(resolve(s, "127.1.2.3", &r, &found)));
    const struct sockaddr_in *a = (const void *)found->ai_addr;
    cr_assert_eq(ntohl(a->sin_addr.s_addr), 0x7f010203);
    cr_assert_eq(ntohs(a->sin_port), 6379);
    resolve_end(r);
    resolver_close(s);
}

Test(resolve, a_name_is_looked_up)
{
    struct resolver *s = resolver_new(getaddrinfo);
    struct resolution *r;
    const struct addrinfo *found = NULL;

    cr_assert_not(err_failed(resolve(s, "localhost", &r, &found)));
    cr_assert(found);
    resolve_end(r);
    resolver_close(s);
}

Test(resolve, a_name_of_nobody_is_unavailable)
{
    struct resolver *s = resolver_new(getaddrinfo);
    struct resolution *r;
    const struct addrinfo *found;

    cr_assert(err_is(resolve(s, NO_NAME, &r, &found), ERR_UNAVAILABLE));
    resolve_end(r);
    resolver_close(s);
}

Test(resolve, it_can_be_given_up_at_any_time)
{
    struct resolver *s = resolver_new(getaddrinfo);
    struct resolution *r;

    for (int i = 0; i < 20; i++) {
        cr_assert_not(err_failed(resolve_begin(s, "localhost", i, &r)));
        resolve_end(r);
    }
    resolver_close(s);
}

/* ---- a resolver that hangs ---- */

static sem_t asked, may_answer;
static char asked_host[64];

static int hang(const char *host, const char *port, const struct addrinfo *hints,
                struct addrinfo **out)
{
    (void)port;
    snprintf(asked_host, sizeof(asked_host), "%s", host);
    sem_post(&asked);
    while (sem_wait(&may_answer) != 0)
        continue;
    return getaddrinfo("127.0.0.9", "1", hints, out);
}

static struct resolver *hanging(void)
{
    sem_init(&asked, 0, 0);
    sem_init(&may_answer, 0, 0);
    return resolver_new(hang);
}

static struct resolution *begin(struct resolver *s, const char *name, int number)
{
    char host[32];
    struct resolution *r;

    snprintf(host, sizeof(host), "%s%d", name, number);
    cr_assert_not(err_failed(resolve_begin(s, host, 1, &r)));
    return r;
}

Test(resolve, however_many_hang_the_threads_are_few_and_who_is_given_up_is_never_asked)
{
    struct resolver *s = hanging();
    struct resolution *last;
    const struct addrinfo *found;

    for (int i = 0; i < RESOLVE_THREADS; i++) {
        struct resolution *r = begin(s, "lost", i);

        sem_wait(&asked);
        resolve_end(r);
    }
    for (int i = RESOLVE_THREADS; i < 100; i++)
        resolve_end(begin(s, "lost", i));
    cr_assert_neq(sem_trywait(&asked), 0, "more than that are looked up at once");
    last = begin(s, "wanted", 0);
    cr_assert(err_is(resolve_result(last, &found), ERR_UNAVAILABLE));
    sem_post(&may_answer);
    sem_wait(&asked);
    cr_assert_str_eq(asked_host, "wanted0");
    for (int i = 0; i < RESOLVE_THREADS; i++)
        sem_post(&may_answer);
    struct pollfd wait = {.fd = resolve_fd(last), .events = POLLIN};
    cr_assert_eq(poll(&wait, 1, 30000), 1);
    cr_assert_not(err_failed(resolve_result(last, &found)));
    cr_assert_neq(sem_trywait(&asked), 0);
    resolve_end(last);
    resolver_close(s);
}

Test(resolve, one_that_was_given_up_is_taken_over_by_who_asks_again)
{
    struct resolver *s = hanging();
    const struct addrinfo *found;
    struct resolution *r = begin(s, "same", 1);

    sem_wait(&asked);
    resolve_end(r);
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(begin(s, "same", 1), r);
        resolve_end(r);
    }
    cr_assert_eq(begin(s, "same", 1), r);
    sem_post(&may_answer);
    struct pollfd wait = {.fd = resolve_fd(r), .events = POLLIN};
    cr_assert_eq(poll(&wait, 1, 30000), 1);
    cr_assert_not(err_failed(resolve_result(r, &found)));
    cr_assert_neq(sem_trywait(&asked), 0);
    resolve_end(r);
    resolver_close(s);
}

Test(resolve, the_end_does_not_wait_for_those_that_hang)
{
    struct resolver *s = hanging();
    struct resolution *r = begin(s, "lost", 0);
    struct timespec from, to;

    sem_wait(&asked);
    resolve_end(r);
    clock_gettime(CLOCK_MONOTONIC, &from);
    resolver_close(s);
    clock_gettime(CLOCK_MONOTONIC, &to);
    cr_assert_lt(to.tv_sec - from.tv_sec, 5);
    sem_post(&may_answer); /* the thread frees what is left */
}
