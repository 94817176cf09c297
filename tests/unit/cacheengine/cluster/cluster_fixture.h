/* Topologies from text: words with spaces between; "#a" stands for the id of 40 such digits. */
#ifndef LARDER_TESTS_CLUSTER_FIXTURE_H
#define LARDER_TESTS_CLUSTER_FIXTURE_H

#include "cacheengine/cluster/cluster.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

/* Two shards: a (primary 1, replica 2) and b (primary 3); 1 is told. */
#define TWO_SHARDS                                                                       \
    "SHARD #a 0-8191 NODE #1 primary 127.0.0.1 7001 0 one.cache online "                 \
    "NODE #2 replica 127.0.0.1 7002 0 - online SHARD #b 8192-16383 NODE #3 primary ::1 " \
    "7003 8003 - online"

#define WORDS_MAX 4096

struct words {
    struct str items[WORDS_MAX];
    size_t count;
};

static inline struct str word_of(struct arena *a, struct str text)
{
    if (*text.ptr != '#')
        return text;
    char *id = arena_alloc(a, CLUSTER_ID_LEN + 1);
    memset(id, text.ptr[1], CLUSTER_ID_LEN);
    id[CLUSTER_ID_LEN] = 0;
    return (struct str){id, CLUSTER_ID_LEN};
}

/* The words of a text. */
static inline void words_of(struct arena *a, const char *text, struct words *out)
{
    struct str rest = str_of(text);

    out->count = 0;
    while (rest.len > 0) {
        struct str word = str_cut(&rest, ' ');

        if (word.len == 0)
            continue;
        out->items[out->count++] = word_of(a, word);
    }
}

static inline struct err parse_text(struct arena *a, const char *text, struct topology **out)
{
    struct words *w = arena_alloc(a, sizeof(*w));

    words_of(a, text, w);
    return topology_parse(a, w->items, w->count, out);
}

/* A record of a hand-over of a slot; ids of the digit each. */
static inline struct handover handover_of(enum handover_stage stage, char id, char from, char to,
                                          uint32_t slot)
{
    struct handover one = {.stage = stage};

    memset(one.id, id, CLUSTER_ID_LEN);
    memset(one.token, 'e', CLUSTER_ID_LEN);
    memset(one.from, from, CLUSTER_ID_LEN);
    memset(one.to, to, CLUSTER_ID_LEN);
    slot_set_add(&one.slots, slot);
    if (stage >= HANDOVER_GIVEN) {
        strcpy(one.host, "127.0.0.1");
        one.port = 7003;
    }
    return one;
}

static inline struct err set_topology(struct cluster *c, struct arena *a, const char *text)
{
    struct words *w = arena_alloc(a, sizeof(*w));

    words_of(a, text, w);
    return cluster_set(c, a, w->items, w->count, 1700000000000LL);
}

#endif
