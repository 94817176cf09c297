/*
 * Loading anything as a snapshot. What is loaded is saved again, and that must load as the same
 * number of keys; what is refused must leave nothing behind. The first byte tells how many bytes
 * come at a time, and with its highest bit that the engine speaks memcached.
 */
#include "../../unit/cacheengine/types/types_harness.h"
#include "base/err.h"
#include "cacheengine/persist/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OF_MEMCACHED 0x80U

/* A source that gives some bytes at a time, and a sink that keeps them. */
struct stream {
    struct source source;
    struct sink sink;
    const char *at;
    size_t left, step;
    struct buf kept;
};

static struct err stream_read(struct source *s, void *to, size_t max, size_t *got)
{
    struct stream *m = container_of(s, struct stream, source);
    size_t part = m->left < max ? m->left : max;

    if (m->step && part > m->step)
        part = m->step;
    memcpy(to, m->at, part);
    m->at += part;
    m->left -= part;
    *got = part;
    return OK;
}

static struct err stream_write(struct sink *s, const void *bytes, size_t len)
{
    buf_add(&container_of(s, struct stream, sink)->kept, bytes, len);
    return OK;
}

static struct err load(struct harness *h, struct str bytes, size_t step, uint64_t *keys)
{
    struct stream m = {.source = {stream_read}, .at = bytes.ptr, .left = bytes.len, .step = step};
    struct snapshot_loading l = {.dbs = h->ks.dbs};
    struct err e = snapshot_load(&h->ks, &m.source, &l, &h->scratch);

    *keys = l.report.keys;
    return e;
}

static void goes_round(struct harness *h, uint64_t keys)
{
    struct snapshot_options o = {.version = RECORD_VERSION, .compresses = true, .sums = true};
    struct stream m = {.sink = {stream_write}};
    uint64_t again;

    check(!err_failed(snapshot_save(&h->ks, &m.sink, &o)));
    keyspace_flush(&h->ks, -1, false);
    check(!err_failed(load(h, buf_str(&m.kept), 0, &again)));
    check(again == keys && keyspace_count(&h->ks) == keys);
    buf_fini(&m.kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct harness h;
    uint64_t keys;

    if (size < 1 || size > 65536)
        return 0;
    harness_begin(&h);
    h.settings.engine_version = "7.2.4";
    h.settings.memcached_version = "1.6.22";
    h.settings.protocol = data[0] & OF_MEMCACHED ? PROTOCOL_MEMCACHED : PROTOCOL_RESP;
    struct str bytes = {(const char *)data + 1, size - 1};
    size_t before = keyspace_used_bytes(&h.ks);
    if (!err_failed(load(&h, bytes, data[0] & ~OF_MEMCACHED, &keys)))
        goes_round(&h, keys);
    keyspace_flush(&h.ks, -1, false);
    check(keyspace_used_bytes(&h.ks) == before);
    harness_end(&h);
    return 0;
}
