/* Records of hand-overs. A handful at most: all is searched from its front. */
#include "cacheengine/cluster/handover.h"

#include "base/buf.h"
#include "base/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const handover_stage_names[] = {"expected", "taken", "given", "handed"};

void handovers_fini(struct handovers *h)
{
    free(h->items);
    *h = (struct handovers){0};
}

struct handover *handover_find(const struct handovers *h, struct str id)
{
    for (size_t i = 0; i < h->count; i++)
        if (str_is(id, h->items[i].id))
            return &h->items[i];
    return NULL;
}

static void remove_at(struct handovers *h, size_t at)
{
    memmove(&h->items[at], &h->items[at + 1], (h->count - at - 1) * sizeof(*h->items));
    h->count--;
    h->changes++;
}

static void append(struct handovers *h, const struct handover *one)
{
    h->items = realloc(h->items, (h->count + 1) * sizeof(*h->items));
    check(h->items);
    h->items[h->count++] = *one;
    h->changes++;
}

bool handover_put(struct handovers *h, const struct handover *one)
{
    struct handover *old = handover_find(h, str_of(one->id));

    if (!old && h->count == HANDOVERS_MAX)
        return false;
    /* What counts from now on counts more than what was before. */
    if (old && !handover_counts(old)) {
        remove_at(h, (size_t)(old - h->items));
        old = NULL;
    }
    if (!old) {
        append(h, one);
        return true;
    }
    *old = *one;
    h->changes++;
    return true;
}

bool handover_remove(struct handovers *h, struct str id)
{
    const struct handover *one = handover_find(h, id);

    if (one)
        remove_at(h, (size_t)(one - h->items));
    return one != NULL;
}

/* ---- topologies ---- */

/* Whether a topology was made before, or as if before, the slot changed hands. */
static bool is_open(const struct topology *t, uint32_t slot, const struct topology_shard *from,
                    const struct topology_shard *to)
{
    uint16_t owner = t->owner[slot];

    if (!to)
        return false;
    return owner == NO_SHARD || (from && owner == from - t->shards);
}

/* True when none of its slots are left. What is only expected is expected whole. */
static bool confirm(struct handover *one, const struct topology *t, uint64_t *changes)
{
    const struct topology_shard *from = topology_shard_find(t, str_of(one->from));
    const struct topology_shard *to = topology_shard_find(t, str_of(one->to));
    struct slot_set slots = one->slots;
    uint32_t first, last = 0;

    for (uint32_t at = 0; slot_set_run(&slots, at, &first, &last); at = last + 1)
        for (uint32_t slot = first; slot <= last; slot++)
            if (!is_open(t, slot, from, to)) {
                if (!handover_counts(one))
                    return true;
                slot_set_remove(&one->slots, slot);
                ++*changes;
            }
    return slot_set_is_empty(&one->slots);
}

void handovers_confirm(struct handovers *h, const struct topology *t)
{
    size_t at = 0;

    while (at < h->count)
        if (confirm(&h->items[at], t, &h->changes))
            remove_at(h, at);
        else
            at++;
}

/* ---- writing ---- */

static struct str slots_format(struct arena *a, const struct slot_set *s)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    uint32_t first, last = 0;

    for (uint32_t at = 0; slot_set_run(s, at, &first, &last); at = last + 1) {
        buf_printf(&text, "%s%u", text.len ? "," : "", first);
        if (last > first)
            buf_printf(&text, "-%u", last);
    }
    return (struct str){arena_strndup(a, text.ptr, text.len), text.len};
}

const struct str *handovers_encode(const struct handovers *h, struct arena *a, size_t *count)
{
    struct str *words = arena_array(a, h->count * HANDOVER_RECORD_WORDS + 1, sizeof(*words));
    struct str *to = words;

    for (size_t i = 0; i < h->count; i++) {
        const struct handover *one = &h->items[i];

        *to++ = str_of(handover_stage_names[one->stage]);
        *to++ = str_of(one->id);
        *to++ = slots_format(a, &one->slots);
        *to++ = str_of(one->from);
        *to++ = str_of(one->to);
        *to++ = str_of(one->token);
        *to++ = one->port ? str_of(one->host) : STR("-");
        *to++ = str_of(arena_printf(a, "%u", one->port));
        *to++ = one->is_secure ? STR("tls") : STR("plain");
    }
    *count = (size_t)(to - words);
    return words;
}

