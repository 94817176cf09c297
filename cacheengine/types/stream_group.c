/* The one idea: one record per waiting entry, in the group's map; consumers have but names, so that
 * giving an entry to another is two small moves. */
#include "cacheengine/types/stream_group.h"

#include "base/err.h"

#include <stdlib.h>

/* ---- lists by name ---- */

/* Groups and consumers begin alike. */
static struct str name_of(const void *thing)
{
    return *(const struct str *)thing;
}

int stream_name_order(struct str a, struct str b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* The index of a name among `count` things, or where it belongs. */
static bool list_find(void *const *list, uint32_t count, struct str name, uint32_t *index)
{
    uint32_t low = 0, high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = stream_name_order(name_of(list[middle]), name);

        if (order == 0) {
            *index = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low;
    return false;
}

/* Puts a thing into its list, which grows by one. */
static void *list_add(struct account *a, void *list, uint32_t *count, void *thing)
{
    void **things = realloc(list, (*count + 1) * sizeof(*things));
    uint32_t at;

    check(things);
    account_add(a, sizeof(*things));
    list_find(things, *count, name_of(thing), &at);
    memmove(things + at + 1, things + at, (*count - at) * sizeof(*things));
    things[at] = thing;
    ++*count;
    return things;
}

/* Takes a thing out of its list; the room goes with the last one. */
static void *list_remove(struct account *a, void *list, uint32_t *count, const void *thing)
{
    void **things = list;
    uint32_t at;

    check(list_find(things, *count, name_of(thing), &at));
    memmove(things + at, things + at + 1, (*count - at - 1) * sizeof(*things));
    account_sub(a, sizeof(*things));
    --*count;
    if (*count == 0) {
        free(things);
        return NULL;
    }
    things = realloc(things, *count * sizeof(*things));
    check(things);
    return things;
}

/* ---- consumers ---- */

static size_t consumer_size(const struct stream_consumer *c)
{
    return sizeof(*c) + c->name.len;
}

static void consumer_free(struct account *a, struct stream_consumer *c)
{
    account_sub(a, consumer_size(c));
    id_map_fini(a, &c->pending);
    free(c);
}

struct stream_consumer *stream_consumer_find(const struct stream_group *g, struct str name)
{
    uint32_t at;

    return list_find((void **)g->consumers, g->consumer_count, name, &at) ? g->consumers[at] : NULL;
}

struct stream_consumer *stream_consumer_add(struct account *a, struct stream_group *g,
                                            struct str name, int64_t now_ms)
{
    struct stream_consumer *c = malloc(sizeof(*c) + name.len);

    check(c);
    *c = (struct stream_consumer){
        .name = {c->text, name.len},
          .seen_ms = now_ms, .active_ms = -1
    };
    memcpy(c->text, name.ptr, name.len);
    id_map_init(&c->pending, sizeof(struct stream_id));
    account_add(a, consumer_size(c));
    g->consumers = list_add(a, g->consumers, &g->consumer_count, c);
    return c;
}

struct stream_consumer *stream_consumer_from(const struct stream_group *g, struct str name)
{
    uint32_t at;

    (void)list_find((void **)g->consumers, g->consumer_count, name, &at);
    return at < g->consumer_count ? g->consumers[at] : NULL;
}

void stream_consumer_remove(struct account *a, struct stream_group *g, struct stream_consumer *c)
{
    struct id_place place = id_map_begin(&c->pending);

    for (struct stream_id *id; (id = id_map_at(&c->pending, place));
         id_map_next(&c->pending, &place))
        id_map_forget(a, &g->pending, *id);
    g->consumers = list_remove(a, g->consumers, &g->consumer_count, c);
    consumer_free(a, c);
}

/* ---- groups ---- */

struct stream_group *stream_group_find(const struct stream *s, struct str name)
{
    uint32_t at;

    return list_find((void **)s->groups, s->group_count, name, &at) ? s->groups[at] : NULL;
}

struct stream_group *stream_group_from(const struct stream *s, struct str name)
{
    uint32_t at;

    (void)list_find((void **)s->groups, s->group_count, name, &at);
    return at < s->group_count ? s->groups[at] : NULL;
}

struct stream_group *stream_group_add(struct account *a, struct stream *s, struct str name,
                                      struct stream_id last, int64_t read)
{
    struct stream_group *g = malloc(sizeof(*g) + name.len);

    check(g);
    *g = (struct stream_group){
        .name = {g->text, name.len},
          .last = last, .read = read
    };
    memcpy(g->text, name.ptr, name.len);
    id_map_init(&g->pending, sizeof(struct stream_pending));
    account_add(a, sizeof(*g) + name.len);
    s->groups = list_add(a, s->groups, &s->group_count, g);
    return g;
}

void stream_group_free(struct account *a, struct stream_group *g)
{
    for (uint32_t i = 0; i < g->consumer_count; i++)
        consumer_free(a, g->consumers[i]);
    free(g->consumers);
    account_sub(a, g->consumer_count * sizeof(struct stream_consumer *));
    account_sub(a, sizeof(*g) + g->name.len);
    id_map_fini(a, &g->pending);
    free(g);
}

void stream_group_remove(struct account *a, struct stream *s, struct stream_group *g)
{
    s->groups = list_remove(a, s->groups, &s->group_count, g);
    stream_group_free(a, g);
}

bool stream_groups_free_some(struct account *a, struct stream *s, uint32_t *budget)
{
    while (s->group_count > 0) {
        struct stream_group *g = s->groups[s->group_count - 1];
        uint64_t work = 1 + g->consumer_count + g->pending.count / ID_CHUNK_MAX;

        if (*budget == 0)
            return false;
        *budget -= work < *budget ? (uint32_t)work : *budget;
        stream_group_remove(a, s, g);
    }
    return true;
}

size_t stream_groups_weight(const struct stream *s)
{
    size_t weight = s->group_count;

    for (uint32_t i = 0; i < s->group_count; i++)
        weight += s->groups[i]->consumer_count + s->groups[i]->pending.count / ID_CHUNK_MAX;
    return weight;
}

size_t stream_group_bytes(const struct stream_group *g)
{
    size_t bytes = sizeof(*g) + g->name.len + g->pending.held;

    for (uint32_t i = 0; i < g->consumer_count; i++)
        bytes += sizeof(struct stream_consumer *) + consumer_size(g->consumers[i]) +
                 g->consumers[i]->pending.held;
    return bytes;
}

static void pending_copy(struct account *a, struct stream_group *to,
                         const struct stream_pending *from)
{
    struct stream_consumer *c = stream_consumer_find(to, from->consumer->name);
    bool is_new;
    struct stream_pending *p = stream_pending_give(a, to, from->id, c, &is_new);

    p->delivered_ms = from->delivered_ms;
    p->deliveries = from->deliveries;
}

void stream_groups_copy(struct account *a, struct stream *to, const struct stream *from)
{
    for (uint32_t i = 0; i < from->group_count; i++) {
        const struct stream_group *g = from->groups[i];
        struct stream_group *copy = stream_group_add(a, to, g->name, g->last, g->read);
        struct id_place place = id_map_begin(&g->pending);

        for (uint32_t j = 0; j < g->consumer_count; j++) {
            const struct stream_consumer *c = g->consumers[j];

            stream_consumer_add(a, copy, c->name, c->seen_ms)->active_ms = c->active_ms;
        }
        for (const struct stream_pending *p; (p = id_map_at(&g->pending, place));
             id_map_next(&g->pending, &place))
            pending_copy(a, copy, p);
    }
}

/* ---- entries that wait ---- */

struct stream_pending *stream_pending_give(struct account *a, struct stream_group *g,
                                           struct stream_id id, struct stream_consumer *c,
                                           bool *is_new)
{
    struct stream_pending *p = id_map_insert(a, &g->pending, id, is_new);
    bool is_first;

    if (p->consumer == c)
        return p;
    if (p->consumer)
        id_map_forget(a, &p->consumer->pending, id);
    (void)id_map_insert(a, &c->pending, id, &is_first);
    p->consumer = c;
    return p;
}

bool stream_pending_end(struct account *a, struct stream_group *g, struct stream_id id)
{
    const struct stream_pending *p = id_map_find(&g->pending, id);

    if (!p)
        return false;
    id_map_forget(a, &p->consumer->pending, id);
    id_map_forget(a, &g->pending, id);
    return true;
}

/* ---- counting ---- */

int64_t stream_position(const struct stream *s, struct stream_id id)
{
    int to_last = stream_id_order(id, s->last), to_first = stream_id_order(id, s->first);
    bool is_whole = stream_id_is_zero(s->removed) || stream_id_order(s->removed, s->first) < 0;

    if (s->added == 0)
        return 0;
    if (to_last == 0 || (s->length == 0 && to_last < 0))
        return (int64_t)s->added;
    if (to_last > 0 || !is_whole || to_first > 0)
        return STREAM_UNKNOWN;
    return (int64_t)(s->added - s->length) + (to_first == 0);
}

bool stream_has_gaps(const struct stream *s, struct stream_id from)
{
    return s->length > 0 && !stream_id_is_zero(s->removed) &&
           stream_id_order(s->first, s->removed) <= 0 && stream_id_order(from, s->removed) <= 0;
}

int64_t stream_group_lag(const struct stream *s, const struct stream_group *g)
{
    int64_t read = g->read;

    if (s->added == 0)
        return 0;
    if (read == STREAM_UNKNOWN || stream_has_gaps(s, g->last))
        read = stream_position(s, g->last);
    return read == STREAM_UNKNOWN ? STREAM_LAG_UNKNOWN : (int64_t)s->added - read;
}
