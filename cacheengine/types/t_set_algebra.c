/*
 * Intersections, unions and differences. Members of the first set are taken in batches and sieved
 * through the others one after the other, so that the misses of a batch overlap.
 */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/changed.h"
#include "cacheengine/types/t_set.h"
#include "contract/command_procs.h"

#include <stdlib.h>

/* ---- operands ---- */

struct operands {
    struct collection *sets; /* those that are there, in the order of the arguments */
    uint32_t count;
    uint32_t absent;
    bool is_first_absent;
};

/* Finds the sets in `count` arguments; false after WRONGTYPE was sent. */
static bool operands_read(struct cmd_call *c, uint32_t first, uint32_t count, struct operands *out)
{
    *out = (struct operands){.sets = arena_array(c->scratch, count, sizeof(struct collection))};
    for (uint32_t i = 0; i < count; i++) {
        bool ok;

        if (set_read(c, first + i, &out->sets[out->count], &ok)) {
            out->count++;
            continue;
        }
        if (!ok)
            return false;
        out->absent++;
        out->is_first_absent |= i == 0;
    }
    return true;
}

static int by_count(const void *a, const void *b)
{
    uint64_t x = collection_count(a), y = collection_count(b);

    return (x > y) - (x < y);
}

static int by_count_down(const void *a, const void *b)
{
    return by_count(b, a);
}

/* ---- sieving ---- */

/* What is done with a member of the result; false ends the work. */
typedef bool (*take_fn)(void *ctx, const struct packed_item *member);

/* Keeps those members that are (or are not) in a set; returns how many are left. */
static unsigned sieve(const struct collection *set, struct packed_item *members, unsigned count,
                      bool wants_in)
{
    unsigned kept = 0;

    collection_prefetch(set, members, count);
    for (unsigned i = 0; i < count; i++)
        if (collection_has(set, &members[i]) == wants_in)
            members[kept++] = members[i];
    return kept;
}

/* Takes the members of the first set that are in all others (or in none). */
static void sieve_all(const struct operands *in, bool wants_in, take_fn take, void *ctx)
{
    struct collection_walk walk = {0};
    struct packed_item members[COLLECTION_BATCH];
    bool is_more = true;

    while (is_more) {
        unsigned count = 0;

        while (count < COLLECTION_BATCH &&
               (is_more = collection_next(&in->sets[0], &walk, &members[count])))
            count++;
        for (uint32_t i = 1; i < in->count && count > 0; i++)
            if (!wants_in || in->sets[i].e != in->sets[0].e)
                count = sieve(&in->sets[i], members, count, wants_in);
        for (unsigned i = 0; i < count; i++)
            if (!take(ctx, &members[i]))
                return;
    }
}

/* ---- where results go ---- */

struct said {
    struct cmd_call *c;
    size_t count;
};

static bool take_say(void *ctx, const struct packed_item *member)
{
    struct said *said = ctx;

    packed_reply_item(said->c->reply, member);
    said->count++;
    return true;
}

struct counted {
    uint64_t count, limit; /* limit 0: none */
};

static bool take_count(void *ctx, const struct packed_item *member)
{
    struct counted *counted = ctx;

    (void)member;
    return ++counted->count != counted->limit;
}

struct stored {
    struct collection set;
    bool has_text;
};

static bool take_store(void *ctx, const struct packed_item *member)
{
    struct stored *stored = ctx;

    stored->has_text |= member->kind != PACKED_NUMBER;
    collection_include(&stored->set, member);
    return true;
}

/* Sets the key in argument 1 to a result, or removes it when there are no members, and says how
 * many there are. */
static void store_result(struct cmd_call *c, struct collection *s, const char *event)
{
    uint64_t count = collection_count(s);

    if (count > 0) {
        collection_store(s, NO_DEADLINE);
        call_changed(c, s->k, EVENT_SET, event);
    } else {
        collection_drop(s);
        if (db_delete(c->db, s->k, c->ks->settings->lazy_server_del))
            call_changed(c, s->k, EVENT_GENERIC, "del");
    }
    reply_int(c->reply, (int64_t)count);
}

static void store_nothing(struct cmd_call *c)
{
    struct key k = call_key(c, 1);

    if (db_delete(c->db, k, c->ks->settings->lazy_server_del))
        call_changed(c, k, EVENT_GENERIC, "del");
    reply_int(c->reply, 0);
}

/* ---- intersections ---- */

/* False when the intersection is empty because an operand is. */
static bool inter_begin(const struct operands *in)
{
    if (in->absent > 0)
        return false;
    qsort(in->sets, in->count, sizeof(*in->sets), by_count);
    return true;
}

void cmd_sinter(struct cmd_call *c)
{
    struct operands in;
    struct said said = {.c = c};

    if (!operands_read(c, 1, c->argc - 1, &in))
        return;
    if (!inter_begin(&in)) {
        reply_set(c->reply, 0);
        return;
    }
    struct reply_mark mark = reply_open(c->reply);
    sieve_all(&in, true, take_say, &said);
    reply_close(c->reply, mark, '~', said.count);
}

/* Numbers that were gathered in another form become a run of them where they are few enough. */
static void make_numbers(struct cmd_call *c, struct stored *stored, uint8_t *buffer)
{
    struct collection numbers;
    struct collection_walk walk = {0};
    struct packed_item member;

    if (stored->has_text || collection_shown(&stored->set) == SHOWN_NUMBERS ||
        collection_count(&stored->set) > (uint64_t)c->ks->settings->set_int_entries)
        return;
    collection_begin(&numbers, c->db, stored->set.k, TYPE_SET, SHOWN_NUMBERS, buffer);
    while (collection_next(&stored->set, &walk, &member))
        collection_include(&numbers, &member);
    collection_drop(&stored->set);
    stored->set = numbers;
}

