/* What sorted sets are, done the long way: arrays in order. Members and scores are numbers of a
 * table. */
#ifndef LARDER_TESTS_ZSET_MODEL_H
#define LARDER_TESTS_ZSET_MODEL_H

#include "base/str.h"

#include <stdint.h>

#define ZMODEL_MEMBERS 1024
#define ZMODEL_KEYS    4

struct zmodel_item {
    double score;
    uint16_t member;
};

struct zmodel_set {
    struct zmodel_item items[ZMODEL_MEMBERS]; /* in order */
    uint32_t count;
};

struct zmodel {
    struct str texts[ZMODEL_MEMBERS];
    char bytes[ZMODEL_MEMBERS * 80];
    struct zmodel_set sets[ZMODEL_KEYS];
};

/* Makes the texts: numbers, words of all lengths, an empty one, bytes. */
void zmodel_begin(struct zmodel *m);

/* The place of a member, or -1. */
int zmodel_find(const struct zmodel_set *s, uint16_t member);

/* Adds a member or gives it another score. */
void zmodel_put(const struct zmodel *m, struct zmodel_set *s, uint16_t member, double score);

/* Removes `count` members from a place on. */
void zmodel_cut(struct zmodel_set *s, uint32_t at, uint32_t count);

enum zmodel_algebra { ZMODEL_UNION, ZMODEL_INTER, ZMODEL_DIFF };

/* out = a and b, added up. `out` is neither of them. */
void zmodel_combine(const struct zmodel *m, enum zmodel_algebra how, const struct zmodel_set *a,
                    const struct zmodel_set *b, struct zmodel_set *out);

#endif
