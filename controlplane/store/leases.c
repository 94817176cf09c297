/* Tables promise and lease_secret, and what hosts and goals say of voters. */
#include "controlplane/store/leases.h"

#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"
#include "controlplane/model/group.h"
#include "controlplane/store/db.h"
#include "controlplane/store/globals.h"

#include <string.h>

/* The words as an array for json_each: ids have no character that would end a string. */
static const char *words_json(struct arena *a, const char *words)
{
    const char *json = "";

    for (struct str rest = str_of(words ? words : ""); rest.len > 0;) {
        const char *word = str_dup(a, str_cut(&rest, ' '));
        if (!strpbrk(word, "\"\\"))
            json = arena_printf(a, "%s%s\"%s\"", json, *json ? "," : "", word);
    }
    return arena_printf(a, "[%s]", json);
}

struct err voters_raise(struct store_tx *tx, const char *voters)
{
    static const char sql[] =
        "INSERT INTO host_goal (host_id, generation) SELECT h.id, 1 FROM host h "
        "WHERE h.id IN (SELECT value FROM json_each(?)) " RAISED " RETURNING host_id";

    if (!voters || !*voters)
        return OK;
    return query_tell(tx, sql, "t", words_json(tx->arena, voters));
}

struct err store_hosts_raise_all(struct store_tx *tx)
{
    static const char sql[] = "UPDATE host_goal SET " RAISED_WHOLE " RETURNING host_id";
    return query_tell(tx, sql, "");
}

/* --- with the goals of shards --- */

static struct shard *find(struct shard_list *list, int64_t id)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].id == id)
            return &list->items[i];
    return NULL;
}

static void row_to_lease(const struct query *q, struct shard_lease *out)
{
    *out = (struct shard_lease){
        .voters = query_text(q, 1),
        .number = query_int(q, 2),
        .is_held = query_int(q, 3) != 0,
        .settled_ms = query_int(q, 4),
        .asked_term = query_int(q, 5),
        .is_told = query_int(q, 6) != 0,
        .vacated_ms = query_int(q, 7),
        .lost_id = query_int(q, 8),
        .lost_term = query_int(q, 9),
        .lost_offset = query_int(q, 10),
        .is_cut_off = query_int(q, 11) != 0,
        .ms = (int)query_int(q, 12),
        .most_ms = (int)query_int(q, 13),
        .calm_ms = query_int(q, 14),
    };
}

struct err leases_read(struct store_tx *tx, const int64_t *group_ids, size_t count,
                       struct shard_list *out)
{
    static const char sql[] =
        "SELECT s.id, g.voters, g.voters_number, g.is_leased, g.voters_settled_ms, g.asked_term, "
        "g.is_loss_told, g.vacated_ms, g.lost_id, g.lost_term, g.lost_offset, g.is_cut_off, "
        "g.lease_ms, g.lease_most_ms, g.lease_calm_ms FROM node_group s "
        "JOIN node_group_goal g ON g.node_group_id = s.id "
        "WHERE s.group_id IN (SELECT value FROM json_each(?)) "
        "AND (g.voters_number > 0 OR g.is_loss_told)";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, group_ids, count)));
    while (query_next(&q)) {
        struct shard *s = find(out, query_int(&q, 0));
        if (s)
            row_to_lease(&q, &s->lease);
    }
    return query_end(&q);
}

struct err lease_write(struct store_tx *tx, const struct shard *s)
{
    static const char sql[] =
        "UPDATE node_group_goal SET voters = ?, voters_number = ?, is_leased = ?, "
        "voters_settled_ms = ?, asked_term = ?, is_loss_told = ?, vacated_ms = ?, lost_id = ?, "
        "lost_term = ?, lost_offset = ?, is_cut_off = ?, lease_ms = ?, lease_most_ms = ?, "
        "lease_calm_ms = ? WHERE node_group_id = ?";
    const struct shard_lease *l = &s->lease;

    return query_run(tx, sql, "tibiibiiiibiiii", l->voters ? l->voters : "", l->number, l->is_held,
                     l->settled_ms, l->asked_term, l->is_told, l->vacated_ms, l->lost_id,
                     l->lost_term, l->lost_offset, l->is_cut_off, (int64_t)shard_lease_ms(l),
                     (int64_t)shard_lease_most_ms(l), l->calm_ms, s->id);
}

struct err store_lease_most_ms(struct store_tx *tx, int64_t *out)
{
    static const char sql[] = "SELECT coalesce(max(lease_most_ms), 0) FROM node_group_goal";
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    *out = query_next(&q) ? query_int(&q, 0) : 0;
    return query_end(&q);
}

/* --- promises --- */

/* Rows of (who, shard, term). */
static struct err all_promises(struct query *q, struct promise_list *out)
{
    vec_of(struct promise) promises = VEC_EMPTY;

    while (query_next(q))
        *vec_add(q->tx->arena, &promises) =
            (struct promise){query_text(q, 0), query_int(q, 1), query_int(q, 2)};
    TRY(query_end(q));
    *out = (struct promise_list){promises.items, promises.count};
    return OK;
}

