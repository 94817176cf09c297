/*
 * When fields of hashes end: HEXPIRE and its kin, HTTL and its kin, HPERSIST.
 *
 * They answer as Valkey 9 does. What is told to others names the fields that were changed, and
 * times as moments.
 */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/types/deadline.h"
#include "cacheengine/types/fields.h"
#include "cacheengine/types/t_hash_fields.h"
#include "contract/command_procs.h"

#define NO_FIELD (-2)
#define NO_END   (-1)

/* ---- fields in arguments ---- */

uint32_t hash_fields_word(const struct cmd_call *c, uint32_t first)
{
    uint32_t at = first;

    while (at < c->argc && !call_is(c, at, "fields"))
        at++;
    return at;
}

bool hash_fields_count(struct cmd_call *c, uint32_t word, uint32_t width, const char *error)
{
    int64_t count = 0;

    if (word + 1 < c->argc && !call_int(c, word + 1, &count))
        return false;
    if (count > 0 && count <= UINT32_MAX && (uint64_t)count * width == c->argc - word - 2)
        return true;
    reply_error(c->reply, error);
    return false;
}

/* FIELDS as the first word behind the key; false after the error was sent. */
static bool fields_at_once(struct cmd_call *c, const char *error)
{
    if (call_is(c, 2, "fields"))
        return hash_fields_count(c, 2, 1, error);
    reply_syntax_error(c->reply);
    return false;
}

/* ---- telling ---- */

void field_effect_begin(struct field_effect *f, struct cmd_call *c, uint32_t most)
{
    *f = (struct field_effect){.call = c};
    if (call_is_told(c))
        f->words = arena_array(c->scratch, most + 2, sizeof(*f->words));
}

void field_effect_note(struct field_effect *f, struct str word)
{
    if (f->words)
        f->words[FIELD_EFFECT_HEAD + f->count] = word;
    f->count++;
}

void field_effect_tell(struct field_effect *f, const struct str *head, uint32_t head_count,
                       uint32_t width)
{
    struct number_text digits;
    struct str *words = f->words;

    if (!words)
        return;
    /* The head ends right before the fields. */
    uint32_t room = FIELD_EFFECT_HEAD, first = room;
    if (width > 0) {
        words[--first] = number_digits(&digits, f->count / width);
        words[--first] = STR("FIELDS");
    }
    for (uint32_t i = head_count; i > 0; i--)
        words[--first] = head[i - 1];
    call_tell_words(f->call, words + first, room - first + f->count);
}

void field_effect_removed(struct field_effect *f)
{
    const struct str head[] = {STR("HDEL"), f->call->argv[1]};

    field_effect_tell(f, head, countof(head), 0);
}

void field_effect_ends(struct field_effect *f, int64_t end_ms)
{
    struct number_text digits;
    const struct str head[] = {STR("HPEXPIREAT"), f->call->argv[1], number_digits(&digits, end_ms)};

    field_effect_tell(f, head, countof(head), 1);
}

void field_effect_stays(struct field_effect *f)
{
    const struct str head[] = {STR("HPERSIST"), f->call->argv[1]};

    field_effect_tell(f, head, countof(head), 1);
}

/* ---- ends ---- */

bool field_end_parse(struct cmd_call *c, uint32_t arg, struct deadline_unit unit, int64_t *out_ms)
{
    int64_t v;

    if (!call_int(c, arg, &v))
        return false;
    if (v >= 0 && !deadline_parse_any(c, arg, unit, &v))
        return false;
    if (v < 0 || v > PACKED_END_MAX) {
        reply_errorf(c->reply, "ERR invalid expire time in '%s' command", c->cmd->name);
        return false;
    }
    *out_ms = v > 0 ? v : 1;
    return true;
}

static int64_t deadline_of(const struct collection *h, const struct collection_place *place)
{
    int64_t end_ms = collection_end(h, place);

    return end_ms == PACKED_NO_END ? NO_DEADLINE : end_ms;
}

/* ---- HEXPIRE ---- */

struct ending {
    int64_t end_ms;
    unsigned flags;
    bool is_past;
    struct field_effect effect; /* of those that were changed or removed */
};

/* Ends one field; returns what is to be said of it. */
static int64_t end_one(struct cmd_call *c, struct collection *h, struct ending *x, struct str name)
{
    struct packed_item field = packed_item_of(name);
    struct collection_place place;

    if (collection_count(h) == 0 || !collection_find(h, &field, &place))
        return NO_FIELD;
    if (!deadline_flags_allow(x->flags, deadline_of(h, &place), x->end_ms))
        return 0;
    field_effect_note(&x->effect, name);
    if (!x->is_past) {
        collection_set_end(h, &field, &place, x->end_ms);
        return 1;
    }
    collection_remove(h, &place);
    c->ks->stats.expired_elements++;
    return 2;
}

