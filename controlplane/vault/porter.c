/*
 * What is to be carried stands in the store, so that whatever ends in the middle is begun anew. One
 * thing after another: a transfer keeps the others waiting, and never a request.
 */
#include "controlplane/vault/porter.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/http.h"
#include "base/log.h"
#include "base/str.h"
#include "controlplane/model/events.h"
#include "controlplane/store/snapshots.h"
#include "controlplane/vault/buckets.h"
#include "controlplane/vault/kept.h"
#include "controlplane/vault/vault.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLEEP_MS 60000
#define RETRY_MS 1000 /* after the store or the disk refused */

struct porter {
    struct porter_conf conf;
    struct http *http;
    pthread_t thread;
    atomic_bool is_stopping;
};

static bool goes_on(struct porter *p)
{
    return !atomic_load(&p->is_stopping);
}

/* --- out --- */

struct parcel {
    struct snapshot_export order;
    struct snapshot snapshot;
    struct snapshot_part_list parts;
};

static struct err next_parcel(struct porter *p, struct arena *a, struct parcel *out)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(p->conf.store, STORE_READ, a, &tx));
    TRY(store_export_next(tx, &out->order));
    TRY(store_snapshot_get(tx, out->order.snapshot_id, &out->snapshot));
    return store_part_list(tx, &out->order.snapshot_id, 1, &out->parts);
}

/* "name.rdb", or of many shards "name-0001.rdb" and so on. */
static const char *key_of(struct arena *a, const struct parcel *parcel, size_t i)
{
    const char *number = parcel->parts.items[i].number;

    return parcel->parts.count > 1 ? arena_printf(a, "%s-%s.rdb", parcel->order.name, number)
                                   : arena_printf(a, "%s.rdb", parcel->order.name);
}

static struct err carry_out(struct porter *p, struct arena *a, const struct parcel *parcel)
{
    const struct bucket *bucket = bucket_find(p->conf.buckets, parcel->order.bucket);

    if (!bucket)
        return err_format(a, ERR_NOT_FOUND, "there is no bucket %s any more", parcel->order.bucket);
    for (size_t i = 0; i < parcel->parts.count && goes_on(p); i++) {
        const struct snapshot_part *part = &parcel->parts.items[i];
        scoped(kept_file_close) struct kept_file file = {.fd = -1};
        TRY(vault_read(p->conf.vault, a, part->id, &file));
        TRY(bucket_put(p->http, a, bucket, key_of(a, parcel, i), &file, part->sha256));
    }
    return OK;
}

static struct err tell(struct store_tx *tx, const struct snapshot *s,
                       const struct snapshot_part_list *parts, int64_t now_ms, enum event_kind kind,
                       const char *second)
{
    const char *source = *s->cluster_name   ? s->cluster_name
                         : parts->count > 0 ? parts->items[0].cluster_name
                                            : s->group_name;
    struct event e = event_of_snapshot(store_arena(tx), s, source, now_ms, kind, second);

    log_info("event", f_str("source", e.source), f_str("message", e.message));
    return store_event_add(tx, &e);
}

static struct err settle_parcel(struct porter *p, struct arena *a, const struct parcel *parcel,
                                struct err failure)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(p->conf.store, STORE_WRITE, a, &tx));
    TRY(store_export_remove(tx, parcel->order.id));
    TRY(tell(tx, &parcel->snapshot, &parcel->parts, clock_wall_ms(p->conf.clock),
             err_failed(failure) ? EVENT_SNAPSHOT_EXPORT_FAILED : EVENT_SNAPSHOT_EXPORTED,
             err_failed(failure) ? err_text(a, failure) : parcel->order.bucket));
    return store_commit(&tx);
}

/* `*out_did` when there was something to carry. */
static struct err export_one(struct porter *p, struct arena *a, bool *out_did)
{
    struct parcel parcel;

    *out_did = false;
    struct err e = next_parcel(p, a, &parcel);
    if (err_is(e, ERR_NOT_FOUND))
        return OK;
    TRY(e);
    *out_did = true;
    struct err carried = carry_out(p, a, &parcel);
    return goes_on(p) ? settle_parcel(p, a, &parcel, carried) : OK; /* else it is begun anew */
}

/* --- in --- */

static struct err check_rdb(struct arena *a, const struct snapshot_part *part, int fd)
{
    char head[SNAPSHOT_HEAD_BYTES];
    ssize_t got = pread(fd, head, sizeof(head), 0);

    if (got < 0)
        return err_sys(errno, "what was fetched cannot be read");
    if (snapshot_is_rdb((struct str){head, (size_t)got}))
        return OK;
    return err_format(a, ERR_INVALID, "%s is no RDB file", part->origin);
}

static struct err carry_in(struct porter *p, struct arena *a, const struct snapshot_part *part)
{
    const char *name, *key;
    scoped(fd_close) int fd = -1;

