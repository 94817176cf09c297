/*
 * Reading takes one head after the other off the text by libcbor's streaming decoder, which
 * allocates nothing, and recurses for what heads announce: what a head merely claims to come costs
 * no memory.
 */
#include "controlplane/api/cbor.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/shape_text.h"
#include "base/vec.h"

#include <cbor.h>
#include <math.h>
#include <string.h>

#define TAG_EPOCH  1
#define HEAD_BYTES 9 /* the longest head */
#define INDEFINITE UINT64_MAX
#define MS_PER_S   1000

/* --- reading --- */

enum head_kind {
    HEAD_NONE,
    HEAD_NUMBER,
    HEAD_TEXT,
    HEAD_BYTES_STRING,
    HEAD_TEXTS, /* of pieces, ended by a break */
    HEAD_BYTES_STRINGS,
    HEAD_ARRAY,
    HEAD_MAP,
    HEAD_TAG,
    HEAD_BOOL,
    HEAD_NULL,
    HEAD_BREAK,
};

struct head {
    enum head_kind kind;
    double number;
    struct str text;
    uint64_t count; /* of items or pairs, or INDEFINITE */
    bool boolean;
};

struct cbor_reader {
    struct arena *arena;
    struct str rest;
    int depth_left;
};

#define TAKE_INTEGER(name, type, value_)                                                  \
    static void name(void *context, type v)                                               \
    {                                                                                     \
        *(struct head *)context = (struct head){.kind = HEAD_NUMBER, .number = (value_)}; \
    }

TAKE_INTEGER(take_u8, uint8_t, v)
TAKE_INTEGER(take_u16, uint16_t, v)
TAKE_INTEGER(take_u32, uint32_t, v)
TAKE_INTEGER(take_u64, uint64_t, (double)v)
TAKE_INTEGER(take_n8, uint8_t, -1.0 - v)
TAKE_INTEGER(take_n16, uint16_t, -1.0 - v)
TAKE_INTEGER(take_n32, uint32_t, -1.0 - v)
TAKE_INTEGER(take_n64, uint64_t, -1.0 - (double)v)
TAKE_INTEGER(take_float, float, v)
TAKE_INTEGER(take_double, double, v)

static void take_text(void *context, cbor_data data, size_t len)
{
    *(struct head *)context = (struct head){
        HEAD_TEXT, .text = {(const char *)data, len}
    };
}

static void take_bytes(void *context, cbor_data data, size_t len)
{
    *(struct head *)context = (struct head){
        HEAD_BYTES_STRING, .text = {(const char *)data, len}
    };
}

static void take_texts(void *context)
{
    *(struct head *)context = (struct head){.kind = HEAD_TEXTS};
}

static void take_byte_strings(void *context)
{
    *(struct head *)context = (struct head){.kind = HEAD_BYTES_STRINGS};
}

static void take_array(void *context, size_t count)
{
    *(struct head *)context = (struct head){.kind = HEAD_ARRAY, .count = count};
}

static void take_map(void *context, size_t count)
{
    *(struct head *)context = (struct head){.kind = HEAD_MAP, .count = count};
}

static void take_endless_array(void *context)
{
    *(struct head *)context = (struct head){.kind = HEAD_ARRAY, .count = INDEFINITE};
}

static void take_endless_map(void *context)
{
    *(struct head *)context = (struct head){.kind = HEAD_MAP, .count = INDEFINITE};
}

static void take_tag(void *context, uint64_t tag)
{
    (void)tag;
    *(struct head *)context = (struct head){.kind = HEAD_TAG};
}

static void take_bool(void *context, bool value)
{
    *(struct head *)context = (struct head){.kind = HEAD_BOOL, .boolean = value};
}

static void take_null(void *context)
{
    *(struct head *)context = (struct head){.kind = HEAD_NULL};
}

static void take_break(void *context)
{
    *(struct head *)context = (struct head){.kind = HEAD_BREAK};
}

static const struct cbor_callbacks callbacks = {
    .uint8 = take_u8,
    .uint16 = take_u16,
    .uint32 = take_u32,
    .uint64 = take_u64,
    .negint8 = take_n8,
    .negint16 = take_n16,
    .negint32 = take_n32,
    .negint64 = take_n64,
    .byte_string = take_bytes,
    .byte_string_start = take_byte_strings,
    .string = take_text,
    .string_start = take_texts,
    .array_start = take_array,
    .indef_array_start = take_endless_array,
    .map_start = take_map,
    .indef_map_start = take_endless_map,
    .tag = take_tag,
    .float2 = take_float,
    .float4 = take_float,
    .float8 = take_double,
    .undefined = take_null,
    .null = take_null,
    .boolean = take_bool,
    .indef_break = take_break,
};

