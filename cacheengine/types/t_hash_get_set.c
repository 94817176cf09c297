/*
 * Getting and setting of fields together with their ends: HGETEX, HSETEX, HGETDEL, as Valkey 9 has
 * them.
 */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/types/fields.h"
#include "cacheengine/types/t_hash_fields.h"
#include "contract/command_procs.h"

/* What stands between the key and FIELDS. */
struct options {
    uint32_t word;    /* the argument that is FIELDS */
    uint32_t end_arg; /* the one that says when fields end; 0: none does */
    struct deadline_unit unit;
    bool persists, keeps;
    bool if_no_key, if_key;      /* NX, XX */
    bool if_no_field, if_fields; /* FNX, FXX */
    int64_t end_ms;
    bool is_past;
};

/* EX, PX, EXAT and PXAT with what follows; false when it is something else. */
static bool end_option(struct cmd_call *c, uint32_t *arg, struct options *o)
{
    static const struct {
        const char *word;
        struct deadline_unit unit;
    } rows[] = {
        {"ex",   {true, true}  },
        {"px",   {false, true} },
        {"exat", {true, false} },
        {"pxat", {false, false}},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        if (!call_is(c, *arg, rows[i].word))
            continue;
        if (o->end_arg || o->persists || o->keeps || *arg + 1 >= o->word)
            return false;
        o->unit = rows[i].unit;
        o->end_arg = ++*arg;
        return true;
    }
    return false;
}

/* Sets a flag that goes with none of two others; false when one of these is set. */
static bool set_flag(bool *flag, bool other, bool another)
{
    *flag = true;
    return !other && !another;
}

static bool set_option(struct cmd_call *c, uint32_t arg, struct options *o)
{
    if (call_is(c, arg, "keepttl"))
        return set_flag(&o->keeps, o->end_arg, false);
    if (call_is(c, arg, "nx"))
        return set_flag(&o->if_no_key, o->if_key, false);
    if (call_is(c, arg, "xx"))
        return set_flag(&o->if_key, o->if_no_key, false);
    if (call_is(c, arg, "fnx"))
        return set_flag(&o->if_no_field, o->if_fields, false);
    if (call_is(c, arg, "fxx"))
        return set_flag(&o->if_fields, o->if_no_field, false);
    return false;
}

/* Reads all in front of the fields; `width` is what each takes. False after an error was sent. */
static bool parse(struct cmd_call *c, uint32_t width, struct options *o)
{
    *o = (struct options){.word = hash_fields_word(c, 2)};
    for (uint32_t i = 2; i < o->word && o->word < c->argc; i++) {
        if (end_option(c, &i, o))
            continue;
        if (width == 2 ? set_option(c, i, o)
                       : call_is(c, i, "persist") && set_flag(&o->persists, o->end_arg, false))
            continue;
        reply_syntax_error(c->reply);
        return false;
    }
    return hash_fields_count(c, o->word, width, HASH_FIELDS_ERROR);
}

static bool parse_end(struct cmd_call *c, struct options *o)
{
    if (!o->end_arg)
        return true;
    if (!field_end_parse(c, o->end_arg, o->unit, &o->end_ms))
        return false;
    o->is_past = deadline_is_past(c, o->end_ms);
    return true;
}

static bool remove_field(struct collection *h, struct str name, struct field_effect *effect)
{
    struct packed_item field = packed_item_of(name);
    struct collection_place place;

    if (collection_count(h) == 0 || !collection_find(h, &field, &place))
        return false;
    collection_remove(h, &place);
    field_effect_note(effect, name);
    return true;
}

static void reply_nulls(struct cmd_call *c, uint32_t first)
{
    for (uint32_t i = first; i < c->argc; i++)
        reply_null(c->reply);
}

/* ---- HGETDEL ---- */

void cmd_hgetdel(struct cmd_call *c)
{
    struct field_effect effect;
    struct collection h;
    bool ok;

    if (!call_is(c, 2, "fields")) {
        reply_syntax_error(c->reply);
        return;
    }
    if (!hash_fields_count(c, 2, 1, HASH_FIELDS_ERROR))
        return;
    bool is_there = hash_find(c, &h, &ok);
    if (!ok)
        return;
    reply_array(c->reply, c->argc - 4);
    field_effect_begin(&effect, c, c->argc + FIELD_EFFECT_HEAD);
    if (!is_there)
        reply_nulls(c, 4);
    for (uint32_t i = 4; is_there && i < c->argc; i++) {
        hash_reply_field(c, &h, i);
        remove_field(&h, c->argv[i], &effect);
    }
    if (effect.count > 0) {
        hash_removed(c, &h, effect.count, "hdel");
        field_effect_removed(&effect);
    }
}

/* ---- HGETEX ---- */

static void set_end(struct collection *h, struct str name, int64_t end_ms,
                    struct field_effect *effect)
{
    struct packed_item field = packed_item_of(name);
    struct collection_place place;

    if (!collection_find(h, &field, &place))
        return;
    collection_set_end(h, &field, &place, end_ms);
    field_effect_note(effect, name);
}

