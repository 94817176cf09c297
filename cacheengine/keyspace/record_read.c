/*
 * Reading records. The one idea: nothing is believed. A length only decides how far the reader
 * tries to go; room is made in steps, as bytes arrive.
 */
#include "cacheengine/keyspace/crc64.h"
#include "cacheengine/keyspace/lzf.h"
#include "cacheengine/keyspace/record.h"

#include <math.h>
#include <string.h>

#define STEP (1U << 20) /* the most room that is made ahead of what has arrived */

static const char cut_short[] = "the data ends too early";

void record_reader_memory(struct record_reader *r, struct str bytes)
{
    *r = (struct record_reader){.at = bytes.ptr, .end = bytes.ptr + bytes.len};
    r->base = r->summed = r->at;
}

void record_reader_stream(struct record_reader *r, struct source *from)
{
    *r = (struct record_reader){.from = from, .sums = true};
    r->at = r->end = r->base = r->summed = buf_reserve(&r->window, RECORD_BUFFER);
}

void record_reader_fini(struct record_reader *r)
{
    buf_fini(&r->window);
    *r = (struct record_reader){0};
}

static uint64_t position(const struct record_reader *r)
{
    return r->passed + (uint64_t)(r->at - r->base);
}

uint64_t record_where(const struct record_reader *r)
{
    return r->is_bad ? r->bad_at : position(r);
}

static struct err failed(struct record_reader *r, struct err e)
{
    if (!r->is_bad) {
        r->is_bad = true;
        r->bad_at = position(r);
    }
    return e;
}

struct err record_fail(struct record_reader *r, int code, const char *why)
{
    return failed(r, err_make(code, why));
}

/* Takes what was read since the last time into the checksum. */
static void sum_up(struct record_reader *r)
{
    if (r->sums)
        r->crc = crc64(r->crc, r->summed, (size_t)(r->at - r->summed));
    r->summed = r->at;
}

uint64_t record_read_sum(struct record_reader *r)
{
    sum_up(r);
    return r->crc;
}

/* Refills the window, which keeps what is left of it. */
static struct err refill(struct record_reader *r)
{
    size_t left = (size_t)(r->end - r->at), got;
    char *window = r->window.ptr;

    if (!r->from)
        return record_bad(r, cut_short);
    sum_up(r);
    r->passed = position(r);
    memmove(window, r->at, left);
    r->at = r->base = r->summed = window;
    r->end = window + left;
    struct err e = r->from->read(r->from, window + left, RECORD_BUFFER - left, &got);
    if (err_failed(e))
        return failed(r, e);
    if (got == 0)
        return record_bad(r, cut_short);
    r->end += got;
    return OK;
}

/* Makes `len` bytes (a few) stand in the window. */
static inline struct err need(struct record_reader *r, size_t len)
{
    while (__builtin_expect((size_t)(r->end - r->at) < len, 0))
        TRY(refill(r));
    return OK;
}

struct err record_get_byte(struct record_reader *r, uint8_t *out)
{
    TRY(need(r, 1));
    *out = (uint8_t)*r->at++;
    return OK;
}

struct err record_get_bytes(struct record_reader *r, void *to, size_t len)
{
    char *at = to;

    while (len > 0) {
        size_t part = (size_t)(r->end - r->at);

        if (part > len)
            part = len;
        memcpy(at, r->at, part);
        r->at += part;
        at += part;
        len -= part;
        if (len > 0)
            TRY(refill(r));
    }
    return OK;
}

static uint64_t load_little(const char *at, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)(uint8_t)at[i] << (8 * i);
    return v;
}

static uint64_t load_big(const char *at, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | (uint8_t)at[i];
    return v;
}

static struct err get_little(struct record_reader *r, unsigned bytes, uint64_t *out)
{
    TRY(need(r, bytes));
    *out = load_little(r->at, bytes);
    r->at += bytes;
    return OK;
}

struct err record_get_u32(struct record_reader *r, uint32_t *out)
{
    uint64_t v;

    TRY(get_little(r, 4, &v));
    *out = (uint32_t)v;
    return OK;
}

struct err record_get_u64(struct record_reader *r, uint64_t *out)
{
    return get_little(r, 8, out);
}

struct err record_get_double(struct record_reader *r, double *out)
{
    uint64_t bits;

    TRY(get_little(r, 8, &bits));
    memcpy(out, &bits, sizeof(*out));
    return OK;
}

struct err record_get_text_double(struct record_reader *r, double *out)
{
    uint8_t len;

    TRY(record_get_byte(r, &len));
    switch (len) {
    case 253: *out = NAN; return OK;
    case 254: *out = INFINITY; return OK;
    case 255: *out = -INFINITY; return OK;
    default: break;
    }
    TRY(need(r, len));
    struct str text = {r->at, len};
    if (!number_parse_double(text, out))
        return record_bad(r, "a score is not a number");
    r->at += len;
    return OK;
}