void cmd_sinterstore(struct cmd_call *c)
{
    uint8_t buffer[COLLECTION_BUFFER], other_buffer[COLLECTION_BUFFER];
    struct operands in;
    struct stored stored = {0};

    if (!operands_read(c, 2, c->argc - 2, &in))
        return;
    if (!inter_begin(&in)) {
        store_nothing(c);
        return;
    }
    bool is_numbers = collection_shown(&in.sets[0]) == SHOWN_NUMBERS;
    collection_begin(&stored.set, c->db, call_key(c, 1), TYPE_SET,
                     is_numbers ? SHOWN_NUMBERS : SHOWN_PACKED, buffer);
    sieve_all(&in, true, take_store, &stored);
    make_numbers(c, &stored, other_buffer);
    store_result(c, &stored.set, "sinterstore");
}

/* How many keys follow; false after an error was sent. */
static bool card_keys(struct cmd_call *c, uint32_t *out)
{
    int64_t count;

    if (!number_parse_i64(c->argv[1].ptr, c->argv[1].len, &count) || count < 1) {
        reply_error(c->reply, "ERR numkeys should be greater than 0");
        return false;
    }
    if (count > c->argc - 2) {
        reply_error(c->reply, "ERR Number of keys can't be greater than number of args");
        return false;
    }
    *out = (uint32_t)count;
    return true;
}

/* LIMIT behind the keys; false after an error was sent. */
static bool card_limit(struct cmd_call *c, uint32_t from, uint64_t *out)
{
    int64_t limit = 0;

    for (uint32_t i = from; i < c->argc; i += 2) {
        if (!call_is(c, i, "limit") || i + 1 == c->argc) {
            reply_syntax_error(c->reply);
            return false;
        }
        if (!number_parse_i64(c->argv[i + 1].ptr, c->argv[i + 1].len, &limit) || limit < 0) {
            reply_error(c->reply, "ERR LIMIT can't be negative");
            return false;
        }
    }
    *out = (uint64_t)limit;
    return true;
}

void cmd_sintercard(struct cmd_call *c)
{
    struct operands in;
    struct counted counted = {0};
    uint32_t keys;

    if (!card_keys(c, &keys) || !card_limit(c, 2 + keys, &counted.limit) ||
        !operands_read(c, 2, keys, &in))
        return;
    if (inter_begin(&in))
        sieve_all(&in, true, take_count, &counted);
    reply_int(c->reply, (int64_t)counted.count);
}

/* ---- unions ---- */

static void unite(const struct operands *in, struct collection *out)
{
    for (uint32_t i = 0; i < in->count; i++) {
        struct collection_walk walk = {0};
        struct packed_item members[COLLECTION_BATCH];
        bool is_more = true;

        while (is_more) {
            unsigned count = 0;

            while (count < COLLECTION_BATCH &&
                   (is_more = collection_next(&in->sets[i], &walk, &members[count])))
                count++;
            collection_prefetch(out, members, count);
            for (unsigned j = 0; j < count; j++)
                collection_include(out, &members[j]);
        }
    }
}

void cmd_sunion(struct cmd_call *c)
{
    uint8_t buffer[COLLECTION_BUFFER];
    struct operands in;
    struct collection all;
    enum shown as = SHOWN_NUMBERS;

    if (!operands_read(c, 1, c->argc - 1, &in))
        return;
    if (in.count <= 1) {
        if (in.count == 1)
            set_reply(c, &in.sets[0]);
        else
            reply_set(c->reply, 0);
        return;
    }
    for (uint32_t i = 0; i < in.count; i++)
        if (collection_shown(&in.sets[i]) != SHOWN_NUMBERS)
            as = SHOWN_TABLE;
    collection_begin(&all, c->db, call_key(c, 1), TYPE_SET, as, buffer);
    unite(&in, &all);
    set_reply(c, &all);
    collection_drop(&all);
}

void cmd_sunionstore(struct cmd_call *c)
{
    uint8_t buffer[COLLECTION_BUFFER];
    struct operands in;
    struct collection all;

    if (!operands_read(c, 2, c->argc - 2, &in))
        return;
    collection_begin(&all, c->db, call_key(c, 1), TYPE_SET, SHOWN_NUMBERS, buffer);
    unite(&in, &all);
    store_result(c, &all, "sunionstore");
}

/* ---- differences ---- */

/* Big sets first: what is in any of them is sieved out soonest. */
static void diff_begin(const struct operands *in)
{
    if (in->count > 2)
        qsort(in->sets + 1, in->count - 1, sizeof(*in->sets), by_count_down);
}

void cmd_sdiff(struct cmd_call *c)
{
    struct operands in;
    struct said said = {.c = c};

    if (!operands_read(c, 1, c->argc - 1, &in))
        return;
    if (in.is_first_absent) {
        reply_set(c->reply, 0);
        return;
    }
    diff_begin(&in);
    struct reply_mark mark = reply_open(c->reply);
    sieve_all(&in, false, take_say, &said);
    reply_close(c->reply, mark, '~', said.count);
}

void cmd_sdiffstore(struct cmd_call *c)
{
    uint8_t buffer[COLLECTION_BUFFER];
    struct operands in;
    struct stored stored = {0};

    if (!operands_read(c, 2, c->argc - 2, &in))
        return;
    if (in.is_first_absent) {
        store_nothing(c);
        return;
    }
    diff_begin(&in);
    collection_begin(&stored.set, c->db, call_key(c, 1), TYPE_SET, SHOWN_NUMBERS, buffer);
    sieve_all(&in, false, take_store, &stored);
    store_result(c, &stored.set, "sdiffstore");
}
