/*
 * The simplest thing that a hash or a set can be: per member of a small universe, whether it is
 * there and with which value. What the commands do is compared with it.
 */
#ifndef LARDER_FUZZ_COLLECTIONS_MODEL_H
#define LARDER_FUZZ_COLLECTIONS_MODEL_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define MODEL_KEYS    6
#define MODEL_MEMBERS 256

enum model_type { MODEL_NONE, MODEL_HASH, MODEL_SET };

/* A value is a member of the universe, too, or the result of counting. */
struct model_value {
    bool is_there, is_number;
    uint8_t index;
    int64_t number;
};

struct model_key {
    enum model_type type;
    uint32_t count;
    struct model_value members[MODEL_MEMBERS];
};

struct model {
    struct model_key keys[MODEL_KEYS];
    struct str texts[MODEL_MEMBERS]; /* the universe */
    char *bytes;                     /* what they point into */
};

/* Makes the universe: numbers of every width, short and long strings, and texts that are nearly
 * numbers. It lasts. */
void model_init(struct model *m);

/* The number of a text in the universe, or -1. */
int model_index(const struct model *m, struct str text);

/* Sets, true when it was not there before; removes, true when it was; drops a key. */
bool model_set(struct model_key *k, enum model_type type, uint8_t member, struct model_value v);
bool model_remove(struct model_key *k, uint8_t member);
void model_drop(struct model_key *k);

static inline bool model_has(const struct model_key *k, enum model_type type, unsigned member)
{
    return k->type == type && k->members[member].is_there;
}

#endif
