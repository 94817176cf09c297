#include "values.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/shape_text.h"

#include <string.h>

static const char *const texts[] = {"c1",          "a b", "a+b%20&c=d", "größe ☃ 🦜",
                                    "<t a=\"b\">", "",    " x ",        "line\nbreak"};

static const char *chance_text(struct rng *rng, const struct shape *s)
{
    return s->values ? s->values[rng_below(rng, s->value_count)]
                     : texts[rng_below(rng, countof(texts))];
}

static void fill_struct(struct arena *a, struct rng *rng, const struct shape *s, void *out)
{
    size_t always = s->member_count ? rng_below(rng, s->member_count) : 0;

    for (size_t i = 0; i < s->member_count; i++) {
        const struct shape_member *m = &s->members[i];
        char *slot = (char *)out + m->offset;
        if (i != always && rng_below(rng, 2))
            continue;
        if (m->shape->kind == SHAPE_STRUCT) {
            *(void **)slot = arena_zalloc(a, m->shape->size);
            slot = *(char **)slot;
        }
        value_fill(a, rng, m->shape, slot);
    }
}

static void fill_seq(struct arena *a, struct rng *rng, const struct shape *s, struct shape_seq *out)
{
    *out = (struct shape_seq){.has = true, .count = rng_below(rng, 5)};
    out->items = arena_array(a, out->count, shape_stride(s));
    for (size_t i = 0; i < out->count; i++) {
        if (s->kind == SHAPE_MAP)
            *shape_key(s, out, i) = arena_printf(a, "key %zu", i);
        value_fill(a, rng, s->item, shape_entry(s, out, i));
    }
}

void value_fill(struct arena *a, struct rng *rng, const struct shape *s, void *out)
{
    int64_t number = (int64_t)(rng_next(rng) >> 33) - (1 << 30);

    switch (s->kind) {
    case SHAPE_STRUCT: fill_struct(a, rng, s, out); break;
    case SHAPE_LIST:
    case SHAPE_MAP: fill_seq(a, rng, s, out); break;
    case SHAPE_STRING: *(const char **)out = chance_text(rng, s); break;
    case SHAPE_INTEGER: *(struct opt_int *)out = INT_OF(number); break;
    case SHAPE_LONG: *(struct opt_int *)out = INT_OF(number * (1 << 20)); break;
    case SHAPE_DOUBLE:
        *(struct opt_double *)out = (struct opt_double){true, (double)number / 7};
        break;
    case SHAPE_BOOLEAN: *(struct opt_bool *)out = BOOL_OF(number & 1); break;
    case SHAPE_TIMESTAMP: *(struct opt_time *)out = TIME_OF(number * 1000 + 7); break;
    case SHAPE_BLOB:
        *(struct opt_blob *)out = (struct opt_blob){true,
                                                    (const unsigned char *)"\0\xff"
                                                                           "ab",
                                                    4};
        break;
    }
}

static void write_escaped(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        buf_printf(out, "%%%02X", (unsigned char)text.ptr[i]);
}

static void write_pair(struct buf *out, const char *name, const struct shape *s, const void *value)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    shape_text_write(&text, s, value);
    buf_printf(out, "&%s=", name);
    write_escaped(out, buf_str(&text));
}

static void write_value(struct arena *a, struct buf *out, const char *name, const struct shape *s,
                        const void *value);

static void write_seq(struct arena *a, struct buf *out, const char *name, const struct shape *s,
                      const struct shape_seq *seq)
{
    if (seq->count == 0)
        buf_printf(out, "&%s=", name);
    for (size_t i = 0; i < seq->count; i++) {
        const char *entry = s->kind == SHAPE_MAP ? "entry" : s->item_name;
        const char *here = s->is_flat ? arena_printf(a, "%s.%zu", name, i + 1)
                                      : arena_printf(a, "%s.%s.%zu", name, entry, i + 1);
        if (s->kind == SHAPE_MAP) {
            buf_printf(out, "&%s.%s=", here, s->key_name);
            write_escaped(out, str_of(*shape_key(s, seq, i)));
            here = arena_printf(a, "%s.%s", here, s->item_name);
        }
        write_value(a, out, here, s->item, shape_entry(s, seq, i));
    }
}

static void write_members(struct arena *a, struct buf *out, const char *name, const struct shape *s,
                          const void *value)
{
    for (size_t i = 0; i < s->member_count; i++) {
        const struct shape_member *m = &s->members[i];
        const void *member = shape_value(m, value);
        if (member)
            write_value(a, out, arena_printf(a, "%s%s%s", name, name[0] ? "." : "", m->wire),
                        m->shape, member);
    }
}

static void write_value(struct arena *a, struct buf *out, const char *name, const struct shape *s,
                        const void *value)
{
    if (s->kind == SHAPE_STRUCT)
        write_members(a, out, name, s, value);
    else if (s->kind == SHAPE_LIST || s->kind == SHAPE_MAP)
        write_seq(a, out, name, s, value);
    else
        write_pair(out, name, s, value);
}

void value_to_form(struct buf *out, const struct shape *s, const void *value)
{
    scoped(arena_fini) struct arena a = {0};

    buf_puts(out, "Action=x");
    write_members(&a, out, "", s, value);
}
