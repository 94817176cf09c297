/* A copy of the zone: what it answers, and what of it is there after a restart. */
#include "ask.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/net.h"
#include "contract/agent.h"
#include "nameserver/copy.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIFE 5

static struct arena arena;
static char folder[64];
static const char *path;
static struct copy *copy;
static struct wire_reply reply;

static void open_copy(void)
{
    struct net_addr listen;

    cr_assert(net_addr_parse(STR("127.0.0.1:0"), &listen));
    struct err e = copy_open(&arena, path, &listen, &clock_system, &copy);
    cr_assert_eq(e.code, ERR_OK, "%s", e.why);
}

static void reopen(void)
{
    copy_close(copy);
    open_copy();
}

static void begin(void)
{
    snprintf(folder, sizeof(folder), "/tmp/larder-names-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    path = fs_join(&arena, folder, "names");
    open_copy();
}

static void end(void)
{
    copy_close(copy);
    copy_close(NULL);
    cr_expect_eq(fs_remove_tree(folder).code, ERR_OK);
    arena_fini(&arena);
}

TestSuite(copy, .init = begin, .fini = end, .timeout = 60);

/* One name, or none with NULL. */
static struct agent_follow_names_out told(const char *zone, int64_t life, int64_t serial,
                                          bool is_whole, const char *name, const char *where)
{
    struct agent_endpoint_name *one = arena_zalloc(&arena, sizeof(*one));
    const char **list = arena_array(&arena, 1, sizeof(*list));

    list[0] = where;
    *one = (struct agent_endpoint_name){
        .name = name,
        .addresses = {.has = where != NULL, .count = where ? 1 : 0, .items = list},
        .ttl_seconds = INT_OF(5),
    };
    return (struct agent_follow_names_out){
        .is_changed = BOOL_OF(true),
        .zone = zone,
        .life = INT_OF(life),
        .serial = INT_OF(serial),
        .is_whole = BOOL_OF(is_whole),
        .names = {.has = true, .count = name ? 1 : 0, .items = one},
    };
}

static enum err_code take(int64_t life, int64_t serial, bool is_whole, const char *name,
                          const char *where)
{
    struct agent_follow_names_out message = told("cache.test", life, serial, is_whole, name, where);
    return copy_take(copy, &message).code;
}

static const char *answer_to(const char *name)
{
    cr_assert(ask_udp("127.0.0.1", copy_port(copy), name, TYPE_A, &reply));
    return reply.answers == 1 ? reply.records[0].data : "";
}

Test(copy, nothing_is_answered_before_there_is_something)
{
    cr_assert(ask_udp("127.0.0.1", copy_port(copy), "a.cache.test", TYPE_A, &reply));
    cr_expect_eq(reply.rcode, REFUSED);
    cr_expect_eq(copy_life(copy), 0);
    reopen();
    cr_expect_eq(copy_life(copy), 0);
}

Test(copy, answers_what_was_told_last_and_does_so_after_a_restart)
{
    cr_assert_eq(take(LIFE, 10, true, "a.cache.test", "127.0.0.1"), ERR_OK);
    cr_expect_str_eq(answer_to("a.cache.test"), "127.0.0.1");
    cr_assert_eq(take(LIFE, 11, false, "b.cache.test", "127.0.0.2"), ERR_OK);
    cr_assert_eq(take(LIFE, 13, false, "a.cache.test", "127.0.0.3"), ERR_OK);
    for (int i = 0; i < 3; i++) {
        cr_expect_str_eq(answer_to("a.cache.test"), "127.0.0.3");
        cr_expect_str_eq(answer_to("b.cache.test"), "127.0.0.2");
        cr_expect_eq(copy_serial(copy), 13);
        cr_expect_eq(copy_life(copy), LIFE);
        reopen();
    }
    cr_assert_eq(take(LIFE, 14, false, "a.cache.test", NULL), ERR_OK);
    reopen();
    cr_expect_str_eq(answer_to("a.cache.test"), "");
    cr_expect_eq(reply.rcode, NXDOMAIN);
}

Test(copy, a_whole_takes_the_place_of_all_that_was)
{
    cr_assert_eq(take(LIFE, 10, true, "a.cache.test", "127.0.0.1"), ERR_OK);
    cr_assert_eq(take(LIFE + 1, 11, true, "b.cache.test", "127.0.0.2"), ERR_OK);
    for (int i = 0; i < 2; i++) {
        cr_expect_str_eq(answer_to("a.cache.test"), "");
        cr_expect_str_eq(answer_to("b.cache.test"), "127.0.0.2");
        reopen();
    }
}

Test(copy, what_is_older_or_does_not_lead_on_from_here_is_refused)
{
    cr_expect_eq(take(LIFE, 10, false, "a.cache.test", "127.0.0.9"), ERR_INVALID, "of nothing");
    cr_assert_eq(take(LIFE, 10, true, "a.cache.test", "127.0.0.1"), ERR_OK);
    cr_expect_eq(take(LIFE, 10, false, "a.cache.test", "127.0.0.9"), ERR_INVALID, "known");
    cr_expect_eq(take(LIFE, 9, true, "a.cache.test", "127.0.0.9"), ERR_INVALID, "older");
    cr_expect_eq(take(LIFE + 1, 10, true, "a.cache.test", "127.0.0.9"), ERR_INVALID, "not later");
    cr_expect_eq(take(LIFE + 1, 11, false, "a.cache.test", "127.0.0.9"), ERR_INVALID, "of another");
    cr_expect_eq(take(LIFE, 11, false, "a.other.test", "127.0.0.9"), ERR_INVALID, "outside");
    cr_expect_str_eq(answer_to("a.cache.test"), "127.0.0.1");
    reopen();
    cr_expect_str_eq(answer_to("a.cache.test"), "127.0.0.1");
    cr_expect_eq(copy_serial(copy), 10);
}

Test(copy, another_zone_is_served_at_the_same_port)
{
    int port = copy_port(copy);

    cr_assert_eq(take(LIFE, 10, true, "a.cache.test", "127.0.0.1"), ERR_OK);
    struct agent_follow_names_out other =
        told("other.test", LIFE + 1, 3, true, "a.other.test", "127.0.0.2");
    cr_assert_eq(copy_take(copy, &other).code, ERR_OK);
    cr_expect_eq(copy_port(copy), port);
    cr_expect_str_eq(answer_to("a.other.test"), "127.0.0.2");
    cr_expect_str_eq(answer_to("a.cache.test"), "");
    cr_expect_eq(reply.rcode, REFUSED);
    cr_expect_eq(copy_serial(copy), 3);
}

Test(copy, a_line_that_broke_off_is_left_out_and_what_comes_later_is_kept)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    cr_assert_eq(take(LIFE, 10, true, "a.cache.test", "127.0.0.1"), ERR_OK);
    cr_assert_eq(take(LIFE, 11, false, "a.cache.test", "127.0.0.2"), ERR_OK);
    cr_assert_eq(fs_read_all(path, 1 << 20, &text).code, ERR_OK);
    struct str torn = {text.ptr, text.len - 5};
    cr_assert_eq(fs_write_atomic(path, torn, 0600, FS_NO_SYNC).code, ERR_OK);
    reopen();
    cr_expect_str_eq(answer_to("a.cache.test"), "127.0.0.1");
    cr_assert_eq(take(LIFE, 12, false, "a.cache.test", "127.0.0.3"), ERR_OK);
    reopen();
    cr_expect_str_eq(answer_to("a.cache.test"), "127.0.0.3");
}

