/* MEMORY: where memory is, of one key and of all. */
#include "base/buf.h"
#include "base/command.h"
#include "cacheengine/dispatch/memory.h"
#include "cacheengine/dispatch/scripting.h"
#include "contract/command_procs.h"

#include <malloc.h>

void cmd_memory_usage(struct cmd_call *c)
{
    const struct entry *e;
    int64_t samples;

    /* What values take is kept with them, so there is nothing to sample. */
    for (uint32_t i = 3; i < c->argc; i += 2) {
        if (!call_is(c, i, "samples") || i + 1 == c->argc) {
            reply_syntax_error(c->reply);
            return;
        }
        if (!call_int(c, i + 1, &samples))
            return;
        if (samples < 0) {
            reply_syntax_error(c->reply);
            return;
        }
    }
    e = db_peek(c->db, call_key(c, 2));
    if (e)
        reply_int(c->reply, (int64_t)db_entry_bytes(c->db, e));
    else
        reply_null(c->reply);
}

/* ---- STATS ---- */

static void say_int(struct cmd_call *c, const char *name, uint64_t v)
{
    reply_bulk_text(c->reply, name);
    reply_int(c->reply, (int64_t)v);
}

static void say_double(struct cmd_call *c, const char *name, double v)
{
    reply_bulk_text(c->reply, name);
    reply_double(c->reply, v);
}

static uint64_t memory_of_indexes(const struct keyspace *ks)
{
    uint64_t bytes = 0;

    for (int i = 0; i < ks->db_count; i++)
        bytes += db_count(&ks->dbs[i]) ? memory_of_index(&ks->dbs[i]) : 0;
    return bytes;
}

static size_t say_dbs(struct cmd_call *c)
{
    size_t said = 0;

    for (int i = 0; i < c->ks->db_count; i++) {
        const struct db *db = &c->ks->dbs[i];

        if (db_count(db) == 0)
            continue;
        reply_bulkf(c->reply, "db.%d", i);
        reply_map(c->reply, 2);
        say_int(c, "overhead.hashtable.main", memory_of_index(db));
        /* Deadlines stand in the entries. */
        say_int(c, "overhead.hashtable.expires", 0);
        said++;
    }
    return said;
}

static void say_ratios(struct cmd_call *c, const struct memory_state *m)
{
    say_double(c, "dataset.percentage",
               100 * memory_ratio(m->dataset, m->used > m->startup ? m->used - m->startup : 0));
    say_double(c, "peak.percentage", 100 * memory_ratio(m->used, m->peak));
    say_int(c, "allocator.allocated", m->used);
    say_int(c, "allocator.active", m->active);
    say_int(c, "allocator.resident", m->resident);
    say_double(c, "allocator-fragmentation.ratio", memory_ratio(m->active, m->used));
    say_int(c, "allocator-fragmentation.bytes", m->active - m->used);
    say_double(c, "allocator-rss.ratio", memory_ratio(m->resident, m->active));
    say_int(c, "allocator-rss.bytes", m->resident - m->active);
    say_double(c, "rss-overhead.ratio", 1);
    say_int(c, "rss-overhead.bytes", 0);
    say_double(c, "fragmentation", memory_ratio(m->resident, m->used));
    say_int(c, "fragmentation.bytes", m->resident - m->used);
}

