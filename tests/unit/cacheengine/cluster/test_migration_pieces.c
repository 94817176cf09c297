/* Keys that are too big for one record. */
#include "cacheengine/cluster/migration_feed.h"
#include "cacheengine/cluster/migration_pieces.h"
#include "cacheengine/types/collection.h"
#include "cacheengine/types/sequence.h"
#include "cacheengine/types/stream_group.h"
#include "cacheengine/types/t_zset.h"
#include "cacheengine/types/types.h"
#include "migration_fixture.h"

#define BIG      2000
#define BIG_LIST 20000 /* its elements are not counted, but its bytes */

static struct str name_of(char *text, int i)
{
    return (struct str){text, (size_t)sprintf(text, "e%d", i)};
}

static void fill(struct moving *t, enum entry_type type)
{
    struct key k = key_text(&t->f, "big{bar}");
    struct entry *e = NULL;
    char text[16];

    for (int i = 0; i < (type == TYPE_LIST ? BIG_LIST : BIG); i++) {
        struct str name = name_of(text, i);

        e = db_peek(t->f.db, k);
        if (type == TYPE_STREAM) {
            struct str words[2] = {name, name};

            db_open_heap(t->f.db);
            if (!e)
                e = db_set_outside(t->f.db, k, TYPE_STREAM, stream_new(t->f.db->heap.account),
                                   NO_DEADLINE);
            stream_add(t->f.db->heap.account, entry_outside(e), &t->f.settings,
                       (struct stream_id){(uint64_t)i + 1, 0}, words, 1);
        } else if (type == TYPE_LIST) {
            struct sequence s;

            sequence_open(&s, t->f.db, k, e);
            sequence_push(&s, false, &name, 1);
        } else {
            struct zset z;
            struct zset_place place;

            zset_open(&z, t->f.db, k, e);
            cr_assert_not(zset_find(&z, name, &place));
            zset_add(&z, &place, name, i);
        }
    }
}

/* Begins a migration with one big key, and goes so far that about half of it is sent. */
static void begin_big(struct moving *t, enum entry_type type)
{
    begin(t, 0);
    types_register(&t->f.ks);
    t->f.settings.list_packed_size = -2;
    t->f.settings.stream_node_entries = 5;
    fill(t, type);
    while (t->m->out.bytes < 15000 && !migration_feed_is_done(t->m))
        migration_feed_step(t->m);
    cr_assert(t->m->pieces.has_begun);
    cr_assert_not(migration_feed_is_done(t->m));
}

static void tell(struct moving *t, const char *line)
{
    struct str rest = str_of(line), argv[8];
    uint32_t argc = 0;

    while (rest.len > 0)
        argv[argc++] = str_cut(&rest, ' ');
    effect_tell(&t->f.ks, 0, argv, argc, EFFECT_FOR_ALL);
}

/* All that was put out, which is little and so in one block. */
static const char *out_of(struct moving *t)
{
    cr_assert_eq(t->m->out.first, t->m->out.last);
    return t->m->out.first ? buf_cstr(&t->m->out.first->bytes) : "";
}

static int count_out(struct moving *t, const char *part)
{
    int count = 0;

    for (const char *at = out_of(t); (at = strstr(at, part)); at++)
        count++;
    return count;
}

static void finish(struct moving *t)
{
    while (!migration_feed_is_done(t->m))
        migration_feed_step(t->m);
}

Test(migration_pieces, a_big_sorted_set_goes_in_pieces_and_is_not_asked_for_again)
{
    struct moving t;
    char text[24], name[16];

    begin_big(&t, TYPE_ZSET);
    finish(&t);
    cr_assert_eq(count_out(&t, "UNLINK"), 1);
    cr_assert_geq(count_out(&t, "ZADD"), BIG / 64);
    cr_assert_eq(count_out(&t, "RESTORE"), 0);
    for (int i = 0; i < BIG; i++) {
        sprintf(text, "\r\n%s\r\n", name_of(name, i).ptr);
        cr_assert_eq(count_out(&t, text), 1, "%s", text);
    }
    cr_assert_eq(t.m->keys_sent, 1);
    end(&t);
}

Test(migration_pieces, elements_that_are_named_by_a_change_go_as_they_are_now)
{
    struct moving t;
    struct zset z;
    struct zset_place place;

    begin_big(&t, TYPE_ZSET);
    struct key k = key_text(&t.f, "big{bar}");
    zset_open(&z, t.f.db, k, db_peek(t.f.db, k));
    cr_assert(zset_find(&z, STR("e7"), &place));
    zset_rescore(&z, &place, STR("e7"), 77777);
    size_t before = t.m->out.bytes;
    tell(&t, "ZADD big{bar} GT CH 77777 e7 1 gone");
    tell(&t, "ZREM big{bar} e9");
    tell(&t, "PEXPIREAT big{bar} 4000000000000");
    cr_assert(t.m->pieces.has_begun);
    cr_assert(strstr(out_of(&t) + before, "77777\r\n$2\r\ne7\r\n"));
    cr_assert_eq(count_out(&t, "gone"), 0);
    cr_assert_eq(count_out(&t, "ZREM"), 1);
    cr_assert_eq(count_out(&t, "PEXPIREAT"), 0);
    finish(&t);
    cr_assert_eq(count_out(&t, "UNLINK"), 1);
    end(&t);
}

