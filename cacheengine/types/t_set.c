/* Sets: members that are there or not. */
#include "cacheengine/types/t_set.h"

#include "base/command.h"
#include "cacheengine/types/changed.h"
#include "cacheengine/types/scan.h"
#include "contract/command_procs.h"

bool set_read(struct cmd_call *c, uint32_t arg, struct collection *s, bool *ok)
{
    struct key k = call_key(c, arg);
    struct entry *e = call_read(c, k, TYPE_SET, ok);

    if (e)
        collection_open(s, c->db, k, e);
    return e;
}

bool set_find(struct cmd_call *c, uint32_t arg, struct collection *s, bool *ok)
{
    struct key k = call_key(c, arg);
    struct entry *e = call_find(c, k, TYPE_SET, ok);

    if (e)
        collection_open(s, c->db, k, e);
    return e;
}

void set_begin(struct cmd_call *c, uint32_t arg, struct collection *s, struct str first,
               uint64_t count, uint8_t *buffer)
{
    const struct settings *limits = c->ks->settings;
    enum shown as = SHOWN_TABLE;

    if (packed_item_of(first).kind == PACKED_NUMBER && count <= (uint64_t)limits->set_int_entries)
        as = SHOWN_NUMBERS;
    else if (count <= (uint64_t)limits->set_packed_entries)
        as = SHOWN_PACKED;
    collection_begin(s, c->db, call_key(c, arg), TYPE_SET, as, buffer);
}

void set_end_if_empty(struct cmd_call *c, struct collection *s)
{
    if (collection_count(s) > 0)
        return;
    db_delete_entry(c->db, s->k, s->e, false);
    changed_by(c, s->k, EVENT_GENERIC, "del", 0);
}

void set_reply(struct cmd_call *c, const struct collection *s)
{
    struct collection_walk walk = {0};
    struct packed_item member;

    reply_set(c->reply, collection_count(s));
    while (collection_next(s, &walk, &member))
        packed_reply_item(c->reply, &member);
}

void set_prefetch(const struct cmd_call *c, const struct collection *s, uint32_t first)
{
    struct packed_item members[COLLECTION_BATCH];
    unsigned count = 0;

    if (!s->table)
        return;
    for (uint32_t i = first; i < c->argc && count < COLLECTION_BATCH; i++)
        members[count++] = packed_item_of(c->argv[i]);
    collection_prefetch(s, members, count);
}

/* ---- adding and removing ---- */

/* A set to which more members are to be added at once than a small one may have is made big first.
 */
static void spread_for(struct cmd_call *c, struct collection *s, uint64_t count)
{
    const struct settings *limits = c->ks->settings;
    enum shown shown = collection_shown(s);

    if ((shown == SHOWN_PACKED && count > (uint64_t)limits->set_packed_entries) ||
        (shown == SHOWN_NUMBERS && count > (uint64_t)limits->set_int_entries))
        collection_spread(s, SHOWN_TABLE);
}

void cmd_sadd(struct cmd_call *c)
{
    uint8_t buffer[COLLECTION_BUFFER];
    struct collection s;
    bool ok;
    int64_t added = 0;

    if (set_find(c, 1, &s, &ok))
        spread_for(c, &s, c->argc - 2);
    else if (ok)
        set_begin(c, 1, &s, c->argv[2], c->argc - 2, buffer);
    if (!ok)
        return;
    for (uint32_t i = 2; i < c->argc; i++) {
        struct packed_item member = packed_item_of(c->argv[i]);

        if ((i - 2) % COLLECTION_BATCH == 0)
            set_prefetch(c, &s, i);
        added += collection_include(&s, &member);
    }
    if (!s.e)
        collection_store(&s, NO_DEADLINE);
    if (added)
        changed_by(c, s.k, EVENT_SET, "sadd", (uint64_t)added);
    reply_int(c->reply, added);
}

static bool exclude(struct collection *s, const struct packed_item *member)
{
    struct collection_place place;

    if (!collection_find(s, member, &place))
        return false;
    collection_remove(s, &place);
    return true;
}

