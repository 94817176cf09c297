/* Words and small rules of snapshots. */
#include "controlplane/model/snapshot.h"

#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/naming.h"

#include <string.h>
#include <time.h>

#define MEGABYTE (1 << 20)

static const char *const state_names[] = {
    [SNAPSHOT_CREATING] = "creating",
    [SNAPSHOT_AVAILABLE] = "available",
    [SNAPSHOT_FAILED] = "failed",
};

const char *snapshot_state_name(enum snapshot_state state)
{
    return state_names[state];
}

bool snapshot_state_parse(const char *name, enum snapshot_state *out)
{
    for (size_t i = 0; i < countof(state_names); i++)
        if (strcmp(name, state_names[i]) == 0) {
            *out = (enum snapshot_state)i;
            return true;
        }
    return false;
}

const char *snapshot_status_word(const struct snapshot *s)
{
    if (s->state == SNAPSHOT_AVAILABLE && s->is_copying)
        return "copying";
    if (s->state == SNAPSHOT_AVAILABLE && s->is_restoring)
        return "restoring";
    if (s->state == SNAPSHOT_AVAILABLE && s->is_exporting)
        return "exporting";
    return snapshot_state_name(s->state);
}

char *snapshot_arn(struct arena *a, const struct snapshot *s)
{
    bool is_serverless = strcmp(s->owner, SNAPSHOT_OWNER_SERVERLESS) == 0;

    return arn_make(a, s->region, s->account,
                    is_serverless ? "serverlesscachesnapshot" : "snapshot", s->name);
}

char *snapshot_automatic_name(struct arena *a, const char *source, int64_t now_ms)
{
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm t;
    char text[32];

    gmtime_r(&seconds, &t);
    strftime(text, sizeof(text), "%Y-%m-%d-%H-%M", &t);
    return arena_printf(a, "automatic.%s-%s", source, text);
}

char *snapshot_size_text(struct arena *a, const struct snapshot_part *p)
{
    int64_t megabytes = (p->bytes + MEGABYTE - 1) / MEGABYTE;

    return p->file_id == 0 ? arena_strdup(a, "") : arena_printf(a, "%lld MB", (long long)megabytes);
}

int64_t snapshot_bytes(const struct snapshot *s, const struct snapshot_part_list *parts)
{
    int64_t bytes = 0;

    for (size_t i = 0; i < parts->count; i++)
        if (parts->items[i].snapshot_id == s->id)
            bytes += parts->items[i].bytes;
    return bytes;
}

/* "REDIS0011" or "VALKEY080" */
bool snapshot_is_rdb(struct str head)
{
    size_t word = str_starts(head, "REDIS")    ? strlen("REDIS")
                  : str_starts(head, "VALKEY") ? strlen("VALKEY")
                                               : SNAPSHOT_HEAD_BYTES;

    if (head.len < SNAPSHOT_HEAD_BYTES || word == SNAPSHOT_HEAD_BYTES)
        return false;
    for (size_t i = word; i < SNAPSHOT_HEAD_BYTES; i++)
        if (head.ptr[i] < '0' || head.ptr[i] > '9')
            return false;
    return true;
}

bool snapshot_is_readable(const char *engine, const char *version, const char *by_engine,
                          const char *by_version)
{
    bool was_redis = strcmp(engine, "redis") == 0, is_redis = strcmp(by_engine, "redis") == 0;

    /* Items have one form, whatever the version. */
    if (!engine_is_redis_like(engine) || !engine_is_redis_like(by_engine))
        return strcmp(engine, by_engine) == 0;
    if (!was_redis && is_redis) /* the one way back that the hosted service knows */
        return version_compare(version, "8.0") < 0 && version_compare(by_version, "7.1") >= 0;
    if (was_redis && !is_redis) /* valkey goes on from redis 7.2, and counts its versions so */
        return true;
    return version_compare(version, by_version) <= 0;
}