static struct err not_cbor(void)
{
    return err_make(ERR_INVALID, "it is not CBOR, or cut");
}

static struct err next_head(struct cbor_reader *r, struct head *out)
{
    *out = (struct head){.kind = HEAD_NONE};
    struct cbor_decoder_result result =
        cbor_stream_decode((cbor_data)r->rest.ptr, r->rest.len, &callbacks, out);
    if (result.status != CBOR_DECODER_FINISHED || out->kind == HEAD_NONE)
        return not_cbor();
    r->rest.ptr += result.read;
    r->rest.len -= result.read;
    return OK;
}

/* Pieces up to a break, put together. */
static struct err read_pieces(struct cbor_reader *r, enum head_kind kind, struct str *out)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct head piece;

    for (;;) {
        TRY(next_head(r, &piece));
        if (piece.kind == HEAD_BREAK)
            break;
        if (piece.kind != kind)
            return not_cbor();
        buf_add_str(&text, piece.text);
    }
    *out = (struct str){str_dup(r->arena, buf_str(&text)), text.len};
    return OK;
}

static struct err keep_text(struct cbor_reader *r, struct str text, const char **out)
{
    if (!str_is_utf8(text) || (text.len && memchr(text.ptr, '\0', text.len)))
        return err_make(ERR_INVALID, "a text is not well-formed UTF-8, or has a NUL");
    *out = str_dup(r->arena, text);
    return OK;
}

static struct err read_text(struct cbor_reader *r, const struct head *head, const char **out)
{
    struct str text = head->text;

    if (head->kind == HEAD_TEXTS)
        TRY(read_pieces(r, HEAD_TEXT, &text));
    return keep_text(r, text, out);
}

static struct err read_bytes(struct cbor_reader *r, const struct head *head, const char **out)
{
    scoped(buf_fini) struct buf encoded = BUF_EMPTY;
    struct str bytes = head->text;

    if (head->kind == HEAD_BYTES_STRINGS)
        TRY(read_pieces(r, HEAD_BYTES_STRING, &bytes));
    base64_write(&encoded, bytes.ptr, bytes.len);
    *out = str_dup(r->arena, buf_str(&encoded));
    return OK;
}

static struct err read_item(struct cbor_reader *r, struct head head, struct json *out);

static struct err read_key(struct cbor_reader *r, const struct head *head, const char **out)
{
    if (head->kind != HEAD_TEXT && head->kind != HEAD_TEXTS)
        return err_make(ERR_INVALID, "a key is not a text");
    return read_text(r, head, out);
}

static struct err read_items(struct cbor_reader *r, const struct head *head, struct json *out)
{
    vec_of(struct json) items = VEC_EMPTY;
    bool is_map = head->kind == HEAD_MAP;

    for (uint64_t i = 0; i < head->count; i++) {
        struct json item = {0};
        const char *name = NULL;
        struct head next;

        TRY(next_head(r, &next));
        if (next.kind == HEAD_BREAK && head->count == INDEFINITE)
            break;
        if (is_map) {
            TRY(read_key(r, &next, &name));
            TRY(next_head(r, &next));
        }
        TRY(read_item(r, next, &item));
        item.name = name;
        *vec_add(r->arena, &items) = item;
    }
    *out = (struct json){.kind = is_map ? JSON_OBJECT : JSON_ARRAY};
    out->items = items.items;
    out->count = items.count;
    return OK;
}

static struct err read_deeper(struct cbor_reader *r, struct head head, struct json *out)
{
    if (r->depth_left == 0)
        return err_make(ERR_LIMIT, "it is nested too deep");
    r->depth_left--;
    if (head.kind == HEAD_TAG) {
        TRY(next_head(r, &head));
        TRY(read_item(r, head, out));
    } else {
        TRY(read_items(r, &head, out));
    }
    r->depth_left++;
    return OK;
}

static struct err read_item(struct cbor_reader *r, struct head head, struct json *out)
{
    *out = (struct json){.kind = JSON_NULL};
    switch (head.kind) {
    case HEAD_NULL: return OK;
    case HEAD_BOOL:
        out->kind = JSON_BOOL;
        out->boolean = head.boolean;
        return OK;
    case HEAD_NUMBER:
        if (!isfinite(head.number))
            return err_make(ERR_INVALID, "a number is not finite");
        out->kind = JSON_NUMBER;
        out->number = head.number;
        return OK;
    case HEAD_TEXT:
    case HEAD_TEXTS: out->kind = JSON_STRING; return read_text(r, &head, &out->text);
    case HEAD_BYTES_STRING:
    case HEAD_BYTES_STRINGS: out->kind = JSON_STRING; return read_bytes(r, &head, &out->text);
    case HEAD_ARRAY:
    case HEAD_MAP:
    case HEAD_TAG: return read_deeper(r, head, out);
    case HEAD_NONE:
    case HEAD_BREAK: break;
    }
    return not_cbor();
}

