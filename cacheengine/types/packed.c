/*
 * Elements and runs of them. The one idea: because every text has one form only, finding is
 * comparing encoded bytes, and a tag tells how far the next element is without a look at this one.
 */
#include "cacheengine/types/packed.h"

#include "base/err.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/keyspace/reply.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define TAG_SMALL  0x80 /* 0 to 63 */
#define TAG_INT    0xc0 /* one byte; the next tags have one more each */
#define TAG_REAL   0xc8
#define TAG_AWAY   0xc9
#define TAG_END    0xca
#define TAG_STR12  0xd0
#define TAG_STR32  0xe0
#define SHORT_MAX  127
#define MIDDLE_MAX 4095
#define SMALL_MAX  63

/* From here on a run is searched as a whole before it is walked. */
#define SEARCH_BYTES 256

/* Those from 0xd0 on tell in what follows, or never occur. */
const uint8_t packed_tag_sizes[128] = {[0 ... 63] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9};

/* ---- items ---- */

struct packed_item packed_item_of(struct str text)
{
    struct packed_item item = {.ptr = text.ptr, .len = (uint32_t)text.len, .kind = PACKED_TEXT};
    unsigned char first = text.len ? (unsigned char)text.ptr[0] : 0;
    int64_t number;

    if ((first <= '9' && (first >= '0' || first == '-')) &&
        number_parse_i64(text.ptr, text.len, &number))
        return packed_number(number);
    return item;
}

struct str packed_text(const struct packed_item *item, struct packed_digits *digits)
{
    switch (item->kind) {
    case PACKED_NUMBER:
        return (struct str){digits->text, number_write_i64(digits->text, item->number)};
    case PACKED_REAL:
        return (struct str){digits->text, number_write_double(digits->text, item->real)};
    default: return (struct str){item->ptr, item->len};
    }
}

size_t packed_text_len(const struct packed_item *item)
{
    struct packed_digits digits;

    return packed_text(item, &digits).len;
}

static bool is_string(const struct packed_item *item)
{
    return item->kind == PACKED_TEXT || item->kind == PACKED_AWAY;
}

bool packed_item_eq(const struct packed_item *a, const struct packed_item *b)
{
    if (is_string(a))
        return is_string(b) && a->len == b->len && memcmp(a->ptr, b->ptr, a->len) == 0;
    /* Doubles by their bits, as everywhere else here. */
    return a->kind == b->kind && a->number == b->number;
}

/* ---- elements ---- */

static unsigned int_bytes(int64_t v)
{
    uint64_t magnitude = (uint64_t)(v < 0 ? ~v : v);

    /* The bits of the magnitude and one for the sign. */
    return (65 - (unsigned)__builtin_clzll(magnitude | 1) + 7) / 8;
}

size_t packed_size_of(const struct packed_item *item)
{
    switch (item->kind) {
    case PACKED_NUMBER:
        return (uint64_t)item->number <= SMALL_MAX ? 1 : 1 + int_bytes(item->number);
    case PACKED_REAL:
    case PACKED_AWAY: return PACKED_AWAY_SIZE;
    default: return item->len + (item->len <= SHORT_MAX ? 1U : item->len <= MIDDLE_MAX ? 2U : 5U);
    }
}

static uint8_t *put_number(uint8_t *at, int64_t v)
{
    if ((uint64_t)v <= SMALL_MAX) {
        *at = (uint8_t)(TAG_SMALL + v);
        return at + 1;
    }
    unsigned bytes = int_bytes(v);
    *at++ = (uint8_t)(TAG_INT + bytes - 1);
    for (unsigned i = 0; i < bytes; i++)
        *at++ = (uint8_t)((uint64_t)v >> (8 * i));
    return at;
}

/* What stands in front of a string's bytes. */
static uint8_t *put_string_head(uint8_t *at, uint32_t len)
{
    if (len <= SHORT_MAX) {
        *at++ = (uint8_t)len;
    } else if (len <= MIDDLE_MAX) {
        *at++ = (uint8_t)(TAG_STR12 | len >> 8);
        *at++ = (uint8_t)len;
    } else {
        *at++ = TAG_STR32;
        memcpy(at, &len, sizeof(len));
        at += sizeof(len);
    }
    return at;
}

