/*
 * A key and what belongs to it, in one run of bytes of a heap:
 *
 *     shape (1)  age (3)  key length (1 or 4)  [value length (1 or 4)]  [deadline (8)]  key  value
 *
 * The shape byte says type, form, whether there is a deadline and how wide the lengths are, so 16
 * bytes of key and 10 of value take 32. Forms of a value:
 *
 *     PLAIN   the bytes themselves (short strings; packed collections), up to ENTRY_VALUE_MAX
 *     EDITED  the same, reported as `raw`: the string was written to in part
 *     NUMBER  a 64-bit integer
 *     OUTSIDE a pointer: to a blob (strings) or to what the type made of it (collections)
 *
 * Pointers into an entry hold until the next call that writes to its database.
 */
#ifndef LARDER_KEYSPACE_ENTRY_H
#define LARDER_KEYSPACE_ENTRY_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum entry_type {
    TYPE_STRING,
    TYPE_LIST,
    TYPE_SET,
    TYPE_ZSET,
    TYPE_HASH,
    TYPE_STREAM,
    ENTRY_TYPES,
};

enum entry_form { FORM_PLAIN, FORM_EDITED, FORM_NUMBER, FORM_OUTSIDE };

#define ENTRY_TYPE_MASK  0x07
#define ENTRY_FORM_SHIFT 3
#define ENTRY_FORM_MASK  0x18
#define ENTRY_DEADLINE   0x20
#define ENTRY_WIDE_KEY   0x40
#define ENTRY_WIDE_VALUE 0x80

#define ENTRY_HEAD_MAX  20    /* shape, age, two wide lengths, deadline */
#define ENTRY_VALUE_MAX 12288 /* longer values stand outside */
#define ENTRY_BYTES_MAX 16384 /* and so do those of which the key leaves no room */

#define NO_DEADLINE ((int64_t)-1)

struct entry {
    uint8_t shape;
    uint8_t age[3];
    uint8_t rest[];
};

static inline enum entry_type entry_type(const struct entry *e)
{
    return (enum entry_type)(e->shape & ENTRY_TYPE_MASK);
}

static inline enum entry_form entry_form(const struct entry *e)
{
    return (enum entry_form)((e->shape & ENTRY_FORM_MASK) >> ENTRY_FORM_SHIFT);
}

static inline bool entry_has_deadline(const struct entry *e)
{
    return e->shape & ENTRY_DEADLINE;
}

/* True when a value length is stored: forms PLAIN and EDITED. */
static inline bool entry_has_length(uint8_t shape)
{
    return !(shape & (FORM_NUMBER << ENTRY_FORM_SHIFT));
}

static inline uint32_t entry_key_width(uint8_t shape)
{
    return shape & ENTRY_WIDE_KEY ? 4 : 1;
}

static inline uint32_t entry_value_width(uint8_t shape)
{
    if (!entry_has_length(shape))
        return 0;
    return shape & ENTRY_WIDE_VALUE ? 4 : 1;
}

/* Bytes in front of the key. */
static inline uint32_t entry_head_bytes(uint8_t shape)
{
    return 4 + entry_key_width(shape) + entry_value_width(shape) + (shape & ENTRY_DEADLINE ? 8 : 0);
}

static inline uint32_t entry_load_length(const uint8_t *at, bool is_wide)
{
    uint32_t v;

    if (!is_wide)
        return *at;
    memcpy(&v, at, sizeof(v));
    return v;
}

static inline uint32_t entry_key_len(const struct entry *e)
{
    return entry_load_length(e->rest, e->shape & ENTRY_WIDE_KEY);
}

static inline struct str entry_key(const struct entry *e)
{
    return (struct str){(const char *)e + entry_head_bytes(e->shape), entry_key_len(e)};
}

/* Bytes of the value as stored: 8 for NUMBER and OUTSIDE. */
static inline uint32_t entry_value_len(const struct entry *e)
{
    if (!entry_has_length(e->shape))
        return 8;
    return entry_load_length(e->rest + entry_key_width(e->shape), e->shape & ENTRY_WIDE_VALUE);
}

static inline char *entry_value(struct entry *e)
{
    return (char *)e + entry_head_bytes(e->shape) + entry_key_len(e);
}

/* The stored bytes of a PLAIN or EDITED value. */
static inline struct str entry_bytes(const struct entry *e)
{
    return (struct str){entry_value((struct entry *)e), entry_value_len(e)};
}

static inline int64_t entry_number(const struct entry *e)
{
    int64_t v;

    memcpy(&v, entry_value((struct entry *)e), sizeof(v));
    return v;
}

static inline void entry_set_number(struct entry *e, int64_t v)
{
    memcpy(entry_value(e), &v, sizeof(v));
}

/* The pointer of an OUTSIDE value. */
static inline void *entry_outside(const struct entry *e)
{
    void *p;

    memcpy(&p, entry_value((struct entry *)e), sizeof(p));
    return p;
}

static inline void entry_set_outside(struct entry *e, void *p)
{
    memcpy(entry_value(e), &p, sizeof(p));
}

static inline int64_t entry_deadline(const struct entry *e)
{
    int64_t v;

    if (!entry_has_deadline(e))
        return NO_DEADLINE;
    memcpy(&v, e->rest + entry_key_width(e->shape) + entry_value_width(e->shape), sizeof(v));
    return v;
}

static inline void entry_store_deadline(struct entry *e, int64_t deadline_ms)
{
    memcpy(e->rest + entry_key_width(e->shape) + entry_value_width(e->shape), &deadline_ms,
           sizeof(deadline_ms));
}

/* All bytes of the entry. */
static inline uint32_t entry_size(const struct entry *e)
{
    return entry_head_bytes(e->shape) + entry_key_len(e) + entry_value_len(e);
}

/* 24 bits of recency: seconds of last access, or minutes (16) and a logarithmic counter (8). */
static inline uint32_t entry_age(const struct entry *e)
{
    return (uint32_t)e->age[0] | (uint32_t)e->age[1] << 8 | (uint32_t)e->age[2] << 16;
}

static inline void entry_set_age(struct entry *e, uint32_t age)
{
    e->age[0] = (uint8_t)age;
    e->age[1] = (uint8_t)(age >> 8);
    e->age[2] = (uint8_t)(age >> 16);
}

static inline bool entry_key_is(const struct entry *e, const char *key, size_t len)
{
    struct str k = entry_key(e);

    return k.len == len && memcmp(k.ptr, key, len) == 0;
}

#endif