Test(copy, the_file_does_not_grow_for_ever)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    char where[32];

    cr_assert_eq(take(LIFE, 10, true, "a.cache.test", "127.0.0.1"), ERR_OK);
    for (int i = 0; i < 2000; i++) {
        snprintf(where, sizeof(where), "127.1.%d.%d", i / 256, i % 256);
        cr_assert_eq(take(LIFE, 11 + i, false, "a.cache.test", where), ERR_OK);
    }
    cr_assert_eq(fs_read_all(path, 1 << 20, &text).code, ERR_OK);
    cr_expect_lt(text.len, 70000);
    reopen();
    cr_expect_str_eq(answer_to("a.cache.test"), where);
}

Test(copy, a_disk_that_does_not_take_it_keeps_nothing_old)
{
    cr_assert_eq(take(LIFE, 10, true, "a.cache.test", "127.0.0.1"), ERR_OK);
    const char *temporary = arena_printf(&arena, "%s.new", path);
    cr_assert_eq(fs_make_dirs(temporary, 0700).code, ERR_OK); /* in the way of a new file */
    cr_assert_eq(take(LIFE, 11, true, "a.cache.test", "127.0.0.2"), ERR_OK);
    cr_expect_str_eq(answer_to("a.cache.test"), "127.0.0.2");
    cr_expect_not(fs_exists(path));
    cr_assert_eq(fs_remove_tree(temporary).code, ERR_OK);
    cr_assert_eq(take(LIFE, 12, false, "a.cache.test", "127.0.0.3"), ERR_OK);
    reopen();
    cr_expect_str_eq(answer_to("a.cache.test"), "127.0.0.3");
}
