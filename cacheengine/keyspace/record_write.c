/* Writing records: a buffer in front of a sink, and the forms of numbers and strings. */
#include "cacheengine/keyspace/crc64.h"
#include "cacheengine/keyspace/lzf.h"
#include "cacheengine/keyspace/record.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH_6  0x00
#define LENGTH_14 0x40
#define LENGTH_32 0x80
#define LENGTH_64 0x81
#define AS_INT8   0xc0
#define AS_INT16  0xc1
#define AS_INT32  0xc2
#define AS_LZF    0xc3

#define COMPRESS_ABOVE 20 /* shorter strings hardly become shorter */
#define INTEGER_MAX    11 /* bytes of the longest integer that is written as one */

void record_writer_init(struct record_writer *w, struct sink *to)
{
    *w = (struct record_writer){
        .to = to, .version = RECORD_VERSION, .compresses = true, .sums = true};
    w->buffer = malloc(RECORD_BUFFER);
    check(w->buffer);
    w->next = w->buffer;
    w->end = w->buffer + RECORD_BUFFER;
}

void record_writer_fini(struct record_writer *w)
{
    free(w->buffer);
    buf_fini(&w->work);
    *w = (struct record_writer){0};
}

/* Hands bytes to the sink, unless it has failed before. */
static void hand_on(struct record_writer *w, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    if (w->sums)
        w->crc = crc64(w->crc, bytes, len);
    w->left += len;
    if (!err_failed(w->failed))
        w->failed = w->to->write(w->to, bytes, len);
}

static void drain(struct record_writer *w)
{
    hand_on(w, w->buffer, (size_t)(w->next - w->buffer));
    w->next = w->buffer;
}

struct err record_flush(struct record_writer *w)
{
    drain(w);
    return w->failed;
}

uint64_t record_sum(struct record_writer *w)
{
    drain(w);
    return w->crc;
}

/* Where `len` bytes (a few) can be put. */
static inline uint8_t *room_for(struct record_writer *w, size_t len)
{
    if (__builtin_expect((size_t)(w->end - w->next) < len, 0))
        drain(w);
    return (uint8_t *)w->next;
}

void record_put_byte(struct record_writer *w, uint8_t v)
{
    *room_for(w, 1) = v;
    w->next++;
}

void record_put_bytes(struct record_writer *w, const void *bytes, size_t len)
{
    if (len >= RECORD_BUFFER / 2) {
        drain(w);
        hand_on(w, bytes, len);
        return;
    }
    uint8_t *to = room_for(w, len);
    if (len)
        memcpy(to, bytes, len);
    w->next += len;
}

void record_put_u64(struct record_writer *w, uint64_t v)
{
    uint8_t *to = room_for(w, 8);

    for (unsigned i = 0; i < 8; i++)
        to[i] = (uint8_t)(v >> (8 * i));
    w->next += 8;
}

void record_put_double(struct record_writer *w, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    record_put_u64(w, bits);
}

static void put_big_endian(uint8_t *to, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
}

void record_put_length(struct record_writer *w, uint64_t v)
{
    uint8_t *to = room_for(w, 9);

    if (v < 1 << 6) {
        to[0] = (uint8_t)(LENGTH_6 | v);
        w->next += 1;
    } else if (v < 1 << 14) {
        to[0] = (uint8_t)(LENGTH_14 | v >> 8);
        to[1] = (uint8_t)v;
        w->next += 2;
    } else if (v <= UINT32_MAX) {
        to[0] = LENGTH_32;
        put_big_endian(to + 1, v, 4);
        w->next += 5;
    } else {
        to[0] = LENGTH_64;
        put_big_endian(to + 1, v, 8);
        w->next += 9;
    }
}

/* Writes a number of up to 32 bits in its shortest form. */
static void put_integer(struct record_writer *w, int32_t v)
{
    uint8_t *to = room_for(w, 5);
    unsigned bytes = v >= INT8_MIN && v <= INT8_MAX ? 1 : v >= INT16_MIN && v <= INT16_MAX ? 2 : 4;

    to[0] = bytes == 1 ? AS_INT8 : bytes == 2 ? AS_INT16 : AS_INT32;
    for (unsigned i = 0; i < bytes; i++)
        to[1 + i] = (uint8_t)((uint32_t)v >> (8 * i));
    w->next += 1 + bytes;
}

static void put_plain(struct record_writer *w, struct str s)
{
    record_put_length(w, s.len);
    record_put_bytes(w, s.ptr, s.len);
}

/* Writes a string compressed, if that makes it shorter. */
static bool put_compressed(struct record_writer *w, struct str s)
{
    buf_clear(&w->work);
    char *packed = buf_reserve(&w->work, s.len);
    size_t len = lzf_pack(s.ptr, s.len, packed, s.len - 4);

    if (len == 0)
        return false;
    record_put_byte(w, AS_LZF);
    record_put_length(w, len);
    record_put_length(w, s.len);
    record_put_bytes(w, packed, len);
    return true;
}

void record_put_string(struct record_writer *w, struct str s)
{
    int64_t number;

    if (s.len <= INTEGER_MAX && number_parse_i64(s.ptr, s.len, &number) &&
        number == (int32_t)number) {
        put_integer(w, (int32_t)number);
        return;
    }
    if (w->compresses && s.len > COMPRESS_ABOVE && put_compressed(w, s))
        return;
    put_plain(w, s);
}

void record_put_number(struct record_writer *w, int64_t v)
{
    char digits[NUMBER_I64_MAX];

    if (v == (int32_t)v)
        put_integer(w, (int32_t)v);
    else
        put_plain(w, (struct str){digits, number_write_i64(digits, v)});
}

void record_put_type(struct record_writer *w, enum record_type type)
{
    record_put_byte(w, (uint8_t)type);
    if (w->key)
        record_put_string(w, *w->key);
}
