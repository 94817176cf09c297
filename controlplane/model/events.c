/* Messages are templates in events.def; this fills the gaps. */
#include "controlplane/model/events.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <string.h>

static const struct {
    const char *source_type, *message;
} kinds[] = {
#define EVENT(kind, source_type, message) [EVENT_##kind] = {source_type, message},
#include "controlplane/model/events.def"
#undef EVENT
};

static const char *const notices[EVENT_KIND_COUNT] = {
#define NOTICE(kind, name) [EVENT_##kind] = name,
#include "controlplane/model/notices.def"
#undef NOTICE
};

static char *fill(struct arena *a, const char *message, const char *first, const char *second)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct str rest = str_of(message);

    buf_add_str(&text, str_cut(&rest, '{'));
    while (rest.len > 0) {
        const char *value = str_is(str_cut(&rest, '}'), "0") ? first : second;
        check(value != NULL);
        buf_puts(&text, value);
        buf_add_str(&text, str_cut(&rest, '{'));
    }
    return str_dup(a, buf_str(&text));
}

struct event event_of(struct arena *a, const struct event_source *source, int64_t now_ms,
                      enum event_kind kind, const char *first, const char *second)
{
    check((size_t)kind < countof(kinds));
    return (struct event){
        .account = source->account,
        .region = source->region,
        .source_type = kinds[kind].source_type,
        .source = source->name,
        .message = fill(a, kinds[kind].message, first, second),
        .notice = notices[kind],
        .topic = "",
        .at_ms = now_ms,
    };
}

struct event event_of_cluster(struct arena *a, const struct cluster *c, int64_t now_ms,
                              enum event_kind kind, const char *first, const char *second)
{
    struct event_source source = {c->account, c->region, c->name};

    struct event e = event_of(a, &source, now_ms, kind, first, second);

    if (strcmp(c->notification_status, "active") == 0)
        e.topic = c->notification_topic;
    return e;
}

struct event event_of_group(struct arena *a, const struct replication_group *g, int64_t now_ms,
                            enum event_kind kind, const char *first, const char *second)
{
    struct event_source source = {g->account, g->region, g->name};
    struct event e = event_of(a, &source, now_ms, kind, first, second);

    if (strcmp(g->common.notification_status, "active") == 0)
        e.topic = g->common.notification_topic;
    return e;
}

static const struct {
    enum event_kind of_nodes, of_serverless;
} snapshot_kinds[] = {
    {EVENT_SNAPSHOT_OF_GROUP,      EVENT_SERVERLESS_SNAPSHOT              },
    {EVENT_SNAPSHOT_OF_CLUSTER,    EVENT_SERVERLESS_SNAPSHOT              },
    {EVENT_SNAPSHOT_FAILED,        EVENT_SERVERLESS_SNAPSHOT_FAILED       },
    {EVENT_SNAPSHOT_EXPORTED,      EVENT_SERVERLESS_SNAPSHOT_EXPORTED     },
    {EVENT_SNAPSHOT_EXPORT_FAILED, EVENT_SERVERLESS_SNAPSHOT_EXPORT_FAILED},
};

struct event event_of_snapshot(struct arena *a, const struct snapshot *s, const char *cluster,
                               int64_t now_ms, enum event_kind kind, const char *second)
{
    bool is_serverless = strcmp(s->owner, SNAPSHOT_OWNER_SERVERLESS) == 0;
    struct event_source source = {s->account, s->region, is_serverless ? s->name : cluster};

    for (size_t i = 0; i < countof(snapshot_kinds) && is_serverless; i++)
        if (snapshot_kinds[i].of_nodes == kind)
            return event_of(a, &source, now_ms, snapshot_kinds[i].of_serverless, s->name, second);
    return event_of(a, &source, now_ms, kind, s->name, second);
}

/* Members of a group come and go unseen; the rest is one thing to look at. */
static const struct {
    enum event_kind of_owned, of_owner;
    bool has_reason;
} translations[] = {
    {EVENT_CLUSTER_CREATED,       EVENT_SERVERLESS_CREATED,       false},
    {EVENT_CLUSTER_CREATE_FAILED, EVENT_SERVERLESS_CREATE_FAILED, true },
    {EVENT_RESTORE_FAILED,        EVENT_SERVERLESS_CREATE_FAILED, true },
    {EVENT_CLUSTER_DELETED,       EVENT_SERVERLESS_DELETED,       false},
    {EVENT_GROUP_CREATED,         EVENT_SERVERLESS_CREATED,       false},
    {EVENT_GROUP_CREATE_FAILED,   EVENT_SERVERLESS_CREATE_FAILED, true },
    {EVENT_GROUP_MODIFY_FAILED,   EVENT_SERVERLESS_MODIFY_FAILED, true },
    {EVENT_GROUP_DELETED,         EVENT_SERVERLESS_DELETED,       false},
    {EVENT_GROUP_UPGRADED,        EVENT_SERVERLESS_MODIFIED,      false},
    {EVENT_GROUP_RESHARDED,       EVENT_SERVERLESS_MODIFIED,      false},
    {EVENT_GROUP_RESHARD_FAILED,  EVENT_SERVERLESS_MODIFY_FAILED, true },
    {EVENT_SERVERLESS_MODIFIED,   EVENT_SERVERLESS_MODIFIED,      false},
};

bool event_of_owner(struct arena *a, const struct cluster *owned, int64_t now_ms,
                    enum event_kind kind, const char *first, const char *second, struct event *out)
{
    struct event_source source = {owned->account, owned->region, owned->owner.name};

    for (size_t i = 0; i < countof(translations) && owned->group_id == 0; i++) {
        if (translations[i].of_owned != kind)
            continue;
        const char *reason = second ? second : first;
        *out = event_of(a, &source, now_ms, translations[i].of_owner,
                        translations[i].has_reason ? reason : NULL, NULL);
        return true;
    }
    return false;
}
