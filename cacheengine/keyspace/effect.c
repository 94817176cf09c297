/*
 * Telling effects. The one idea: whether a scope's first effect stands alone is not known before
 * the second comes or the scope ends, so the first is held, already encoded, and no other ever is.
 */
#include "cacheengine/keyspace/effect.h"

#include "cacheengine/keyspace/db.h"
#include "cacheengine/keyspace/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX    24    /* "*", "$", digits, CR LF */
#define RESTS_BYTES 65536 /* a longer text does not keep its room */

/* ---- the text ---- */

static void *resize(struct account *account, void *old, size_t old_bytes, size_t bytes)
{
    void *p = realloc(old, bytes);

    check(p);
    account_sub(account, old_bytes);
    account_add(account, bytes);
    return p;
}

static void make_room(struct keyspace *ks, size_t bytes, uint32_t argc)
{
    struct effects *x = &ks->effects;

    if (bytes > x->room) {
        x->bytes = resize(&ks->account, x->bytes, x->room, bytes);
        x->room = bytes;
    }
    if (argc > x->argv_room) {
        x->argv =
            resize(&ks->account, x->argv, x->argv_room * sizeof(*x->argv), argc * sizeof(*x->argv));
        x->argv_room = argc;
    }
}

static void drop_room(struct keyspace *ks)
{
    struct effects *x = &ks->effects;

    account_sub(&ks->account, x->room + x->argv_room * sizeof(*x->argv));
    free(x->bytes);
    free(x->argv);
    x->bytes = NULL;
    x->argv = NULL;
    x->room = x->argv_room = 0;
}

static char *put_head(char *to, char letter, uint64_t count)
{
    *to++ = letter;
    to += number_write_u64(to, count);
    *to++ = '\r';
    *to++ = '\n';
    return to;
}

static void encode(struct keyspace *ks, int db, const struct str *argv, uint32_t argc)
{
    struct effects *x = &ks->effects;
    size_t most = HEAD_MAX;

    for (uint32_t i = 0; i < argc; i++)
        most += HEAD_MAX + argv[i].len + 2;
    make_room(ks, most, argc);
    char *to = put_head(x->bytes, '*', argc);
    for (uint32_t i = 0; i < argc; i++) {
        to = put_head(to, '$', argv[i].len);
        memcpy(to, argv[i].ptr, argv[i].len);
        x->argv[i] = (struct str){to, argv[i].len};
        to += argv[i].len;
        *to++ = '\r';
        *to++ = '\n';
    }
    x->text = (struct effect){
        db, argc, x->argv, {x->bytes, (size_t)(to - x->bytes)}
    };
}

/* ---- telling ---- */

static void give(const struct effects *x, const struct effect *e, unsigned audience)
{
    for (struct effect_sink *s = x->sinks, *next; s; s = next) {
        next = s->next;
        if (s->audience & audience)
            s->take(s, e);
    }
}

static void give_text(struct keyspace *ks)
{
    struct effects *x = &ks->effects;

    give(x, &x->text, x->audience);
    x->has_held = false;
    if (x->room > RESTS_BYTES)
        drop_room(ks);
}

static void give_multi(const struct effects *x)
{
    struct str word = STR("MULTI");
    struct effect e = {EFFECT_ANY_DB, 1, &word, STR("*1\r\n$5\r\nMULTI\r\n")};

    give(x, &e, EFFECT_FOR_ALL);
}

static void give_exec(const struct effects *x)
{
    struct str word = STR("EXEC");
    struct effect e = {EFFECT_ANY_DB, 1, &word, STR("*1\r\n$4\r\nEXEC\r\n")};

    give(x, &e, EFFECT_FOR_ALL);
}

void effect_tell(struct keyspace *ks, int db, const struct str *argv, uint32_t argc,
                 unsigned audience)
{
    struct effects *x = &ks->effects;

    audience &= x->wanted & ~x->withheld;
    if (!x->sinks || !audience)
        return;
    if (x->has_held && !x->stays_apart) {
        give_multi(x);
        x->is_grouped = true;
    }
    if (x->has_held)
        give_text(ks);
    encode(ks, db, argv, argc);
    x->audience = audience;
    x->count++;
    if (x->depth > 0 && !x->is_grouped)
        x->has_held = true;
    else
        give_text(ks);
}

void effects_begin(struct keyspace *ks, bool stays_apart)
{
    if (ks->effects.depth++ == 0)
        ks->effects.stays_apart = stays_apart;
}

static void give_rest(struct keyspace *ks)
{
    struct effects *x = &ks->effects;

    if (x->has_held)
        give_text(ks);
    else if (x->is_grouped)
        give_exec(x);
    x->is_grouped = false;
}

void effects_end(struct keyspace *ks)
{
    if (--ks->effects.depth == 0)
        give_rest(ks);
}

void effect_tell_gone(struct db *db, struct key k, bool lazily)
{
    struct str argv[2] = {
        lazily ? STR("UNLINK") : STR("DEL"), {k.ptr, k.len}
    };

    effect_tell(db->ks, db->id, argv, 2, EFFECT_FOR_ALL);
}

static void note_wanted(struct effects *x)
{
    x->wanted = 0;
    for (const struct effect_sink *s = x->sinks; s; s = s->next)
        x->wanted |= s->audience;
}

void effect_sink_add(struct keyspace *ks, struct effect_sink *s)
{
    struct effect_sink **at = &ks->effects.sinks;

    give_rest(ks);
    while (*at)
        at = &(*at)->next;
    s->next = NULL;
    *at = s;
    note_wanted(&ks->effects);
}

void effect_sink_remove(struct keyspace *ks, struct effect_sink *s)
{
    struct effect_sink **at = &ks->effects.sinks;

    while (*at && *at != s)
        at = &(*at)->next;
    if (*at)
        *at = s->next;
    note_wanted(&ks->effects);
}

void effects_fini(struct keyspace *ks)
{
    drop_room(ks);
}

size_t effect_select(int db, char out[EFFECT_SELECT_MAX])
{
    char digits[24];
    unsigned len = number_write_i64(digits, db);

    return (size_t)snprintf(out, EFFECT_SELECT_MAX, "*2\r\n$6\r\nSELECT\r\n$%u\r\n%.*s\r\n", len,
                            (int)len, digits);
}
