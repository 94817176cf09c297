/*
 * Listpacks, ziplists and zipmaps. The one idea: an element is read by a function of its kind that
 * is told how many bytes there are and says how many it took, 0 when it cannot be one.
 */
#include "cacheengine/types/compact.h"

#include "base/err.h"

#define END_MARK 0xff

static uint32_t load_u16(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static uint32_t load_u32(const uint8_t *at)
{
    return load_u16(at) | load_u16(at + 2) << 16;
}

/* A signed integer of some bytes, low ones first. */
static int64_t load_int(const uint8_t *at, unsigned bytes)
{
    uint64_t v = 0;
    unsigned spare = 64 - 8 * bytes;

    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return (int64_t)(v << spare) >> spare;
}

/* An element of text with `head` bytes in front; 0 when `room` does not hold it. */
static uint64_t text_element(const uint8_t *at, uint64_t room, uint64_t head, uint64_t len,
                             struct packed_item *out)
{
    if (head > room || len > room - head)
        return 0;
    *out = packed_item_of((struct str){(const char *)at + head, len});
    return head + len;
}

/* An integer of some bytes behind one of form. */
static uint64_t int_element(const uint8_t *at, uint64_t room, unsigned bytes,
                            struct packed_item *out)
{
    if (room < 1 + (uint64_t)bytes)
        return 0;
    *out = packed_number(load_int(at + 1, bytes));
    return 1 + bytes;
}

/* ---- listpacks ---- */

/* Bytes of form and text or number, without the size behind them. */
static uint64_t listpack_element(const uint8_t *at, uint64_t room, struct packed_item *out)
{
    uint8_t form = *at;

    if (form < 0x80) {
        *out = packed_number(form);
        return 1;
    }
    if (form < 0xc0)
        return text_element(at, room, 1, form & 0x3f, out);
    if (room < 2)
        return 0;
    if (form < 0xe0) {
        /* 13 bits with a sign. */
        int32_t v = (form & 0x1f) << 8 | at[1];

        *out = packed_number(v >= 1 << 12 ? v - (1 << 13) : v);
        return 2;
    }
    if (form < 0xf0)
        return text_element(at, room, 2, (uint64_t)(form & 0x0f) << 8 | at[1], out);
    switch (form) {
    case 0xf0: return room < 5 ? 0 : text_element(at, room, 5, load_u32(at + 1), out);
    case 0xf1: return int_element(at, room, 2, out);
    case 0xf2: return int_element(at, room, 3, out);
    case 0xf3: return int_element(at, room, 4, out);
    case 0xf4: return int_element(at, room, 8, out);
    default: return 0;
    }
}

/* How many bytes the size of an element takes behind it. The bounds are Redis's own. */
static unsigned back_size_bytes(uint64_t size)
{
    return size <= 127 ? 1 : size < 16383 ? 2 : size < 2097151 ? 3 : size < 268435455 ? 4 : 5;
}

/* Writes the size of an element as it stands behind it: seven bits a byte, to be read backward.
 * Returns how many bytes that takes. */
static unsigned put_back_size(uint8_t *to, uint64_t size)
{
    unsigned bytes = back_size_bytes(size);

    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)((size >> (7 * (bytes - 1 - i)) & 0x7f) | (i ? 0x80 : 0));
    return bytes;
}

const uint8_t *listpack_get(const uint8_t *at, struct packed_item *out)
{
    uint64_t size = listpack_element(at, UINT32_MAX, out);

    return at + size + back_size_bytes(size);
}

const uint8_t *listpack_skip(const uint8_t *at)
{
    static const uint8_t integers[] = {3, 4, 5, 9}; /* 0xf1 to 0xf4 */
    uint8_t form = *at;
    uint64_t size;

    if (form < 0x80)
        return at + 2;
    if (form < 0xc0)
        size = 1 + (uint64_t)(form & 0x3f);
    else if (form < 0xe0)
        size = 2;
    else if (form < 0xf0)
        size = 2 + ((uint64_t)(form & 0x0f) << 8 | at[1]);
    else
        size = form == 0xf0 ? 5 + (uint64_t)load_u32(at + 1) : integers[form - 0xf1];
    return at + size + back_size_bytes(size);
}

