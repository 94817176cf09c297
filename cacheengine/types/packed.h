/*
 * Packed: a run of short elements, one behind the other, for collections that are small and for the
 * groups that big ones are made of (table.h).
 *
 *     count (2, little endian)  element  element  ...
 *
 * An element is a tag and what it announces:
 *
 *     00-7f  a string of that many bytes         c0-c7  an integer in 1 to 8 bytes
 *     80-bf  the integer 0 to 63                 c8     a double in 8 bytes
 *     d0-df  a string of 12 bits of length,      c9     the address of a blob (a long string;
 *            low 8 in the next byte                     within tables only)
 *     e0     a string with 4 bytes of length
 *     ca     when it ends: a wall time in 6 bytes, and then the element itself (within tables
 *            only; not with the first of an entry)
 *
 * Every text has exactly one form: what is a canonical 64-bit integer ("12", never "012") is stored
 * as one in the fewest bytes, so two elements are equal when their bytes are. A reader walks
 * forward only; whoever must walk backward (lists) keeps its runs short and walks to the place
 * first (packed_at), or puts the length behind each element itself.
 *
 * Nothing here allocates. A change is three steps: the caller learns how many bytes an element
 * takes (packed_size_of), makes the run that much longer, opens a gap (packed_gap) and puts the
 * element into it. packed_value.h does so for runs that are the value of an entry.
 *
 * Reading trusts the bytes; what comes from outside passes packed_is_sound first.
 */
#ifndef LARDER_TYPES_PACKED_H
#define LARDER_TYPES_PACKED_H

#include "base/str.h"
#include "cacheengine/keyspace/blob.h"
#include "cacheengine/keyspace/hash.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reply;

#define PACKED_HEAD      2     /* bytes of the count */
#define PACKED_COUNT_MAX 65535 /* elements of one run */
#define PACKED_AWAY_SIZE 9     /* bytes of an element that stands in a blob */

enum packed_kind { PACKED_TEXT, PACKED_NUMBER, PACKED_REAL, PACKED_AWAY };

/* An element outside a run: what was read, or what is to be stored or looked for. */
struct packed_item {
    const char *ptr; /* TEXT and AWAY */
    uint32_t len;
    uint8_t kind; /* enum packed_kind */
    union {
        int64_t number;
        double real;
        struct blob *away;
    };
};

/* Room for the digits of a number. */
struct packed_digits {
    char text[40];
};

/* The item of a text: a number when it is one in canonical form. Borrows the bytes. */
struct packed_item packed_item_of(struct str text);

static inline struct packed_item packed_number(int64_t v)
{
    return (struct packed_item){.kind = PACKED_NUMBER, .number = v};
}

static inline struct packed_item packed_real(double v)
{
    return (struct packed_item){.kind = PACKED_REAL, .real = v};
}

/* The share in the blob passes to whoever stores the item. */
static inline struct packed_item packed_away(struct blob *b)
{
    struct str s = blob_str(b);

    return (struct packed_item){
        .ptr = s.ptr, .len = (uint32_t)s.len, .kind = PACKED_AWAY, .away = b};
}

/* The text of an item; numbers are written to `digits`. */
struct str packed_text(const struct packed_item *item, struct packed_digits *digits);

/* How long that text is. */
size_t packed_text_len(const struct packed_item *item);

bool packed_item_eq(const struct packed_item *a, const struct packed_item *b);

/* ---- elements ---- */

/* Bytes that an item takes in a run. */
size_t packed_size_of(const struct packed_item *item);

/* Writes an item; returns the place behind it. */
uint8_t *packed_put(uint8_t *at, const struct packed_item *item);

/* Bytes of elements with tags from 0x80 on; 0: the length stands in what follows. */
extern const uint8_t packed_tag_sizes[128];

size_t packed_long_size(const uint8_t *at);

/* Bytes of the element at a place. */
static inline size_t packed_size(const uint8_t *at)
{
    if (__builtin_expect(*at < 0x80, 1))
        return (size_t)*at + 1;
    size_t size = packed_tag_sizes[*at - 0x80];
    return __builtin_expect(size != 0, 1) ? size : packed_long_size(at);
}

static inline const uint8_t *packed_next(const uint8_t *at)
{
    return at + packed_size(at);
}

/* Reads the element at a place; returns the place behind it. The item borrows the run's bytes. */
const uint8_t *packed_get(const uint8_t *at, struct packed_item *out);

/* Sends the element at a place as a bulk string; returns the place behind it. */
const uint8_t *packed_reply(struct reply *r, const uint8_t *at);

/* Sends an item as a bulk string. */
void packed_reply_item(struct reply *r, const struct packed_item *item);

/* ---- ends ---- */

#define PACKED_END_SIZE 7                 /* bytes in front of an element that ends */
#define PACKED_END_MAX  ((1LL << 47) - 1) /* the last wall time that can be told: the year 6429 */
#define PACKED_NO_END   INT64_MAX

/* When the element at a place ends, or PACKED_NO_END. */
int64_t packed_end(const uint8_t *at);

/* Writes an end, of 0 to PACKED_END_MAX; the element itself stands behind it. */
void packed_put_end(uint8_t *at, int64_t end_ms);

/* ---- runs ---- */

static inline uint32_t packed_count(const void *run)
{
    uint16_t v;

    memcpy(&v, run, sizeof(v));
    return v;
}

static inline void packed_set_count(void *run, uint32_t count)
{
    uint16_t v = (uint16_t)count;

    memcpy(run, &v, sizeof(v));
}

static inline const uint8_t *packed_first(const void *run)
{
    return (const uint8_t *)run + PACKED_HEAD;
}

/*
 * Finds an element among every `step`th of a run of `len` bytes, beginning with the first: 1 for
 * lists and sets, 2 for the fields of a hash. NULL when it is not there.
 */
const uint8_t *packed_find(const void *run, size_t len, unsigned step,
                           const struct packed_item *item);

/* The place of the element with a number from 0 on; the run must have it. */
const uint8_t *packed_at(const void *run, uint32_t index);

/* Moves what stands behind `at` so that the `had` bytes there become `wants`; returns the run's new
 * length. The room is the caller's to have. */
size_t packed_gap(void *run, size_t len, size_t at, size_t had, size_t wants);

/*
 * True when these bytes are a run: a right count, known tags, canonical and complete elements, no
 * addresses. `step` is what the count must be a multiple of.
 */
bool packed_is_sound(const void *bytes, size_t len, unsigned step);

/* True when two of every `step`th element of a sound run, from the first on, are equal. */
bool packed_has_twins(const struct hash_seed *seed, const void *run, size_t len, unsigned step);

#endif
