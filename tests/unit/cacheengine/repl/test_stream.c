#include "../keyspace/keyspace_fixture.h"
#include "cacheengine/repl/stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

struct stream_test {
    struct fixture f;
    struct repl_stream s;
};

static void begin(struct stream_test *t)
{
    fixture_begin(&t->f);
    t->f.settings.repl_backlog_bytes = 65536;
    repl_stream_init(&t->s, &t->f.ks);
}

static void end(struct stream_test *t)
{
    size_t before = t->f.ks.account.used_bytes - t->s.held_bytes;

    repl_stream_fini(&t->s);
    cr_expect_eq(t->f.ks.account.used_bytes, before, "all that was kept is given back");
    fixture_end(&t->f);
}

static void tell(struct stream_test *t, int db, const char *word)
{
    struct str argv = str_of(word);

    effect_tell(&t->f.ks, db, &argv, 1, EFFECT_FOR_ALL);
}

/* Reads all that there is, in portions of at most `step` bytes; a text with a NUL. */
static char *read_all(struct stream_test *t, struct repl_reader *r, size_t step)
{
    char *text = malloc((size_t)repl_reader_left(&t->s, r) + 1);
    size_t len = 0;
    struct iovec iov[4];

    while (repl_reader_gather(r, iov, 4) > 0) {
        size_t part = iov[0].iov_len < step ? iov[0].iov_len : step;

        memcpy(text + len, iov[0].iov_base, part);
        len += part;
        repl_reader_move(&t->s, r, part);
    }
    text[len] = 0;
    return text;
}

#define reads(t, r, expected)                     \
    do {                                          \
        char *got = read_all((t), (r), SIZE_MAX); \
        cr_expect_str_eq(got, (expected));        \
        free(got);                                \
    } while (0)

Test(stream, nothing_is_counted_before_it_is_opened)
{
    struct stream_test t;

    begin(&t);
    tell(&t, 0, "A");
    cr_expect_eq(t.s.offset, 0);
    cr_expect_null(t.f.ks.effects.sinks);
    cr_expect_eq(repl_stream_continues(&t.s, str_of(t.s.id), 1), REPL_NOT_KEPT);
    repl_stream_open(&t.s);
    cr_expect_eq(repl_stream_continues(&t.s, str_of(t.s.id), 1), REPL_CONTINUES);
    tell(&t, 0, "A");
    cr_expect_eq(t.s.offset, 23 + 11);
    end(&t);
}

Test(stream, effects_come_with_the_database_selected_once)
{
    struct stream_test t;
    struct repl_reader r = {0};

    begin(&t);
    repl_stream_open(&t.s);
    repl_reader_open(&t.s, &r, 1);
    tell(&t, 0, "A");
    tell(&t, 0, "B");
    tell(&t, EFFECT_ANY_DB, "C");
    tell(&t, 11, "D");
    reads(&t, &r,
          "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n*1\r\n$1\r\nC\r\n"
          "*2\r\n$6\r\nSELECT\r\n$2\r\n11\r\n*1\r\n$1\r\nD\r\n");
    cr_expect_eq(r.next, t.s.offset + 1);
    t.s.selected = EFFECT_ANY_DB;
    repl_stream_say(&t.s, STR("*1\r\n$4\r\nPING\r\n"));
    reads(&t, &r, "*1\r\n$4\r\nPING\r\n");
    tell(&t, 11, "E");
    reads(&t, &r, "*2\r\n$6\r\nSELECT\r\n$2\r\n11\r\n*1\r\n$1\r\nE\r\n");
    repl_reader_close(&t.s, &r);
    end(&t);
}

Test(stream, a_follower_carries_its_primarys_bytes_and_no_effects)
{
    struct stream_test t;
    struct repl_reader r = {0};

    begin(&t);
    repl_stream_follow(&t.s, true);
    repl_stream_adopt(&t.s, "0123456789012345678901234567890123456789", 100);
    cr_expect_eq(t.s.offset, 100);
    repl_stream_feed_raw(&t.s, "abc", 3);
    repl_stream_open(&t.s);
    repl_stream_feed_raw(&t.s, "de", 2);
    tell(&t, 0, "A");
    repl_stream_say(&t.s, STR("PING"));
    cr_expect_eq(t.s.offset, 105);
    repl_reader_open(&t.s, &r, 104);
    reads(&t, &r, "de");
    repl_stream_follow(&t.s, false);
    tell(&t, 0, "A");
    reads(&t, &r, "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$1\r\nA\r\n");
    repl_stream_follow(&t.s, true);
    cr_expect_null(t.f.ks.effects.sinks);
    repl_reader_close(&t.s, &r);
    end(&t);
}

