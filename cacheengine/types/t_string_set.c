/* Setting strings: SET with its options and the older commands that are special cases of it. */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/types/t_string.h"
#include "contract/command_procs.h"

/* One word of the options: who knows it, and what it means: a flag to set, or a time that follows.
 */
struct option_word {
    const char *word;
    bool for_set, for_getex;
    int flag; /* offset of the bool that is set; -1 = a time follows */
    struct deadline_unit unit;
};

#define FLAG(name) (int)offsetof(struct set_options, name)

static const struct option_word option_words[] = {
    {"nx",      true,  false, FLAG(if_absent),      {0}                                },
    {"xx",      true,  false, FLAG(if_present),     {0}                                },
    {"get",     true,  false, FLAG(wants_old),      {0}                                },
    {"keepttl", true,  false, FLAG(keeps_deadline), {0}                                },
    {"persist", false, true,  FLAG(is_persist),     {0}                                },
    {"ex",      true,  true,  -1,                   {.is_seconds = 1, .is_relative = 1}},
    {"px",      true,  true,  -1,                   {.is_seconds = 0, .is_relative = 1}},
    {"exat",    true,  true,  -1,                   {.is_seconds = 1, .is_relative = 0}},
    {"pxat",    true,  true,  -1,                   {.is_seconds = 0, .is_relative = 0}},
};

static const struct option_word *option_find(struct str word, enum set_options_of whose)
{
    for (size_t i = 0; i < countof(option_words); i++) {
        const struct option_word *w = &option_words[i];

        if ((whose == SET_FOR_SET ? w->for_set : w->for_getex) && str_is_nocase(word, w->word))
            return w;
    }
    return NULL;
}

/* Only one way to say when the key ends; the same one may be repeated. */
static bool end_is_free(const struct set_options *o, const struct option_word *w)
{
    if (o->keeps_deadline || o->is_persist)
        return false;
    return !o->deadline_arg ||
           (o->unit.is_seconds == w->unit.is_seconds && o->unit.is_relative == w->unit.is_relative);
}

bool set_options_parse(struct cmd_call *c, uint32_t from, enum set_options_of whose,
                       struct set_options *out)
{
    struct set_options o = {0};
    bool ok = true;

    for (uint32_t i = from; i < c->argc && ok; i++) {
        const struct option_word *w = option_find(c->argv[i], whose);

        if (!w) {
            ok = false;
        } else if (w->flag >= 0) {
            *((bool *)((char *)&o + w->flag)) = true;
        } else {
            ok = i + 1 < c->argc && end_is_free(&o, w);
            o.deadline_arg = ++i;
            o.unit = w->unit;
        }
        ok = ok && !(o.if_absent && o.if_present);
        ok = ok && !(o.deadline_arg && (o.keeps_deadline || o.is_persist));
    }
    if (!ok)
        reply_syntax_error(c->reply);
    *out = o;
    return ok;
}

/* Sets a key to an argument, without a copy when the argument is big and stands alone. */
static void put(struct cmd_call *c, struct key k, uint32_t arg, int64_t deadline_ms)
{
    struct blob *b = call_take(c, arg);

    if (b)
        db_set_blob(c->db, k, b, deadline_ms);
    else
        db_set_string(c->db, k, c->argv[arg], deadline_ms);
    call_changed(c, k, EVENT_STRING, "set");
}

/* The end as a moment, for the words say it from now on. */
static void tell_with_end(struct cmd_call *c, uint32_t value, int64_t end_ms)
{
    struct number_text digits;

    if (call_is_told(c))
        call_tell(c, STR("SET"), c->argv[1], c->argv[value], STR("PXAT"),
                  number_digits(&digits, end_ms));
}

/* Without GET, which is of no use to those who do it again. */
static void tell_without_get(struct cmd_call *c)
{
    uint32_t argc = 0;

    if (!call_is_told(c))
        return;
    struct str *argv = arena_array(c->scratch, c->argc, sizeof(*argv));
    for (uint32_t i = 0; i < c->argc; i++)
        if (i < 3 || !call_is(c, i, "get"))
            argv[argc++] = c->argv[i];
    call_tell_words(c, argv, argc);
}

static void tell_set(struct cmd_call *c, const struct set_options *o, int64_t end_ms)
{
    bool is_moment = o->deadline_arg && !o->unit.is_seconds && !o->unit.is_relative;

    if (o->deadline_arg && !is_moment)
        tell_with_end(c, 2, end_ms);
    else if (o->wants_old && !o->deadline_arg)
        tell_without_get(c);
}

/* Valkey 8 does not store what ends before it begins: the old value goes, if there is one. */
static bool set_is_vain(const struct cmd_call *c, const struct set_options *o, int64_t end_ms)
{
    return o->deadline_arg && deadline_is_past(c, end_ms) && settings_are_valkey_8(c->ks->settings);
}

