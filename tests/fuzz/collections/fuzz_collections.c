/*
 * Random sequences of valid commands on hashes and sets against a simple model. Each step of the
 * input is four bytes: what, which key, which member, and something more. Limits are small, so that
 * forms change all the time.
 */
#include "base/err.h"
#include "cacheengine/keyspace/number.h"
#include "contract/command_procs.h"
#include "tests/fuzz/collections/model.h"
#include "tests/unit/cacheengine/types/types_harness.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct harness h;
    struct model model;
    const uint8_t *step; /* the four bytes of the present one */
    struct str argv[HARNESS_ARGS];
    uint32_t argc;
    struct str rest; /* of the reply that is being read */
};

static const char *const key_names[MODEL_KEYS] = {"a", "b", "c", "d", "e", "f"};

/* ---- saying and hearing ---- */

static void word(struct world *w, struct str s)
{
    check(w->argc < HARNESS_ARGS);
    w->argv[w->argc++] = s;
}

static void run(struct world *w, void (*proc)(struct cmd_call *c))
{
    harness_run(&w->h, proc, w->argv, w->argc);
    w->argc = 0;
    w->rest = buf_str(&w->h.said);
}

static void begin(struct world *w, const char *name, unsigned key)
{
    w->argc = 0;
    word(w, str_of(name));
    word(w, str_of(key_names[key]));
}

static struct str hear_line(struct world *w)
{
    struct str line = str_cut(&w->rest, '\n');

    check(line.len > 0 && line.ptr[line.len - 1] == '\r');
    line.len--;
    return line;
}

static int64_t hear_number(struct world *w, char kind)
{
    struct str line = hear_line(w);
    int64_t v;

    check(line.len > 1 && line.ptr[0] == kind);
    check(number_parse_i64(line.ptr + 1, line.len - 1, &v));
    return v;
}

/* A bulk string; false when it is null. */
static bool hear_text(struct world *w, struct str *out)
{
    int64_t len = hear_number(w, '$');

    if (len < 0)
        return false;
    check(w->rest.len >= (size_t)len + 2);
    *out = (struct str){w->rest.ptr, (size_t)len};
    w->rest.ptr += len + 2;
    w->rest.len -= (size_t)len + 2;
    return true;
}

static unsigned hear_member(struct world *w)
{
    struct str text;

    check(hear_text(w, &text));
    int index = model_index(&w->model, text);
    check(index >= 0);
    return (unsigned)index;
}

static void hear_error(struct world *w, const char *prefix)
{
    check(w->rest.len > 1 && w->rest.ptr[0] == '-');
    check(str_starts((struct str){w->rest.ptr + 1, w->rest.len - 1}, prefix));
}

/* True when the key has another type, and says so; then WRONGTYPE was said. */
static bool is_wrong(struct world *w, const struct model_key *k, enum model_type type)
{
    if (k->type == MODEL_NONE || k->type == type)
        return false;
    hear_error(w, "WRONGTYPE");
    return true;
}

static struct model_key *key_of(struct world *w)
{
    return &w->model.keys[w->step[1] % MODEL_KEYS];
}

/* The numbers of the members of this step: 1 to 8 of them from the given one on. */
static unsigned member_of(const struct world *w, unsigned i)
{
    return (w->step[2] + i * (1 + w->step[3] / 8)) % MODEL_MEMBERS;
}

static unsigned members_of(const struct world *w)
{
    return 1 + w->step[3] % 8;
}

/* ---- hashes ---- */

static void do_hset(struct world *w)
{
    struct model_key *k = key_of(w);
    int64_t created = 0;

    begin(w, "HSET", w->step[1] % MODEL_KEYS);
    for (unsigned i = 0; i < members_of(w); i++) {
        word(w, w->model.texts[member_of(w, i)]);
        word(w, w->model.texts[(w->step[3] + i) % MODEL_MEMBERS]);
    }
    run(w, cmd_hset);
    if (is_wrong(w, k, MODEL_HASH))
        return;
    for (unsigned i = 0; i < members_of(w); i++)
        created +=
            model_set(k, MODEL_HASH, (uint8_t)member_of(w, i),
                      (struct model_value){.index = (uint8_t)((w->step[3] + i) % MODEL_MEMBERS)});
    check(hear_number(w, ':') == created);
}

