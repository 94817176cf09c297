/*
 * One SQLite connection and queries on it; private to store/. Statements are prepared once per
 * connection and found again by the address of their text, so SQL must be static const.
 */
#ifndef LARDER_CONTROLPLANE_STORE_DB_H
#define LARDER_CONTROLPLANE_STORE_DB_H

#include "base/err.h"
#include "base/str.h"
#include "controlplane/store/store.h"

#include <sqlite3.h>

#include <stdint.h>

/* So long a log is brought to its place by who keeps it short; by who writes, should that fail. */
#define CHECKPOINT_PAGES      1000
#define CHECKPOINT_PAGES_MOST 20000

#define DB_STATEMENTS                                                           \
    512 /* slots of the cache; a power of two, well above the number of queries \
         */

#define TOLD_FIRST_MOST 64

#define DB_BUSY_MS 5000 /* only other programs (backups, sqlite3) can make us wait */

struct db {
    sqlite3 *handle;
    struct db *next; /* in the store's list of idle readers */
    int log_pages;   /* of the log that is written ahead, as of its last commit */
    struct {
        const char *sql;
        sqlite3_stmt *statement;
    } cache[DB_STATEMENTS];
};

struct store_tx {
    struct store *store;
    struct db *db;
    enum store_mode mode;
    struct arena *arena;
    int64_t changes_before; /* rows that the connection had changed when it began */
    int64_t *touched;       /* in the arena */
    size_t touched_count, touched_capacity;
    int64_t *touched_later; /* of which nobody waits for a look */
    size_t later_count, later_capacity;
    bool is_all_touched, is_access_touched, is_snapshots_touched;
    uint64_t *told; /* keys of hosts whose goals were changed, in the arena */
    size_t told_count, told_capacity;
    uint64_t told_first[TOLD_FIRST_MOST]; /* of these, those that others wait for */
    size_t told_first_count;
    bool has_host;   /* one was changed */
    bool has_notice; /* somebody is to be told: its commit wakes like a touch */
    bool has_wish;   /* a cluster or group is to be otherwise, if only its windows: so does this */
};

/* Opens `path` and sets what every connection needs. The error's text lives in `a`. */
must_use struct err db_open(struct arena *a, const char *path, struct db **out);
void db_close(struct db *db);

/* Brings what is in the log to its place in the file, as far as no reader needs what is there, and
 * waits for the disk; who writes meanwhile waits for nothing. */
must_use struct err db_checkpoint(struct db *db, struct arena *a);

/* Runs statements without parameters or results. */
must_use struct err db_exec(struct db *db, struct arena *a, const char *sql);

/* Runs a query that has one row with one number. */
must_use struct err db_number(struct db *db, struct arena *a, const char *sql, int64_t *out);

/* What SQLite last said on this connection, as an error of ours. */
struct err db_error(struct db *db, struct arena *a, const char *doing);

/* A running query: start, rows, end. */
struct query {
    struct store_tx *tx;
    sqlite3_stmt *statement;
    struct err error;
};

/* Binds arguments by `types`: 't' text (const char *), 'i' integer (int64_t), 'b' bool (int), 's'
 * bytes (struct str), which must live until the query ends. */
must_use struct err query_start(struct query *q, struct store_tx *tx, const char *sql,
                                const char *types, ...);

/* True while there is another row. */
bool query_next(struct query *q);

/* Ends the query and tells how it went; must follow every query_start that succeeded. */
must_use struct err query_end(struct query *q);

/* Starts, runs to the end, ends. For statements that give no rows. */
must_use struct err query_run(struct store_tx *tx, const char *sql, const char *types, ...);

/* Runs a statement that raises generations of hosts and gives their ids (RETURNING host_id): they
 * are among those to be told after the commit. */
must_use struct err query_tell(struct store_tx *tx, const char *sql, const char *types, ...);

int64_t query_int(const struct query *q, int column);
const char *query_text(const struct query *q, int column); /* a copy in the transaction's arena */
/* The bytes of a blob, until the next row. */
struct str query_blob(const struct query *q, int column);
bool query_is_null(const struct query *q, int column);

/* Two columns, from `at` on. Words that nobody knows fail the query. */
void query_reach(struct query *q, int at, struct reach *out);

/* The ids as a JSON array for `json_each(?)`; in the transaction's arena. */
const char *query_id_list(const struct store_tx *tx, const int64_t *ids, size_t count);

/* Ends of statements that raise generations: for nodes that are marked as changed then, or where
 * nothing is news; and where all goals are to be told anew. */
#define RAISED       "ON CONFLICT (host_id) DO UPDATE SET generation = generation + 1"
#define RAISED_WHOLE "generation = generation + 1, whole = generation + 1"

/* Raises the generation of every host that has a node of the group; those nodes' goals changed. */
must_use struct err hosts_raise(struct store_tx *tx, int64_t group_id);

/* The same of one shard. */
must_use struct err hosts_raise_of_shard(struct store_tx *tx, int64_t shard_id);

struct shard;
struct shard_list;

/* The leases of the shards of those groups, which the list has; and of one whose goal is there. */
must_use struct err leases_read(struct store_tx *tx, const int64_t *group_ids, size_t count,
                                struct shard_list *out);
must_use struct err lease_write(struct store_tx *tx, const struct shard *s);

/* Raises the generation of hosts that vote on a lease: see model/leases.h. */
must_use struct err voters_raise(struct store_tx *tx, const char *voters);

/* The same of the host that a node is placed on, if it is. */
must_use struct err host_raise_of_node(struct store_tx *tx, int64_t node_id);

struct leader_claim;

/* Raises the epoch by a transaction of its own. `*out_epoch` stays where the database is older than
 * leaders. */
must_use struct err leader_take(struct db *db, struct arena *a, const struct leader_claim *claim,
                                int64_t *out_epoch);

/* Who leads, as the transaction sees it. */
must_use struct err leader_read_instance(struct store_tx *tx, int64_t *out);

/* Raises the epoch above that one; writes down who is obeyed instead. */
must_use struct err leader_write_epoch(struct store_tx *tx, int64_t above, int64_t *out);
must_use struct err leader_write_deposed(struct store_tx *tx, int64_t by);

/* The wall clock as the store's writers know it: see wall_clock.h. */
struct wall_clock {
    const struct clock *clock; /* NULL: nobody watches it */
    char *boot_id;
    int64_t offset_ms;      /* by which it was ahead of the boot clock at the last commit */
    int64_t next_offset_ms; /* at the one to come */
};

/* With a writer: at the start; at the begin of each transaction; after its commit. */
must_use struct err wall_clock_open(struct store_tx *tx, struct wall_clock *w);
must_use struct err wall_clock_begin(struct store_tx *tx, struct wall_clock *w);
void wall_clock_commit(struct wall_clock *w);

/* Rows that the connection changed since it was opened. */
int64_t db_changes(const struct db *db);

/* Rows changed by the last statement of this transaction. */
int64_t query_changes(const struct store_tx *tx);

#endif