struct err cbor_parse(struct arena *a, struct str text, int max_depth, struct json *out)
{
    struct cbor_reader r = {a, text, max_depth};
    struct head head;

    TRY(next_head(&r, &head));
    TRY(read_item(&r, head, out));
    return r.rest.len == 0 ? OK : err_make(ERR_INVALID, "something stands behind it");
}

/* --- writing --- */

#define PUT(out, encoded)                                                     \
    do {                                                                      \
        unsigned char *at_ = (unsigned char *)buf_reserve((out), HEAD_BYTES); \
        (out)->len += (encoded);                                              \
    } while (0)

static void put_text(struct buf *out, const char *text)
{
    size_t len = strlen(text);

    PUT(out, cbor_encode_string_start(len, at_, HEAD_BYTES));
    buf_add(out, text, len);
}

static void put_integer(struct buf *out, int64_t v)
{
    if (v >= 0)
        PUT(out, cbor_encode_uint((uint64_t)v, at_, HEAD_BYTES));
    else
        PUT(out, cbor_encode_negint((uint64_t)(-1 - v), at_, HEAD_BYTES));
}

static void put_time(struct buf *out, int64_t ms)
{
    PUT(out, cbor_encode_tag(TAG_EPOCH, at_, HEAD_BYTES));
    if (ms % MS_PER_S == 0)
        put_integer(out, ms / MS_PER_S);
    else
        PUT(out, cbor_encode_double((double)ms / MS_PER_S, at_, HEAD_BYTES));
}

static void put_struct(struct buf *out, const struct shape *s, const void *value)
{
    size_t count = 0;

    for (size_t i = 0; i < s->member_count; i++)
        count += shape_value(&s->members[i], value) != NULL;
    PUT(out, cbor_encode_map_start(count, at_, HEAD_BYTES));
    for (size_t i = 0; i < s->member_count; i++) {
        const void *member = shape_value(&s->members[i], value);
        if (!member)
            continue;
        put_text(out, s->members[i].name);
        cbor_write(out, s->members[i].shape, member);
    }
}

static void put_seq(struct buf *out, const struct shape *s, const struct shape_seq *seq)
{
    if (s->kind == SHAPE_MAP)
        PUT(out, cbor_encode_map_start(seq->count, at_, HEAD_BYTES));
    else
        PUT(out, cbor_encode_array_start(seq->count, at_, HEAD_BYTES));
    for (size_t i = 0; i < seq->count; i++) {
        if (s->kind == SHAPE_MAP)
            put_text(out, *shape_key(s, seq, i));
        cbor_write(out, s->item, shape_entry(s, seq, i));
    }
}

static void put_blob(struct buf *out, const struct opt_blob *blob)
{
    PUT(out, cbor_encode_bytestring_start(blob->len, at_, HEAD_BYTES));
    buf_add(out, (const char *)blob->ptr, blob->len);
}

void cbor_write(struct buf *out, const struct shape *s, const void *value)
{
    switch (s->kind) {
    case SHAPE_STRUCT: put_struct(out, s, value); break;
    case SHAPE_LIST:
    case SHAPE_MAP: put_seq(out, s, value); break;
    case SHAPE_STRING: put_text(out, *(const char *const *)value); break;
    case SHAPE_INTEGER:
    case SHAPE_LONG: put_integer(out, ((const struct opt_int *)value)->value); break;
    case SHAPE_DOUBLE:
        PUT(out, cbor_encode_double(((const struct opt_double *)value)->value, at_, HEAD_BYTES));
        break;
    case SHAPE_BOOLEAN:
        PUT(out, cbor_encode_bool(((const struct opt_bool *)value)->value, at_, HEAD_BYTES));
        break;
    case SHAPE_TIMESTAMP: put_time(out, ((const struct opt_time *)value)->value); break;
    case SHAPE_BLOB: put_blob(out, value); break;
    }
}

void cbor_write_texts(struct buf *out, const char *const (*pairs)[2], size_t count)
{
    PUT(out, cbor_encode_map_start(count, at_, HEAD_BYTES));
    for (size_t i = 0; i < count; i++) {
        put_text(out, pairs[i][0]);
        put_text(out, pairs[i][1]);
    }
}
