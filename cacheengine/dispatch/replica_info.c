/* What is told of a replica: INFO replication, ROLE. */
#include "cacheengine/dispatch/cmd_replica.h"
#include "cacheengine/dispatch/replica_load.h"
#include "contract/command_procs.h"

static void put(struct buf *out, const char *name, int64_t v)
{
    buf_printf(out, "%s:%lld\r\n", name, (long long)v);
}

static void put_sync(const struct replica *r, struct buf *out)
{
    struct replica_load_facts f = replica_load_facts(r);
    int64_t now_ms = r->engine->keyspace.passed_ms;
    int64_t left = f.total_bytes ? f.total_bytes - (int64_t)f.read_bytes : 0;

    put(out, "master_sync_total_bytes", f.total_bytes);
    put(out, "master_sync_read_bytes", (int64_t)f.read_bytes);
    put(out, "master_sync_left_bytes", left);
    buf_printf(out, "master_sync_perc:%.2f\r\n",
               f.total_bytes ? 100 * (double)f.read_bytes / (double)f.total_bytes : 0.0);
    put(out, "master_sync_last_io_seconds_ago", (now_ms - r->io_ms) / 1000);
}

bool replica_loading_facts(const struct engine *e, struct loading_facts *out)
{
    if (!e->replica || e->replica->state != REPLICA_LOADS)
        return false;
    struct replica_load_facts f = replica_load_facts(e->replica);
    *out = (struct loading_facts){f.began_s, (uint64_t)f.total_bytes, f.read_bytes, f.used_memory};
    return true;
}

/* How far the stream has come in: of what is put off nothing counts as applied. */
static int64_t read_offset(const struct engine *e)
{
    const struct replica *r = e->replica;
    int64_t offset = e->stream.offset + (int64_t)r->held.len;
    struct client_facts f;

    if (!r->primary || !r->primary->is_postponed)
        return offset;
    r->primary->host->facts(r->primary, &f);
    return offset + (int64_t)f.input_bytes;
}

void replica_info(const struct engine *e, struct buf *out)
{
    const struct replica *r = e->replica;
    int64_t now_ms = e->keyspace.passed_ms;
    bool is_up = r->state == REPLICA_FOLLOWS;
    bool syncs = r->state == REPLICA_RECEIVES || r->state == REPLICA_LOADS;

    buf_printf(out, "role:slave\r\nmaster_host:%s\r\n", r->host);
    put(out, "master_port", r->port);
    buf_printf(out, "master_link_status:%s\r\n", is_up ? "up" : "down");
    put(out, "master_last_io_seconds_ago", is_up ? (now_ms - r->primary->active_ms) / 1000 : -1);
    put(out, "master_sync_in_progress", syncs);
    put(out, "slave_read_repl_offset", read_offset(e));
    put(out, "slave_repl_offset", e->stream.offset);
    if (syncs)
        put_sync(r, out);
    if (!is_up)
        put(out, "master_link_down_since_seconds", (now_ms - r->down_since_ms) / 1000);
    put(out, "slave_priority", e->settings.replica_priority);
    put(out, "slave_read_only", e->settings.replica_is_read_only);
    put(out, "replica_announced", e->settings.replica_is_announced);
}

void replica_reply_role(struct cmd_call *c)
{
    static const char *const states[] = {"connect", "connecting", "handshake",
                                         "sync",    "sync",       "connected"};
    const struct replica *r = c->engine->replica;

    reply_array(c->reply, 5);
    reply_bulk_text(c->reply, "slave");
    reply_bulk_text(c->reply, r->host);
    reply_int(c->reply, r->port);
    reply_bulk_text(c->reply, states[r->state]);
    reply_int(c->reply, r->state == REPLICA_FOLLOWS ? c->engine->stream.offset : -1);
}
