/*
 * One pass over the text, then one walk per parameter along its name: each step of the name goes
 * one level down in the shape, and the last one holds the value. Lists under construction keep what
 * they need to grow in a head in front of their items, so that no second structure is built.
 */
#include "controlplane/api/query.h"

#include "base/arena.h"
#include "base/shape_text.h"
#include "contract/faults.h"

#include <string.h>

#define SHOWN_MAX_BYTES  256 /* of a name in a sentence */
#define LIMIT_TEXT(n)    LIMIT_LITERAL(n)
#define LIMIT_LITERAL(n) #n

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes into `to`, which has room for text.len + 1 bytes; false when a percent sign stands wrong.
 */
static bool unescape(struct str text, bool is_form, char *to, struct str *out)
{
    char *at = to;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = text.len - i > 2 ? hex_digit(text.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && is_form) {
            c = ' ';
        }
        *at++ = c;
    }
    *at = '\0';
    *out = (struct str){to, (size_t)(at - to)};
    return true;
}

static struct err check_decoded(struct str text)
{
    if (!str_is_utf8(text))
        return err_make(FAULT_MALFORMED_QUERY_STRING, "The request is not well-formed UTF-8.");
    if (text.len && memchr(text.ptr, '\0', text.len))
        return err_make(FAULT_MALFORMED_QUERY_STRING, "The request contains a NUL character.");
    return OK;
}

struct err query_unescape(struct arena *a, struct str text, bool is_form, struct str *out)
{
    struct str decoded;

    if (!unescape(text, is_form, arena_alloc(a, text.len + 1), &decoded))
        return err_make(FAULT_MALFORMED_QUERY_STRING,
                        "The request contains a percent sign that is not followed by two "
                        "hexadecimal digits.");
    TRY(check_decoded(decoded));
    *out = decoded;
    return OK;
}

static size_t count_pieces(struct str text)
{
    size_t count = text.len ? 1 : 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '&';
    return count;
}

static struct err parse_part(struct arena *a, struct str text, struct query_param *params,
                             size_t *count)
{
    while (text.len) {
        struct str value = str_cut(&text, '&');
        struct str name = str_cut(&value, '=');
        struct query_param *p = &params[*count];
        if (name.len == 0 && value.len == 0)
            continue;
        TRY(query_unescape(a, name, true, &p->name));
        TRY(query_unescape(a, value, true, &p->value));
        (*count)++;
    }
    return OK;
}

struct err query_parse(struct arena *a, struct str text, struct str more, struct query *out)
{
    size_t room = count_pieces(text) + count_pieces(more);
    struct query_param *params = arena_alloc(a, room * sizeof(*params));
    size_t count = 0;

    TRY(parse_part(a, text, params, &count));
    TRY(parse_part(a, more, params, &count));
    *out = (struct query){params, count};
    return OK;
}

struct str query_get(const struct query *q, const char *name)
{
    for (size_t i = 0; i < q->count; i++)
        if (str_is(q->params[i].name, name))
            return q->params[i].value;
    return (struct str){NULL, 0};
}

bool query_is_repeated(const struct query *q, const char *name)
{
    size_t count = 0;

    for (size_t i = 0; i < q->count && count < 2; i++)
        count += str_is(q->params[i].name, name);
    return count > 1;
}

/* In front of the items of a list under construction. */
struct list_head {
    size_t capacity;
    bool is_sorted;
    uint16_t index[]; /* the number in the request of each entry; `capacity` of them */
};

_Static_assert(QUERY_MAX_INDEX <= UINT16_MAX, "indices must fit");

struct decoder {
    struct arena *arena;
    const struct query_param *param; /* the one being placed */
    bool has_disorder;               /* some list must be sorted in the end */
};

static struct err wrong(struct decoder *d, const char *what)
{
    return err_format(d->arena, FAULT_INVALID_PARAMETER_VALUE, "The parameter %.*s %s.",
                      STR_ARG(str_shorten(d->param->name, SHOWN_MAX_BYTES)), what);
}

/* Head and items are one block: [list_head, indices, padding, items]. */
static size_t head_size(size_t capacity)
{
    size_t size = sizeof(struct list_head) + capacity * sizeof(uint16_t);

    return (size + 15) & ~(size_t)15;
}