static uint8_t *put_string(uint8_t *at, const char *ptr, uint32_t len)
{
    at = put_string_head(at, len);
    if (len)
        memcpy(at, ptr, len);
    return at + len;
}

uint8_t *packed_put(uint8_t *at, const struct packed_item *item)
{
    switch (item->kind) {
    case PACKED_NUMBER: return put_number(at, item->number);
    case PACKED_TEXT: return put_string(at, item->ptr, item->len);
    case PACKED_REAL:
        *at = TAG_REAL;
        memcpy(at + 1, &item->real, sizeof(item->real));
        return at + 9;
    default:
        *at = TAG_AWAY;
        memcpy(at + 1, &item->away, sizeof(item->away));
        return at + PACKED_AWAY_SIZE;
    }
}

static uint32_t load_u32(const uint8_t *at)
{
    uint32_t v;

    memcpy(&v, at, sizeof(v));
    return v;
}

size_t packed_long_size(const uint8_t *at)
{
    if (*at == TAG_END)
        return PACKED_END_SIZE + packed_size(at + PACKED_END_SIZE);
    if (*at < TAG_STR32)
        return 2 + ((size_t)(*at & 0x0f) << 8 | at[1]);
    return 5 + (size_t)load_u32(at + 1);
}

static int64_t get_int(const uint8_t *at, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)at[i] << (8 * i);
    unsigned spare = 64 - 8 * bytes;
    return (int64_t)(v << spare) >> spare;
}

static const uint8_t *get_other(const uint8_t *at, struct packed_item *out)
{
    struct blob *b;
    double real;

    if (*at == TAG_REAL) {
        memcpy(&real, at + 1, sizeof(real));
        *out = packed_real(real);
        return at + 9;
    }
    if (*at == TAG_AWAY) {
        memcpy(&b, at + 1, sizeof(b));
        *out = packed_away(b);
        return at + PACKED_AWAY_SIZE;
    }
    if (*at == TAG_END)
        return packed_get(at + PACKED_END_SIZE, out);
    unsigned head = *at < TAG_STR32 ? 2 : 5;
    size_t size = packed_long_size(at);
    *out = (struct packed_item){
        .ptr = (const char *)at + head, .len = (uint32_t)(size - head), .kind = PACKED_TEXT};
    return at + size;
}

const uint8_t *packed_get(const uint8_t *at, struct packed_item *out)
{
    uint8_t tag = *at;

    if (tag <= SHORT_MAX) {
        *out = (struct packed_item){.ptr = (const char *)at + 1, .len = tag, .kind = PACKED_TEXT};
        return at + 1 + tag;
    }
    if (tag < TAG_INT) {
        *out = packed_number(tag - TAG_SMALL);
        return at + 1;
    }
    if (tag < TAG_REAL) {
        unsigned bytes = tag - TAG_INT + 1U;

        *out = packed_number(get_int(at + 1, bytes));
        return at + 1 + bytes;
    }
    return get_other(at, out);
}

void packed_reply_item(struct reply *r, const struct packed_item *item)
{
    struct packed_digits digits;

    if (item->kind == PACKED_AWAY)
        reply_bulk_blob(r, item->away);
    else if (item->kind == PACKED_NUMBER)
        reply_bulk_int(r, item->number);
    else
        reply_bulk_str(r, packed_text(item, &digits));
}

const uint8_t *packed_reply(struct reply *r, const uint8_t *at)
{
    struct packed_item item;
    const uint8_t *next = packed_get(at, &item);

    packed_reply_item(r, &item);
    return next;
}

/* ---- ends ---- */

int64_t packed_end(const uint8_t *at)
{
    return *at == TAG_END ? get_int(at + 1, PACKED_END_SIZE - 1) : PACKED_NO_END;
}

void packed_put_end(uint8_t *at, int64_t end_ms)
{
    check(end_ms >= 0 && end_ms <= PACKED_END_MAX);
    *at++ = TAG_END;
    for (unsigned i = 0; i < PACKED_END_SIZE - 1; i++)
        *at++ = (uint8_t)((uint64_t)end_ms >> (8 * i));
}

