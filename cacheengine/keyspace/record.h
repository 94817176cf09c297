/*
 * Records: values as RDB files, replication and DUMP carry them. This is the layer of bytes:
 * lengths, strings, doubles, checksums, and where they go to or come from. What a value is made of
 * is known to its type (struct type_ops: save, load), and what a file is made of to persist/.
 *
 * The format is that of Redis's rdb.h, versions 1 to 12 (11: Redis 7.2, Valkey 7.2 to 8.x; 12:
 * Redis 7.4 and 8) and 80 (Valkey 9). Numbers:
 *
 *     length   00xxxxxx | 01xxxxxx + 1 byte | 0x80 + 4 bytes | 0x81 + 8 bytes, high bytes first
 *     string   length, bytes; or 0xc0, 0xc1, 0xc2: an integer in 1, 2, 4 bytes, low bytes first;
 *              or 0xc3, compressed length, length, what LZF made of the bytes
 *
 * Both directions stream: a writer hands full buffers to a sink, a reader refills its window from a
 * source, and neither holds more than a window and the one string at hand.
 */
#ifndef LARDER_KEYSPACE_RECORD_H
#define LARDER_KEYSPACE_RECORD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/stream.h"
#include "cacheengine/keyspace/number.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORD_VERSION     11 /* what is written */
#define RECORD_VERSION_7_0 10 /* the newest that Redis 7.0 reads */
#define RECORD_VERSION_7_4 12 /* of Redis 7.4 and 8; 13 to 79 are not readable */
#define RECORD_VERSION_9   80 /* Valkey 9; written where fields of hashes end */

/* True for what is readable. */
static inline bool record_version_is_known(unsigned version)
{
    return version <= RECORD_VERSION_7_4 || version == RECORD_VERSION_9;
}

/* The type bytes. */
enum record_type {
    RECORD_STRING = 0,
    RECORD_LIST = 1,
    RECORD_SET = 2,
    RECORD_ZSET = 3, /* scores as text */
    RECORD_HASH = 4,
    RECORD_ZSET_2 = 5, /* scores in 8 bytes */
    RECORD_MODULE = 6,
    RECORD_MODULE_2 = 7,
    RECORD_HASH_ZIPMAP = 9,
    RECORD_LIST_ZIPLIST = 10,
    RECORD_SET_INTSET = 11,
    RECORD_ZSET_ZIPLIST = 12,
    RECORD_HASH_ZIPLIST = 13,
    RECORD_LIST_QUICKLIST = 14, /* nodes are ziplists */
    RECORD_STREAM = 15,
    RECORD_HASH_LISTPACK = 16,
    RECORD_ZSET_LISTPACK = 17,
    RECORD_LIST_QUICKLIST_2 = 18, /* nodes are listpacks or single elements */
    RECORD_STREAM_2 = 19,
    RECORD_SET_LISTPACK = 20,
    RECORD_STREAM_3 = 21,
    RECORD_HASH_2 = 22,             /* with ends of fields: Valkey 9 */
    RECORD_HASH_ENDS = 24,          /* the same: Redis 7.4 */
    RECORD_HASH_LISTPACK_ENDS = 25, /* the same, a listpack of three elements for each field */
    RECORD_TYPES,
};

/* The longest string that is read or written. */
#define RECORD_STRING_MAX (UINT32_MAX - 64)

/* ---- writing ---- */

/*
 * Writes to a sink through a buffer. A failure of the sink sticks: what is written afterwards goes
 * nowhere, and record_flush tells. Plain data, one owner.
 */
struct record_writer {
    struct sink *to;
    char *buffer, *next, *end;
    int version;     /* what may be written: RECORD_VERSION, or an older one for an older reader */
    bool compresses; /* strings above 20 bytes, where that makes them shorter */
    bool sums;       /* computes the checksum */
    uint64_t crc;    /* of what left the buffer */
    uint64_t left;   /* bytes that left the buffer */
    const struct str
        *key; /* goes behind the type byte of the value that is written next; NULL: none */
    struct err failed;
    struct buf work; /* for compressing */
};