static void end_fields(struct cmd_call *c, struct collection *h, struct ending *x, uint32_t first)
{
    for (uint32_t i = first; i < c->argc; i++)
        reply_int(c->reply, end_one(c, h, x, c->argv[i]));
    if (x->effect.count == 0)
        return;
    if (x->is_past) {
        hash_removed(c, h, x->effect.count, "hexpired");
        field_effect_removed(&x->effect);
    } else {
        hash_written(c, h, x->effect.count, "hexpire");
        field_effect_ends(&x->effect, x->end_ms);
    }
}

static void reply_no_fields(struct cmd_call *c, uint32_t first)
{
    for (uint32_t i = first; i < c->argc; i++)
        reply_int(c->reply, NO_FIELD);
}

static void expire(struct cmd_call *c, struct deadline_unit unit)
{
    uint32_t word = hash_fields_word(c, 3);
    struct ending x = {0};
    struct collection h;
    bool ok;

    if (word < c->argc && !deadline_flags(c, 3, word, &x.flags))
        return;
    if (!hash_fields_count(c, word, 1, HASH_FIELDS_ERROR) ||
        !field_end_parse(c, 2, unit, &x.end_ms))
        return;
    bool is_there = hash_find(c, &h, &ok);
    if (!ok)
        return;
    reply_array(c->reply, c->argc - word - 2);
    x.is_past = deadline_is_past(c, x.end_ms);
    field_effect_begin(&x.effect, c, c->argc + FIELD_EFFECT_HEAD);
    if (is_there)
        end_fields(c, &h, &x, word + 2);
    else
        reply_no_fields(c, word + 2);
}

void cmd_hexpire(struct cmd_call *c)
{
    expire(c, deadline_seconds_from_now);
}

void cmd_hpexpire(struct cmd_call *c)
{
    expire(c, deadline_millis_from_now);
}

void cmd_hexpireat(struct cmd_call *c)
{
    expire(c, deadline_seconds_of_time);
}

void cmd_hpexpireat(struct cmd_call *c)
{
    expire(c, deadline_millis_of_time);
}

/* ---- HTTL ---- */

static int64_t said_of(struct cmd_call *c, const struct collection *h, struct deadline_unit unit,
                       struct str name)
{
    struct packed_item field = packed_item_of(name);
    struct collection_place place;

    if (!collection_find(h, &field, &place))
        return NO_FIELD;
    int64_t end_ms = deadline_of(h, &place);
    return end_ms == NO_DEADLINE ? NO_END : deadline_said(c, unit, end_ms);
}

static void reply_ends(struct cmd_call *c, struct deadline_unit unit)
{
    struct collection h;
    bool ok;

    if (!fields_at_once(c, "ERR syntax error"))
        return;
    bool is_there = hash_read(c, &h, &ok);
    if (!ok)
        return;
    reply_array(c->reply, c->argc - 4);
    for (uint32_t i = 4; i < c->argc; i++)
        reply_int(c->reply, is_there ? said_of(c, &h, unit, c->argv[i]) : NO_FIELD);
}

void cmd_httl(struct cmd_call *c)
{
    reply_ends(c, deadline_seconds_from_now);
}

void cmd_hpttl(struct cmd_call *c)
{
    reply_ends(c, deadline_millis_from_now);
}

void cmd_hexpiretime(struct cmd_call *c)
{
    reply_ends(c, deadline_seconds_of_time);
}

void cmd_hpexpiretime(struct cmd_call *c)
{
    reply_ends(c, deadline_millis_of_time);
}

/* ---- HPERSIST ---- */

bool field_persist(struct collection *h, struct str name, struct field_effect *effect)
{
    struct packed_item field = packed_item_of(name);
    struct collection_place place;

    if (!collection_find(h, &field, &place) || collection_end(h, &place) == PACKED_NO_END)
        return false;
    collection_set_end(h, &field, &place, PACKED_NO_END);
    field_effect_note(effect, name);
    return true;
}

static int64_t persist_one(struct collection *h, struct str name, struct field_effect *effect)
{
    struct packed_item field = packed_item_of(name);

    if (!collection_has(h, &field))
        return NO_FIELD;
    return field_persist(h, name, effect) ? 1 : NO_END;
}

void cmd_hpersist(struct cmd_call *c)
{
    struct field_effect effect;
    struct collection h;
    bool ok;

    if (!fields_at_once(c, HASH_FIELDS_ERROR))
        return;
    bool is_there = hash_find(c, &h, &ok);
    if (!ok)
        return;
    reply_array(c->reply, c->argc - 4);
    field_effect_begin(&effect, c, c->argc + FIELD_EFFECT_HEAD);
    if (!is_there)
        reply_no_fields(c, 4);
    for (uint32_t i = 4; is_there && i < c->argc; i++)
        reply_int(c->reply, persist_one(&h, c->argv[i], &effect));
    if (effect.count > 0) {
        hash_written(c, &h, effect.count, "hpersist");
        field_effect_stays(&effect);
    }
}