Test(migration_pieces, other_changes_begin_a_key_anew_and_at_last_it_goes_whole)
{
    struct moving t;
    int times = 0;

    begin_big(&t, TYPE_ZSET);
    for (; !migration_feed_is_done(t.m); times++) {
        tell(&t, "ZREMRANGEBYRANK big{bar} 0 0");
        cr_assert_not(t.m->pieces.has_begun);
        migration_feed_step(t.m);
        cr_assert_lt(times, 100);
    }
    cr_assert_eq(count_out(&t, "UNLINK"), times);
    cr_assert_eq(count_out(&t, "RESTORE"), 1);
    end(&t);
}

Test(migration_pieces, a_list_is_followed_at_its_ends)
{
    struct moving t;
    struct str more = STR("more");
    struct sequence s;

    begin_big(&t, TYPE_LIST);
    struct key k = key_text(&t.f, "big{bar}");
    uint64_t sent = t.m->pieces.cursor;
    sequence_open(&s, t.f.db, k, db_peek(t.f.db, k));
    sequence_push(&s, true, &more, 1);
    tell(&t, "LPUSH big{bar} more");
    cr_assert_eq(t.m->pieces.cursor, sent + 1);
    sequence_remove(&s, 0, 3);
    tell(&t, "LPOP big{bar} 3");
    cr_assert_eq(t.m->pieces.cursor, sent - 2);
    sequence_remove(&s, sequence_count(&s) - 1, 1);
    tell(&t, "RPOP big{bar}");
    sequence_push(&s, false, &more, 1);
    tell(&t, "RPUSH big{bar} more");
    cr_assert(t.m->pieces.has_begun);
    cr_assert_eq(count_out(&t, "RPOP"), 0);
    finish(&t);
    cr_assert_eq(count_out(&t, "UNLINK"), 1);
    cr_assert_eq(count_out(&t, "\r\nmore\r\n"), 2);
    cr_assert_eq(count_out(&t, "\r\ne19999\r\n"), 0);
    end(&t);
}

Test(migration_pieces, a_long_stream_goes_in_pieces_and_its_groups_go_last)
{
    struct moving t;

    begin_big(&t, TYPE_STREAM);
    struct stream *s = entry_outside(db_peek(t.f.db, key_text(&t.f, "big{bar}")));
    stream_group_add(t.f.db->heap.account, s, STR("g"), STREAM_ID_MIN, 0);
    tell(&t, "XGROUP CREATE big{bar} g 0");
    cr_assert(stream_remove(t.f.db->heap.account, s, (struct stream_id){BIG, 0}));
    tell(&t, "XDEL big{bar} 2000-0");
    cr_assert(t.m->pieces.has_begun);
    cr_expect_eq(count_out(&t, "XDEL"), 1);
    cr_expect_eq(count_out(&t, "XGROUP"), 0);
    finish(&t);
    cr_expect_eq(count_out(&t, "UNLINK"), 1);
    cr_expect_eq(count_out(&t, "XADD"), BIG - 1);
    cr_expect_eq(count_out(&t, "XSETID"), 1);
    cr_expect_eq(count_out(&t, "XGROUP"), 1);
    cr_expect_eq(count_out(&t, "RESTORE"), 0);
    /* From now on it is a key like any other. */
    tell(&t, "XGROUP SETID big{bar} g 5-0");
    cr_expect_eq(count_out(&t, "\r\nSETID\r\n"), 1);
    end(&t);
}

Test(migration_pieces, what_a_transaction_does_after_a_key_was_replaced_is_not_sent)
{
    struct moving t;

    begin_big(&t, TYPE_STREAM);
    while (!strstr(out_of(&t), "XSETID"))
        migration_feed_step(t.m);
    effects_begin(&t.f.ks, false);
    tell(&t, "RESTORE big{bar} 0 payload REPLACE");
    tell(&t, "XADD big{bar} 1-0 f v");
    tell(&t, "XADD big{bar} 2-0 f v");
    effects_end(&t.f.ks);
    cr_expect_not(t.m->pieces.has_begun);
    cr_expect_eq(count_out(&t, "XADD"), BIG);
    end(&t);
}

Test(migration_pieces, a_big_key_that_goes_is_removed_there_too)
{
    struct moving t;

    begin_big(&t, TYPE_ZSET);
    cr_assert(db_delete(t.f.db, key_text(&t.f, "big{bar}"), false));
    tell(&t, "DEL big{bar}");
    finish(&t);
    const char *out = out_of(&t);
    const char *last = out;
    for (const char *at = out; (at = strstr(at, "UNLINK")); at++)
        last = at;
    cr_assert_null(strstr(last, "ZADD"));
    cr_assert_geq(count_out(&t, "UNLINK"), 2);
    end(&t);
}