const uint8_t *listpack_before(const uint8_t *at)
{
    uint64_t size = 0;
    unsigned shift = 0;

    do {
        at--;
        size |= (uint64_t)(*at & 0x7f) << shift;
        shift += 7;
    } while (*at & 0x80);
    return at - size;
}

static uint64_t listpack_next(const struct compact *c, uint64_t room, struct packed_item *out)
{
    uint64_t size = listpack_element(c->at, room, out);
    uint8_t back[5];

    if (size == 0)
        return 0;
    unsigned bytes = put_back_size(back, size);
    if (bytes > room - size || memcmp(c->at + size, back, bytes) != 0)
        return 0;
    return size + bytes;
}

/* ---- ziplists ---- */

static uint64_t ziplist_element(const uint8_t *at, uint64_t room, struct packed_item *out)
{
    uint8_t form = *at;

    if (form < 0x40)
        return text_element(at, room, 1, form, out);
    if (form < 0x80)
        return room < 2 ? 0 : text_element(at, room, 2, (uint64_t)(form & 0x3f) << 8 | at[1], out);
    if (form == 0x80) {
        if (room < 5)
            return 0;
        uint64_t len = (uint64_t)at[1] << 24 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 8 | at[4];
        return text_element(at, room, 5, len, out);
    }
    switch (form) {
    case 0xc0: return int_element(at, room, 2, out);
    case 0xd0: return int_element(at, room, 4, out);
    case 0xe0: return int_element(at, room, 8, out);
    case 0xf0: return int_element(at, room, 3, out);
    case 0xfe: return int_element(at, room, 1, out);
    default: break;
    }
    if (form < 0xf1 || form > 0xfd)
        return 0;
    *out = packed_number((form & 0x0f) - 1);
    return 1;
}

static uint64_t ziplist_next(struct compact *c, uint64_t room, struct packed_item *out)
{
    uint64_t head = *c->at < 254 ? 1 : 5;

    if (*c->at == END_MARK || room <= head)
        return 0;
    if ((head == 1 ? *c->at : load_u32(c->at + 1)) != c->last_size)
        return 0;
    uint64_t size = ziplist_element(c->at + head, room - head, out);
    if (size == 0)
        return 0;
    c->last_size = head + size;
    return head + size;
}

/* ---- zipmaps ---- */

/* A length is a byte, or 254 and four; a value has a byte behind it that says how many bytes are
 * free at its end. */
static uint64_t zipmap_next(const struct compact *c, uint64_t room, struct packed_item *out)
{
    bool is_value = c->count % 2 != 0;
    uint64_t head = *c->at < 254 ? 1 : 5;

    if (*c->at == END_MARK || room < head + is_value)
        return 0;
    uint64_t len = head == 1 ? *c->at : load_u32(c->at + 1);
    uint64_t spare = is_value ? c->at[head] : 0;
    uint64_t size = text_element(c->at, room, head + is_value, len, out);
    return size == 0 || spare > room - size ? 0 : size + spare;
}

/* ---- all of them ---- */

static const struct {
    uint8_t head;
    uint8_t count_at; /* where the count stands in it */
    bool has_bytes;   /* it begins with all bytes */
    uint32_t told_max;
} heads[] = {
    [COMPACT_LISTPACK] = {LISTPACK_HEAD, 4, true,  UINT16_MAX},
    [COMPACT_ZIPLIST] = {10,            8, true,  UINT16_MAX},
    [COMPACT_ZIPMAP] = {1,             0, false, 254       },
};

void compact_begin(struct compact *c, enum compact_kind kind, struct str bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.ptr;
    size_t head = heads[kind].head;

    *c = (struct compact){.kind = (uint8_t)kind, .is_broken = true};
    if (bytes.len < head + 1 || at[bytes.len - 1] != END_MARK)
        return;
    if (heads[kind].has_bytes && load_u32(at) != bytes.len)
        return;
    c->told = kind == COMPACT_ZIPMAP ? at[0] : load_u16(at + heads[kind].count_at);
    c->told_max = heads[kind].told_max;
    c->at = at + head;
    c->end = at + bytes.len - 1;
    c->begun = c->at;
    if (kind == COMPACT_ZIPLIST) {
        if (load_u32(at + 4) > bytes.len - 1)
            return;
        c->last = at + load_u32(at + 4);
    }
    c->is_broken = false;
}

