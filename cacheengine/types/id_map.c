/* The one idea: two searches by halves, one over the chunks and one in the chunk; nothing else
 * knows how many chunks there are. */
#include "cacheengine/types/id_map.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_FIRST  4 /* room of a chunk at first */
#define CHUNKS_FIRST 4

void id_map_init(struct id_map *m, uint32_t width)
{
    *m = (struct id_map){.width = width};
}

/* ---- memory ---- */

static struct id_chunk *chunk_at(const struct id_map *m, uint32_t i)
{
    return m->chunks[m->first + i];
}

static void book(struct account *a, struct id_map *m, size_t more, size_t less)
{
    account_add(a, more);
    account_sub(a, less);
    m->held += more - less;
}

static size_t chunk_bytes(const struct id_map *m, uint32_t room)
{
    return sizeof(struct id_chunk) + (size_t)room * m->width;
}

void id_map_fini(struct account *a, struct id_map *m)
{
    for (uint32_t i = 0; i < m->chunk_count; i++)
        free(chunk_at(m, i));
    free(m->chunks);
    account_sub(a, m->held);
    *m = (struct id_map){.width = m->width};
}

/* Puts room for one more chunk in front of chunk `at`. */
static void chunks_open(struct account *a, struct id_map *m, uint32_t at)
{
    if (m->first > 0 && m->first + m->chunk_count == m->room) {
        memmove(m->chunks, m->chunks + m->first, m->chunk_count * sizeof(*m->chunks));
        m->first = 0;
    }
    if (m->chunk_count == m->room) {
        uint32_t room = m->room ? m->room * 2 : CHUNKS_FIRST;

        m->chunks = realloc(m->chunks, room * sizeof(*m->chunks));
        check(m->chunks);
        book(a, m, room * sizeof(*m->chunks), m->room * sizeof(*m->chunks));
        m->room = room;
    }
    struct id_chunk **to = m->chunks + m->first + at;
    memmove(to + 1, to, (m->chunk_count - at) * sizeof(*to));
    m->chunk_count++;
}

static struct id_chunk *chunk_new(struct account *a, struct id_map *m, uint32_t at, uint32_t room)
{
    struct id_chunk *c = malloc(chunk_bytes(m, room));

    check(c);
    *c = (struct id_chunk){.room = room};
    book(a, m, chunk_bytes(m, room), 0);
    chunks_open(a, m, at);
    m->chunks[m->first + at] = c;
    return c;
}

static void chunk_drop(struct account *a, struct id_map *m, uint32_t at)
{
    struct id_chunk **slot = m->chunks + m->first + at;

    book(a, m, 0, chunk_bytes(m, (*slot)->room));
    free(*slot);
    if (at == 0)
        m->first++;
    else
        memmove(slot, slot + 1, (m->chunk_count - at - 1) * sizeof(*slot));
    m->chunk_count--;
    if (m->chunk_count > 0)
        return;
    free(m->chunks);
    book(a, m, 0, m->room * sizeof(*m->chunks));
    m->chunks = NULL;
    m->first = m->room = 0;
}

/* ---- finding ---- */

static void *thing_at(const struct id_map *m, const struct id_chunk *c, uint32_t i)
{
    return (uint8_t *)(uintptr_t)c->things + (size_t)i * m->width;
}

static struct stream_id id_of(const struct id_map *m, const struct id_chunk *c, uint32_t i)
{
    struct stream_id id;

    memcpy(&id, thing_at(m, c, i), sizeof(id));
    return id;
}

void *id_map_at(const struct id_map *m, struct id_place place)
{
    if (place.chunk >= m->chunk_count)
        return NULL;
    return thing_at(m, chunk_at(m, place.chunk), place.index);
}

struct id_place id_map_begin(const struct id_map *m)
{
    (void)m;
    return (struct id_place){0, 0};
}

struct id_place id_map_end(const struct id_map *m)
{
    return (struct id_place){m->chunk_count, 0};
}