struct str handovers_text(const struct handovers *h, struct arena *a)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    size_t count;
    const struct str *words = handovers_encode(h, a, &count);

    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add(&text, " ", 1);
        buf_add_str(&text, words[i]);
    }
    return (struct str){arena_strndup(a, text.ptr, text.len), text.len};
}

/* ---- reading ---- */

static struct err bad(struct arena *a, struct str word, const char *why)
{
    return err_format(a, ERR_INVALID, "'%.*s': %s", STR_ARG(str_shorten(word, 64)), why);
}

static struct err read_stage(struct arena *a, struct str word, enum handover_stage *out)
{
    for (size_t i = 0; i <= HANDOVER_HANDED; i++)
        if (str_is(word, handover_stage_names[i])) {
            *out = (enum handover_stage)i;
            return OK;
        }
    return bad(a, word, "there is no such stage of a hand-over");
}

static struct err read_id(struct arena *a, struct str word, char out[CLUSTER_ID_LEN + 1])
{
    if (!cluster_id_read(word, out))
        return bad(a, word, "an id has 40 digits of 0-9 and a-f");
    return OK;
}

static struct err read_host(struct arena *a, const struct str *words, struct handover *out)
{
    bool is_there = !str_is(words[0], "-");
    uint64_t port;

    if (words[0].len == 0 || words[0].len > HANDOVER_HOST_MAX ||
        memchr(words[0].ptr, 0, words[0].len))
        return bad(a, words[0], "a host has up to 255 letters");
    if (!str_to_u64(words[1], &port) || port > UINT16_MAX || (port > 0) != is_there)
        return bad(a, words[1], "a port is a number up to 65535");
    if (!str_is(words[2], "plain") && !str_is(words[2], "tls"))
        return bad(a, words[2], "it is neither plain nor tls");
    memcpy(out->host, words[0].ptr, words[0].len);
    out->host[words[0].len] = 0;
    out->port = (uint16_t)port;
    out->is_secure = str_is(words[2], "tls");
    return OK;
}

static struct err read_one(struct arena *a, const struct str *words, struct handover *out)
{
    TRY(read_stage(a, words[0], &out->stage));
    TRY(read_id(a, words[1], out->id));
    TRY(slots_parse(a, words[2], &out->slots));
    TRY(read_id(a, words[3], out->from));
    TRY(read_id(a, words[4], out->to));
    TRY(read_id(a, words[5], out->token));
    TRY(read_host(a, words + 6, out));
    if (slot_set_is_empty(&out->slots))
        return bad(a, words[2], "it has no slots");
    bool is_given = out->stage == HANDOVER_GIVEN || out->stage == HANDOVER_HANDED;
    if (is_given != (out->port > 0))
        return bad(a, words[7], "a source has the target's port, and a target none");
    return OK;
}

struct err handovers_decode(struct handovers *out, struct arena *a, const struct str *words,
                            size_t count)
{
    struct handovers made = {0};
    struct err e = OK;

    if (count % HANDOVER_RECORD_WORDS != 0)
        return err_make(ERR_INVALID, "a hand-over has nine words");
    for (size_t at = 0; at < count && !err_failed(e); at += HANDOVER_RECORD_WORDS) {
        struct handover one = {0};

        e = read_one(a, words + at, &one);
        if (!err_failed(e) && handover_find(&made, str_of(one.id)))
            e = bad(a, words[at + 1], "there are two hand-overs of this id");
        else if (!err_failed(e) && !handover_put(&made, &one))
            e = err_make(ERR_LIMIT, "there are more than 64 hand-overs");
    }
    if (err_failed(e))
        handovers_fini(&made);
    else
        *out = made;
    return e;
}

struct err handovers_parse(struct handovers *out, struct arena *a, struct str text)
{
    vec_of(struct str) words = {0};

    while (text.len > 0)
        *vec_add(a, &words) = str_cut(&text, ' ');
    return handovers_decode(out, a, words.items, words.count);
}
