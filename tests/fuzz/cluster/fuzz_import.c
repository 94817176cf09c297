/*
 * What a source may send to the target of a migration: any requests of a connection that is logged
 * in as one. Keys must stay hidden until they are taken, and must all go when the migration is
 * cancelled before.
 */
#include "../../unit/cacheengine/proto/resp_fixture.h"
#include "cacheengine/cluster/import.h"
#include "cacheengine/dispatch/moving.h"
#include "cacheengine/keyspace/slot_walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define D10(d) d d d d d d d d d d
#define ID(d)  D10(d) D10(d) D10(d) D10(d)

static const char topology[] = "LARDER.TOPOLOGY 1 " ID("1") " SHARD " ID("a") " 0-8191 NODE " ID(
    "1") " primary 1.1.1.1 1 0 - online SHARD " ID("b") " 8192-16383 NODE " ID("2") " primary 1.1.1.1 2 0 - online";

static void order(struct resp_fixture *f, struct resp_client *agent, const char *line)
{
    check(strcmp(resp_ask_of(f, agent, line), "+OK\r\n") == 0);
}

/* A source's keys are of slots that are not its own to send: they count as the others do. */
static void check_hidden(struct resp_fixture *f, const struct import *i)
{
    const struct db *db = &f->engine.keyspace.dbs[0];

    if (i->state != IMPORT_TAKEN)
        check(db_slots_count(db, &i->slots) + db_shown_count(db) <= db_count(db));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const options[] = {"cluster-enabled yes", "loglevel nothing", NULL};
    struct resp_client agent, source;
    struct resp_fixture f;

    resp_open(&f, options);
    resp_client_open(&f, &agent, true);
    resp_client_open(&f, &source, false);
    order(&f, &agent, topology);
    order(&f, &agent, "LARDER.MIGRATE EXPECT " ID("7") " 1 8192-16383 " ID("b") " " ID("c"));
    order(&f, &source, "AUTH larder-import " ID("c"));
    /* "B" in front of the rest: it has begun already. */
    if (size > 0 && data[0] == 'B') {
        check(strcmp(resp_ask_of(&f, &source, "LARDER.IMPORT BEGIN " ID("7")), "+0\r\n") == 0);
        data++;
        size--;
    }
    (void)resp_send(&f, &source, (const char *)data, size);
    struct import *i = import_find(&f.engine.moving->in, STR(ID("7")));
    check(i);
    check_hidden(&f, i);
    if (i->state != IMPORT_TAKEN) {
        struct slot_set slots = i->slots;

        order(&f, &agent, "LARDER.MIGRATE CANCEL " ID("7"));
        while (!moving_tick(&f.engine))
            continue;
        check(db_slots_count(&f.engine.keyspace.dbs[0], &slots) == 0);
    }
    resp_client_close(&f, &source);
    resp_client_close(&f, &agent);
    resp_close(&f);
    return 0;
}