void cmd_srem(struct cmd_call *c)
{
    struct collection s;
    bool ok;
    int64_t removed = 0;
    bool is_there = set_find(c, 1, &s, &ok);

    if (!ok)
        return;
    for (uint32_t i = 2; i < c->argc && is_there; i++) {
        struct packed_item member = packed_item_of(c->argv[i]);

        if ((i - 2) % COLLECTION_BATCH == 0)
            set_prefetch(c, &s, i);
        removed += exclude(&s, &member);
        is_there = collection_count(&s) > 0;
    }
    if (removed) {
        changed_by(c, s.k, EVENT_SET, "srem", (uint64_t)removed);
        set_end_if_empty(c, &s);
    }
    reply_int(c->reply, removed);
}

/* Adds the member in argument 3 to the set in argument 2, which may be new. */
static void move_in(struct cmd_call *c)
{
    uint8_t buffer[COLLECTION_BUFFER];
    struct packed_item member = packed_item_of(c->argv[3]);
    struct collection to;
    bool ok;

    if (!set_find(c, 2, &to, &ok))
        set_begin(c, 2, &to, c->argv[3], 1, buffer);
    bool is_new = collection_include(&to, &member);
    if (!to.e)
        collection_store(&to, NO_DEADLINE);
    if (is_new)
        call_changed(c, to.k, EVENT_SET, "sadd");
}

void cmd_smove(struct cmd_call *c)
{
    struct packed_item member = packed_item_of(c->argv[3]);
    struct collection from, to;
    bool ok;
    bool has_from = set_find(c, 1, &from, &ok);
    if (!ok)
        return;
    bool has_to = has_from && set_find(c, 2, &to, &ok);

    if (!ok)
        return;
    if (!has_from || (has_to && from.e == to.e)) {
        reply_int(c->reply, has_from && collection_has(&from, &member));
        return;
    }
    if (!exclude(&from, &member)) {
        reply_int(c->reply, 0);
        return;
    }
    call_changed(c, from.k, EVENT_SET, "srem");
    set_end_if_empty(c, &from);
    move_in(c);
    reply_int(c->reply, 1);
}

/* ---- reading ---- */

void cmd_sismember(struct cmd_call *c)
{
    struct packed_item member = packed_item_of(c->argv[2]);
    struct collection s;
    bool ok;
    bool is_there = set_read(c, 1, &s, &ok);

    if (ok)
        reply_int(c->reply, is_there && collection_has(&s, &member));
}

void cmd_smismember(struct cmd_call *c)
{
    struct collection s;
    bool ok;
    bool is_there = set_read(c, 1, &s, &ok);

    if (!ok)
        return;
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        struct packed_item member = packed_item_of(c->argv[i]);

        if (is_there && (i - 2) % COLLECTION_BATCH == 0)
            set_prefetch(c, &s, i);
        reply_int(c->reply, is_there && collection_has(&s, &member));
    }
}

void cmd_scard(struct cmd_call *c)
{
    struct collection s;
    bool ok;
    bool is_there = set_read(c, 1, &s, &ok);

    if (ok)
        reply_int(c->reply, is_there ? (int64_t)collection_count(&s) : 0);
}

void cmd_smembers(struct cmd_call *c)
{
    struct collection s;
    bool ok;

    if (set_read(c, 1, &s, &ok))
        set_reply(c, &s);
    else if (ok)
        reply_set(c->reply, 0);
}

/* ---- SSCAN ---- */

static void scan_visit(void *ctx, const uint8_t *at)
{
    struct packed_item member;

    packed_get(at, &member);
    scan_says(ctx, &member);
}

void cmd_sscan(struct cmd_call *c)
{
    struct collection s;
    struct collection_walk walk = {0};
    struct packed_item member;
    struct scan scan;
    uint64_t step = 0;
    bool ok;

    if (!scan_cursor(c, &scan))
        return;
    if (!set_read(c, 1, &s, &ok)) {
        if (ok)
            scan_reply_empty(c);
        return;
    }
    if (!scan_options(c, TYPE_SET, &scan))
        return;
    scan.is_bare = true;
    scan_begin(c, &scan);
    if (s.table) {
        do
            scan.cursor = table_scan(s.db, s.table, scan.cursor, scan_visit, &scan);
        while (scan_goes_on(&scan, ++step));
    } else {
        while (collection_next(&s, &walk, &member))
            scan_says(&scan, &member);
        scan.cursor = 0;
    }
    scan_end(&scan);
}
