/*
 * Changes by prefix. The one idea: what changed is a list that is sorted when it is told, and then
 * the keys of every prefix stand together.
 */
#include "cacheengine/dispatch/broadcast.h"

#include "base/err.h"

#include <stdlib.h>

static void book(struct broadcast *b, int64_t bytes)
{
    b->account->used_bytes += (size_t)bytes;
    b->account->client_bytes += (size_t)bytes;
}

int broadcast_order(struct str a, struct str b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static struct str name_of(const struct broadcast *b, const struct broadcast_key *k)
{
    return (struct str){b->names.ptr + k->at, k->len};
}

static struct str text_of(const struct broadcast_prefix *p)
{
    return (struct str){p->text, p->len};
}

static bool begins_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && memcmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

/* ---- prefixes ---- */

/* The place of a prefix, or where it would be. */
static uint32_t place_of(const struct broadcast *b, struct str prefix)
{
    uint32_t low = 0, high = b->prefix_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (broadcast_order(text_of(&b->prefixes[middle]), prefix) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct broadcast *b, uint32_t place, struct str prefix)
{
    return place < b->prefix_count && str_eq(text_of(&b->prefixes[place]), prefix);
}

static void insert(struct broadcast *b, uint32_t place, struct str prefix)
{
    if (b->prefix_count == b->prefix_room) {
        uint32_t room = b->prefix_room ? b->prefix_room * 2 : 4;

        b->prefixes = realloc(b->prefixes, room * sizeof(*b->prefixes));
        check(b->prefixes);
        book(b, (int64_t)((room - b->prefix_room) * sizeof(*b->prefixes)));
        b->prefix_room = room;
    }
    memmove(&b->prefixes[place + 1], &b->prefixes[place],
            (b->prefix_count - place) * sizeof(*b->prefixes));
    b->prefixes[place] =
        (struct broadcast_prefix){.text = malloc(prefix.len + 1), .len = prefix.len};
    check(b->prefixes[place].text);
    memcpy(b->prefixes[place].text, prefix.ptr, prefix.len);
    b->prefix_count++;
    book(b, (int64_t)prefix.len + 1);
}

static void prefix_fini(struct broadcast *b, struct broadcast_prefix *p)
{
    book(b, -(int64_t)(p->len + 1 + p->room * sizeof(struct tracker *)));
    free(p->text);
    free(p->listeners);
}

void broadcast_join(struct broadcast *b, struct str prefix, struct tracker *who)
{
    uint32_t place = place_of(b, prefix);

    if (!is_at(b, place, prefix))
        insert(b, place, prefix);
    struct broadcast_prefix *p = &b->prefixes[place];
    if (p->count == p->room) {
        uint32_t room = p->room ? p->room * 2 : 1;

        p->listeners = realloc(p->listeners, room * sizeof(struct tracker *));
        check(p->listeners);
        book(b, (int64_t)((room - p->room) * sizeof(struct tracker *)));
        p->room = room;
    }
    p->listeners[p->count++] = who;
}

void broadcast_leave(struct broadcast *b, struct str prefix, struct tracker *who)
{
    uint32_t place = place_of(b, prefix);
    struct broadcast_prefix *p = &b->prefixes[place];

    check(is_at(b, place, prefix));
    for (uint32_t i = 0; i < p->count; i++)
        if (p->listeners[i] == who) {
            p->listeners[i] = p->listeners[--p->count];
            break;
        }
    if (p->count > 0)
        return;
    prefix_fini(b, p);
    b->prefix_count--;
    memmove(p, p + 1, (b->prefix_count - place) * sizeof(*p));
}

/* ---- keys ---- */

static size_t common_len(struct str a, struct str b)
{
    size_t len = 0;

    while (len < a.len && len < b.len && a.ptr[len] == b.ptr[len])
        len++;
    return len;
}

/* The longest prefix that `text` begins with, or NULL. In their order all that lies between such a
 * prefix and the text begins with it, too: so where the neighbour in front of the text is none,
 * only what both have in common can have one. */
static struct broadcast_prefix *longest_of(const struct broadcast *b, struct str text)
{
    for (;;) {
        uint32_t place = place_of(b, text);

        if (is_at(b, place, text))
            return &b->prefixes[place];
        if (place == 0)
            return NULL;
        struct str before = text_of(&b->prefixes[place - 1]);
        if (begins_with(text, before))
            return &b->prefixes[place - 1];
        text.len = common_len(text, before);
    }
}

/* Marks all prefixes of a key. */
static void mark(struct broadcast *b, struct str key)
{
    struct broadcast_prefix *p = longest_of(b, key);

    while (p) {
        p->has_news = true;
        p = p->len > 0 ? longest_of(b, (struct str){key.ptr, p->len - 1}) : NULL;
    }
}

static void add(struct broadcast *b, struct str key, uint64_t changer)
{
    if (b->key_count == b->key_room) {
        uint32_t room = b->key_room ? b->key_room * 2 : 16;

        b->keys = realloc(b->keys, room * sizeof(*b->keys));
        check(b->keys);
        book(b, (int64_t)((room - b->key_room) * sizeof(*b->keys)));
        b->key_room = room;
    }
    b->keys[b->key_count] = (struct broadcast_key){
        .at = b->names.len, .len = (uint32_t)key.len, .order = b->key_count, .changer = changer};
    b->key_count++;
    (void)buf_reserve(&b->names, key.len + 1);
    buf_add_str(&b->names, key);
    book(b, (int64_t)b->names.len - (int64_t)b->names_room);
    b->names_room = b->names.len;
}

static bool is_full(const struct broadcast *b)
{
    return b->key_count >= BROADCAST_KEYS || b->names.len >= BROADCAST_BYTES;
}

bool broadcast_note(struct broadcast *b, struct str key, uint64_t changer)
{
    struct broadcast_key *last = b->key_count ? &b->keys[b->key_count - 1] : NULL;

    /* One key that changes again and again is the usual case of many changes. */
    if (last && str_eq(name_of(b, last), key)) {
        last->changer = changer;
        return false;
    }
    if (!longest_of(b, key))
        return false;
    add(b, key, changer);
    return is_full(b);
}

static int by_name(const void *x, const void *y, void *ctx)
{
    const struct broadcast_key *a = x, *b = y;
    int order = broadcast_order(name_of(ctx, a), name_of(ctx, b));

    return order ? order : (a->order > b->order) - (a->order < b->order);
}

void broadcast_settle(struct broadcast *b)
{
    uint32_t kept = 0;

    qsort_r(b->keys, b->key_count, sizeof(*b->keys), by_name, b);
    for (uint32_t i = 0; i < b->key_count; i++)
        if (i + 1 == b->key_count || !str_eq(name_of(b, &b->keys[i]), name_of(b, &b->keys[i + 1])))
            b->keys[kept++] = b->keys[i];
    b->key_count = kept;
    for (uint32_t i = 0; i < kept; i++)
        mark(b, name_of(b, &b->keys[i]));
}

/* The first key that is not in front of a prefix. */
static uint32_t first_under(const struct broadcast *b, struct str prefix)
{
    uint32_t low = 0, high = b->key_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (broadcast_order(name_of(b, &b->keys[middle]), prefix) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool broadcast_list(const struct broadcast *b, const struct broadcast_prefix *p, uint64_t without,
                    struct buf *out)
{
    uint32_t first = first_under(b, text_of(p)), behind = first, count = 0;

    for (; behind < b->key_count && begins_with(name_of(b, &b->keys[behind]), text_of(p)); behind++)
        count += !without || b->keys[behind].changer != without;
    if (count == 0)
        return false;
    buf_printf(out, "*%u\r\n", count);
    for (uint32_t i = first; i < behind; i++) {
        if (without && b->keys[i].changer == without)
            continue;
        buf_printf(out, "$%u\r\n", b->keys[i].len);
        buf_add_str(out, name_of(b, &b->keys[i]));
        buf_add(out, "\r\n", 2);
    }
    return true;
}

void broadcast_clear(struct broadcast *b)
{
    book(b, -(int64_t)(b->names_room + b->key_room * sizeof(*b->keys)));
    free(b->keys);
    b->keys = NULL;
    b->key_count = b->key_room = 0;
    b->names_room = 0;
    buf_fini(&b->names);
    b->names = BUF_EMPTY;
}

void broadcast_fini(struct broadcast *b)
{
    broadcast_clear(b);
    for (uint32_t i = 0; i < b->prefix_count; i++)
        prefix_fini(b, &b->prefixes[i]);
    book(b, -(int64_t)(b->prefix_room * sizeof(*b->prefixes)));
    free(b->prefixes);
}
