#include "cacheengine/types/fields.h"
#include "types_play.h"

#define NOW  1000000 /* of the harness */
#define NIL  "$-1\r\n"
#define NONE "*1\r\n:-2\r\n"

/* A harness with one who listens to effects. */
struct listening {
    struct harness h;
    struct effect_sink sink;
    struct buf told; /* the words of each effect, and a bar */
};

static void take(struct effect_sink *s, const struct effect *e)
{
    struct listening *l = container_of(s, struct listening, sink);

    for (uint32_t i = 0; i < e->argc; i++)
        buf_printf(&l->told, "%.*s ", STR_ARG(e->argv[i]));
    buf_puts(&l->told, "| ");
}

static void begin(struct listening *l)
{
    *l = (struct listening){0};
    harness_begin(&l->h);
    l->sink = (struct effect_sink){.take = take, .audience = EFFECT_FOR_ALL};
    effect_sink_add(&l->h.ks, &l->sink);
}

static void end(struct listening *l)
{
    effect_sink_remove(&l->h.ks, &l->sink);
    effects_fini(&l->h.ks);
    buf_fini(&l->told);
    harness_end(&l->h);
}

/* What was told and which events there were since the last call. */
static void expect(struct listening *l, const char *told, const char *events)
{
    cr_expect(str_is(buf_str(&l->told), told), "told: %.*s", STR_ARG(buf_str(&l->told)));
    cr_expect(str_is(buf_str(&l->h.events), events), "events: %.*s",
              STR_ARG(buf_str(&l->h.events)));
    buf_clear(&l->told);
    buf_clear(&l->h.events);
}

#define SAYS(l, line, reply) cr_expect_str_eq(play_line(&(l)->h, line), reply)

Test(fields, what_is_changed_is_told_with_moments_and_by_name)
{
    struct listening l;

    begin(&l);
    SAYS(&l, "HSET h a 1 b 2 c 3", ":3\r\n");
    expect(&l, "", "hset:h ");
    SAYS(&l, "HEXPIRE h 10 FIELDS 3 a none b", "*3\r\n:1\r\n:-2\r\n:1\r\n");
    expect(&l, "HPEXPIREAT h 1010000 FIELDS 2 a b | ", "hexpire:h ");
    SAYS(&l, "HEXPIRE h 20 NX FIELDS 2 a c", "*2\r\n:0\r\n:1\r\n");
    expect(&l, "HPEXPIREAT h 1020000 FIELDS 1 c | ", "hexpire:h ");
    SAYS(&l, "HGETEX h PX 5 FIELDS 2 a none", "*2\r\n$1\r\n1\r\n" NIL);
    expect(&l, "HPEXPIREAT h 1000005 FIELDS 1 a | ", "hexpire:h ");
    SAYS(&l, "HPERSIST h FIELDS 2 none a", "*2\r\n:-2\r\n:1\r\n");
    expect(&l, "HPERSIST h FIELDS 1 a | ", "hpersist:h ");
    SAYS(&l, "HSETEX h EX 3 FIELDS 2 a 7 d 8", ":1\r\n");
    expect(&l, "HSETEX h PXAT 1003000 FIELDS 2 a 7 d 8 | ", "hset:h hexpire:h ");
    SAYS(&l, "HINCRBYFLOAT h a 0.5", "$3\r\n7.5\r\n");
    expect(&l, "HSETEX h KEEPTTL FIELDS 1 a 7.5 | ", "hincrbyfloat:h ");
    SAYS(&l, "HSETEX h FIELDS 1 a 7", ":1\r\n");
    expect(&l, "HSET h a 7 | ", "hset:h ");
    SAYS(&l, "HGETDEL h FIELDS 2 a a", "*2\r\n$1\r\n7\r\n" NIL);
    expect(&l, "HDEL h a | ", "hdel:h ");
    SAYS(&l, "HPEXPIREAT h 1 FIELDS 4 b c d none", "*4\r\n:2\r\n:2\r\n:2\r\n:-2\r\n");
    expect(&l, "HDEL h b c d | ", "hexpired:h del:h ");
    SAYS(&l, "HLEN h", ":0\r\n");
    end(&l);
}

Test(fields, what_has_ended_is_removed_by_who_opens_the_hash)
{
    struct listening l;

    begin(&l);
    play_line(&l.h, "HSET h a 1 b 2");
    play_line(&l.h, "HPEXPIREAT h 1000100 FIELDS 1 a");
    expect(&l, "HPEXPIREAT h 1000100 FIELDS 1 a | ", "hset:h hexpire:h ");
    cr_expect_eq(l.h.db->with_ends, 1);
    l.h.ks.now_ms = NOW + 99;
    SAYS(&l, "HLEN h", ":2\r\n");
    l.h.ks.now_ms = NOW + 100;
    SAYS(&l, "HGETALL h", "*2\r\n$1\r\nb\r\n$1\r\n2\r\n");
    expect(&l, "HDEL h a | ", "hexpired:h ");
    cr_expect_eq(l.h.db->with_ends, 0);
    play_line(&l.h, "HPEXPIREAT h 1000200 FIELDS 1 b");
    expect(&l, "HPEXPIREAT h 1000200 FIELDS 1 b | ", "hexpire:h ");
    l.h.ks.now_ms = NOW + 200;
    SAYS(&l, "HGET h b", NIL);
    expect(&l, "HDEL h b | ", "hexpired:h del:h ");
    cr_expect_eq(db_count(l.h.db), 0);
    cr_expect_eq(l.h.db->with_ends, 0);
    end(&l);
}

