/* A binary heap. What is set for earlier is put beside what was set for later, which counts no more
 * when its time comes. */
#include "controlplane/reconcile/alarms.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY_BYTES 32

void alarms_init(struct alarms *all)
{
    *all = (struct alarms){0};
    map_init(&all->earliest);
}

void alarms_fini(struct alarms *all)
{
    map_each(slot, &all->earliest)
        free(slot->value);
    map_fini(&all->earliest);
    free(all->heap);
    *all = (struct alarms){0};
}

static struct str key_of(struct subject s, char text[KEY_BYTES])
{
    snprintf(text, KEY_BYTES, "%c%lld", s.is_group ? 'g' : 'c', (long long)s.id);
    return str_of(text);
}

static void swap(struct alarm *a, struct alarm *b)
{
    struct alarm was = *a;
    *a = *b;
    *b = was;
}

static void push(struct alarms *all, const struct alarm *alarm)
{
    if (all->count == all->capacity) {
        all->capacity = all->capacity ? all->capacity * 2 : 64;
        all->heap = realloc(all->heap, all->capacity * sizeof(*all->heap));
        check(all->heap != NULL);
    }
    size_t at = all->count++;
    all->heap[at] = *alarm;
    for (; at > 0 && all->heap[at].at_ms < all->heap[(at - 1) / 2].at_ms; at = (at - 1) / 2)
        swap(&all->heap[at], &all->heap[(at - 1) / 2]);
}

static struct alarm pop(struct alarms *all)
{
    struct alarm first = all->heap[0];
    size_t at = 0;

    all->heap[0] = all->heap[--all->count];
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < all->count; child++)
            if (all->heap[child].at_ms < all->heap[least].at_ms)
                least = child;
        if (least == at)
            return first;
        swap(&all->heap[at], &all->heap[least]);
        at = least;
    }
}

void alarms_set(struct alarms *all, struct subject subject, int64_t at_ms)
{
    char text[KEY_BYTES];
    struct str key = key_of(subject, text);
    int64_t *earliest = map_get(&all->earliest, key);

    if (at_ms == INT64_MAX || (earliest && *earliest <= at_ms))
        return;
    if (!earliest) {
        earliest = malloc(sizeof(*earliest));
        check(earliest != NULL);
        map_put(&all->earliest, key, earliest);
    }
    *earliest = at_ms;
    push(all, &(struct alarm){at_ms, subject});
}

int64_t alarms_next_ms(const struct alarms *all)
{
    return all->count > 0 ? all->heap[0].at_ms : INT64_MAX;
}

bool alarms_take(struct alarms *all, int64_t now_ms, struct subject *out)
{
    while (all->count > 0 && all->heap[0].at_ms <= now_ms) {
        struct alarm first = pop(all);
        char text[KEY_BYTES];
        struct str key = key_of(first.subject, text);
        const int64_t *earliest = map_get(&all->earliest, key);
        if (!earliest || *earliest != first.at_ms)
            continue;
        free(map_take(&all->earliest, key));
        *out = first.subject;
        return true;
    }
    return false;
}