struct err store_promises_asked(struct store_tx *tx, const char *host_id, struct promise_list *out)
{
    static const char sql[] = "SELECT g.voters, g.node_group_id, g.asked_term "
                              "FROM node_group_goal g WHERE g.asked_term > 0";
    struct promise_list all;
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    TRY(all_promises(&q, &all));
    out->items = all.items;
    out->count = 0;
    for (size_t i = 0; i < all.count; i++)
        if (voters_have(all.items[i].host_id, host_id))
            out->items[out->count++] = all.items[i];
    return OK;
}

static struct err promises_of_host(struct store_tx *tx, const char *host_id,
                                   struct promise_list *out)
{
    static const char sql[] =
        "SELECT host_id, node_group_id, term FROM promise WHERE host_id = ? ORDER BY node_group_id";
    struct query q;

    TRY(query_start(&q, tx, sql, "t", host_id));
    return all_promises(&q, out);
}

static int64_t term_of(const struct promise *promises, size_t count, int64_t shard_id)
{
    for (size_t i = 0; i < count; i++)
        if (promises[i].shard_id == shard_id)
            return promises[i].term;
    return 0;
}

static struct err touch_shard(struct store_tx *tx, int64_t shard_id)
{
    static const char sql[] = "SELECT group_id FROM node_group WHERE id = ?";
    int64_t group_id = 0;
    struct query q;

    TRY(query_start(&q, tx, sql, "i", shard_id));
    if (query_next(&q))
        group_id = query_int(&q, 0);
    TRY(query_end(&q));
    return group_id ? store_touch_group(tx, group_id) : OK;
}

/* Of a shard that is gone nothing is kept. */
static struct err put_promise(struct store_tx *tx, const char *host_id, const struct promise *p)
{
    static const char sql[] = "INSERT INTO promise (host_id, node_group_id, term) "
                              "SELECT ?, s.id, ? FROM node_group s WHERE s.id = ? "
                              "ON CONFLICT (host_id, node_group_id) DO UPDATE SET "
                              "term = excluded.term";

    TRY(query_run(tx, sql, "tii", host_id, p->term, p->shard_id));
    return touch_shard(tx, p->shard_id);
}

static struct err remove_promise(struct store_tx *tx, const struct promise *p)
{
    static const char sql[] = "DELETE FROM promise WHERE host_id = ? AND node_group_id = ?";

    TRY(query_run(tx, sql, "ti", p->host_id, p->shard_id));
    return touch_shard(tx, p->shard_id);
}

struct err store_promises_set(struct store_tx *tx, const char *host_id,
                              const struct promise *promises, size_t count)
{
    struct promise_list before;

    TRY(promises_of_host(tx, host_id, &before));
    for (size_t i = 0; i < count; i++)
        if (term_of(before.items, before.count, promises[i].shard_id) != promises[i].term)
            TRY(put_promise(tx, host_id, &promises[i]));
    for (size_t i = 0; i < before.count; i++)
        if (term_of(promises, count, before.items[i].shard_id) == 0)
            TRY(remove_promise(tx, &before.items[i]));
    return OK;
}

struct err store_promises_of_group(struct store_tx *tx, int64_t group_id, struct promise_list *out)
{
    static const char sql[] = "SELECT p.host_id, p.node_group_id, p.term FROM node_group s "
                              "JOIN promise p ON p.node_group_id = s.id WHERE s.group_id = ? "
                              "ORDER BY p.node_group_id, p.host_id";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", group_id));
    return all_promises(&q, out);
}

struct err store_voter_places(struct store_tx *tx, const char *voters, struct voter_place **out,
                              size_t *out_count)
{
    static const char sql[] = "SELECT h.id, h.peer_address, h.peer_port FROM host h "
                              "WHERE h.id IN (SELECT value FROM json_each(?))";
    vec_of(struct voter_place) places = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "t", words_json(tx->arena, voters)));
    while (query_next(&q))
        *vec_add(tx->arena, &places) =
            (struct voter_place){query_text(&q, 0), query_text(&q, 1), (int)query_int(&q, 2)};
    TRY(query_end(&q));
    *out = places.items;
    *out_count = places.count;
    return OK;
}

struct err store_lease_secret_get(struct store_tx *tx, struct lease_secret *out)
{
    static const char sql[] = "SELECT key, address, port FROM lease_secret WHERE id = 1";
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    bool is_found = query_next(&q);
    if (is_found)
        *out = (struct lease_secret){query_text(&q, 0), query_text(&q, 1), (int)query_int(&q, 2)};
    TRY(query_end(&q));
    return is_found ? OK : err_make(ERR_NOT_FOUND, "no key of leases was made yet");
}

struct err store_lease_secret_put(struct store_tx *tx, const struct lease_secret *s)
{
    static const char sql[] =
        "INSERT INTO lease_secret (id, key, address, port) VALUES (1, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET key = excluded.key, address = excluded.address, "
        "port = excluded.port";
    return query_run(tx, sql, "tti", s->key, s->address, (int64_t)s->port);
}