static void do_hdel(struct world *w)
{
    struct model_key *k = key_of(w);
    int64_t removed = 0;

    begin(w, "HDEL", w->step[1] % MODEL_KEYS);
    for (unsigned i = 0; i < members_of(w); i++)
        word(w, w->model.texts[member_of(w, i)]);
    run(w, cmd_hdel);
    if (is_wrong(w, k, MODEL_HASH))
        return;
    for (unsigned i = 0; i < members_of(w); i++)
        removed += model_remove(k, (uint8_t)member_of(w, i));
    check(hear_number(w, ':') == removed);
}

/* The text that a value has; a number's digits go to `digits`. */
static struct str value_text(const struct world *w, const struct model_value *v, char digits[24])
{
    if (!v->is_number)
        return w->model.texts[v->index];
    return (struct str){digits, number_write_i64(digits, v->number)};
}

static void do_hincrby(struct world *w)
{
    struct model_key *k = key_of(w);
    uint8_t member = w->step[2];
    int64_t by = (int8_t)w->step[3], old = 0, sum;
    char digits[24], by_digits[24];

    begin(w, "HINCRBY", w->step[1] % MODEL_KEYS);
    word(w, w->model.texts[member]);
    word(w, (struct str){by_digits, number_write_i64(by_digits, by)});
    run(w, cmd_hincrby);
    if (is_wrong(w, k, MODEL_HASH))
        return;
    if (model_has(k, MODEL_HASH, member)) {
        struct str text = value_text(w, &k->members[member], digits);

        if (!number_parse_i64(text.ptr, text.len, &old)) {
            hear_error(w, "ERR hash value is not an integer");
            return;
        }
    }
    if (__builtin_add_overflow(old, by, &sum)) {
        hear_error(w, "ERR increment or decrement would overflow");
        return;
    }
    model_set(k, MODEL_HASH, member, (struct model_value){.is_number = true, .number = sum});
    check(hear_number(w, ':') == sum);
}

/* Reads a whole hash and compares it. */
static void check_hash(struct world *w, unsigned key)
{
    const struct model_key *k = &w->model.keys[key];
    char digits[24];

    begin(w, "HGETALL", key);
    run(w, cmd_hgetall);
    if (is_wrong(w, k, MODEL_HASH))
        return;
    check(hear_number(w, '*') == 2 * (int64_t)k->count);
    for (uint32_t i = 0; i < k->count; i++) {
        unsigned member = hear_member(w);
        struct str value;

        check(model_has(k, MODEL_HASH, member) && hear_text(w, &value));
        check(str_eq(value, value_text(w, &k->members[member], digits)));
    }
}

static void do_hget(struct world *w)
{
    struct model_key *k = key_of(w);
    struct str value;
    char digits[24];

    begin(w, "HGET", w->step[1] % MODEL_KEYS);
    word(w, w->model.texts[w->step[2]]);
    run(w, cmd_hget);
    if (is_wrong(w, k, MODEL_HASH))
        return;
    bool is_there = hear_text(w, &value);
    check(is_there == model_has(k, MODEL_HASH, w->step[2]));
    check(!is_there || str_eq(value, value_text(w, &k->members[w->step[2]], digits)));
    if (w->step[3] % 4 == 0)
        check_hash(w, w->step[1] % MODEL_KEYS);
}

/* ---- sets ---- */

static void do_sadd(struct world *w)
{
    struct model_key *k = key_of(w);
    int64_t added = 0;

    begin(w, "SADD", w->step[1] % MODEL_KEYS);
    for (unsigned i = 0; i < members_of(w); i++)
        word(w, w->model.texts[member_of(w, i)]);
    run(w, cmd_sadd);
    if (is_wrong(w, k, MODEL_SET))
        return;
    for (unsigned i = 0; i < members_of(w); i++)
        added += model_set(k, MODEL_SET, (uint8_t)member_of(w, i), (struct model_value){0});
    check(hear_number(w, ':') == added);
}