void cmd_memory_stats(struct cmd_call *c)
{
    struct reply_mark mark = reply_open(c->reply);
    struct memory_state m;

    memory_state(c->engine, &m);
    say_int(c, "peak.allocated", m.peak);
    say_int(c, "total.allocated", m.used);
    say_int(c, "startup.allocated", m.startup);
    say_int(c, "replication.backlog", m.replication - repl_stream_excess(&c->engine->stream));
    say_int(c, "clients.slaves", repl_stream_excess(&c->engine->stream));
    say_int(c, "clients.normal", m.clients);
    say_int(c, "cluster.links", 0);
    say_int(c, "aof.buffer", 0);
    say_int(c, "lua.caches", eval_cache_facts(scripting_evals(c->engine)).script_bytes);
    say_int(c, "functions.caches", libraries_facts(scripting_libraries(c->engine)).library_bytes);
    size_t dbs = say_dbs(c);
    /* The index grows by segments: nothing is ever rehashed as a whole. */
    say_int(c, "overhead.db.hashtable.lut", memory_of_indexes(c->ks));
    say_int(c, "overhead.db.hashtable.rehashing", 0);
    say_int(c, "overhead.total", m.overhead);
    say_int(c, "keys.count", m.keys);
    say_int(c, "keys.bytes-per-key",
            m.keys && m.used > m.startup ? (m.used - m.startup) / m.keys : 0);
    say_int(c, "db.dict.rehashing.count", 0);
    say_int(c, "dataset.bytes", m.dataset);
    say_ratios(c, &m);
    reply_close(c->reply, mark, '%', 30 + dbs);
}

/* ---- the doctor ---- */

void cmd_memory_doctor(struct cmd_call *c)
{
    const uint64_t small = 5 << 20;
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    struct memory_state m;

    memory_state(c->engine, &m);
    if (m.used < small) {
        buf_puts(&out, "There is next to nothing in memory: nothing can be said of it.\n");
    } else {
        if (memory_ratio(m.peak, m.used) > 1.5)
            buf_printf(&out,
                       "* Peak: %.1f times the present memory was in use once; a part of it may "
                       "still be with the process.\n",
                       memory_ratio(m.peak, m.used));
        if (memory_ratio(m.active, m.used) > 1.4)
            buf_printf(&out,
                       "* Fragmentation: slabs in use have %.1f times the memory of what is in "
                       "them; that is what deletions leave, and new keys fill it.\n",
                       memory_ratio(m.active, m.used));
        if (memory_ratio(m.resident, m.active) > 1.4)
            buf_printf(&out,
                       "* Resident: the process has %.1f times the memory that it uses; MEMORY "
                       "PURGE gives back what it can.\n",
                       memory_ratio(m.resident, m.active));
        if (c->engine->client_count > 0 && m.clients / c->engine->client_count > 200 * 1024)
            buf_puts(&out, "* Clients: they take more than 200 kB each: CLIENT LIST names those "
                           "that send much or read slowly.\n");
        if (out.len == 0)
            buf_puts(&out, "Memory is as it should be.\n");
    }
    reply_verbatim(c->reply, buf_str(&out), "txt");
}

void cmd_memory_malloc_stats(struct cmd_call *c)
{
    scoped(buf_fini) struct buf out = BUF_EMPTY;

    for (int i = 0; i < c->ks->db_count; i++) {
        const struct heap *h = &c->ks->dbs[i].heap;

        if (h->base)
            buf_printf(&out,
                       "db %d: %zu bytes used, %zu backed; slabs of %d bytes: %u ever used, %u "
                       "empty, %u given back\n",
                       i, h->used_bytes, heap_backed_bytes(h), HEAP_SLAB_BYTES, h->slab_top,
                       h->warm_count, h->cold_count);
    }
    struct mallinfo2 all = mallinfo2();
    buf_printf(&out, "beside them: %zu bytes used, %zu free\n", all.uordblks + all.hblkhd,
               all.fordblks);
    reply_verbatim(c->reply, buf_str(&out), "txt");
}

void cmd_memory_purge(struct cmd_call *c)
{
    for (int i = 0; i < c->ks->db_count; i++)
        heap_purge(&c->ks->dbs[i].heap);
    malloc_trim(0);
    reply_ok(c->reply);
}

void cmd_memory_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "DOCTOR",
        "    Explain what is unusual, and what helps.",
        "MALLOC-STATS",
        "    Show the state of the allocator.",
        "PURGE",
        "    Give memory that is not in use back to the system.",
        "STATS",
        "    Show where memory is.",
        "USAGE <key> [SAMPLES <count>]",
        "    Say how many bytes a key takes with its value.",
        NULL,
    };

    reply_help(c->reply, "MEMORY", lines);
}
