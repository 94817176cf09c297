/* A store in a directory of its own, for one test; shared by the tests of all layers above it. */
#ifndef LARDER_TESTS_UNIT_STORE_FIXTURE_H
#define LARDER_TESTS_UNIT_STORE_FIXTURE_H

#include "base/arena.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/store.h"

struct fixture {
    struct arena arena;
    char dir[64];
    char *path; /* of the database */
    struct store *store;
    struct store_tx *tx; /* the one under way, if any */
};

void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f); /* removes the directory too */

/* Transactions that must succeed. */
struct store_tx *fixture_begin(struct fixture *f, enum store_mode mode);
void fixture_commit(struct fixture *f);

/* A suite whose tests begin with an open fixture `f` inside a write transaction. */
#define FIXTURE_SUITE(suite)            \
    static struct fixture f;            \
    static void open_fixture(void)      \
    {                                   \
        fixture_open(&f);               \
        fixture_begin(&f, STORE_WRITE); \
    }                                   \
    static void close_fixture(void)     \
    {                                   \
        fixture_close(&f);              \
    }                                   \
    TestSuite(suite, .init = open_fixture, .fini = close_fixture)

/* Fails the test with the error's sentence. */
void must(struct err e);

/* Rows with every column set, inserted. */
struct cluster fixture_cluster(struct fixture *f, const char *name, const char *engine);
struct replication_group fixture_group(struct fixture *f, const char *name);
struct shard fixture_shard(struct fixture *f, int64_t group_id, const char *number);
struct node fixture_node(struct fixture *f, int64_t cluster_id, const char *number);
struct host fixture_host(struct fixture *f, const char *name, const char *zone, const char *pool,
                         int64_t memory_bytes);

#endif