static void do_srem(struct world *w)
{
    struct model_key *k = key_of(w);
    int64_t removed = 0;

    begin(w, "SREM", w->step[1] % MODEL_KEYS);
    for (unsigned i = 0; i < members_of(w); i++)
        word(w, w->model.texts[member_of(w, i)]);
    run(w, cmd_srem);
    if (is_wrong(w, k, MODEL_SET))
        return;
    for (unsigned i = 0; i < members_of(w); i++)
        removed += model_remove(k, (uint8_t)member_of(w, i));
    check(hear_number(w, ':') == removed);
}

static void check_set(struct world *w, unsigned key)
{
    const struct model_key *k = &w->model.keys[key];

    begin(w, "SMEMBERS", key);
    run(w, cmd_smembers);
    if (is_wrong(w, k, MODEL_SET))
        return;
    check(hear_number(w, '*') == (int64_t)k->count);
    for (uint32_t i = 0; i < k->count; i++)
        check(model_has(k, MODEL_SET, hear_member(w)));
}

static void do_smismember(struct world *w)
{
    struct model_key *k = key_of(w);

    begin(w, "SMISMEMBER", w->step[1] % MODEL_KEYS);
    for (unsigned i = 0; i < members_of(w); i++)
        word(w, w->model.texts[member_of(w, i)]);
    run(w, cmd_smismember);
    if (is_wrong(w, k, MODEL_SET))
        return;
    check(hear_number(w, '*') == members_of(w));
    for (unsigned i = 0; i < members_of(w); i++)
        check(hear_number(w, ':') == model_has(k, MODEL_SET, member_of(w, i)));
    if (w->step[3] % 4 == 0)
        check_set(w, w->step[1] % MODEL_KEYS);
}

static void do_spop(struct world *w)
{
    struct model_key *k = key_of(w);
    char digits[24];
    int64_t count = w->step[3] % 20;

    begin(w, "SPOP", w->step[1] % MODEL_KEYS);
    word(w, (struct str){digits, number_write_i64(digits, count)});
    run(w, cmd_spop);
    if (is_wrong(w, k, MODEL_SET))
        return;
    int64_t popped = hear_number(w, '*');
    check(popped == (count < (int64_t)k->count ? count : (int64_t)k->count));
    for (int64_t i = 0; i < popped; i++)
        check(model_remove(k, (uint8_t)hear_member(w)));
}

/* Different members, or any. */
static void do_random(struct world *w)
{
    struct model_key *k = key_of(w);
    bool is_hash = w->step[2] % 2, seen[MODEL_MEMBERS] = {false};
    enum model_type type = is_hash ? MODEL_HASH : MODEL_SET;
    int64_t count = w->step[3] % 50 - 10;
    char digits[24];

    begin(w, is_hash ? "HRANDFIELD" : "SRANDMEMBER", w->step[1] % MODEL_KEYS);
    word(w, (struct str){digits, number_write_i64(digits, count)});
    run(w, is_hash ? cmd_hrandfield : cmd_srandmember);
    if (is_wrong(w, k, type))
        return;
    int64_t said = hear_number(w, '*');
    if (count < 0)
        check(said == (k->count ? -count : 0));
    else
        check(said == (count < (int64_t)k->count ? count : (int64_t)k->count));
    for (int64_t i = 0; i < said; i++) {
        unsigned member = hear_member(w);

        check(model_has(k, type, member));
        check(count < 0 || !seen[member]);
        seen[member] = true;
    }
}