#define RECORD_BUFFER 65536

/* Everything is RECORD_VERSION, compressed and summed up unless changed afterwards. */
void record_writer_init(struct record_writer *w, struct sink *to);
void record_writer_fini(struct record_writer *w);

/* Hands on what is in the buffer; the first failure there was. */
must_use struct err record_flush(struct record_writer *w);

/* The checksum of all that was written so far. */
uint64_t record_sum(struct record_writer *w);

/* Begins anew with sum and count: another value, behind the same sink. */
static inline void record_restart(struct record_writer *w)
{
    w->crc = w->left = 0;
}

/* Bytes written so far. */
static inline uint64_t record_written(const struct record_writer *w)
{
    return w->left + (uint64_t)(w->next - w->buffer);
}

/* The type byte and the pending key: how each value begins. */
void record_put_type(struct record_writer *w, enum record_type type);

void record_put_byte(struct record_writer *w, uint8_t v);
void record_put_bytes(struct record_writer *w, const void *bytes, size_t len);
void record_put_length(struct record_writer *w, uint64_t v);
void record_put_u64(struct record_writer *w, uint64_t v); /* 8 bytes, low ones first */
void record_put_double(struct record_writer *w, double v);

/* A string; what is a canonical integer of 32 bits is written as one. */
void record_put_string(struct record_writer *w, struct str s);

/* The string of a number's decimal digits. */
void record_put_number(struct record_writer *w, int64_t v);

/* ---- reading ---- */

/*
 * Reads from memory, or from a source through a window. What is read is anybody's bytes: every
 * length is checked before it is believed, and memory is taken only for what really arrives or can
 * come out of what has. Functions return ERR_CORRUPT with what is wrong, or the source's error;
 * record_where says at which byte.
 */
struct record_reader {
    const char *at, *end; /* what is left of the window */
    struct source *from;  /* NULL: the window is all there is */
    struct buf window;
    uint64_t passed;    /* bytes in front of `at` when `base` was set */
    const char *base;   /* where `passed` counts from */
    const char *summed; /* up to here the checksum is computed */
    uint64_t crc;
    bool sums;
    unsigned version; /* of what is read; 0: not told */
    uint64_t bad_at;  /* where the first failure was noticed */
    bool is_bad;
};

/* Over bytes that stay where they are. */
void record_reader_memory(struct record_reader *r, struct str bytes);

/* Over a source. */
void record_reader_stream(struct record_reader *r, struct source *from);
void record_reader_fini(struct record_reader *r);

/* Offset of the next byte; after a failure of the byte where it was noticed. */
uint64_t record_where(const struct record_reader *r);

/* Makes an error of a literal, and notes where. */
must_use struct err record_fail(struct record_reader *r, int code, const char *why);

static inline must_use struct err record_bad(struct record_reader *r, const char *why)
{
    return record_fail(r, ERR_CORRUPT, why);
}

/* The checksum of all that was read so far. */
uint64_t record_read_sum(struct record_reader *r);

must_use struct err record_get_byte(struct record_reader *r, uint8_t *out);
must_use struct err record_get_bytes(struct record_reader *r, void *to, size_t len);
must_use struct err record_get_length(struct record_reader *r, uint64_t *out);
must_use struct err record_get_u32(struct record_reader *r, uint32_t *out); /* low bytes first */
must_use struct err record_get_u64(struct record_reader *r, uint64_t *out);
must_use struct err record_get_double(struct record_reader *r, double *out);

/* A double as old files have it: digits behind a byte of length, or 253 to 255 for NaN, inf, -inf.
 */
must_use struct err record_get_text_double(struct record_reader *r, double *out);

/*
 * A string that was read: in `own`, or, from memory and not compressed, where it stood. Zeroed at
 * first and used again and again; it holds until it is read into again or ended.
 */
struct record_text {
    struct str text;
    struct buf own;
};

must_use struct err record_get_string(struct record_reader *r, struct record_text *out);
void record_text_fini(struct record_text *t);

#endif