Test(stream, who_continues_is_known_by_both_ids)
{
    struct stream_test t;
    char first[REPL_ID_LEN + 1];

    begin(&t);
    repl_stream_open(&t.s);
    repl_stream_feed_raw(&t.s, "0123456789", 10);
    memcpy(first, t.s.id, sizeof(first));
    repl_stream_branch(&t.s, 0);
    cr_expect_str_eq(t.s.former_id, first);
    cr_expect_str_neq(t.s.id, first);
    cr_expect_eq(t.s.former_end, 11);
    repl_stream_feed_raw(&t.s, "abc", 3);
    const struct {
        const char *id;
        int64_t next;
        enum repl_continue is;
    } rows[] = {
        {t.s.id,                                     14, REPL_CONTINUES},
        {t.s.id,                                     1,  REPL_CONTINUES},
        {t.s.id,                                     0,  REPL_NOT_KEPT },
        {t.s.id,                                     15, REPL_NOT_KEPT },
        {first,                                      11, REPL_CONTINUES},
        {first,                                      12, REPL_TOO_FAR  },
        {"?",                                        -1, REPL_OTHER_ID },
        {"0000000000000000000000000000000000000000", 1,  REPL_OTHER_ID },
    };
    for (size_t i = 0; i < countof(rows); i++)
        cr_expect_eq(repl_stream_continues(&t.s, str_of(rows[i].id), rows[i].next), rows[i].is,
                     "row %zu", i);
    repl_stream_renew(&t.s);
    cr_expect_eq(repl_stream_continues(&t.s, str_of(first), 11), REPL_OTHER_ID);
    end(&t);
}

Test(stream, an_id_tells_by_which_term_its_writer_was_ordered)
{
    struct stream_test t;
    char resumed[REPL_ID_LEN + 1];

    begin(&t);
    cr_expect_eq(repl_id_lineage(t.s.id), 0, "nobody ordered it");
    repl_stream_branch(&t.s, 0x12345);
    cr_expect_eq(strlen(t.s.id), (size_t)REPL_ID_LEN);
    cr_expect_eq(repl_id_lineage(t.s.id), 0x12345);
    repl_stream_branch(&t.s, 0);
    cr_expect_eq(repl_id_lineage(t.s.id), 0x12345, "who did not ask for another has the same");
    repl_stream_renew(&t.s);
    cr_expect_eq(repl_id_lineage(t.s.id), 0x12345);
    memcpy(resumed, t.s.id, sizeof(resumed));
    repl_stream_forget(&t.s);
    cr_expect_eq(repl_id_lineage(t.s.id), 0, "what it had is gone");
    repl_stream_resume(&t.s, resumed, 100);
    cr_expect_eq(repl_id_lineage(t.s.id), 0x12345, "what it had is there again");
    cr_expect_str_neq(t.s.id, resumed);
    cr_expect_eq(repl_id_lineage("1a4de4"), 0);
    cr_expect_eq(repl_id_lineage("1a4de4000000000000zz00000000000000000000"), 0);
    end(&t);
}

/* Far more than the backlog, in words of many lengths. */
static void feed_much(struct stream_test *t, size_t bytes)
{
    char text[1000];

    memset(text, 'x', sizeof(text));
    for (size_t i = 0, len; bytes > 0; i++, bytes -= len) {
        len = (i * 37) % sizeof(text) + 1;
        len = len < bytes ? len : bytes;
        text[len / 2] = (char)('a' + i % 26);
        repl_stream_feed_raw(&t->s, text, len);
    }
}