static struct list_head *head_of(const struct shape_seq *seq)
{
    /* The head's address stands right before the items. */
    return seq->items ? ((struct list_head **)seq->items)[-1] : NULL;
}

static void grow(struct decoder *d, const struct shape *s, struct shape_seq *seq)
{
    struct list_head *old = head_of(seq);
    size_t capacity = old ? old->capacity * 4 : 4;
    size_t stride = shape_stride(s);
    char *block = arena_alloc(d->arena, head_size(capacity) + 16 + capacity * stride);
    struct list_head *head = (struct list_head *)block;
    char *items = block + head_size(capacity) + 16;

    *head = (struct list_head){.capacity = capacity, .is_sorted = true};
    memset(items, 0, capacity * stride);
    if (old) {
        head->is_sorted = old->is_sorted;
        memcpy(head->index, old->index, seq->count * sizeof(uint16_t));
        memcpy(items, seq->items, seq->count * stride);
    }
    ((struct list_head **)items)[-1] = head;
    seq->items = items;
}

/* The place of the entry that has this number in the request; a new one when there is none yet. */
static size_t entry_of(struct decoder *d, const struct shape *s, struct shape_seq *seq,
                       uint16_t index)
{
    struct list_head *head = head_of(seq);

    for (size_t i = seq->count; i > 0; i--) {
        if (head->index[i - 1] == index)
            return i - 1;
        if (head->index[i - 1] < index && head->is_sorted)
            break;
    }
    if (!head || seq->count == head->capacity) {
        grow(d, s, seq);
        head = head_of(seq);
    }
    if (seq->count > 0 && head->index[seq->count - 1] > index) {
        head->is_sorted = false;
        d->has_disorder = true;
    }
    head->index[seq->count] = index;
    return seq->count++;
}

/* Cuts the next step off a name. Behind the last step `rest` has no ptr; "Tags." has an empty one.
 */
static struct str next_step(struct str *rest)
{
    size_t at = str_find(*rest, '.');
    struct str step = *rest;

    if (at == SIZE_MAX) {
        *rest = (struct str){NULL, 0};
        return step;
    }
    step.len = at;
    rest->ptr += at + 1;
    rest->len -= at + 1;
    return step;
}

static bool parse_index(struct str text, uint16_t *out)
{
    uint64_t value;

    if (!str_to_u64(text, &value) || value < 1 || value > QUERY_MAX_INDEX)
        return false;
    *out = (uint16_t)value;
    return true;
}

static struct err place_value(struct decoder *d, const struct shape *s, struct str rest, void *out);

/* After a list's name: "Tag.1", "member.1" or "1", then what belongs to the item. */
static struct err place_in_list(struct decoder *d, const struct shape *s, struct str rest,
                                struct shape_seq *seq)
{
    const char *entry_name = s->kind == SHAPE_MAP ? "entry" : s->item_name;
    struct str step = next_step(&rest);
    uint16_t index;
    size_t entry;

    if (str_is(step, entry_name) || (s->kind == SHAPE_LIST && str_is(step, "member")))
        step = next_step(&rest);
    if (!parse_index(step, &index))
        return wrong(d, "is malformed: lists are numbered from 1 to " LIMIT_TEXT(QUERY_MAX_INDEX));
    entry = entry_of(d, s, seq, index);
    seq->has = true;
    if (s->kind == SHAPE_LIST)
        return place_value(d, s->item, rest, shape_entry(s, seq, entry));
    step = next_step(&rest);
    if (str_is(step, s->item_name))
        return place_value(d, s->item, rest, shape_entry(s, seq, entry));
    if (!str_is(step, s->key_name) || rest.ptr)
        return wrong(d, "is malformed");
    if (*shape_key(s, seq, entry))
        return wrong(d, "must not be given more than once");
    *shape_key(s, seq, entry) = d->param->value.ptr;
    return OK;
}

static struct err place_member(struct decoder *d, const struct shape_member *m, struct str rest,
                               void *owner)
{
    char *slot = (char *)owner + m->offset;

    if (m->shape->kind != SHAPE_STRUCT)
        return place_value(d, m->shape, rest, slot);
    if (!*(void **)slot)
        *(void **)slot = arena_zalloc(d->arena, m->shape->size);
    return place_value(d, m->shape, rest, *(void **)slot);
}

