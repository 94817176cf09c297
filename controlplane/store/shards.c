/* Tables node_group and node_group_goal. */
#include "base/vec.h"
#include "controlplane/store/db.h"
#include "controlplane/store/groups.h"

#include <string.h>

static void row_to_shard(const struct query *q, struct shard *out)
{
    *out = (struct shard){
        .id = query_int(q, 0),
        .group_id = query_int(q, 1),
        .number = query_text(q, 2),
        .engine_id = query_text(q, 3),
        .slots = query_text(q, 4),
        .next_member = query_int(q, 5),
        .is_wanted = query_int(q, 6) != 0,
        .goal =
            {
                   .has = !query_is_null(q, 7),
                   .term = query_int(q,              7),
                   .primary_id = query_int(q, 8),
                   .fenced_id = query_int(q,       9),
                   .fence_term = query_int(q, 10),
                   .after_offset = query_int(q, 11),
                   .life = query_int(q, 12),
                   .fence_life = query_int(q, 13),
                   .yields_to = query_int(q, 29),
                   .yields = query_int(q, 30),
                   .acks = {.ordered = query_int(q, 22),
                         .is_bounded = query_int(q, 23) != 0,
                         .counted = query_int(q, 24),
                         .after = query_int(q, 25),
                         .asked_ms = query_int(q, 26),
                         .gone = query_int(q, 27),
                         .asked = (int)query_int(q, 28)},
                   },
        .falls = query_int(q, 14),
        .fell_ms = query_int(q, 15),
        .last_fell_ms = query_int(q, 16),
        .heir_id = query_int(q, 21),
        .endpoints = {query_text(q,                    17), query_text(q, 18),                  query_int(q,  19),     query_int(q, 20)          },
    };
}

struct err store_shard_insert(struct store_tx *tx, struct shard *s)
{
    static const char sql[] = "INSERT INTO node_group (group_id, number, engine_id, slots, "
                              "next_member, is_wanted) VALUES (?, ?, ?, ?, ?, ?) RETURNING id";
    struct query q;

    TRY(query_start(&q, tx, sql, "itttib", s->group_id, s->number, s->engine_id, s->slots,
                    s->next_member, s->is_wanted));
    if (query_next(&q))
        s->id = query_int(&q, 0);
    return query_end(&q);
}

struct err store_shard_list(struct store_tx *tx, const int64_t *group_ids, size_t count,
                            struct shard_list *out)
{
    static const char sql[] =
        "SELECT s.id, s.group_id, s.number, s.engine_id, s.slots, s.next_member, s.is_wanted, "
        "g.term, g.primary_id, g.fenced_id, g.fence_term, g.after_offset, g.life, "
        "g.fence_life, g.falls, g.fell_ms, g.last_fell_ms, "
        "coalesce(g.address, ''), coalesce(g.reader_address, ''), coalesce(g.reader_id, 0), "
        "coalesce(g.reader_turn, 0), coalesce(g.heir_id, 0), g.acks_ordered, g.is_bounded, "
        "g.acks_counted, g.acks_after, g.acks_asked_ms, g.acks_gone, g.offsets_asked, g.yields_to, g.yields "
        "FROM node_group s "
        "LEFT JOIN node_group_goal g ON g.node_group_id = s.id "
        "WHERE s.group_id IN (SELECT value FROM json_each(?)) ORDER BY s.group_id, s.number";
    vec_of(struct shard) shards = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, "t", query_id_list(tx, group_ids, count)));
    while (query_next(&q))
        row_to_shard(&q, vec_add(tx->arena, &shards));
    TRY(query_end(&q));
    *out = (struct shard_list){shards.items, shards.count};
    return leases_read(tx, group_ids, count, out);
}

struct err store_shard_update(struct store_tx *tx, const struct shard *s)
{
    static const char sql[] =
        "UPDATE node_group SET slots = ?, next_member = ?, is_wanted = ? WHERE id = ?";
    return query_run(tx, sql, "tibi", s->slots, s->next_member, s->is_wanted, s->id);
}

struct err store_shard_remove(struct store_tx *tx, int64_t id)
{
    static const char sql[] = "DELETE FROM node_group WHERE id = ?";
    return query_run(tx, sql, "i", id);
}

/* Of a shard's goal, what members and voters are told. */
struct told {
    struct shard_goal goal;
    struct shard_endpoints endpoints;
    struct shard_lease lease;
};

static bool is_same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool are_same_roles(const struct shard_goal *a, const struct shard_goal *b)
{
    return a->has && a->term == b->term && a->primary_id == b->primary_id &&
           a->fenced_id == b->fenced_id && a->fence_term == b->fence_term &&
           a->after_offset == b->after_offset && a->life == b->life &&
           a->fence_life == b->fence_life && a->yields_to == b->yields_to &&
           a->yields == b->yields && a->acks.ordered == b->acks.ordered &&
           a->acks.is_bounded == b->acks.is_bounded && a->acks.asked == b->acks.asked;
}

static bool are_same_endpoints(const struct shard_endpoints *a, const struct shard_endpoints *b)
{
    return is_same_text(a->address, b->address) &&
           is_same_text(a->reader_address, b->reader_address) && a->reader_id == b->reader_id &&
           a->reader_turn == b->reader_turn;
}

static bool are_same_voters(const struct shard_lease *a, const struct shard_lease *b)
{
    return is_same_text(a->voters, b->voters) && a->number == b->number &&
           a->asked_term == b->asked_term;
}

