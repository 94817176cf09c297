/* The table of present hosts. */
#include "controlplane/fleet/hosts.h"

#include "base/arena.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

void presence_init(struct presence_table *t)
{
    pthread_mutex_init(&t->lock, NULL);
    map_init(&t->by_id);
}

static void presence_free(struct presence *p)
{
    for (unsigned i = 0; i < PRESENCE_PAST; i++)
        free(p->past[i]);
    free(p->host_id);
    free(p->incarnation);
    free(p);
}

void presence_fini(struct presence_table *t)
{
    map_each(slot, &t->by_id)
        presence_free(slot->value);
    map_fini(&t->by_id);
    pthread_mutex_destroy(&t->lock);
}

static char *copy(const char *text)
{
    char *dup = strdup(text);
    check(dup != NULL);
    return dup;
}

static struct presence *entry_of(struct presence_table *t, const char *host_id)
{
    struct presence *p = map_get(&t->by_id, str_of(host_id));
    if (!p) {
        p = calloc(1, sizeof(*p));
        check(p != NULL);
        p->host_id = copy(host_id);
        map_put(&t->by_id, str_of(host_id), p);
    }
    return p;
}

void presence_enrol(struct presence_table *t, const char *host_id, const char *incarnation,
                    int64_t now_boot_ms)
{
    pthread_mutex_lock(&t->lock);
    struct presence *p = entry_of(t, host_id);
    if (p->incarnation) {
        char **slot = &p->past[p->past_count++ % PRESENCE_PAST];
        free(*slot);
        *slot = p->incarnation;
    }
    p->incarnation = copy(incarnation);
    p->message_number = 0;
    p->heard_boot_ms = now_boot_ms;
    p->is_silent = false;
    pthread_mutex_unlock(&t->lock);
}

void presence_silence(struct presence_table *t, const char *host_id)
{
    pthread_mutex_lock(&t->lock);
    entry_of(t, host_id)->is_silent = true;
    pthread_mutex_unlock(&t->lock);
}

static bool is_past(const struct presence *p, const char *incarnation)
{
    for (unsigned i = 0; i < PRESENCE_PAST; i++)
        if (p->past[i] && strcmp(p->past[i], incarnation) == 0)
            return true;
    return false;
}

enum presence_answer presence_hear(struct presence_table *t, const char *host_id,
                                   const char *incarnation, int64_t now_boot_ms,
                                   bool *out_was_silent)
{
    enum presence_answer answer = PRESENCE_NEW;

    pthread_mutex_lock(&t->lock);
    struct presence *p = map_get(&t->by_id, str_of(host_id));
    if (p && strcmp(p->incarnation, incarnation) == 0) {
        answer = PRESENCE_CURRENT;
        *out_was_silent = p->is_silent;
        p->is_silent = false;
        p->heard_boot_ms = now_boot_ms;
    } else if (p && is_past(p, incarnation)) {
        answer = PRESENCE_SUPERSEDED;
    }
    pthread_mutex_unlock(&t->lock);
    return answer;
}

bool presence_take_message(struct presence_table *t, const char *host_id, int64_t number)
{
    pthread_mutex_lock(&t->lock);
    struct presence *p = map_get(&t->by_id, str_of(host_id));
    bool counts = !p || number == 0 || number >= p->message_number;
    if (p && counts && number > 0)
        p->message_number = number;
    pthread_mutex_unlock(&t->lock);
    return counts;
}

void presence_take_silent(struct presence_table *t, struct arena *a, int64_t now_boot_ms,
                          int64_t silent_ms, const char ***out_ids, size_t *out_count,
                          int64_t *out_next_boot_ms)
{
    vec_of(const char *) ids = VEC_EMPTY;
    int64_t next_ms = INT64_MAX;

    pthread_mutex_lock(&t->lock);
    map_each(slot, &t->by_id) {
        struct presence *p = slot->value;
        if (p->is_silent)
            continue;
        int64_t due_ms = p->heard_boot_ms + silent_ms;
        if (due_ms <= now_boot_ms) {
            p->is_silent = true;
            *vec_add(a, &ids) = arena_strdup(a, p->host_id);
        } else if (due_ms < next_ms) {
            next_ms = due_ms;
        }
    }
    pthread_mutex_unlock(&t->lock);
    *out_ids = ids.items;
    *out_count = ids.count;
    *out_next_boot_ms = next_ms;
}