static const struct shape_member *member_of(const struct shape *s, struct str name)
{
    for (size_t i = 0; i < s->member_count; i++)
        if (str_is(name, s->members[i].query ? s->members[i].query : s->members[i].wire))
            return &s->members[i];
    return NULL;
}

static struct err place_in_struct(struct decoder *d, const struct shape *s, struct str rest,
                                  void *out)
{
    struct str step = next_step(&rest);
    const struct shape_member *m = member_of(s, step);

    return m ? place_member(d, m, rest, out) : OK;
}

/* True when a value stands at this place already; strings have a pointer there, all others `has`.
 */
static bool is_taken(const struct shape *s, const void *out)
{
    return s->kind == SHAPE_STRING ? *(const char *const *)out != NULL : *(const bool *)out;
}

static struct err place_scalar(struct decoder *d, const struct shape *s, struct str rest, void *out)
{
    struct err e;

    if (rest.ptr)
        return wrong(d, "is malformed: it is a single value");
    if (is_taken(s, out))
        return wrong(d, "must not be given more than once");
    if (s->kind == SHAPE_STRING) {
        *(const char **)out = d->param->value.ptr;
        return OK;
    }
    e = shape_text_read(d->arena, s, d->param->value, out);
    return err_failed(e) ? wrong(d, e.why) : OK;
}

/* The name ends at a list or structure: `Tags=` says that it is there and empty. */
static struct err place_empty(struct decoder *d, const struct shape *s, void *out)
{
    if (d->param->value.len)
        return wrong(d, s->kind == SHAPE_STRUCT ? "is a structure, not a single value"
                                                : "is a list, not a single value");
    if (s->kind == SHAPE_STRUCT)
        return OK;
    if (((struct shape_seq *)out)->has)
        return wrong(d, "must not be given more than once");
    ((struct shape_seq *)out)->has = true;
    return OK;
}

static struct err place_value(struct decoder *d, const struct shape *s, struct str rest, void *out)
{
    if (shape_is_scalar(s))
        return place_scalar(d, s, rest, out);
    if (!rest.ptr)
        return place_empty(d, s, out);
    if (s->kind == SHAPE_STRUCT)
        return place_in_struct(d, s, rest, out);
    return place_in_list(d, s, rest, out);
}

static void sort_value(struct decoder *d, const struct shape *s, void *value);

static void sort_members(struct decoder *d, const struct shape *s, void *owner)
{
    for (size_t i = 0; i < s->member_count; i++) {
        const void *member = shape_value(&s->members[i], owner);
        if (member && !shape_is_scalar(s->members[i].shape))
            sort_value(d, s->members[i].shape, (void *)(uintptr_t)member);
    }
}

/* Counting sort: the indices are small numbers. */
static void sort_entries(struct decoder *d, const struct shape *s, struct shape_seq *seq)
{
    const struct list_head *head = head_of(seq);
    uint16_t place[QUERY_MAX_INDEX + 1] = {0};
    size_t stride = shape_stride(s);
    char *sorted = arena_alloc(d->arena, seq->count * stride);
    size_t at = 0;

    for (size_t i = 0; i < seq->count; i++)
        place[head->index[i]] = (uint16_t)(i + 1);
    for (size_t index = 1; index <= QUERY_MAX_INDEX; index++)
        if (place[index])
            memcpy(sorted + stride * at++, (char *)seq->items + stride * (size_t)(place[index] - 1),
                   stride);
    seq->items = sorted;
}

static void sort_value(struct decoder *d, const struct shape *s, void *value)
{
    struct shape_seq *seq = value;

    if (s->kind == SHAPE_STRUCT) {
        sort_members(d, s, value);
        return;
    }
    if (!shape_is_scalar(s->item))
        for (size_t i = 0; i < seq->count; i++)
            sort_value(d, s->item, shape_entry(s, seq, i));
    if (seq->items && !head_of(seq)->is_sorted)
        sort_entries(d, s, seq);
}

struct err query_decode(struct arena *a, const struct query *q, const struct shape *s, void *out)
{
    struct decoder d = {.arena = a};

    for (size_t i = 0; i < q->count; i++) {
        struct str name = q->params[i].name;
        struct str step = next_step(&name);
        const struct shape_member *m = member_of(s, step);
        d.param = &q->params[i];
        if (m)
            TRY(place_member(&d, m, name, out));
    }
    if (d.has_disorder)
        sort_value(&d, s, out);
    return OK;
}
