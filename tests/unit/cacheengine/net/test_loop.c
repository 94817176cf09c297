#include "net_fixture.h"

#include <signal.h>

Test(loop, the_owner_is_served_when_there_are_too_many_others)
{
    static const char *const options[] = {"maxclients 2", NULL};
    struct net_fixture f;

    net_begin(&f, options);
    int a = net_connect(f.path), b = net_connect(f.path);
    net_ask(a, "PING", "+PONG\r\n");
    net_ask(b, "PING", "+PONG\r\n");
    int c = net_connect(f.path), owner = net_connect(f.admin);
    net_expect(c, "-ERR max number of clients reached\r\n");
    net_ask(owner, "PING", "+PONG\r\n");
    close(a);
    close(b);
    close(c);
    close(owner);
    net_end(&f);
}

Test(loop, a_client_that_closes_its_side_gets_what_it_asked_for)
{
    struct net_fixture f;
    char c;

    net_begin(&f, NULL);
    int fd = net_connect(f.path);
    net_send(fd, "PING\r\nPING\r\n", 12);
    shutdown(fd, SHUT_WR);
    net_expect(fd, "+PONG\r\n+PONG\r\n");
    cr_assert_not(net_read(fd, &c, 1));
    close(fd);
    net_end(&f);
}

Test(loop, a_signal_ends_it)
{
    struct net_fixture f;

    net_begin(&f, NULL);
    int fd = net_connect(f.path);
    net_ask(fd, "PING", "+PONG\r\n");
    pthread_kill(f.thread, SIGTERM);
    pthread_join(f.thread, NULL);
    cr_assert(f.engine.is_ending);
    close(fd);
    loop_close(&f.loop);
    engine_fini(&f.engine);
    arena_fini(&f.a);
    rmdir(f.dir);
}
