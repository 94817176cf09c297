/*
 * A revision that is not that of the last answer makes all of them worthless at once, and so does
 * running out of room: both empty the map. Bodies are copied outside of the lock, which their
 * holders are counted for.
 */
#include "controlplane/api/answers.h"

#include "base/err.h"
#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct answers {
    size_t max_bytes;
    pthread_mutex_t lock; /* guards all below */
    uint64_t revision;
    size_t used_bytes; /* of keys, bodies, and what holds them */
    struct map map;
};

struct answers *answers_new(size_t max_bytes)
{
    struct answers *all = calloc(1, sizeof(*all));

    check(all != NULL);
    all->max_bytes = max_bytes;
    pthread_mutex_init(&all->lock, NULL);
    return all;
}

void answer_let_go(struct answer *answer)
{
    if (answer && atomic_fetch_sub(&answer->holders, 1) == 1)
        free(answer);
}

static void empty(struct answers *all)
{
    map_each(slot, &all->map)
        answer_let_go(slot->value);
    map_fini(&all->map);
    all->used_bytes = 0;
}

void answers_free(struct answers *all)
{
    if (!all)
        return;
    empty(all);
    pthread_mutex_destroy(&all->lock);
    free(all);
}

struct answer *answers_find(struct answers *all, struct str key, uint64_t revision)
{
    struct answer *found = NULL;

    pthread_mutex_lock(&all->lock);
    if (all->revision == revision)
        found = map_get(&all->map, key);
    if (found)
        atomic_fetch_add(&found->holders, 1);
    pthread_mutex_unlock(&all->lock);
    return found;
}

/* The body stands behind the head, in the same piece of memory. */
static struct answer *copy_of(const struct answer *like)
{
    struct answer *copy = malloc(sizeof(*copy) + like->body.len);

    check(copy != NULL);
    *copy = (struct answer){
        .holders = 1,
        .content_type = like->content_type,
        .smithy_protocol = like->smithy_protocol,
        .id_at = like->id_at,
        .body = {(char *)(copy + 1), like->body.len}
    };
    if (like->body.len)
        memcpy(copy + 1, like->body.ptr, like->body.len);
    return copy;
}

static size_t size_of(struct str key, const struct answer *answer)
{
    return sizeof(struct map_slot) + sizeof(*answer) + key.len + answer->body.len;
}

static void put(struct answers *all, struct str key, struct answer *answer)
{
    struct answer *before = map_put(&all->map, key, answer);

    all->used_bytes += size_of(key, answer);
    if (before)
        all->used_bytes -= size_of(key, before);
    answer_let_go(before);
}

void answers_keep(struct answers *all, struct str key, uint64_t revision, const struct answer *like)
{
    size_t size = size_of(key, like);

    if (size > all->max_bytes / 2)
        return;
    struct answer *answer = copy_of(like);
    pthread_mutex_lock(&all->lock);
    bool is_older = revision < all->revision;
    if (revision > all->revision || (!is_older && all->used_bytes + size > all->max_bytes))
        empty(all);
    if (!is_older) {
        all->revision = revision;
        put(all, key, answer);
    }
    pthread_mutex_unlock(&all->lock);
    if (is_older)
        answer_let_go(answer);
}
