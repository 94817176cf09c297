/* The thread that lets connections in. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/net.h"
#include "controlplane/front/conn.h"
#include "controlplane/front/keeper.h"

#include <criterion/criterion.h>

#include <poll.h>
#include <unistd.h>

static struct arena arena;
static struct conns all;
static struct keeper *keeper;
static int listen_fd;
static struct net_addr address;
static int taken[2]; /* a pipe: the descriptors that were handed over */

static void on_take(void *context, int fd, const struct net_addr *peer)
{
    cr_assert_eq(context, &all);
    cr_assert(net_addr_is_loopback(peer));
    cr_assert_eq(write(taken[1], &fd, sizeof(fd)), (ssize_t)sizeof(fd));
}

static void no_hook(struct conn *c)
{
    (void)c;
}

static void on_expire(struct conn *c, enum conn_phase was, void *context)
{
    int none = -1;

    (void)c, (void)was, (void)context;
    cr_assert_eq(write(taken[1], &none, sizeof(none)), (ssize_t)sizeof(none));
}

static void setup(void)
{
    cr_assert(net_addr_parse(STR("127.0.0.1:0"), &address));
    cr_assert_eq(net_listen_tcp(&arena, &address, &listen_fd).code, ERR_OK);
    address = net_addr_of_socket(listen_fd);
    cr_assert_eq(pipe(taken), 0);
    conns_init(&all, &(struct conns_conf){.clock = &clock_system,
                                          .max = 2,
                                          .stall_ms = 40,
                                          .idle_ms = 40,
                                          .suspend = no_hook,
                                          .resume = no_hook,
                                          .expire = on_expire});
    cr_assert_eq(keeper_new(&(struct keeper_conf){.listen_fd = listen_fd,
                                                  .conns = &all,
                                                  .clock = &clock_system,
                                                  .take = on_take,
                                                  .context = &all},
                            &keeper)
                     .code,
                 ERR_OK);
}

static void teardown(void)
{
    keeper_stop(keeper);
    keeper_free(keeper);
    conns_fini(&all);
    close(listen_fd);
    arena_fini(&arena);
}

TestSuite(keeper, .init = setup, .fini = teardown);

static int client(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(connect(fd, (struct sockaddr *)&address.storage, address.len), 0);
    return fd;
}

/* What the hooks wrote within `ms`; -2 for nothing. */
static int next_taken(int ms)
{
    struct pollfd p = {.fd = taken[0], .events = POLLIN};
    int fd = -2;

    if (poll(&p, 1, ms) == 1)
        cr_assert_eq(read(taken[0], &fd, sizeof(fd)), (ssize_t)sizeof(fd));
    return fd;
}

Test(keeper, hands_over_who_connects)
{
    cr_assert_eq(keeper_start(keeper).code, ERR_OK);
    int ours = client(), theirs = next_taken(5000);
    cr_assert_geq(theirs, 0);
    cr_assert_eq(write(ours, "x", 1), 1);
    char c;
    struct pollfd p = {.fd = theirs, .events = POLLIN};
    cr_assert_eq(poll(&p, 1, 5000), 1);
    cr_assert_eq(read(theirs, &c, 1), 1);
    close(ours);
    close(theirs);
}

Test(keeper, a_full_house_lets_newcomers_wait_until_somebody_leaves)
{
    struct conn *first = conn_open(&all, NULL, -1), *second = conn_open(&all, NULL, -1);

    conn_request_begin(first, "/");
    conn_request_begin(second, "/");
    cr_assert(conn_work_begin(first) && conn_work_begin(second));
    cr_assert_eq(keeper_start(keeper).code, ERR_OK);
    int ours = client();
    cr_expect_eq(next_taken(100), -2);
    conn_close(second);
    keeper_poke(keeper);
    int theirs = next_taken(5000);
    cr_expect_geq(theirs, 0);
    close(ours);
    close(theirs);
    keeper_stop(keeper);
    conn_close(first);
}

Test(keeper, gives_up_who_says_nothing)
{
    cr_assert_eq(keeper_start(keeper).code, ERR_OK);
    struct conn *c = conn_open(&all, NULL, -1);
    keeper_poke(keeper);
    cr_expect_eq(next_taken(5000), -1);
    keeper_stop(keeper);
    conn_close(c);
}

Test(keeper, may_be_stopped_before_it_was_started)
{
    keeper_stop(keeper);
    keeper_stop(NULL);
    keeper_free(NULL);
}
