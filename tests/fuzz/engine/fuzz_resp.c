/*
 * Bytes of a RESP client, cut into reads of arbitrary length, through parser and dispatch: no input
 * may crash the engine, and when all keys are removed and the client is gone no memory may be left
 * that was not there before. The first byte of the input says how it is cut; an odd one makes time
 * pass.
 */
#include "../../unit/cacheengine/proto/resp_fixture.h"

#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Standing still is not what is looked for. */
static bool sleeps(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i + 5 <= size; i++)
        if (strncasecmp((const char *)data + i, "debug", 5) == 0)
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const options[] = {"maxmemory 32mb", "maxmemory-policy allkeys-lru",
                                          "proto-max-bulk-len 1mb", "databases 4", NULL};
    struct resp_fixture f;
    struct resp_client c;

    if (size < 1 || sleeps(data, size))
        return 0;
    size_t step = data[0] ? data[0] : size;
    resp_open(&f, options);
    /* What the shared buffer takes is taken before it is measured. */
    resp_ask(&f, "PING");
    size_t before = keyspace_used_bytes(&f.engine.keyspace);
    resp_client_open(&f, &c, false);
    for (size_t at = 1; at < size && !c.client.is_closing && !c.is_killed; at += step) {
        resp_send(&f, &c, (const char *)data + at, size - at < step ? size - at : step);
        resp_advance(&f, data[0] % 2 ? 700 : 0);
        engine_tick(&f.engine);
    }
    resp_client_close(&f, &c);
    keyspace_flush(&f.engine.keyspace, -1, false);
    lazyfree_fini(&f.engine.keyspace.lazyfree);
    check(keyspace_count(&f.engine.keyspace) == 0);
    check(keyspace_used_bytes(&f.engine.keyspace) <= before + REPLY_SHARED_BYTES);
    lazyfree_init(&f.engine.keyspace.lazyfree);
    resp_close(&f);
    return 0;
}