bool compact_next(struct compact *c, struct packed_item *out)
{
    uint64_t room = (uint64_t)(c->end - c->at), size;

    if (room == 0 || c->is_broken)
        return false;
    switch ((enum compact_kind)c->kind) {
    case COMPACT_LISTPACK: size = listpack_next(c, room, out); break;
    case COMPACT_ZIPLIST: size = ziplist_next(c, room, out); break;
    default: size = zipmap_next(c, room, out); break;
    }
    if (size == 0) {
        c->is_broken = true;
        return false;
    }
    c->begun = c->at;
    c->at += size;
    c->count++;
    return true;
}

bool compact_is_sound(const struct compact *c)
{
    uint64_t count = c->kind == COMPACT_ZIPMAP ? c->count / 2 : c->count;

    if (c->is_broken || c->at != c->end)
        return false;
    if (c->kind == COMPACT_ZIPMAP && c->count % 2 != 0)
        return false;
    if (c->kind == COMPACT_ZIPLIST && count > 0 && c->last != c->begun)
        return false;
    return c->told >= c->told_max || c->told == count;
}

/* ---- writing ---- */

static uint8_t *put_int(uint8_t *at, uint8_t form, uint64_t v, unsigned bytes)
{
    *at++ = form;
    for (unsigned i = 0; i < bytes; i++)
        *at++ = (uint8_t)(v >> (8 * i));
    return at;
}

static uint8_t *put_number(uint8_t *at, int64_t v)
{
    if (v >= 0 && v <= 127) {
        *at = (uint8_t)v;
        return at + 1;
    }
    if (v >= -4096 && v <= 4095) {
        at[0] = (uint8_t)(0xc0 | ((uint64_t)v >> 8 & 0x1f));
        at[1] = (uint8_t)v;
        return at + 2;
    }
    if (v == (int16_t)v)
        return put_int(at, 0xf1, (uint64_t)v, 2);
    if (v >= -(1 << 23) && v < 1 << 23)
        return put_int(at, 0xf2, (uint64_t)v, 3);
    if (v == (int32_t)v)
        return put_int(at, 0xf3, (uint64_t)v, 4);
    return put_int(at, 0xf4, (uint64_t)v, 8);
}

static uint8_t *put_text(uint8_t *at, struct str text)
{
    if (text.len < 64) {
        *at++ = (uint8_t)(0x80 | text.len);
    } else if (text.len < 4096) {
        *at++ = (uint8_t)(0xe0 | text.len >> 8);
        *at++ = (uint8_t)text.len;
    } else {
        at = put_int(at, 0xf0, text.len, 4);
    }
    if (text.len)
        memcpy(at, text.ptr, text.len);
    return at + text.len;
}

uint8_t *listpack_put(uint8_t *at, const struct packed_item *item)
{
    struct packed_digits digits;
    uint8_t *begin = at;

    if (item->kind == PACKED_NUMBER)
        at = put_number(at, item->number);
    else
        at = put_text(at, packed_text(item, &digits));
    return at + put_back_size(at, (uint64_t)(at - begin));
}

size_t listpack_close(uint8_t *listpack, uint8_t *at, uint64_t count)
{
    *at++ = END_MARK;
    size_t bytes = (size_t)(at - listpack);
    uint32_t told = count < UINT16_MAX ? (uint32_t)count : UINT16_MAX;
    for (unsigned i = 0; i < 4; i++)
        listpack[i] = (uint8_t)(bytes >> (8 * i));
    listpack[4] = (uint8_t)told;
    listpack[5] = (uint8_t)(told >> 8);
    return bytes;
}

size_t listpack_of_run(uint8_t *listpack, const void *run, size_t len)
{
    const uint8_t *at = packed_first(run), *end = (const uint8_t *)run + len;
    uint8_t *to = listpack + LISTPACK_HEAD;

    while (at < end) {
        struct packed_item item;

        at = packed_get(at, &item);
        to = listpack_put(to, &item);
    }
    return listpack_close(listpack, to, packed_count(run));
}
