/*
 * The random bytes are a program: which type, how many elements, what each is, and which bytes are
 * changed at the end.
 */
#include "build.h"

#include "cacheengine/keyspace/record.h"
#include "cacheengine/types/compact.h"

#include <stdio.h>
#include <string.h>

#define ELEMENTS_MAX 300

struct taken {
    const uint8_t *at, *end;
};

static uint8_t take(struct taken *t)
{
    return t->at < t->end ? *t->at++ : 0;
}

static const char letters[5000] = {[0 ... 4999] = 'l'};

/* An element: a small or large number, a short text of the input's, or a long one. */
static struct packed_item take_item(struct taken *t)
{
    uint8_t kind = take(t);
    uint64_t v = 0;

    if (kind < 0x60)
        return packed_number(kind & 0x0f);
    if (kind < 0x80) {
        for (unsigned i = 0; i < (kind & 7U) + 1; i++)
            v = v << 8 | take(t);
        return packed_number((int64_t)v);
    }
    if (kind < 0xf0) {
        size_t len = kind & 15, left = (size_t)(t->end - t->at);
        struct str text = {(const char *)t->at, len < left ? len : left};

        t->at += text.len;
        return (struct packed_item){.ptr = text.ptr, .len = (uint32_t)text.len};
    }
    return (struct packed_item){.ptr = letters, .len = take(t) * (kind == 0xff ? 19U : 1U)};
}

static struct str text_of(const struct packed_item *item, struct packed_digits *digits)
{
    return packed_text(item, digits);
}

/* ---- the kinds of runs ---- */

static void put_listpack(struct taken *t, unsigned count, struct buf *out)
{
    size_t begin = out->len;

    buf_add(out, "\0\0\0\0\0\0", 6);
    for (unsigned i = 0; i < count; i++) {
        struct packed_item item = take_item(t);
        uint8_t *at = (uint8_t *)buf_reserve(out, item.len + 40);

        out->len += (size_t)(listpack_put(at, &item) - at);
    }
    buf_reserve(out, 1);
    out->len =
        begin + listpack_close((uint8_t *)out->ptr + begin, (uint8_t *)out->ptr + out->len, count);
}

static void store_u32(char *to, size_t v)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (char)(v >> (8 * i));
}

static void put_ziplist_element(const struct packed_item *item, struct buf *out)
{
    if (item->kind == PACKED_NUMBER) {
        buf_putc(out, (char)0xe0);
        buf_add(out, &item->number, 8);
        return;
    }
    if (item->len < 64) {
        buf_putc(out, (char)item->len);
    } else {
        buf_putc(out, (char)(0x40 | item->len >> 8));
        buf_putc(out, (char)item->len);
    }
    buf_add(out, item->ptr, item->len);
}

static void put_ziplist(struct taken *t, unsigned count, struct buf *out)
{
    size_t begin = out->len, last = begin + 10, before = 0;

    buf_add(out, "\0\0\0\0\0\0\0\0\0\0", 10);
    for (unsigned i = 0; i < count; i++) {
        struct packed_item item = take_item(t);

        last = out->len;
        buf_putc(out, before < 254 ? (char)before : (char)254);
        if (before >= 254) {
            char size[4];

            store_u32(size, before);
            buf_add(out, size, 4);
        }
        put_ziplist_element(&item, out);
        before = out->len - last;
    }
    buf_putc(out, (char)0xff);
    store_u32(out->ptr + begin, out->len - begin);
    store_u32(out->ptr + begin + 4, last - begin);
    out->ptr[begin + 8] = (char)count;
    out->ptr[begin + 9] = (char)(count >> 8);
}

static void put_zipmap(struct taken *t, unsigned count, struct buf *out)
{
    buf_putc(out, count / 2 < 254 ? (char)(count / 2) : (char)254);
    for (unsigned i = 0; i + 1 < count; i++) {
        struct packed_item item = take_item(t);
        struct packed_digits digits;
        struct str text = text_of(&item, &digits);

        if (text.len > 253)
            text.len = 253;
        buf_putc(out, (char)text.len);
        if (i % 2)
            buf_putc(out, 1);
        buf_add_str(out, text);
        if (i % 2)
            buf_putc(out, 'f');
    }
    buf_putc(out, (char)0xff);
}

