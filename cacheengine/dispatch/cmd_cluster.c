/*
 * CLUSTER and what clients of a cluster say beside it; LARDER.TOPOLOGY, by which the agent tells a
 * node of its cluster (cluster/topology.h has the words).
 */
#include "base/command.h"
#include "base/log.h"
#include "cacheengine/dispatch/handed.h"
#include "cacheengine/dispatch/moving.h"
#include "cacheengine/dispatch/redirect.h"
#include "cacheengine/keyspace/slot_walk.h"
#include "contract/command_procs.h"

/* False after the error was sent. */
static bool is_clustered(struct cmd_call *c)
{
    if (!c->engine->cluster)
        reply_error(c->reply, "ERR This instance has cluster support disabled");
    return c->engine->cluster;
}

/* ---- the cluster, shown ---- */

static void say_text(struct cmd_call *c, void (*show)(const struct cluster_view *, struct buf *))
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (!is_clustered(c))
        return;
    struct cluster_view v = redirect_view(c->engine, c->client);
    show(&v, &text);
    reply_verbatim(c->reply, buf_str(&text), "txt");
}

static void say_shown(struct cmd_call *c, void (*show)(const struct cluster_view *, struct reply *))
{
    if (!is_clustered(c))
        return;
    struct cluster_view v = redirect_view(c->engine, c->client);
    show(&v, c->reply);
}

void cmd_cluster_nodes(struct cmd_call *c)
{
    say_text(c, show_nodes);
}

void cmd_cluster_info(struct cmd_call *c)
{
    say_text(c, show_info);
}

void cmd_cluster_slots(struct cmd_call *c)
{
    say_shown(c, show_slots);
}

void cmd_cluster_shards(struct cmd_call *c)
{
    say_shown(c, show_shards);
}

void cmd_cluster_myid(struct cmd_call *c)
{
    if (is_clustered(c))
        reply_bulk_text(c->reply, topology_self(c->engine->cluster->topology)->id);
}

void cmd_cluster_myshardid(struct cmd_call *c)
{
    if (!is_clustered(c))
        return;
    const struct topology *t = c->engine->cluster->topology;
    reply_bulk_text(c->reply, t->shards[topology_own_shard(t)].id);
}

/* There is no bus, and so nothing that is connected to it. */
void cmd_cluster_links(struct cmd_call *c)
{
    if (is_clustered(c))
        reply_array(c->reply, 0);
}

void cmd_cluster_replicas(struct cmd_call *c)
{
    if (!is_clustered(c))
        return;
    struct cluster_view v = redirect_view(c->engine, c->client);
    const struct topology_node *n = topology_node_find(v.cluster->topology, c->argv[2]);

    if (!n)
        reply_errorf(c->reply, "ERR Unknown node %.*s", STR_ARG(str_shorten(c->argv[2], 128)));
    else if (!n->is_primary)
        reply_error(c->reply, "ERR The specified node is not a master");
    else
        show_replicas(&v, n, c->reply);
}

void cmd_cluster_slaves(struct cmd_call *c)
{
    cmd_cluster_replicas(c);
}

void cmd_cluster_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "COUNTKEYSINSLOT <slot>",
        "    Say how many keys of a slot are here.",
        "GETKEYSINSLOT <slot> <count>",
        "    List keys of a slot.",
        "INFO",
        "    Describe the state of the cluster.",
        "KEYSLOT <key>",
        "    Say the slot of a key.",
        "LINKS",
        "    List the connections of the cluster bus, of which there are none.",
        "MYID",
        "    Say the id of this node.",
        "MYSHARDID",
        "    Say the id of this shard.",
        "NODES",
        "    Show the nodes, one a line:",
        "    <id> <ip:port@bus-port[,hostname]> <flags> <primary> <pings> <pongs> <epoch> <link> "
        "<slot> ...",
        "REPLICAS <node-id>",
        "    List the replicas of a node.",
        "SHARDS",
        "    Show the shards with their slots and nodes.",
        "SLOTS",
        "    Show runs of slots, each with the nodes that serve it.",
        NULL,
    };

    if (is_clustered(c))
        reply_help(c->reply, "CLUSTER", lines);
}

/* ---- slots and keys ---- */

void cmd_cluster_keyslot(struct cmd_call *c)
{
    if (is_clustered(c))
        reply_int(c->reply, slot_of_key(c->argv[2].ptr, c->argv[2].len));
}

