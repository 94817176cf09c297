/*
 * HyperLogLogs as bytes, in the format that Redis has: a string of
 *
 *     "HYLL"  form (1)  unused (3)  estimate (8, low bytes first)  registers
 *
 * The estimate is the last one that was asked for; its top bit says that registers have changed
 * since. There are 16384 registers of 6 bits:
 *
 *     dense   one behind the other, low bits first: always HLL_DENSE_BYTES
 *     sparse  runs of equal registers: 00nnnnnn n+1 zeros, 01nnnnnn nnnnnnnn n+1 zeros,
 *             1vvvvvnn n+1 registers of v+1
 *
 * The same elements in the same order give the same bytes as there, so strings go from one to the
 * other by GET, DUMP and replication and stay equal.
 */
#ifndef LARDER_TYPES_HLL_H
#define LARDER_TYPES_HLL_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HLL_REGISTERS    16384
#define HLL_REGISTER_MAX 63
#define HLL_HEAD_BYTES   16
#define HLL_DENSE_BYTES  (HLL_HEAD_BYTES + HLL_REGISTERS * 6 / 8)
#define HLL_EMPTY_BYTES  (HLL_HEAD_BYTES + 2) /* a sparse one without elements */
/* No sparse one is longer that says every register once. */
#define HLL_SPARSE_MAX (HLL_HEAD_BYTES + 2 * HLL_REGISTERS)
/* A register that is set makes a sparse one longer by at most so much. */
#define HLL_SPARSE_GROWTH 3

/* ---- the whole ---- */

/* True when the head is one, and the length that of a dense one where it says so. Whether the
 * registers of a sparse one are right is found when they are read. */
bool hll_is_one(struct str s);
bool hll_is_dense(struct str s); /* of one that is */

/* An empty sparse one, its estimate out of date. */
void hll_write_empty(uint8_t out[HLL_EMPTY_BYTES]);

/* The estimate in the head; false when registers have changed since. */
bool hll_known_estimate(struct str s, uint64_t *out);
void hll_set_estimate(void *bytes, uint64_t estimate);
void hll_outdate_estimate(void *bytes);

/* ---- elements ---- */

/* What an element does: register `index` is at least `value` (1 to 51) from then on. */
struct hll_mark {
    uint32_t index;
    uint8_t value;
};

struct hll_mark hll_mark_of(struct str element);

/* ---- registers ---- */

/* The highest value of each register among `registers` and those of one; false when a sparse one is
 * damaged: `registers` is then of no use. */
bool hll_merge(uint8_t registers[HLL_REGISTERS], struct str s);

/* Writes them as a dense one with this head. */
void hll_write_dense(const uint8_t registers[HLL_REGISTERS], const void *head,
                     uint8_t out[HLL_DENSE_BYTES]);

/* How many registers have each value: what an estimate is made of. False when a sparse one is
 * damaged. */
bool hll_histogram(struct str s, uint32_t out[HLL_REGISTER_MAX + 1]);
void hll_histogram_of(const uint8_t registers[HLL_REGISTERS], uint32_t out[HLL_REGISTER_MAX + 1]);

/* How many different elements there probably were. */
uint64_t hll_estimate(const uint32_t histogram[HLL_REGISTER_MAX + 1]);

/* A register of a dense one; the second is true when it was raised. */
uint8_t hll_dense_get(const void *bytes, uint32_t index);
bool hll_dense_raise(void *bytes, struct hll_mark m);

/* ---- sparse ones ---- */

/* A run of registers that are alike. */
struct hll_run {
    uint32_t count;
    uint8_t value;
    uint8_t bytes; /* of the run itself; 0: it is cut off */
};

struct hll_run hll_run_at(const uint8_t *at, const uint8_t *end);

/* A sparse one being changed: all its bytes, head included, and room for HLL_SPARSE_GROWTH more. */
struct hll_sparse {
    uint8_t *bytes;
    size_t len;
    size_t limit; /* it is made no longer than that */
    /* Where the next search begins: a run, the first register of it, and the run before it. */
    size_t at, before;
    uint32_t first;
};

enum hll_change {
    HLL_SAME,    /* the register was as high already */
    HLL_RAISED,  /* and the estimate is out of date */
    HLL_TOO_BIG, /* it takes a dense one */
    HLL_DAMAGED,
};

/* Makes the next search begin at the first register. Needed before the first one, and before each
 * whose index is not higher than the last. */
void hll_sparse_rewind(struct hll_sparse *s);

enum hll_change hll_sparse_raise(struct hll_sparse *s, struct hll_mark m);

/* What a mark would do, found without changing anything: HLL_SAME, HLL_RAISED or HLL_DAMAGED. The
 * bytes may be anybody's. Where the register would rise the next search begins there, in a copy of
 * the bytes too. */
enum hll_change hll_sparse_look(struct hll_sparse *s, struct hll_mark m);

#endif