/* The first chunk whose last thing is not below the name. */
static uint32_t chunk_of(const struct id_map *m, struct stream_id id)
{
    uint32_t low = 0, high = m->chunk_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct id_chunk *c = chunk_at(m, middle);

        if (stream_id_order(id_of(m, c, c->count - 1), id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t index_in(const struct id_map *m, const struct id_chunk *c, struct stream_id id)
{
    uint32_t low = 0, high = c->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (stream_id_order(id_of(m, c, middle), id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct id_place id_map_seek(const struct id_map *m, struct stream_id id)
{
    uint32_t chunk = chunk_of(m, id);

    if (chunk == m->chunk_count)
        return id_map_end(m);
    return (struct id_place){chunk, index_in(m, chunk_at(m, chunk), id)};
}

void *id_map_find(const struct id_map *m, struct stream_id id)
{
    void *thing = id_map_at(m, id_map_seek(m, id));
    struct stream_id found;

    if (!thing)
        return NULL;
    memcpy(&found, thing, sizeof(found));
    return stream_id_order(found, id) == 0 ? thing : NULL;
}

void id_map_next(const struct id_map *m, struct id_place *place)
{
    if (place->index + 1 < chunk_at(m, place->chunk)->count)
        place->index++;
    else
        *place = (struct id_place){place->chunk + 1, 0};
}

bool id_map_previous(const struct id_map *m, struct id_place *place)
{
    if (place->index > 0) {
        place->index--;
        return true;
    }
    if (place->chunk == 0)
        return false;
    place->chunk--;
    place->index = chunk_at(m, place->chunk)->count - 1;
    return true;
}

/* ---- changing ---- */

/* Room for one more thing in a chunk; a full one is cut in two, at its end where it is the last. */
static struct id_place make_room(struct account *a, struct id_map *m, struct id_place place)
{
    struct id_chunk *c = chunk_at(m, place.chunk);

    if (c->count < c->room)
        return place;
    if (c->room < ID_CHUNK_MAX) {
        uint32_t room = c->room * 2;

        book(a, m, chunk_bytes(m, room), chunk_bytes(m, c->room));
        c = realloc(c, chunk_bytes(m, room));
        check(c);
        c->room = room;
        m->chunks[m->first + place.chunk] = c;
        return place;
    }
    bool is_tail = place.chunk + 1 == m->chunk_count && place.index == c->count;
    uint32_t kept = is_tail ? c->count : c->count / 2;
    struct id_chunk *next = chunk_new(a, m, place.chunk + 1, is_tail ? CHUNK_FIRST : ID_CHUNK_MAX);
    next->count = c->count - kept;
    memcpy(next->things, thing_at(m, c, kept), (size_t)next->count * m->width);
    c->count = kept;
    if (place.index <= kept && !is_tail)
        return place;
    return (struct id_place){place.chunk + 1, place.index - kept};
}

void *id_map_insert(struct account *a, struct id_map *m, struct stream_id id, bool *is_new)
{
    struct id_place place = id_map_seek(m, id);
    void *thing = id_map_find(m, id);

    *is_new = !thing;
    if (thing)
        return thing;
    if (m->chunk_count == 0)
        chunk_new(a, m, 0, CHUNK_FIRST);
    /* Behind all there are is the end of the last chunk. */
    if (place.chunk == m->chunk_count)
        place = (struct id_place){place.chunk - 1, chunk_at(m, place.chunk - 1)->count};
    else if (m->count == 0)
        place = (struct id_place){0, 0};
    place = make_room(a, m, place);
    struct id_chunk *c = chunk_at(m, place.chunk);
    thing = thing_at(m, c, place.index);
    memmove((uint8_t *)thing + m->width, thing, (size_t)(c->count - place.index) * m->width);
    memset(thing, 0, m->width);
    memcpy(thing, &id, sizeof(id));
    c->count++;
    m->count++;
    return thing;
}

void id_map_remove(struct account *a, struct id_map *m, struct id_place *place)
{
    struct id_chunk *c = chunk_at(m, place->chunk);
    uint8_t *thing = thing_at(m, c, place->index);

    c->count--;
    m->count--;
    memmove(thing, thing + m->width, (size_t)(c->count - place->index) * m->width);
    if (c->count == 0) {
        chunk_drop(a, m, place->chunk);
        place->index = 0;
    } else if (place->index == c->count) {
        *place = (struct id_place){place->chunk + 1, 0};
    }
}

bool id_map_forget(struct account *a, struct id_map *m, struct stream_id id)
{
    struct id_place place = id_map_seek(m, id);

    if (!id_map_find(m, id))
        return false;
    id_map_remove(a, m, &place);
    return true;
}
