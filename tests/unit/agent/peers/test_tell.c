/* What engines and shims are told, read at their end. */
#include "agent/peers/inside.h"
#include "base/arena.h"
#include "base/fs.h"
#include "base/shim_protocol.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static struct arena arena;
static char folder[64];
static int listener, fd;
static struct held held;

static void listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", folder, name);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(listener, 8), 0);
}

static void begin(void)
{
    static const uint64_t voters[] = {1};
    const struct lease_entry renewal = {.shard = 7, .term = 4, .holder = 11, .ms = 1200};

    strcpy(folder, "/tmp/larder-tell-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    held = (struct held){
        .lease = {.node = 11,
                  .shard = 7,
                  .term = 4,
                  .ms = 1200,
                  .dir = folder,
                  .socket = "admin.sock",
                  .greeting = "AUTH a b\r\n",
                  .fence = "*1\r\n$5\r\nFENCE\r\n",
                  .unfence = "*1\r\n$4\r\nOPEN\r\n"},
        .fd = -1,
        .told_ms = INT64_MIN,
    };
    lease_holder_init(&held.holder, &renewal, voters, 1);
    listener = fd = -1;
}

static void end(void)
{
    fd_close(&held.fd);
    fd_close(&fd);
    fd_close(&listener);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
    arena_fini(&arena);
}

TestSuite(tell, .init = begin, .fini = end, .timeout = 60);

static void grant_from(int64_t sent_ms)
{
    cr_assert(lease_holder_take(&held.holder, 1, sent_ms, &held.holder.renewal));
}

/* What was said since; "" when nothing was. */
static const char *heard(void)
{
    char text[4096];

    if (fd < 0)
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ssize_t got = fd >= 0 ? recv(fd, text, sizeof(text), 0) : 0;
    return arena_strndup(&arena, text, got > 0 ? (size_t)got : 0);
}

Test(tell, an_engine_is_told_from_when_its_lease_is)
{
    listen_at("admin.sock");
    tell_until(&held);
    cr_assert_str_eq(heard(), "", "it has none");
    grant_from(5000);
    tell_until(&held);
    cr_assert_str_eq(heard(), "*5\r\n$12\r\nLARDER.LEASE\r\n$1\r\n4\r\n$4\r\n1200\r\n$2\r\nAT\r\n"
                              "$4\r\n5000\r\n");
    tell_until(&held);
    cr_assert_str_eq(heard(), "", "that was said");
    tell_none(&held);
    cr_assert_str_eq(heard(), "", "its role says so");
}

Test(tell, who_is_not_there_is_told_when_it_is)
{
    grant_from(5000);
    tell_until(&held);
    cr_assert_eq(held.told_ms, INT64_MIN);
    listen_at("admin.sock");
    tell_until(&held);
    cr_assert_eq(held.told_ms, 6200);
}

Test(tell, a_connection_that_ended_is_made_anew)
{
    listen_at("admin.sock");
    grant_from(5000);
    tell_until(&held);
    heard();
    cr_assert_eq(send(fd, "+OK\r\n", 5, 0), 5);
    tell_drain(&held);
    cr_assert_geq(held.fd, 0, "answers say nothing");
    fd_close(&fd);
    tell_drain(&held);
    cr_assert_eq(held.fd, -1);
    grant_from(5200);
    tell_until(&held);
    cr_assert_neq(strlen(heard()), 0);
}

static struct shim_command shim_heard(void)
{
    struct shim_command c = {0};
    struct str line = str_trim(str_of(heard()));

    cr_assert_not(err_failed(jsonline_read(&arena, SHIM_COMMAND_LINE, line, &c)));
    return c;
}

Test(tell, a_shim_is_told_until_when_and_how_to_end_it)
{
    held.lease.teller = PEERS_TELL_SHIM;
    listen_at(SHIM_SOCKET);
    grant_from(5000);
    tell_until(&held);
    struct shim_command c = shim_heard();
    cr_assert_str_eq(c.command, SHIM_LEASE);
    cr_assert_eq(c.until_ms, 6200);
    cr_assert_str_eq(c.control, "admin.sock");
    cr_assert_str_eq(c.greeting, held.lease.greeting);
    cr_assert_str_eq(c.fence, held.lease.fence);
    cr_assert_str_eq(c.unfence, held.lease.unfence);
    tell_none(&held);
    cr_assert_eq(shim_heard().until_ms, 0);
}