static void set_in_vain(struct cmd_call *c, struct key k)
{
    struct entry *e = db_find(c->db, k);

    if (e)
        deadline_drop(c, k, e);
}

static void set_and_tell(struct cmd_call *c, struct key k, const struct set_options *o,
                         int64_t end_ms)
{
    put(c, k, 2, end_ms);
    tell_set(c, o, end_ms);
    if (o->deadline_arg && c->ks->is_observed)
        c->ks->hooks.on_change(c->ks->hooks.ctx, c->db, k, EVENT_GENERIC, "expire");
}

void cmd_set(struct cmd_call *c)
{
    struct key k = call_key(c, 1);
    struct set_options o = {0};
    int64_t end_ms = NO_DEADLINE;

    if (c->argc > 3 && !set_options_parse(c, 3, SET_FOR_SET, &o))
        return;
    if (o.deadline_arg && !deadline_parse(c, o.deadline_arg, o.unit, &end_ms))
        return;
    if (o.keeps_deadline)
        end_ms = KEEP_DEADLINE;
    if (o.wants_old || o.if_absent || o.if_present) {
        const struct entry *e = o.wants_old ? db_read(c->db, k) : db_find(c->db, k);
        bool is_blocked = e ? o.if_absent : o.if_present;

        if (o.wants_old && e && entry_type(e) != TYPE_STRING) {
            reply_wrong_type(c->reply);
            return;
        }
        if (o.wants_old && e)
            reply_string(c->reply, e);
        else if (o.wants_old || is_blocked)
            reply_null(c->reply);
        if (is_blocked)
            return;
    }
    if (set_is_vain(c, &o, end_ms))
        set_in_vain(c, k);
    else
        set_and_tell(c, k, &o, end_ms);
    if (!o.wants_old)
        reply_ok(c->reply);
}

void cmd_setnx(struct cmd_call *c)
{
    struct key k = call_key(c, 1);
    bool is_new = !db_find(c->db, k);

    if (is_new)
        put(c, k, 2, NO_DEADLINE);
    reply_int(c->reply, is_new);
}

static void set_with_end(struct cmd_call *c, struct deadline_unit unit)
{
    struct key k = call_key(c, 1);
    int64_t end_ms;

    if (!deadline_parse(c, 2, unit, &end_ms))
        return;
    put(c, k, 3, end_ms);
    tell_with_end(c, 3, end_ms);
    if (c->ks->is_observed)
        c->ks->hooks.on_change(c->ks->hooks.ctx, c->db, k, EVENT_GENERIC, "expire");
    reply_ok(c->reply);
}

void cmd_setex(struct cmd_call *c)
{
    set_with_end(c, (struct deadline_unit){true, true});
}

void cmd_psetex(struct cmd_call *c)
{
    set_with_end(c, (struct deadline_unit){false, true});
}

void cmd_getset(struct cmd_call *c)
{
    struct key k = call_key(c, 1);
    bool ok;
    const struct entry *e = call_read(c, k, TYPE_STRING, &ok);

    if (!ok)
        return;
    if (e)
        reply_string(c->reply, e);
    else
        reply_null(c->reply);
    put(c, k, 2, NO_DEADLINE);
    call_tell(c, STR("SET"), c->argv[1], c->argv[2]);
}

/* Keys are asked for in groups, so that their misses overlap. */
#define MSET_GROUP 16

static void mset_put(struct cmd_call *c)
{
    for (uint32_t i = 1; i < c->argc; i += 2 * MSET_GROUP) {
        uint32_t end = c->argc - i < 2 * MSET_GROUP ? c->argc : i + 2 * MSET_GROUP;

        for (uint32_t j = i; j < end; j += 2)
            db_prefetch_bucket(c->db, call_key(c, j).hash);
        for (uint32_t j = i; j < end; j += 2)
            db_prefetch_entry(c->db, call_key(c, j).hash);
        for (uint32_t j = i; j < end; j += 2)
            put(c, call_key(c, j), j + 1, NO_DEADLINE);
    }
}

static bool pairs_are_whole(struct cmd_call *c)
{
    if (c->argc % 2 == 1)
        return true;
    call_bad_arity(c);
    return false;
}

void cmd_mset(struct cmd_call *c)
{
    if (!pairs_are_whole(c))
        return;
    mset_put(c);
    reply_ok(c->reply);
}

void cmd_msetnx(struct cmd_call *c)
{
    bool is_free = true;

    if (!pairs_are_whole(c))
        return;
    for (uint32_t i = 1; i < c->argc && is_free; i += 2)
        is_free = !db_find(c->db, call_key(c, i));
    if (is_free)
        mset_put(c);
    reply_int(c->reply, is_free);
}
