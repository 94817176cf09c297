#include "agent/drivers/conf.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

static enum driver_reply answer(const struct driver_question *q, const char *text,
                                struct driver_stats *out)
{
    *out = (struct driver_stats){.used_memory_bytes = -2, .connected_clients = -2};
    return q->read(str_of(text), out);
}

/* However an answer is cut in pieces, nothing but the whole of it counts. */
static void assert_whole(const struct driver_question *q, const char *text)
{
    struct driver_stats stats;

    for (size_t len = 0; len < strlen(text); len++)
        cr_assert_eq(q->read((struct str){text, len}, &stats), DRIVER_PARTIAL, "%zu of %s", len,
                     text);
    cr_assert_eq(q->read(str_of(text), &stats), DRIVER_GOOD, "%s", text);
}

Test(answers, answers_count_when_they_are_whole)
{
    assert_whole(&resp_probe, "+PONG\r\n");
    assert_whole(&memcached_probe, "VERSION 1.6.22\r\n");
    assert_whole(&memcached_stats, "STAT pid 1\r\nSTAT bytes 5\r\nEND\r\n");
    assert_whole(&resp_stats, "$18\r\nused_memory:1000\r\n\r\n$21\r\nconnected_clients:3\r\n\r\n");
}

Test(answers, numbers_are_taken_from_answers)
{
    struct driver_stats stats;

    cr_assert_eq(answer(&resp_stats,
                        "$50\r\n# Memory\r\nused_memory:1000\r\nused_memory_rss:2000\r\n\r\n"
                        "$21\r\nconnected_clients:3\r\n\r\n",
                        &stats),
                 DRIVER_GOOD);
    cr_assert(stats.used_memory_bytes == 1000 && stats.connected_clients == 3);
    cr_assert_eq(answer(&memcached_stats,
                        "STAT bytes_read 9\r\nSTAT bytes 5\r\nSTAT curr_connections 2\r\nEND\r\n",
                        &stats),
                 DRIVER_GOOD);
    cr_assert(stats.used_memory_bytes == 5 && stats.connected_clients == 2);
}

Test(answers, other_answers_are_bad_ones)
{
    struct driver_stats stats;

    cr_assert_eq(answer(&resp_probe, "-LOADING wait\r\n", &stats), DRIVER_BAD);
    cr_assert_eq(answer(&resp_stats, "-NOAUTH\r\n", &stats), DRIVER_BAD);
    cr_assert_eq(answer(&resp_stats, "$-1\r\n", &stats), DRIVER_BAD);
    cr_assert_eq(answer(&memcached_probe, "ERROR\r\n", &stats), DRIVER_BAD);
    cr_assert_eq(answer(&memcached_stats, "ERROR\r\n", &stats), DRIVER_BAD);
}

#define AS_BULK(text) "$%zu\r\n" text "\r\n"

static struct driver_stats role_in(const char *info)
{
    struct driver_stats stats;
    char text[512];

    snprintf(text, sizeof(text), AS_BULK("%s"), strlen(info), info);
    cr_assert_eq(answer(&resp_role, text, &stats), DRIVER_GOOD);
    return stats;
}

Test(answers, a_role_is_what_the_engine_says_of_itself)
{
    struct driver_stats s = role_in("# Replication\r\nrole:master\r\nmaster_repl_offset:70\r\n");
    cr_assert(s.role == DRIVER_PRIMARY && s.replication_offset == 70);

    s = role_in(
        "role:slave\r\nmaster_link_status:up\r\nslave_repl_offset:5\r\nmaster_repl_offset:9\r\n");
    cr_assert(s.role == DRIVER_REPLICA && s.is_link_up && s.replication_offset == 5);

    s = role_in("role:slave\r\nmaster_link_status:down\r\n");
    cr_assert(s.role == DRIVER_REPLICA && !s.is_link_up && s.replication_offset == -1);

    s = role_in("nothing of the kind\r\n");
    cr_assert_eq(s.role, DRIVER_ROLE_UNKNOWN);
}

Test(answers, whole_replies_are_cut_off_whatever_they_are)
{
    static const char *const replies[] = {
        "+OK\r\n",          "-ERR no\r\n", ":12\r\n", "$-1\r\n",
        "$4\r\na\r\nb\r\n", "*0\r\n",      "*-1\r\n", "*2\r\n:1\r\n*2\r\n$1\r\nx\r\n+y\r\n",
    };

    for (size_t i = 0; i < countof(replies); i++) {
        char text[128];
        struct str rest, first;

        snprintf(text, sizeof(text), "%s:7\r\n", replies[i]);
        for (size_t len = 0; len < strlen(replies[i]); len++) {
            rest = (struct str){text, len};
            cr_assert_eq(resp_cut(&rest, &first), DRIVER_PARTIAL, "%zu of %s", len, replies[i]);
            cr_assert_eq(rest.len, len);
        }
        rest = str_of(text);
        cr_assert_eq(resp_cut(&rest, &first), DRIVER_GOOD, "%s", replies[i]);
        cr_assert(str_is(rest, ":7\r\n"), "%s", replies[i]);
        cr_assert_eq(first.ptr, text);
    }
}

Test(answers, what_is_no_reply_is_bad)
{
    static const char *const texts[] = {"hello\r\n",     "\r\n",          "$x\r\n",
                                        "$-2\r\n",       "*99999999\r\n", "*1\r\nwhat\r\n",
                                        "$1\r\nabc\r\n", "+OK\n"};

    for (size_t i = 0; i < countof(texts); i++) {
        struct str rest = str_of(texts[i]), first;
        cr_expect_eq(resp_cut(&rest, &first), DRIVER_BAD, "%s", texts[i]);
    }
}