/* ---- finding ---- */

/* What is looked for: the first bytes as they would stand in a run, and the rest. */
struct needle {
    const uint8_t *head; /* tag, length, and all of a number */
    size_t head_len;
    const char *rest; /* the bytes of a string */
    size_t rest_len;
    uint8_t first, last; /* of all its bytes */
};

static bool is_equal(const uint8_t *at, const struct needle *n)
{
    if (memcmp(at, n->head, n->head_len) != 0)
        return false;
    return n->rest_len == 0 || memcmp(at + n->head_len, n->rest, n->rest_len) == 0;
}

static const uint8_t *skip(const uint8_t *at, unsigned step)
{
    while (step--)
        at = packed_next(at);
    return at;
}

/* True when a string of at least 8 bytes equals `len` bytes. Names often differ in their last bytes
 * only, so these are compared first. */
static inline bool is_same_long(const uint8_t *at, const char *text, size_t len)
{
    uint64_t a, b;

    memcpy(&a, at + len - 8, 8);
    memcpy(&b, text + len - 8, 8);
    return a == b && memcmp(at, text, len - 8) == 0;
}

/* The walk for what is looked for most: strings with a tag of one byte. */
static const uint8_t *walk_string(const uint8_t *at, const uint8_t *end, unsigned step,
                                  const char *text, size_t len)
{
    for (; at < end; at = skip(at, step)) {
        if (*at != len)
            continue;
        if (len >= 8 ? is_same_long(at + 1, text, len) : memcmp(at + 1, text, len) == 0)
            return at;
    }
    return NULL;
}

static const uint8_t *walk(const uint8_t *at, const uint8_t *end, unsigned step,
                           const struct needle *n)
{
    for (; at < end; at = skip(at, step))
        if (*at == n->first && is_equal(at, n))
            return at;
    return NULL;
}

/* The first place from `at` on where these bytes stand, within an element or not; NULL when they
 * stand nowhere. Sixteen places at a time are tried by first and last byte. */
static const uint8_t *search(const uint8_t *at, const uint8_t *end, const struct needle *n)
{
    size_t len = n->head_len + n->rest_len;

    if ((size_t)(end - at) < len)
        return NULL;
    const uint8_t *stop = end - len + 1; /* one behind the last place to try */
#ifdef __SSE2__
    __m128i first = _mm_set1_epi8((char)n->first), last = _mm_set1_epi8((char)n->last);

    for (; at + 16 <= stop; at += 16) {
        __m128i f = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i l = _mm_loadu_si128((const __m128i *)(const void *)(at + len - 1));
        unsigned mask = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpeq_epi8(f, first), _mm_cmpeq_epi8(l, last)));

        for (; mask; mask &= mask - 1)
            if (is_equal(at + __builtin_ctz(mask), n))
                return at + __builtin_ctz(mask);
    }
#endif
    for (; at < stop; at++)
        if (*at == n->first && is_equal(at, n))
            return at;
    return NULL;
}

/* Searches, and walks only up to what was found to see whether an element begins there. */
static const uint8_t *search_and_walk(const uint8_t *at, const uint8_t *end, unsigned step,
                                      const struct needle *n)
{
    const uint8_t *found = at;

    while ((found = search(found, end, n))) {
        while (at < found)
            at = skip(at, step);
        if (at == found)
            return at;
        found++;
    }
    return NULL;
}

/* `head` is room for what stands in front of a string, or for all of a number. */
static struct needle needle_of(const struct packed_item *item, uint8_t head[PACKED_AWAY_SIZE])
{
    struct needle n = {.head = head};

    if (is_string(item)) {
        n.head_len = (size_t)(put_string_head(head, item->len) - head);
        n.rest = item->ptr;
        n.rest_len = item->len;
    } else {
        n.head_len = (size_t)(packed_put(head, item) - head);
    }
    n.first = head[0];
    n.last = n.rest_len ? (uint8_t)n.rest[n.rest_len - 1] : head[n.head_len - 1];
    return n;
}

