#include "net_fixture.h"

Test(batch, ten_thousand_requests_at_once_are_answered_in_order)
{
    struct net_fixture f;
    enum { COUNT = 10000 };
    struct buf requests = BUF_EMPTY, answers = BUF_EMPTY;

    net_begin(&f, NULL);
    for (int i = 0; i < COUNT; i++) {
        buf_printf(&requests, "*3\r\n$3\r\nSET\r\n$7\r\nkey%04d\r\n$4\r\n%04d\r\nINCR n\r\n",
                   i % 1000, i);
        buf_printf(&answers, "+OK\r\n:%d\r\n", i + 1);
    }
    int fd = net_connect(f.path);
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        for (size_t at = 0; at < requests.len;)
            at += (size_t)write(fd, requests.ptr + at, requests.len - at);
        _exit(0);
    }
    char *got = malloc(answers.len);
    cr_assert(net_read(fd, got, answers.len));
    cr_assert_eq(memcmp(got, answers.ptr, answers.len), 0);
    free(got);
    buf_fini(&requests);
    buf_fini(&answers);
    close(fd);
    net_end(&f);
}

Test(batch, many_clients_of_one_round_keep_their_own_answers)
{
    struct net_fixture f;
    enum { COUNT = 150 };
    int fds[COUNT];

    net_begin(&f, NULL);
    for (int i = 0; i < COUNT; i++)
        fds[i] = net_connect(f.path);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < COUNT; i++) {
            char line[64];
            int len = snprintf(line, sizeof(line), "SET k%d v%03d\r\nGET k%d\r\n", i, i, i);

            net_send(fds[i], line, (size_t)len);
        }
        for (int i = 0; i < COUNT; i++) {
            char want[32], got[32] = {0};
            int len = snprintf(want, sizeof(want), "+OK\r\n$4\r\nv%03d\r\n", i);

            cr_assert(net_read(fds[i], got, (size_t)len));
            cr_assert_str_eq(got, want);
        }
    }
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    net_end(&f);
}

Test(batch, one_that_is_killed_in_the_middle_of_a_round_runs_no_more)
{
    struct net_fixture f;
    char c;

    net_begin(&f, NULL);
    int victim = net_connect(f.path), killer = net_connect(f.path);
    net_ask(victim, "CLIENT ID", ":1\r\n");
    net_send(killer, "CLIENT KILL ID 1\r\nGET k\r\n", 25);
    net_expect(killer, ":1\r\n$-1\r\n");
    cr_assert_not(net_read(victim, &c, 1));
    close(victim);
    close(killer);
    net_end(&f);
}