/* ---- lengths and strings ---- */

/* What the first byte of a length announces. */
enum form { FORM_LENGTH, FORM_INT8, FORM_INT16, FORM_INT32, FORM_LZF };

static struct err get_head(struct record_reader *r, enum form *form, uint64_t *len)
{
    TRY(need(r, 1));
    uint8_t first = (uint8_t)*r->at;
    unsigned bytes = first == 0x80 ? 4 : first == 0x81 ? 8 : 0;

    *form = FORM_LENGTH;
    *len = first & 0x3f;
    if (first < 0x40) {
        r->at++;
        return OK;
    }
    if (first < 0x80) {
        TRY(need(r, 2));
        *len = *len << 8 | (uint8_t)r->at[1];
        r->at += 2;
        return OK;
    }
    if (bytes) {
        TRY(need(r, 1 + bytes));
        *len = load_big(r->at + 1, bytes);
        r->at += 1 + bytes;
        return OK;
    }
    if (first < 0xc0 || first > 0xc3)
        return record_bad(r, "a length has an unknown form");
    *form = FORM_INT8 + (first & 3);
    r->at++;
    return OK;
}

struct err record_get_length(struct record_reader *r, uint64_t *out)
{
    enum form form;

    TRY(get_head(r, &form, out));
    return form == FORM_LENGTH ? OK : record_bad(r, "a string stands where a length should");
}

/* Reads `len` bytes behind what is in `to`, making room for them as they come. */
static struct err collect(struct record_reader *r, struct buf *to, uint64_t len)
{
    while (len > 0) {
        size_t part = len < STEP ? (size_t)len : STEP;

        TRY(record_get_bytes(r, buf_reserve(to, part), part));
        to->len += part;
        len -= part;
    }
    return OK;
}

/* True when so much may come; a stream can tell only by reading. */
static bool may_have(const struct record_reader *r, uint64_t len)
{
    return r->from ? len <= RECORD_STRING_MAX : len <= (uint64_t)(r->end - r->at);
}

static struct err get_plain(struct record_reader *r, uint64_t len, struct record_text *out)
{
    if (!may_have(r, len))
        return record_bad(r, r->from ? "a string is too long" : cut_short);
    if (!r->from) {
        out->text = (struct str){r->at, (size_t)len};
        r->at += len;
        return OK;
    }
    buf_clear(&out->own);
    TRY(collect(r, &out->own, len));
    out->text = buf_str(&out->own);
    return OK;
}

/* The bytes of a compressed string stand in the window, or behind each other in `work`. */
static struct err packed_bytes(struct record_reader *r, uint64_t len, struct buf *work,
                               const char **out)
{
    if (len <= RECORD_BUFFER / 2 || !r->from) {
        TRY(need(r, (size_t)len));
        *out = r->at;
        r->at += len;
        return OK;
    }
    TRY(collect(r, work, len));
    *out = work->ptr;
    return OK;
}

static struct err get_compressed(struct record_reader *r, struct record_text *out)
{
    scoped(buf_fini) struct buf work = BUF_EMPTY;
    uint64_t packed_len, len;
    const char *packed;

    TRY(record_get_length(r, &packed_len));
    TRY(record_get_length(r, &len));
    if (!may_have(r, packed_len) || len > RECORD_STRING_MAX)
        return record_bad(r, "a compressed string is longer than what there is");
    if (len > packed_len * LZF_RATIO_MAX)
        return record_bad(r, "a compressed string cannot be that long");
    TRY(packed_bytes(r, packed_len, &work, &packed));
    buf_clear(&out->own);
    char *to = buf_reserve(&out->own, (size_t)len + 1);
    if (!lzf_unpack(packed, (size_t)packed_len, to, (size_t)len))
        return record_bad(r, "a compressed string is damaged");
    out->own.len = (size_t)len;
    out->text = buf_str(&out->own);
    return OK;
}

static struct err get_integer(struct record_reader *r, unsigned bytes, struct record_text *out)
{
    uint64_t v;
    unsigned spare = 64 - 8 * bytes;

    TRY(get_little(r, bytes, &v));
    buf_clear(&out->own);
    char *digits = buf_reserve(&out->own, NUMBER_I64_MAX);
    out->own.len = number_write_i64(digits, (int64_t)(v << spare) >> spare);
    out->text = buf_str(&out->own);
    return OK;
}

struct err record_get_string(struct record_reader *r, struct record_text *out)
{
    enum form form;
    uint64_t len;

    TRY(get_head(r, &form, &len));
    switch (form) {
    case FORM_INT8: return get_integer(r, 1, out);
    case FORM_INT16: return get_integer(r, 2, out);
    case FORM_INT32: return get_integer(r, 4, out);
    case FORM_LZF: return get_compressed(r, out);
    default: return get_plain(r, len, out);
    }
}

void record_text_fini(struct record_text *t)
{
    buf_fini(&t->own);
    *t = (struct record_text){0};
}