const uint8_t *packed_find(const void *run, size_t len, unsigned step,
                           const struct packed_item *item)
{
    const uint8_t *at = packed_first(run), *end = (const uint8_t *)run + len;
    uint8_t head[PACKED_AWAY_SIZE];

    if (len >= SEARCH_BYTES) {
        struct needle n = needle_of(item, head);
        return search_and_walk(at, end, step, &n);
    }
    if (is_string(item) && item->len <= SHORT_MAX)
        return walk_string(at, end, step, item->ptr, item->len);
    struct needle n = needle_of(item, head);
    return walk(at, end, step, &n);
}

const uint8_t *packed_at(const void *run, uint32_t index)
{
    const uint8_t *at = packed_first(run);

    while (index--)
        at = packed_next(at);
    return at;
}

size_t packed_gap(void *run, size_t len, size_t at, size_t had, size_t wants)
{
    uint8_t *bytes = run;

    check(at >= PACKED_HEAD && at + had <= len);
    if (had != wants)
        memmove(bytes + at + wants, bytes + at + had, len - at - had);
    return len - had + wants;
}

/* ---- checking ---- */

/* Bytes of the element at the beginning of `len` bytes, 0 when it is none or not complete. */
static size_t complete_size(const uint8_t *at, size_t len)
{
    size_t size = 0;

    if (*at < 0x80)
        size = (size_t)*at + 1;
    else if (*at < TAG_AWAY)
        size = packed_tag_sizes[*at - 0x80];
    else if (*at >= TAG_STR12 && *at <= TAG_STR32 && len >= (*at == TAG_STR32 ? 5U : 2U))
        size = packed_long_size(at);
    return size <= len ? size : 0;
}

/* True when the element is what packed_put makes of its text. */
static bool is_canonical(const uint8_t *at, size_t size)
{
    struct packed_item item;
    uint8_t bytes[PACKED_AWAY_SIZE];

    packed_get(at, &item);
    if (item.kind == PACKED_TEXT) {
        struct packed_item again = packed_item_of((struct str){item.ptr, item.len});

        return again.kind == PACKED_TEXT && packed_size_of(&again) == size;
    }
    return (size_t)(packed_put(bytes, &item) - bytes) == size && memcmp(bytes, at, size) == 0;
}

bool packed_is_sound(const void *bytes, size_t len, unsigned step)
{
    const uint8_t *at = bytes, *end = at + len;
    uint32_t count = 0;

    if (len < PACKED_HEAD)
        return false;
    for (at += PACKED_HEAD; at < end; count++) {
        size_t size = complete_size(at, (size_t)(end - at));

        if (size == 0 || !is_canonical(at, size))
            return false;
        at += size;
    }
    return count <= PACKED_COUNT_MAX && count == packed_count(bytes) && count % step == 0;
}

/* A table of places by hash, half empty at least. Elements of one byte are so few that the others,
 * of two bytes, decide how many there can be before one comes twice. */
#define TWINS_SLOTS 16384
#define TWINS_MOST  (TWINS_SLOTS / 2)

static const uint8_t *twin_of(const uint8_t *run, const uint16_t *slots, uint32_t mask,
                              uint32_t *slot, const uint8_t *at, size_t size)
{
    for (; slots[*slot & mask]; ++*slot) {
        const uint8_t *other = run + slots[*slot & mask];

        if (packed_size(other) == size && memcmp(other, at, size) == 0)
            return other;
    }
    return NULL;
}

bool packed_has_twins(const struct hash_seed *seed, const void *run, size_t len, unsigned step)
{
    const uint8_t *at = packed_first(run), *end = (const uint8_t *)run + len;
    uint32_t count = packed_count(run) / step, room = 16, seen = 0;
    uint16_t slots[TWINS_SLOTS];

    check(len <= UINT16_MAX);
    while (room < 2 * count && room < TWINS_SLOTS)
        room *= 2;
    memset(slots, 0, room * sizeof(*slots));
    for (; at < end; at = skip(at, step)) {
        size_t size = packed_size(at);
        uint32_t slot = (uint32_t)hash_bytes(seed, (const char *)at, size);

        if (twin_of(run, slots, room - 1, &slot, at, size))
            return true;
        check(++seen <= TWINS_MOST);
        slots[slot & (room - 1)] = (uint16_t)(at - (const uint8_t *)run);
    }
    return false;
}