/* Says the fields, and does with their ends what is wanted. */
static void get_fields(struct cmd_call *c, struct collection *h, const struct options *o,
                       struct field_effect *effect)
{
    for (uint32_t i = o->word + 2; i < c->argc; i++) {
        hash_reply_field(c, h, i);
        if (o->is_past)
            c->ks->stats.expired_elements += remove_field(h, c->argv[i], effect);
        else if (o->end_arg)
            set_end(h, c->argv[i], o->end_ms, effect);
        else if (o->persists)
            field_persist(h, c->argv[i], effect);
    }
}

void cmd_hgetex(struct cmd_call *c)
{
    struct field_effect effect;
    struct collection h;
    struct options o;
    bool ok;

    if (!parse(c, 1, &o))
        return;
    bool is_there = hash_read(c, &h, &ok);
    if (!ok || !parse_end(c, &o))
        return;
    reply_array(c->reply, c->argc - o.word - 2);
    field_effect_begin(&effect, c, c->argc + FIELD_EFFECT_HEAD);
    if (is_there)
        get_fields(c, &h, &o, &effect);
    else
        reply_nulls(c, o.word + 2);
    if (effect.count == 0)
        return;
    if (o.is_past) {
        hash_removed(c, &h, effect.count, "hexpired");
        field_effect_removed(&effect);
    } else if (o.end_arg) {
        hash_written(c, &h, effect.count, "hexpire");
        field_effect_ends(&effect, o.end_ms);
    } else {
        hash_written(c, &h, effect.count, "hpersist");
        field_effect_stays(&effect);
    }
}

/* ---- HSETEX ---- */

/* True when the fields are there, or not there, as FXX and FNX want it. */
static bool fields_allow(struct cmd_call *c, const struct collection *h, const struct options *o)
{
    if (!o->if_fields && !o->if_no_field)
        return true;
    for (uint32_t i = o->word + 2; i < c->argc; i += 2) {
        struct packed_item field = packed_item_of(c->argv[i]);

        if (collection_has(h, &field) != o->if_fields)
            return false;
    }
    return true;
}

/* The end that a field has and is to keep. */
static int64_t kept_end(const struct collection *h, const struct options *o, struct str name)
{
    struct packed_item field = packed_item_of(name);
    struct collection_place place;

    if (!o->keeps || !collection_has_ends(h) || !collection_find(h, &field, &place))
        return PACKED_NO_END;
    return collection_end(h, &place);
}

static void set_one(struct cmd_call *c, struct collection *h, const struct options *o, uint32_t arg)
{
    int64_t end_ms = o->end_arg ? o->end_ms : kept_end(h, o, c->argv[arg]);
    struct packed_item field = packed_item_of(c->argv[arg]);
    struct collection_place place;

    hash_set_pair(c, h, arg);
    if (end_ms == PACKED_NO_END)
        return;
    check(collection_find(h, &field, &place));
    collection_set_end(h, &field, &place, end_ms);
}

static void tell_set(struct cmd_call *c, const struct options *o, struct field_effect *effect)
{
    struct number_text digits;
    struct str end = number_digits(&digits, o->end_ms), key = c->argv[1];

    if (o->end_arg)
        field_effect_tell(effect, (struct str[]){STR("HSETEX"), key, STR("PXAT"), end}, 4, 2);
    else if (o->keeps)
        field_effect_tell(effect, (struct str[]){STR("HSETEX"), key, STR("KEEPTTL")}, 3, 2);
    else
        field_effect_tell(effect, (struct str[]){STR("HSET"), key}, 2, 0);
}

static void set_fields(struct cmd_call *c, struct collection *h, const struct options *o,
                       struct field_effect *effect)
{
    uint32_t first = o->word + 2;

    hash_spread_for(c, h, first);
    for (uint32_t i = first; i < c->argc; i += 2) {
        set_one(c, h, o, i);
        field_effect_note(effect, c->argv[i]);
        field_effect_note(effect, c->argv[i + 1]);
    }
    hash_written(c, h, effect->count / 2, "hset");
    if (o->end_arg)
        call_changed(c, h->k, EVENT_HASH, "hexpire");
    tell_set(c, o, effect);
}

/* A time that has passed removes what is there. */
static void drop_fields(struct cmd_call *c, struct collection *h, const struct options *o,
                        struct field_effect *effect)
{
    for (uint32_t i = o->word + 2; h->e && i < c->argc; i += 2)
        c->ks->stats.expired_elements += remove_field(h, c->argv[i], effect);
    if (effect->count == 0)
        return;
    hash_removed(c, h, effect->count, "hexpired");
    field_effect_removed(effect);
}

void cmd_hsetex(struct cmd_call *c)
{
    uint8_t buffer[COLLECTION_BUFFER];
    struct field_effect effect;
    struct collection h;
    struct options o;

    if (!parse(c, 2, &o) || !hash_write(c, &h, buffer))
        return;
    if (h.e ? o.if_no_key : o.if_key) {
        reply_int(c->reply, 0);
        return;
    }
    if (!parse_end(c, &o))
        return;
    if (!fields_allow(c, &h, &o)) {
        reply_int(c->reply, 0);
        return;
    }
    uint32_t fields = (c->argc - o.word - 2) / 2;
    field_effect_begin(&effect, c, c->argc + FIELD_EFFECT_HEAD);
    if (o.is_past) {
        drop_fields(c, &h, &o, &effect);
        reply_int(c->reply, effect.count == fields);
    } else {
        set_fields(c, &h, &o, &effect);
        reply_int(c->reply, 1);
    }
}