static void put_intset(struct taken *t, unsigned count, struct buf *out)
{
    static const uint8_t widths[] = {2, 4, 8};
    unsigned width = widths[take(t) % 3];
    int64_t v = (int8_t)take(t);
    char head[8];

    store_u32(head, width);
    store_u32(head + 4, count);
    buf_add(out, head, 8);
    for (unsigned i = 0; i < count; i++) {
        v += 1 + take(t);
        buf_add(out, &v, width);
    }
}

/* ---- values ---- */

static void put_length(struct buf *out, size_t v)
{
    buf_putc(out, (char)0x80);
    for (unsigned i = 0; i < 4; i++)
        buf_putc(out, (char)(v >> (24 - 8 * i)));
}

static void put_run(struct taken *t, void (*put)(struct taken *t, unsigned count, struct buf *out),
                    unsigned count, struct buf *out)
{
    struct buf run = BUF_EMPTY;

    put(t, count, &run);
    put_length(out, run.len);
    buf_add_str(out, buf_str(&run));
    buf_fini(&run);
}

static void put_text(struct taken *t, struct buf *out)
{
    struct packed_item item = take_item(t);
    struct packed_digits digits;
    struct str text = text_of(&item, &digits);

    put_length(out, text.len);
    buf_add_str(out, text);
}

static void put_members(struct taken *t, unsigned type, unsigned count, struct buf *out)
{
    put_length(out, count);
    for (unsigned i = 0; i < count; i++) {
        double score = (int8_t)take(t) / 4.0;

        put_text(t, out);
        if (type == RECORD_HASH)
            put_text(t, out);
        if (type == RECORD_ZSET_2)
            buf_add(out, &score, sizeof(score));
        if (type == RECORD_ZSET)
            buf_printf(out, "%c%g", snprintf(NULL, 0, "%g", score), score);
    }
}

static void put_nodes(struct taken *t, unsigned type, struct buf *out)
{
    unsigned nodes = take(t) % 4;

    put_length(out, nodes);
    while (nodes--) {
        bool is_plain = type == RECORD_LIST_QUICKLIST_2 && take(t) % 4 == 0;

        if (type == RECORD_LIST_QUICKLIST_2)
            put_length(out, is_plain ? 1 : 2);
        if (is_plain)
            put_text(t, out);
        else
            put_run(t, type == RECORD_LIST_QUICKLIST ? put_ziplist : put_listpack, take(t) % 32,
                    out);
    }
}

static void put_value(struct taken *t, unsigned type, unsigned count, struct buf *out)
{
    switch (type) {
    case RECORD_STRING: put_text(t, out); break;
    case RECORD_HASH_ZIPMAP: put_run(t, put_zipmap, count, out); break;
    case RECORD_LIST_ZIPLIST:
    case RECORD_ZSET_ZIPLIST:
    case RECORD_HASH_ZIPLIST: put_run(t, put_ziplist, count, out); break;
    case RECORD_SET_INTSET: put_run(t, put_intset, count, out); break;
    case RECORD_HASH_LISTPACK:
    case RECORD_ZSET_LISTPACK:
    case RECORD_SET_LISTPACK: put_run(t, put_listpack, count, out); break;
    case RECORD_LIST_QUICKLIST:
    case RECORD_LIST_QUICKLIST_2: put_nodes(t, type, out); break;
    default: put_members(t, type, count, out); break;
    }
}

void build_value(const uint8_t *data, size_t size, struct buf *out)
{
    static const uint8_t types[] = {0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14, 16, 17, 18, 20};
    struct taken t = {data, data + size};
    unsigned type = types[take(&t) % sizeof(types)];
    unsigned changes = take(&t) % 4, count = take(&t);
    uint8_t at[3], to[3];

    for (unsigned i = 0; i < changes; i++) {
        at[i] = take(&t);
        to[i] = take(&t);
    }
    if (take(&t) % 8 == 0)
        count = (count * 2) % ELEMENTS_MAX;
    buf_putc(out, (char)type);
    put_value(&t, type, count, out);
    for (unsigned i = 0; i < changes; i++)
        out->ptr[1 + at[i] % out->len % (out->len > 1 ? out->len - 1 : 1)] = (char)to[i];
}