    bucket_path_split(a, part->origin, &name, &key);
    const struct bucket *bucket = bucket_find(p->conf.buckets, name);
    if (!bucket)
        return err_format(a, ERR_NOT_FOUND, "there is no bucket %s any more", name);
    TRY(vault_import(p->conf.vault, a, part->id, &fd));
    TRY(bucket_get(p->http, a, bucket, key, fd));
    TRY(check_rdb(a, part, fd));
    return vault_import_end(p->conf.vault, a, part->id, fd);
}

static struct err fail_import(struct porter *p, struct arena *a, const struct snapshot_part *part,
                              struct err failure)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    log_warn("a seed could not be fetched", f_str("from", part->origin), f_err(failure));
    TRY(store_begin(p->conf.store, STORE_WRITE, a, &tx));
    TRY(store_seed_fail(tx, part->snapshot_id, err_text(a, failure)));
    return store_commit(&tx);
}

/* Hosts are to hear that what they wait for is here. */
static struct err finish_import(struct porter *p, struct arena *a, const struct snapshot_part *part)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(p->conf.store, STORE_WRITE, a, &tx));
    TRY(store_seed_arrived(tx, part->id));
    return store_commit(&tx);
}

static struct err import_one(struct porter *p, struct arena *a, bool *out_did)
{
    struct snapshot_part_list parts = {0};
    {
        scoped(store_rollback) struct store_tx *tx = NULL;
        TRY(store_begin(p->conf.store, STORE_READ, a, &tx));
        TRY(store_part_wanted(tx, &parts));
    }
    *out_did = parts.count > 0;
    if (parts.count == 0)
        return OK;
    struct err e = carry_in(p, a, &parts.items[0]);
    return err_failed(e) ? fail_import(p, a, &parts.items[0], e)
                         : finish_import(p, a, &parts.items[0]);
}

/* --- copies under other keys --- */

static struct err fail_copy(struct porter *p, struct arena *a, const struct snapshot_part *part,
                            struct err failure)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    log_warn("a copy could not be sealed", f_int("part", part->id), f_err(failure));
    TRY(store_begin(p->conf.store, STORE_WRITE, a, &tx));
    TRY(store_snapshot_set_state(tx, part->snapshot_id, SNAPSHOT_FAILED, err_text(a, failure)));
    return store_commit(&tx);
}

static struct err seal_one(struct porter *p, struct arena *a, bool *out_did)
{
    struct snapshot_part_list parts = {0};
    {
        scoped(store_rollback) struct store_tx *tx = NULL;
        TRY(store_begin(p->conf.store, STORE_READ, a, &tx));
        TRY(store_part_miskeyed(tx, &parts));
    }
    *out_did = parts.count > 0;
    if (parts.count == 0)
        return OK;
    struct err e = vault_seal_anew(p->conf.vault, a, parts.items[0].id);
    return err_failed(e) ? fail_copy(p, a, &parts.items[0], e) : OK;
}

/* --- the thread --- */

static struct err run(struct porter *p)
{
    scoped(arena_fini) struct arena a = {0};
    bool did = true, did_import, did_seal;

    while (did && goes_on(p)) {
        arena_reset(&a);
        TRY(export_one(p, &a, &did));
        TRY(import_one(p, &a, &did_import));
        TRY(seal_one(p, &a, &did_seal));
        did |= did_import || did_seal;
    }
    return vault_sweep(p->conf.vault, &a);
}

static void *work(void *context)
{
    struct porter *p = context;

    while (goes_on(p)) {
        uint64_t seen = store_generation(p->conf.store);
        int64_t sleep_ms = SLEEP_MS;
        struct err e = store_take_files(p->conf.store) ? run(p) : OK;
        if (err_failed(e)) {
            log_error("snapshots' files could not be carried; trying again", f_int("code", e.code),
                      f_int("errno", e.sys));
            sleep_ms = RETRY_MS;
            store_leave_files(p->conf.store);
        }
        if (goes_on(p))
            store_wait(p->conf.store, seen, clock_boot_ms(&clock_system) + sleep_ms);
    }
    return NULL;
}

struct err porter_start(const struct porter_conf *conf, struct porter **out)
{
    struct porter *p = calloc(1, sizeof(*p));

    check(p != NULL);
    p->conf = *conf;
    p->http = http_open();
    if (pthread_create(&p->thread, NULL, work, p) != 0) {
        http_close(p->http);
        free(p);
        return err_make(ERR_IO, "no thread could be started");
    }
    *out = p;
    return OK;
}

void porter_stop(struct porter *p)
{
    if (!p)
        return;
    atomic_store(&p->is_stopping, true);
    store_wake(p->conf.store);
    pthread_join(p->thread, NULL);
    http_close(p->http);
    free(p);
}
