/* A small service of every kind of value, as specgen would write it. */
#ifndef LARDER_TESTS_UNIT_BASE_SAMPLE_H
#define LARDER_TESTS_UNIT_BASE_SAMPLE_H

#include "base/shape.h"

struct sample_inner {
    const char *name;
    struct opt_int rank;
};

struct sample_inner_list {
    bool has;
    size_t count;
    struct sample_inner *items;
};

struct sample_text_list {
    bool has;
    size_t count;
    const char **items;
};

struct sample_map_entry {
    const char *key;
    struct opt_bool value;
};

struct sample_map {
    bool has;
    size_t count;
    struct sample_map_entry *items;
};

struct sample {
    const char *text;
    const char *color;
    const char *secret;
    struct opt_int number;
    struct opt_int big;
    struct opt_double ratio;
    struct opt_bool flag;
    struct opt_time when;
    struct opt_blob bytes;
    struct sample_inner *inner;
    struct sample_inner_list inners;
    struct sample_text_list texts;
    struct sample_map flags;
};

extern const struct shape sample_shape;
extern const struct service_desc sample_service;

#endif