static void do_smove(struct world *w)
{
    unsigned from = w->step[1] % MODEL_KEYS, to = w->step[3] % MODEL_KEYS;
    struct model_key *a = &w->model.keys[from], *b = &w->model.keys[to];
    uint8_t member = w->step[2];

    begin(w, "SMOVE", from);
    word(w, str_of(key_names[to]));
    word(w, w->model.texts[member]);
    run(w, cmd_smove);
    if (a->type == MODEL_NONE) {
        check(hear_number(w, ':') == 0);
        return;
    }
    if (is_wrong(w, a, MODEL_SET) || is_wrong(w, b, MODEL_SET))
        return;
    bool is_there = model_has(a, MODEL_SET, member);
    check(hear_number(w, ':') == is_there);
    if (!is_there || a == b)
        return;
    model_remove(a, member);
    model_set(b, MODEL_SET, member, (struct model_value){0});
}

/* Which members the combination of two keys has. */
static bool is_combined(unsigned kind, bool in_a, bool in_b)
{
    static const bool table[3][4] = {
        {false, false, false, true }, /* both */
        {false, true,  true,  true }, /* either */
        {false, false, true,  false}, /* the first alone */
    };

    return table[kind][2 * in_a + in_b];
}

static void do_store(struct world *w)
{
    static const struct {
        const char *name;
        void (*run)(struct cmd_call *c);
    } rows[] = {
        {"SINTERSTORE", cmd_sinterstore},
        {"SUNIONSTORE", cmd_sunionstore},
        {"SDIFFSTORE",  cmd_sdiffstore }
    };
    unsigned kind = w->step[2] % 3, to = w->step[1] % MODEL_KEYS;
    unsigned first = w->step[3] % MODEL_KEYS, second = w->step[3] / MODEL_KEYS % MODEL_KEYS;
    const struct model_key *a = &w->model.keys[first], *b = &w->model.keys[second];
    struct model_key result = {0};

    begin(w, rows[kind].name, to);
    word(w, str_of(key_names[first]));
    word(w, str_of(key_names[second]));
    run(w, rows[kind].run);
    if (is_wrong(w, a, MODEL_SET) || is_wrong(w, b, MODEL_SET))
        return;
    for (unsigned i = 0; i < MODEL_MEMBERS; i++)
        if (is_combined(kind, model_has(a, MODEL_SET, i), model_has(b, MODEL_SET, i)))
            model_set(&result, MODEL_SET, (uint8_t)i, (struct model_value){0});
    check(hear_number(w, ':') == (int64_t)result.count);
    w->model.keys[to] = result;
    check_set(w, to);
}

static void do_combine(struct world *w)
{
    static const struct {
        const char *name;
        void (*run)(struct cmd_call *c);
    } rows[] = {
        {"SINTER", cmd_sinter},
        {"SUNION", cmd_sunion},
        {"SDIFF",  cmd_sdiff }
    };
    unsigned kind = w->step[2] % 3;
    unsigned first = w->step[3] % MODEL_KEYS, second = w->step[3] / MODEL_KEYS % MODEL_KEYS;
    const struct model_key *a = &w->model.keys[first], *b = &w->model.keys[second];
    bool seen[MODEL_MEMBERS] = {false};
    int64_t count = 0;

    begin(w, rows[kind].name, first);
    word(w, str_of(key_names[second]));
    run(w, rows[kind].run);
    if (is_wrong(w, a, MODEL_SET) || is_wrong(w, b, MODEL_SET))
        return;
    for (unsigned i = 0; i < MODEL_MEMBERS; i++)
        count += is_combined(kind, model_has(a, MODEL_SET, i), model_has(b, MODEL_SET, i));
    check(hear_number(w, '*') == count);
    while (count-- > 0) {
        unsigned member = hear_member(w);

        check(!seen[member]);
        seen[member] = true;
        check(is_combined(kind, model_has(a, MODEL_SET, member), model_has(b, MODEL_SET, member)));
    }
}

/* ---- both ---- */

