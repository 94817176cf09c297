/* The table of present hosts. */
#include "controlplane/fleet/hosts.h"

#include "base/arena.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

#define LATE_UNKNOWN INT64_MIN

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
        p->late_ms = LATE_UNKNOWN;
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
    p->message_number = p->told_generation = 0;
    p->heard_boot_ms = now_boot_ms;
    p->level = PRESENCE_HEARD;
    pthread_mutex_unlock(&t->lock);
}

void presence_mark(struct presence_table *t, const char *host_id, enum presence_level level)
{
    pthread_mutex_lock(&t->lock);
    entry_of(t, host_id)->level = level;
    pthread_mutex_unlock(&t->lock);
}

static bool is_past(const struct presence *p, const char *incarnation)
{
    for (unsigned i = 0; i < PRESENCE_PAST; i++)
        if (p->past[i] && strcmp(p->past[i], incarnation) == 0)
            return true;
    return false;
}

static enum presence_answer answer_to(const struct presence *p, const char *incarnation)
{
    if (p && strcmp(p->incarnation, incarnation) == 0)
        return PRESENCE_CURRENT;
    return p && is_past(p, incarnation) ? PRESENCE_SUPERSEDED : PRESENCE_NEW;
}

enum presence_answer presence_of(struct presence_table *t, const char *host_id,
                                 const char *incarnation)
{
    pthread_mutex_lock(&t->lock);
    enum presence_answer answer = answer_to(map_get(&t->by_id, str_of(host_id)), incarnation);
    pthread_mutex_unlock(&t->lock);
    return answer;
}

enum presence_answer presence_hear(struct presence_table *t, const char *host_id,
                                   const char *incarnation, int64_t now_boot_ms,
                                   enum presence_level *out_before)
{
    pthread_mutex_lock(&t->lock);
    struct presence *p = map_get(&t->by_id, str_of(host_id));
    enum presence_answer answer = answer_to(p, incarnation);
    if (answer == PRESENCE_CURRENT) {
        *out_before = p->level;
        p->level = PRESENCE_HEARD;
        p->heard_boot_ms = now_boot_ms;
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

bool presence_late_is_news(struct presence_table *t, const char *host_id, int64_t late_ms)
{
    pthread_mutex_lock(&t->lock);
    const struct presence *p = map_get(&t->by_id, str_of(host_id));
    bool is_news = !p || p->late_ms != late_ms;
    pthread_mutex_unlock(&t->lock);
    return is_news;
}

void presence_late_is_kept(struct presence_table *t, const char *host_id, int64_t late_ms)
{
    pthread_mutex_lock(&t->lock);
    struct presence *p = map_get(&t->by_id, str_of(host_id));
    if (p)
        p->late_ms = late_ms;
    pthread_mutex_unlock(&t->lock);
}

void presence_obeys(struct presence_table *t, const char *host_id)
{
    pthread_mutex_lock(&t->lock);
    struct presence *p = map_get(&t->by_id, str_of(host_id));
    if (p)
        p->has_obeyed = true;
    pthread_mutex_unlock(&t->lock);
}

bool presence_has_obeyed(struct presence_table *t, const char *host_id)
{
    pthread_mutex_lock(&t->lock);
    const struct presence *p = map_get(&t->by_id, str_of(host_id));
    bool has_obeyed = p && p->has_obeyed;
    pthread_mutex_unlock(&t->lock);
    return has_obeyed;
}

void presence_tell(struct presence_table *t, const char *host_id, int64_t generation)
{
    pthread_mutex_lock(&t->lock);
    entry_of(t, host_id)->told_generation = generation;
    pthread_mutex_unlock(&t->lock);
}

bool presence_was_told(struct presence_table *t, const char *host_id, int64_t generation)
{
    pthread_mutex_lock(&t->lock);
    const struct presence *p = map_get(&t->by_id, str_of(host_id));
    bool was_told = p && generation > 0 && p->told_generation == generation;
    pthread_mutex_unlock(&t->lock);
    return was_told;
}

void presence_wait_begin(struct presence_table *t, const char *host_id)
{
    pthread_mutex_lock(&t->lock);
    struct presence *p = map_get(&t->by_id, str_of(host_id));
    if (p)
        p->waiting++;
    pthread_mutex_unlock(&t->lock);
}

void presence_wait_end(struct presence_table *t, const char *host_id, int64_t now_boot_ms)
{
    pthread_mutex_lock(&t->lock);
    struct presence *p = map_get(&t->by_id, str_of(host_id));
    if (p && p->waiting > 0) { /* a host that enrolled with this message had no entry before */
        p->waiting--;
        p->heard_boot_ms = now_boot_ms;
    }
    pthread_mutex_unlock(&t->lock);
}

/* What it is by now, and when it could be less. */
static enum presence_level level_of(const struct presence *p, int64_t now_boot_ms,
                                    const struct presence_limits *limits, int64_t *next_ms)
{
    const int64_t heard_ms = p->waiting > 0 ? now_boot_ms : p->heard_boot_ms;
    const int64_t silent_ms = heard_ms + limits->silent_ms;
    const int64_t quiet_ms = limits->quiet_ms ? heard_ms + limits->quiet_ms : silent_ms;
    enum presence_level level = now_boot_ms >= silent_ms  ? PRESENCE_SILENT
                                : now_boot_ms >= quiet_ms ? PRESENCE_QUIET
                                                          : PRESENCE_HEARD;
    int64_t due_ms = level == PRESENCE_HEARD ? quiet_ms : silent_ms;

    if (level != PRESENCE_SILENT && due_ms < *next_ms)
        *next_ms = due_ms;
    return level;
}

void presence_take_unheard(struct presence_table *t, struct arena *a, int64_t now_boot_ms,
                           const struct presence_limits *limits, struct presence_change **out,
                           size_t *out_count, int64_t *out_next_boot_ms)
{
    vec_of(struct presence_change) changes = VEC_EMPTY;
    int64_t next_ms = INT64_MAX;

    pthread_mutex_lock(&t->lock);
    map_each(slot, &t->by_id) {
        struct presence *p = slot->value;
        enum presence_level level = level_of(p, now_boot_ms, limits, &next_ms);
        if (level <= p->level)
            continue; /* who is heard again says so itself */
        p->level = level;
        *vec_add(a, &changes) = (struct presence_change){arena_strdup(a, p->host_id), level};
    }
    pthread_mutex_unlock(&t->lock);
    *out = changes.items;
    *out_count = changes.count;
    *out_next_boot_ms = next_ms;
}
