#include "cacheengine/keyspace/effect.h"
#include "keyspace_fixture.h"

#include <string.h>

/* A sink that writes down what it is given: "0:SET a 1|MULTI|..." */
struct record {
    struct effect_sink sink;
    char text[512], bytes[512];
};

static void record_take(struct effect_sink *s, const struct effect *e)
{
    struct record *r = container_of(s, struct record, sink);
    char *to = r->text + strlen(r->text), *end = r->text + sizeof(r->text);

    if (e->db != EFFECT_ANY_DB)
        to += snprintf(to, (size_t)(end - to), "%d:", e->db);
    for (uint32_t i = 0; i < e->argc; i++)
        to += snprintf(to, (size_t)(end - to), "%.*s%s", STR_ARG(e->argv[i]),
                       i + 1 < e->argc ? " " : "|");
    size_t len = strlen(r->bytes);
    snprintf(r->bytes + len, sizeof(r->bytes) - len, "%.*s", STR_ARG(e->bytes));
}

static void begin(struct fixture *f, struct record *r)
{
    fixture_begin(f);
    *r = (struct record){
        .sink = {record_take, EFFECT_FOR_REPLICAS, NULL}
    };
    effect_sink_add(&f->ks, &r->sink);
}

static void tell(struct fixture *f, int db, const char *word, const char *argument)
{
    struct str argv[] = {str_of(word), str_of(argument)};

    effect_tell(&f->ks, db, argv, 2, EFFECT_FOR_ALL);
}

Test(effect, one_that_stands_alone_is_told_at_once_and_encoded)
{
    struct fixture f;
    struct record r;

    begin(&f, &r);
    tell(&f, 3, "DEL", "key");
    cr_expect_str_eq(r.text, "3:DEL key|");
    cr_expect_str_eq(r.bytes, "*2\r\n$3\r\nDEL\r\n$3\r\nkey\r\n");
    fixture_end(&f);
}

Test(effect, the_only_one_of_a_scope_is_no_transaction)
{
    struct fixture f;
    struct record r;

    begin(&f, &r);
    effects_begin(&f.ks, false);
    effects_begin(&f.ks, false);
    tell(&f, 0, "DEL", "a");
    effects_end(&f.ks);
    cr_expect_str_eq(r.text, "");
    effects_end(&f.ks);
    cr_expect_str_eq(r.text, "0:DEL a|");
    effects_begin(&f.ks, false);
    effects_end(&f.ks);
    cr_expect_str_eq(r.text, "0:DEL a|");
    fixture_end(&f);
}

Test(effect, several_of_a_scope_are_one_transaction)
{
    struct fixture f;
    struct record r;

    begin(&f, &r);
    effects_begin(&f.ks, false);
    for (int i = 0; i < 3; i++) {
        effects_begin(&f.ks, true);
        tell(&f, i, "DEL", "a");
        effects_end(&f.ks);
    }
    effects_end(&f.ks);
    cr_expect_str_eq(r.text, "MULTI|0:DEL a|1:DEL a|2:DEL a|EXEC|");
    tell(&f, 0, "DEL", "b");
    cr_expect_str_eq(r.text, "MULTI|0:DEL a|1:DEL a|2:DEL a|EXEC|0:DEL b|");
    fixture_end(&f);
}

Test(effect, what_meets_any_key_tells_each_for_itself)
{
    struct fixture f;
    struct record r;

    begin(&f, &r);
    effects_begin(&f.ks, true);
    tell(&f, 0, "DEL", "a");
    tell(&f, 0, "DEL", "b");
    effects_end(&f.ks);
    cr_expect_str_eq(r.text, "0:DEL a|0:DEL b|");
    fixture_end(&f);
}