/* A whole scan in steps; nothing changes meanwhile, so every member is met exactly once. */
static void do_scan(struct world *w)
{
    unsigned key = w->step[1] % MODEL_KEYS;
    const struct model_key *k = &w->model.keys[key];
    bool is_hash = w->step[2] % 2;
    enum model_type type = is_hash ? MODEL_HASH : MODEL_SET;
    char digits[24] = "0", count[24];
    size_t len = 1;
    uint32_t met = 0;

    do {
        begin(w, is_hash ? "HSCAN" : "SSCAN", key);
        word(w, (struct str){digits, len});
        word(w, STR("COUNT"));
        word(w, (struct str){count, number_write_i64(count, 1 + w->step[3] % 8)});
        run(w, is_hash ? cmd_hscan : cmd_sscan);
        if (is_wrong(w, k, type))
            return;
        struct str cursor;
        check(hear_number(w, '*') == 2 && hear_text(w, &cursor) && cursor.len < sizeof(digits));
        int64_t said = hear_number(w, '*');
        memcpy(digits, cursor.ptr, cursor.len);
        len = cursor.len;
        for (int64_t i = 0; i < said; i += is_hash ? 2 : 1) {
            struct str value;

            check(model_has(k, type, hear_member(w)));
            check(!is_hash || hear_text(w, &value));
            met++;
        }
    } while (len != 1 || digits[0] != '0');
    check(met == k->count);
}

static void do_key(struct world *w)
{
    unsigned from = w->step[1] % MODEL_KEYS, to = w->step[2] % MODEL_KEYS;
    struct model_key *a = &w->model.keys[from], *b = &w->model.keys[to];

    if (w->step[3] % 3 == 0) {
        begin(w, "DEL", from);
        run(w, cmd_del);
        check(hear_number(w, ':') == (a->type != MODEL_NONE));
        model_drop(a);
    } else if (a->type != MODEL_NONE && from != to && w->step[3] % 3 == 1) {
        begin(w, "RENAME", from);
        word(w, str_of(key_names[to]));
        run(w, cmd_rename);
        *b = *a;
        model_drop(a);
    } else if (a->type != MODEL_NONE && from != to) {
        begin(w, "COPY", from);
        word(w, str_of(key_names[to]));
        word(w, STR("REPLACE"));
        run(w, cmd_copy);
        check(hear_number(w, ':') == 1);
        *b = *a;
    }
}

/* Limits change while the engine runs. */
static void do_limits(struct world *w)
{
    struct settings *s = &w->h.settings;

    s->hash_packed_entries = w->step[1] % 32;
    s->set_packed_entries = w->step[2] % 32;
    s->set_int_entries = w->step[3] % 64;
    s->hash_packed_value = s->set_packed_value = w->step[1] / 32 * 400;
}

static void (*const steps[])(struct world *w) = {
    do_hset,  do_hset,    do_hdel,       do_hincrby, do_hget,   do_sadd,
    do_sadd,  do_srem,    do_smismember, do_spop,    do_random, do_smove,
    do_store, do_combine, do_scan,       do_key,     do_limits,
};

/* Everything is gone and given back. */
static void end(struct world *w, size_t before)
{
    for (unsigned i = 0; i < MODEL_KEYS; i++) {
        if (w->model.keys[i].type == MODEL_HASH)
            check_hash(w, i);
        else
            check_set(w, i);
        begin(w, "DEL", i);
        run(w, cmd_del);
        model_drop(&w->model.keys[i]);
    }
    reply_drop(&w->h.reply);
    check(db_count(w->h.db) == 0);
    check(w->h.ks.account.used_bytes == before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w; /* made once: opening a heap takes longer than most inputs */

    if (!w.model.bytes) {
        harness_begin(&w.h);
        model_init(&w.model);
    }
    rng_seed(&w.h.ks.rng, 42);
    buf_clear(&w.h.events);
    w.h.settings.hash_packed_entries = w.h.settings.set_packed_entries = 12;
    w.h.settings.hash_packed_value = w.h.settings.set_packed_value = 64;
    w.h.settings.set_int_entries = 20;
    /* The reply's shared buffer is taken with the first command. */
    begin(&w, "DEL", 0);
    run(&w, cmd_del);
    size_t before = w.h.ks.account.used_bytes;
    for (; size >= 4; data += 4, size -= 4) {
        w.step = data;
        steps[data[0] % countof(steps)](&w);
    }
    end(&w, before);
    return 0;
}