Test(fields, a_replica_hides_and_its_primary_sees)
{
    struct listening l;

    begin(&l);
    play_line(&l.h, "HSET h a 5 b 2");
    play_line(&l.h, "HPEXPIREAT h 1000100 FIELDS 1 a");
    expect(&l, "HPEXPIREAT h 1000100 FIELDS 1 a | ", "hset:h hexpire:h ");
    l.h.ks.now_ms = NOW + 100;
    l.h.ks.hides_expired = true;
    SAYS(&l, "HGET h a", NIL);
    SAYS(&l, "HKEYS h", "*1\r\n$1\r\nb\r\n");
    SAYS(&l, "HRANDFIELD h 9", "*1\r\n$1\r\nb\r\n");
    cr_expect(keyspace_expire_some(&l.h.ks, 1000000));
    l.h.ks.shows_expired = true;
    SAYS(&l, "HINCRBY h a 1", ":6\r\n");
    SAYS(&l, "HPEXPIRETIME h FIELDS 1 a", "*1\r\n:1000100\r\n");
    l.h.ks.hides_expired = l.h.ks.shows_expired = false;
    expect(&l, "", "hincrby:h ");
    SAYS(&l, "HPEXPIRETIME h FIELDS 1 a", NONE);
    expect(&l, "HDEL h a | ", "hexpired:h ");
    end(&l);
}

/* Sets fields 0 to count - 1 of a hash, and when they end. */
static void fill(struct listening *l, const char *key, uint32_t count, int64_t end_ms)
{
    for (uint32_t i = 0; i < count; i++) {
        char line[128];

        snprintf(line, sizeof(line), "HSETEX %s PXAT %lld FIELDS 1 f%u v", key, (long long)end_ms,
                 i);
        play_line(&l->h, line);
    }
    buf_clear(&l->told);
    buf_clear(&l->h.events);
}

Test(fields, the_regular_work_removes_what_is_due_in_steps)
{
    struct listening l;

    begin(&l);
    fill(&l, "big", 2000, NOW + 500);
    fill(&l, "later", 10, NOW + 50000);
    fill(&l, "short", 1, NOW + 10);
    cr_expect_eq(l.h.db->with_ends, 3);
    cr_expect(keyspace_expire_some(&l.h.ks, 1000000));
    cr_expect_eq(l.h.ks.stats.expired_elements, 0);
    /* No time: one step at most, and the rest is due still. */
    for (int i = 0; i < 100 && db_count(l.h.db) > 1; i++) {
        keyspace_set_now(&l.h.ks, NOW + 1000 + 128 * i);
        keyspace_expire_some(&l.h.ks, 0);
        cr_expect(i > 0 || l.h.ks.stats.expired_elements < 200);
    }
    cr_expect_eq(l.h.ks.stats.expired_elements, 2001);
    cr_expect_eq(l.h.db->with_ends, 1);
    cr_expect_gt(l.told.len, 2000 * 4);
    cr_expect(strstr(buf_str(&l.told).ptr, "HDEL short f0 | "));
    SAYS(&l, "HLEN later", ":10\r\n");
    SAYS(&l, "EXISTS big", ":0\r\n");
    end(&l);
}

Test(fields, ends_go_along_with_keys)
{
    struct listening l;

    begin(&l);
    fill(&l, "h", 3, NOW + 500);
    struct key k = keyspace_key(&l.h.ks, STR("h")), to = keyspace_key(&l.h.ks, STR("to"));
    db_copy(l.h.db, db_peek(l.h.db, k), &l.h.ks.dbs[1], to, NO_DEADLINE);
    db_rename(l.h.db, k, to);
    cr_expect_eq(l.h.db->with_ends, 1);
    cr_expect_eq(l.h.ks.dbs[1].with_ends, 1);
    SAYS(&l, "HPEXPIRETIME to FIELDS 1 f2", "*1\r\n:1000500\r\n");
    keyspace_set_now(&l.h.ks, NOW + 1000);
    cr_expect(keyspace_expire_some(&l.h.ks, 1000000));
    cr_expect_eq(db_count(l.h.db) + db_count(&l.h.ks.dbs[1]), 0);
    cr_expect_eq(l.h.db->with_ends + l.h.ks.dbs[1].with_ends, 0);
    end(&l);
}