/* Keys that are not taken over yet, or not forgotten, are seen by the agent alone. */
static uint32_t shown_count(const struct cmd_call *c, uint32_t slot)
{
    bool is_hidden = c->ks->hidden && slot_set_has(c->ks->hidden, slot) && !c->client->is_admin;

    return is_hidden ? 0 : db_slot_count(c->db, slot);
}

void cmd_cluster_countkeysinslot(struct cmd_call *c)
{
    int64_t slot;

    if (!is_clustered(c) || !call_int(c, 2, &slot))
        return;
    if (slot < 0 || slot >= SLOT_COUNT)
        reply_error(c->reply, "ERR Invalid slot");
    else
        reply_int(c->reply, shown_count(c, (uint32_t)slot));
}

struct listing {
    struct reply *reply;
    int64_t wanted;
    size_t sent;
};

static void list_key(void *ctx, struct entry *e)
{
    struct listing *l = ctx;

    if ((int64_t)l->sent < l->wanted) {
        reply_bulk_str(l->reply, entry_key(e));
        l->sent++;
    }
}

void cmd_cluster_getkeysinslot(struct cmd_call *c)
{
    struct listing l = {.reply = c->reply};
    struct slot_set one = {{0}};
    struct slot_walk walk;
    int64_t slot;

    if (!is_clustered(c) || !call_int(c, 2, &slot) || !call_int(c, 3, &l.wanted))
        return;
    if (slot < 0 || slot >= SLOT_COUNT || l.wanted < 0) {
        reply_error(c->reply, "ERR Invalid slot or number of keys");
        return;
    }
    if (l.wanted > shown_count(c, (uint32_t)slot))
        l.wanted = shown_count(c, (uint32_t)slot);
    slot_set_add(&one, (uint32_t)slot);
    struct reply_mark mark = reply_open(c->reply);
    slot_walk_init(&walk, &one);
    while ((int64_t)l.sent < l.wanted && !slot_walk_is_done(&walk))
        slot_walk_step(&walk, c->db, list_key, &l);
    reply_close(c->reply, mark, '*', l.sent);
}

/* ---- what clients say of themselves ---- */

void cmd_asking(struct cmd_call *c)
{
    if (!is_clustered(c))
        return;
    c->client->is_asking = true;
    reply_ok(c->reply);
}

/* Valkey's replicas send clients on outside of clusters, too (CLIENT CAPA REDIRECT). */
static bool has_redirections(struct cmd_call *c)
{
    return c->engine->settings.brand == BRAND_VALKEY || is_clustered(c);
}

void cmd_readonly(struct cmd_call *c)
{
    if (!has_redirections(c))
        return;
    c->client->reads_replicas = true;
    reply_ok(c->reply);
}

void cmd_readwrite(struct cmd_call *c)
{
    if (!has_redirections(c))
        return;
    c->client->reads_replicas = false;
    reply_ok(c->reply);
}

/* ---- LARDER.TOPOLOGY ---- */

static void say_topology(struct cmd_call *c)
{
    const struct cluster *cluster = c->engine->cluster;

    reply_array(c->reply, cluster->word_count);
    for (size_t i = 0; i < cluster->word_count; i++)
        reply_bulk_str(c->reply, cluster->words[i]);
}

void cmd_larder_topology(struct cmd_call *c)
{
    struct engine *e = c->engine;

    if (!is_clustered(c))
        return;
    if (c->argc == 1) {
        say_topology(c);
        return;
    }
    uint64_t before = e->cluster->topology->epoch, changes = e->cluster->handovers.changes;
    struct err err = cluster_set(e->cluster, c->scratch, c->argv + 1, c->argc - 1, c->ks->now_ms);
    if (err_failed(err)) {
        reply_errorf(c->reply, "ERR topology refused: %s", err_text(c->scratch, err));
        return;
    }
    const struct topology *t = e->cluster->topology;
    if (t->epoch != before)
        log_info("topology set", f_int("epoch", t->epoch), f_int("shards", t->shard_count),
                 f_int("nodes", t->node_count), f_int("slots", t->assigned_count));
    redirect_apply(e);
    if (e->cluster->handovers.changes != changes)
        handed_tell(e);
    moving_apply(e);
    reply_ok(c->reply);
}
