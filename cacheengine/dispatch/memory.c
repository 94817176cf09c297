/* Sums over the databases and what the system says. */
#include "cacheengine/dispatch/memory.h"

#include <stdio.h>
#include <unistd.h>

#define SEGMENT_BYTES 4352 /* of an index, with its share of the directory's upkeep */

static uint64_t resident_bytes(void)
{
    unsigned long long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (!f)
        return 0;
    if (fscanf(f, "%llu %llu", &total, &resident) != 2)
        resident = 0;
    fclose(f);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t memory_of_index(const struct db *db)
{
    return index_directory_bytes(&db->index) + (uint64_t)db->index.segment_count * SEGMENT_BYTES;
}

void memory_state(struct engine *e, struct memory_state *out)
{
    struct keyspace *ks = &e->keyspace;
    uint64_t backed = 0, heap = 0;

    *out = (struct memory_state){.used = keyspace_used_bytes(ks),
                                 .peak = account_peak(&ks->account),
                                 .resident = resident_bytes(),
                                 .clients = ks->account.client_bytes,
                                 .replication = e->stream.held_bytes,
                                 .startup = sizeof(*e),
                                 .keys = keyspace_count(ks)};
    for (int i = 0; i < ks->db_count; i++) {
        backed += heap_backed_bytes(&ks->dbs[i].heap);
        heap += ks->dbs[i].heap.used_bytes;
        out->directories += memory_of_index(&ks->dbs[i]);
    }
    out->active = out->used + backed - heap;
    out->overhead = out->directories + out->clients + out->replication + out->startup;
    out->dataset = out->used > out->overhead ? out->used - out->overhead : 0;
}
