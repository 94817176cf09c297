/* Fields by chance and in steps: HRANDFIELD, HSCAN. */
#include "base/command.h"
#include "cacheengine/types/sample.h"
#include "cacheengine/types/scan.h"
#include "cacheengine/types/t_hash.h"
#include "contract/command_procs.h"

/* ---- HRANDFIELD ---- */

/* How fields are said. */
struct pick {
    struct cmd_call *c;
    bool with_values;
};

static void say(void *ctx, const struct packed_item *field, const uint8_t *rest)
{
    struct pick *p = ctx;

    if (p->with_values && p->c->reply->resp > 2)
        reply_array(p->c->reply, 2);
    packed_reply_item(p->c->reply, field);
    if (p->with_values)
        packed_reply(p->c->reply, rest);
}

static void say_count(const struct pick *p, uint64_t count)
{
    reply_array(p->c->reply, p->with_values && p->c->reply->resp == 2 ? 2 * count : count);
}

static struct sample sample_of(struct pick *p)
{
    return (struct sample){&p->c->ks->rng, p->c->scratch, say, p};
}

/* Each draw is from all fields. */
static void pick_any(struct pick *p, const struct collection *h, uint64_t count)
{
    struct sample sample = sample_of(p);

    say_count(p, count);
    sample_any(h, &sample, count, p->c->reply);
}

static void pick_different(struct pick *p, const struct collection *h, uint64_t count)
{
    struct sample sample = sample_of(p);
    uint64_t all = collection_count_shown(h);

    if (count > all)
        count = all;
    say_count(p, count);
    sample_draw(h, &sample, count);
}

static void pick_one(struct cmd_call *c)
{
    struct collection h;
    struct packed_item field;
    bool ok;

    if (hash_read(c, &h, &ok) && collection_count_shown(&h) > 0) {
        collection_random(&h, &c->ks->rng, &field, NULL);
        packed_reply_item(c->reply, &field);
    } else if (ok) {
        reply_null(c->reply);
    }
}

/* The count and WITHVALUES; false after an error was sent. */
static bool pick_options(struct cmd_call *c, struct pick *p, int64_t *count)
{
    if (!call_int(c, 2, count))
        return false;
    if (*count == INT64_MIN) {
        reply_errorf(c->reply, "ERR value is out of range, value must between %lld and %lld",
                     -(long long)INT64_MAX, (long long)INT64_MAX);
        return false;
    }
    if (c->argc > 4 || (c->argc == 4 && !call_is(c, 3, "withvalues"))) {
        reply_syntax_error(c->reply);
        return false;
    }
    p->with_values = c->argc == 4;
    if (p->with_values && (*count < -INT64_MAX / 2 || *count > INT64_MAX / 2)) {
        reply_error(c->reply, "ERR value is out of range");
        return false;
    }
    return true;
}

void cmd_hrandfield(struct cmd_call *c)
{
    struct pick pick = {.c = c};
    struct collection h;
    int64_t count;
    bool ok;

    if (c->argc == 2) {
        pick_one(c);
        return;
    }
    if (!pick_options(c, &pick, &count))
        return;
    bool is_there = hash_read(c, &h, &ok);
    if (!ok)
        return;
    if (!is_there || count == 0 || collection_count_shown(&h) == 0)
        reply_array(c->reply, 0);
    else if (count < 0)
        pick_any(&pick, &h, (uint64_t)-count);
    else
        pick_different(&pick, &h, (uint64_t)count);
}

/* ---- HSCAN ---- */

struct table_scan {
    struct scan *scan;
    const struct collection *hash;
};

static void scan_visit(void *ctx, const uint8_t *at)
{
    const struct table_scan *s = ctx;
    struct packed_item field;

    if (table_end(s->hash->table, at) <= s->hash->hides_ms)
        return;
    const uint8_t *value = packed_get(at, &field);
    if (scan_says(s->scan, &field))
        packed_reply(s->scan->reply, value);
}

static void scan_run(struct scan *s, const struct collection *h)
{
    struct collection_walk walk = {0};
    struct packed_item field;

    while (collection_next(h, &walk, &field))
        if (scan_says(s, &field))
            packed_reply(s->reply, walk.rest);
    s->cursor = 0;
}

void cmd_hscan(struct cmd_call *c)
{
    struct collection h;
    struct scan scan;
    struct table_scan of_table = {&scan, &h};
    uint64_t step = 0;
    bool ok;

    if (!scan_cursor(c, &scan))
        return;
    if (!hash_read(c, &h, &ok)) {
        if (ok)
            scan_reply_empty(c);
        return;
    }
    if (!scan_options(c, TYPE_HASH, &scan))
        return;
    scan_begin(c, &scan);
    if (h.table)
        do
            scan.cursor = table_scan(h.db, h.table, scan.cursor, scan_visit, &of_table);
        while (scan_goes_on(&scan, ++step));
    else
        scan_run(&scan, &h);
    scan_end(&scan);
}
