/*
 * Bytes of a memcached client, text or binary, cut into reads of arbitrary length: no input may
 * crash the engine, leave memory booked that is not held, or make it hold more input than one
 * request needs. The first byte of the input says how it is cut, and whether SASL is asked for, or
 * the cache is a serverless one.
 */
#include "../../unit/cacheengine/proto/memcached_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const options[] = {"larder-memcached-item-max 64kb", "maxmemory 64mb",
                                          "databases 1", NULL};
    static const char *const guarded[] = {"larder-memcached-sasl-users /dev/null", "databases 1",
                                          NULL};
    static const char *const serverless[] = {"larder-serverless yes", "databases 1", NULL};
    struct mc_fixture f;

    if (size < 1)
        return 0;
    size_t step = data[0] & 0x7f ? data[0] & 0x7f : size;
    mc_open(&f, data[0] & 0x80 ? guarded : step % 7 == 5 ? serverless : options);
    for (size_t at = 1; at < size && !f.client.is_closing; at += step) {
        size_t len = size - at < step ? size - at : step;

        mc_ask_bytes(&f, (const char *)data + at, len);
        /* Time passes with odd steps: deadlines and delayed flushes come. */
        mc_advance(&f, step % 7 == 3 ? 1500 : 1);
    }
    keyspace_flush(&f.engine.keyspace, -1, false);
    check(keyspace_count(&f.engine.keyspace) == 0);
    mc_close(&f);
    return 0;
}