static struct err read_told(struct store_tx *tx, int64_t shard_id, struct told *out)
{
    static const char sql[] =
        "SELECT term, primary_id, fenced_id, fence_term, after_offset, life, fence_life, "
        "acks_ordered, is_bounded, offsets_asked, address, reader_address, reader_id, reader_turn, "
        "voters, voters_number, asked_term, yields_to, yields FROM node_group_goal WHERE node_group_id = ?";
    struct query q;

    *out = (struct told){0};
    TRY(query_start(&q, tx, sql, "i", shard_id));
    if (query_next(&q)) {
        out->goal = (struct shard_goal){
            .has = true,
            .term = query_int(&q, 0),
            .primary_id = query_int(&q, 1),
            .fenced_id = query_int(&q, 2),
            .fence_term = query_int(&q, 3),
            .after_offset = query_int(&q, 4),
            .life = query_int(&q, 5),
            .fence_life = query_int(&q, 6),
            .yields_to = query_int(&q, 17),
            .yields = query_int(&q, 18),
            .acks = {.ordered = query_int(&q, 7),
                     .is_bounded = query_int(&q, 8) != 0,
                     .asked = (int)query_int(&q, 9)}
        };
        out->endpoints = (struct shard_endpoints){query_text(&q, 10), query_text(&q, 11),
                                                  query_int(&q, 12), query_int(&q, 13)};
        out->lease = (struct shard_lease){.voters = query_text(&q, 14),
                                          .number = query_int(&q, 15),
                                          .asked_term = query_int(&q, 16)};
    }
    return query_end(&q);
}

/* Writes wait for the new primary, and for nobody else. */
static struct err tell_primary_first(struct store_tx *tx, int64_t cluster_id)
{
    static const char sql[] = "SELECT g.host_id FROM cache_node n JOIN node_goal g "
                              "ON g.node_id = n.id WHERE n.cluster_id = ?";
    struct query q;

    TRY(query_start(&q, tx, sql, "i", cluster_id));
    while (query_next(&q) && tx->told_first_count < TOLD_FIRST_MOST)
        tx->told_first[tx->told_first_count++] = store_host_key(query_text(&q, 0));
    return query_end(&q);
}

static struct err tell(struct store_tx *tx, const struct shard *s, const struct told *before)
{
    bool has_same_voters = are_same_voters(&before->lease, &s->lease);

    if (before->goal.primary_id != s->goal.primary_id)
        TRY(tell_primary_first(tx, s->goal.primary_id));
    if (!has_same_voters || !are_same_roles(&before->goal, &s->goal) ||
        !are_same_endpoints(&before->endpoints, &s->endpoints))
        TRY(hosts_raise_of_shard(tx, s->id));
    return has_same_voters ? OK : voters_raise(tx, s->lease.voters);
}

struct err store_shard_goal_set(struct store_tx *tx, const struct shard *s)
{
    static const char sql[] =
        "INSERT INTO node_group_goal (node_group_id, term, primary_id, fenced_id, fence_term, "
        "after_offset, life, fence_life, falls, fell_ms, last_fell_ms, "
        "address, reader_address, reader_id, reader_turn, heir_id, acks_ordered, "
        "is_bounded, acks_counted, acks_after, acks_asked_ms, acks_gone, offsets_asked, yields_to, yields) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (node_group_id) DO UPDATE SET "
        "term = excluded.term, primary_id = excluded.primary_id, fenced_id = excluded.fenced_id, "
        "fence_term = excluded.fence_term, after_offset = excluded.after_offset, life = excluded.life, "
        "fence_life = excluded.fence_life, falls = excluded.falls, fell_ms = excluded.fell_ms, "
        "last_fell_ms = excluded.last_fell_ms, address = excluded.address, "
        "reader_address = excluded.reader_address, reader_id = excluded.reader_id, "
        "reader_turn = excluded.reader_turn, heir_id = excluded.heir_id, acks_ordered = excluded.acks_ordered, "
        "is_bounded = excluded.is_bounded, acks_counted = excluded.acks_counted, "
        "acks_after = excluded.acks_after, acks_asked_ms = excluded.acks_asked_ms, "
        "acks_gone = excluded.acks_gone, offsets_asked = excluded.offsets_asked, "
        "yields_to = excluded.yields_to, yields = excluded.yields";
    const struct shard_goal *g = &s->goal;
    struct told before;

    TRY(read_told(tx, s->id, &before));
    TRY(query_run(tx, sql, "iiiiiiiiiiittiiiibiiiiiii", s->id, g->term, g->primary_id, g->fenced_id,
                  g->fence_term, g->after_offset, g->life, g->fence_life, s->falls, s->fell_ms,
                  s->last_fell_ms, s->endpoints.address ? s->endpoints.address : "",
                  s->endpoints.reader_address ? s->endpoints.reader_address : "",
                  s->endpoints.reader_id, s->endpoints.reader_turn, s->heir_id, g->acks.ordered,
                  g->acks.is_bounded, g->acks.counted, g->acks.after, g->acks.asked_ms,
                  g->acks.gone, (int64_t)g->acks.asked, g->yields_to, g->yields));
    TRY(lease_write(tx, s));
    return tell(tx, s, &before);
}

struct err store_endpoint_addresses(struct store_tx *tx, const char *const **out, size_t *out_count)
{
    static const char sql[] =
        "SELECT address FROM node_group_goal WHERE address <> '' UNION ALL "
        "SELECT reader_address FROM node_group_goal WHERE reader_address <> ''";
    vec_of(const char *) addresses = VEC_EMPTY;
    struct query q;

    TRY(query_start(&q, tx, sql, ""));
    while (query_next(&q))
        *vec_add(tx->arena, &addresses) = query_text(&q, 0);
    TRY(query_end(&q));
    *out = addresses.items;
    *out_count = addresses.count;
    return OK;
}
