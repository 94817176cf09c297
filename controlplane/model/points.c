/* Packing is a loop over columns; reading never trusts what it reads, for disks lie. */
#include "controlplane/model/points.h"

#include "base/arena.h"
#include "base/buf.h"

#include <math.h>
#include <string.h>

#define VERSION     1
#define SCALED_MAX  ((double)(INT64_MAX / 4)) /* so that differences of two fit */
#define VARINT_BITS 64
#define ALL_MINUTES (((uint64_t)1 << POINTS_MINUTES) - 1)

void points_set(struct arena *a, struct points *p, const struct metric *m, int minute, double value)
{
    double scaled = value * (double)m->scale;

    if (!p->columns[m->number])
        p->columns[m->number] = arena_zalloc(a, sizeof(struct points_column));
    struct points_column *c = p->columns[m->number];
    if (scaled > SCALED_MAX)
        scaled = SCALED_MAX;
    if (scaled < -SCALED_MAX)
        scaled = -SCALED_MAX;
    c->scaled[minute] = llround(scaled);
    c->minutes |= (uint64_t)1 << minute;
    p->minutes |= (uint64_t)1 << minute;
}

/* --- packing --- */

static void put(struct buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_putc(out, (char)(v | 0x80));
    buf_putc(out, (char)v);
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static void pack_values(const struct points_column *c, struct buf *out)
{
    int64_t before = 0;
    uint64_t run = 0; /* of values that equal the one before */

    for (int i = 0; i < POINTS_MINUTES; i++) {
        if (!(c->minutes >> i & 1))
            continue;
        if (c->scaled[i] == before) {
            run++;
            continue;
        }
        if (run > 0)
            put(out, 0), put(out, run - 1);
        put(out, zigzag(c->scaled[i] - before));
        before = c->scaled[i];
        run = 0;
    }
    if (run > 0)
        put(out, 0), put(out, run - 1);
}

void points_pack(const struct points *p, struct buf *out)
{
    scoped(buf_fini) struct buf values = BUF_EMPTY;

    buf_putc(out, VERSION);
    put(out, p->minutes);
    for (int number = 1; number <= METRIC_MAX; number++) {
        const struct points_column *c = p->columns[number];
        if (!c || c->minutes == 0)
            continue;
        buf_clear(&values);
        put(&values, p->minutes & ~c->minutes);
        pack_values(c, &values);
        put(out, (uint64_t)number);
        put(out, values.len);
        buf_add_str(out, buf_str(&values));
    }
}

/* --- unpacking --- */

static bool take(struct str *rest, uint64_t *out)
{
    uint64_t v = 0;

    for (unsigned shift = 0; rest->len > 0 && shift < VARINT_BITS; shift += 7) {
        unsigned char byte = (unsigned char)*rest->ptr;
        rest->ptr++;
        rest->len--;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        *out = v;
        return true;
    }
    return false;
}

static bool take_values(struct str *rest, struct points_column *out)
{
    int64_t value = 0;
    uint64_t run = 0, word;

    for (int i = 0; i < POINTS_MINUTES; i++) {
        if (!(out->minutes >> i & 1))
            continue;
        if (run > 0) {
            run--;
        } else {
            if (!take(rest, &word))
                return false;
            value = (int64_t)((uint64_t)value + (uint64_t)unzigzag(word));
            if (word == 0 && !take(rest, &run))
                return false;
        }
        out->scaled[i] = value;
    }
    return run == 0 && rest->len == 0;
}

static bool take_column(struct str packed, uint64_t minutes, struct points_column *out)
{
    uint64_t missing;

    if (!take(&packed, &missing) || (missing & ~minutes) != 0)
        return false;
    out->minutes = minutes & ~missing;
    return take_values(&packed, out);
}

static bool take_head(struct str *rest, uint64_t *out_minutes)
{
    if (rest->len == 0 || rest->ptr[0] != VERSION)
        return false;
    rest->ptr++;
    rest->len--;
    return take(rest, out_minutes) && (*out_minutes & ~ALL_MINUTES) == 0;
}

/* Cuts off what is of the next metric. */
static bool take_part(struct str *rest, int *out_number, struct str *out)
{
    uint64_t number, len;

    if (!take(rest, &number) || !take(rest, &len) || number < 1 || number > METRIC_MAX ||
        len > rest->len)
        return false;
    *out_number = (int)number;
    *out = (struct str){rest->ptr, (size_t)len};
    rest->ptr += len;
    rest->len -= (size_t)len;
    return true;
}

static struct err damaged(void)
{
    return err_make(ERR_CORRUPT, "the points of an hour cannot be read");
}

struct err points_unpack(struct arena *a, struct str packed, struct points *out)
{
    struct str part;
    int number;

    *out = (struct points){0};
    if (packed.len == 0)
        return OK;
    if (!take_head(&packed, &out->minutes))
        return damaged();
    while (packed.len > 0) {
        struct points_column *c = arena_zalloc(a, sizeof(*c));
        if (!take_part(&packed, &number, &part) || !take_column(part, out->minutes, c))
            return damaged();
        out->columns[number] = c;
    }
    return OK;
}

struct err points_unpack_one(struct str packed, int number, struct points_column *out)
{
    uint64_t minutes;
    struct str part;
    int found;

    *out = (struct points_column){0};
    if (packed.len == 0)
        return OK;
    if (!take_head(&packed, &minutes))
        return damaged();
    while (packed.len > 0) {
        if (!take_part(&packed, &found, &part))
            return damaged();
        if (found == number)
            return take_column(part, minutes, out) ? OK : damaged();
    }
    return OK;
}