Test(stream, no_more_is_kept_than_the_backlog_unless_somebody_reads)
{
    struct stream_test t;
    struct repl_reader slow = {0}, fast = {0};

    begin(&t);
    repl_stream_open(&t.s);
    feed_much(&t, 1000000);
    cr_expect_geq(repl_stream_kept(&t.s), 65536);
    cr_expect_leq(t.s.held_bytes, 65536 + 3 * 16384);
    repl_reader_open(&t.s, &slow, t.s.offset - 100);
    repl_reader_open(&t.s, &fast, t.s.offset + 1);
    int64_t from = slow.next;
    feed_much(&t, 500000);
    cr_expect_leq(t.s.first, from);
    cr_expect_geq(repl_stream_excess(&t.s), 500000 - 65536);
    char *all = read_all(&t, &fast, 777), *too = read_all(&t, &slow, 5000);
    cr_expect_str_eq(too + 101, all);
    cr_expect_eq(repl_reader_left(&t.s, &slow), 0);
    cr_expect_leq(t.s.held_bytes, 65536 + 3 * 16384);
    free(all);
    free(too);
    repl_reader_close(&t.s, &slow);
    repl_reader_close(&t.s, &fast);
    end(&t);
}

Test(stream, what_a_reader_that_goes_has_held_is_freed_in_steps)
{
    struct stream_test t;
    struct repl_reader r = {0};

    begin(&t);
    repl_stream_open(&t.s);
    repl_reader_open(&t.s, &r, 1);
    feed_much(&t, 4000000);
    cr_expect_eq(repl_reader_left(&t.s, &r), 4000000);
    repl_reader_close(&t.s, &r);
    size_t left = t.s.held_bytes;
    cr_expect_gt(left, 65536 + 3 * 16384, "not all at once");
    for (int i = 0; i < 10; i++)
        repl_stream_trim(&t.s);
    cr_expect_leq(t.s.held_bytes, 65536 + 3 * 16384);
    end(&t);
}

Test(stream, a_reader_opens_at_any_byte_that_is_kept)
{
    struct stream_test t;

    begin(&t);
    t.f.settings.repl_backlog_bytes = 1 << 20;
    repl_stream_open(&t.s);
    feed_much(&t, 100000);
    struct repl_reader all = {0};
    repl_reader_open(&t.s, &all, 1);
    char *text = read_all(&t, &all, SIZE_MAX);
    for (int64_t next = 1; next <= t.s.offset + 1; next += 997) {
        struct repl_reader r = {0};

        repl_reader_open(&t.s, &r, next);
        reads(&t, &r, text + next - 1);
        repl_reader_close(&t.s, &r);
    }
    free(text);
    repl_reader_close(&t.s, &all);
    cr_expect_eq(t.s.reader_count, 0);
    end(&t);
}

Test(stream, a_node_that_was_stopped_goes_on_where_its_file_ends)
{
    static const char id[] = "0123456789012345678901234567890123456789";
    struct stream_test t;

    begin(&t);
    repl_stream_resume(&t.s, id, 5000);
    cr_expect_eq(repl_stream_continues(&t.s, str_of(id), 5001), REPL_CONTINUES);
    cr_expect_eq(repl_stream_continues(&t.s, str_of(id), 5002), REPL_TOO_FAR);
    cr_expect_eq(repl_stream_continues(&t.s, str_of(id), 5000), REPL_NOT_KEPT);
    cr_expect_eq(repl_stream_continues(&t.s, str_of(t.s.id), 5001), REPL_CONTINUES);
    tell(&t, 0, "A");
    cr_expect_eq(t.s.offset, 5000 + 34);
    end(&t);
}

Test(stream, a_stream_taken_over_begins_behind_its_offset)
{
    struct stream_test t;

    begin(&t);
    repl_stream_open(&t.s);
    feed_much(&t, 100);
    repl_stream_adopt(&t.s, "0123456789012345678901234567890123456789", 5000);
    cr_expect_eq(t.s.first, 5001);
    cr_expect_eq(repl_stream_kept(&t.s), 0);
    cr_expect_eq(repl_stream_continues(&t.s, str_of(t.s.id), 5001), REPL_CONTINUES);
    cr_expect_eq(repl_stream_continues(&t.s, str_of(t.s.id), 5000), REPL_NOT_KEPT);
    repl_stream_rename(&t.s, "a123456789012345678901234567890123456789");
    cr_expect_eq(t.s.former_end, 5001);
    cr_expect_eq(repl_stream_continues(&t.s, STR("0123456789012345678901234567890123456789"), 5001),
                 REPL_CONTINUES);
    end(&t);
}