Test(effect, a_sink_hears_what_concerns_it_until_it_is_removed)
{
    struct fixture f;
    struct record r, file = {
                         .sink = {record_take, EFFECT_FOR_FILE, NULL}
    };
    struct str word = STR("X");

    begin(&f, &r);
    effect_sink_add(&f.ks, &file.sink);
    effect_tell(&f.ks, 0, &word, 1, EFFECT_FOR_REPLICAS);
    effect_tell(&f.ks, 1, &word, 1, EFFECT_FOR_FILE);
    effect_tell(&f.ks, 2, &word, 1, EFFECT_FOR_ALL);
    cr_expect_str_eq(r.text, "0:X|2:X|");
    cr_expect_str_eq(file.text, "1:X|2:X|");
    effect_sink_remove(&f.ks, &r.sink);
    effect_tell(&f.ks, 3, &word, 1, EFFECT_FOR_ALL);
    cr_expect_str_eq(r.text, "0:X|2:X|");
    cr_expect_str_eq(file.text, "1:X|2:X|3:X|");
    effect_sink_remove(&f.ks, &file.sink);
    effect_sink_remove(&f.ks, &file.sink);
    cr_expect_null(f.ks.effects.sinks);
    fixture_end(&f);
}

Test(effect, a_sink_that_comes_amid_a_scope_hears_whole_transactions)
{
    struct fixture f;
    struct record r, late = {
                         .sink = {record_take, EFFECT_FOR_FILE, NULL}
    };

    begin(&f, &r);
    effects_begin(&f.ks, false);
    tell(&f, 0, "DEL", "a");
    tell(&f, 0, "DEL", "b");
    effect_sink_add(&f.ks, &late.sink);
    tell(&f, 0, "DEL", "c");
    tell(&f, 0, "DEL", "d");
    effects_end(&f.ks);
    cr_expect_str_eq(late.text, "MULTI|0:DEL c|0:DEL d|EXEC|");
    cr_expect_str_eq(r.text, "MULTI|0:DEL a|0:DEL b|EXEC|MULTI|0:DEL c|0:DEL d|EXEC|");
    fixture_end(&f);
}

Test(effect, keys_that_go_by_themselves_are_told)
{
    struct fixture f;
    struct record r;

    begin(&f, &r);
    set_text(&f, "a", "1");
    db_set_deadline(f.db, key_text(&f, "a"), db_find(f.db, key_text(&f, "a")), START_MS + 1);
    set_text(&f, "b", "1");
    db_set_deadline(f.db, key_text(&f, "b"), db_find(f.db, key_text(&f, "b")), START_MS + 1);
    keyspace_set_now(&f.ks, START_MS + 2);
    cr_expect_null(db_find(f.db, key_text(&f, "a")));
    cr_expect_str_eq(r.text, "0:DEL a|");
    f.settings.lazy_expire = true;
    keyspace_set_now(&f.ks, START_MS + 1000);
    while (!keyspace_expire_some(&f.ks, 1000))
        continue;
    cr_expect_str_eq(r.text, "0:DEL a|0:UNLINK b|");
    fixture_end(&f);
}

Test(effect, evicted_keys_are_told)
{
    struct fixture f;
    struct record r;

    begin(&f, &r);
    set_text(&f, "a", "1");
    f.settings.evict_policy = EVICT_ALLKEYS_RANDOM;
    f.settings.max_memory = 1;
    keyspace_make_room(&f.ks);
    cr_expect_str_eq(r.text, "0:DEL a|");
    fixture_end(&f);
}

Test(effect, memory_for_long_ones_is_given_back)
{
    static char big[1 << 20];
    struct fixture f;
    struct record r;
    struct str argv[] = {
        STR("SET"), {big, sizeof(big)}
    };

    begin(&f, &r);
    tell(&f, 0, "DEL", "a");
    size_t before = f.ks.account.used_bytes;
    memset(big, 'x', sizeof(big));
    effect_tell(&f.ks, 0, argv, 2, EFFECT_FOR_FILE);
    cr_expect_leq(f.ks.account.used_bytes, before);
    fixture_end(&f);
}

Test(effect, select_names_the_database)
{
    char text[EFFECT_SELECT_MAX];

    cr_expect_eq(effect_select(12, text), strlen("*2\r\n$6\r\nSELECT\r\n$2\r\n12\r\n"));
    cr_expect_eq(memcmp(text, "*2\r\n$6\r\nSELECT\r\n$2\r\n12\r\n", 24), 0);
}
