/* A build is told when a host comes with it: never again at later starts of its agent. */
#include "controlplane/fleet/builds.h"

#include "base/arena.h"
#include "base/str.h"
#include "controlplane/model/events.h"
#include "controlplane/store/updates.h"

struct err builds_offered_before(struct store_tx *tx, const char *host_id, const char **out)
{
    struct host host;
    struct err e = store_host_get(tx, host_id, &host);

    *out = err_failed(e) ? "" : build_offered(host.engines);
    return err_is(e, ERR_NOT_FOUND) ? OK : e;
}

/* Owners of nodes that run an older build hear of the one that their host has now. */
static struct err tell_owners(struct store_tx *tx, const struct host *h, const char *offered_before)
{
    const char *offered = build_offered(h->engines);
    struct node_on_host *nodes;
    size_t count;

    if (!build_is_older(offered_before, offered))
        return OK;
    TRY(store_built_nodes_of_host(tx, h->id, &nodes, &count));
    for (size_t i = 0; i < count; i++) {
        const struct node_on_host *n = &nodes[i];
        struct event_source source = {n->account, n->region, n->cluster};
        struct event e = event_of(store_arena(tx), &source, h->enrolled_ms,
                                  EVENT_NODE_UPDATE_AVAILABLE, n->number, NULL);
        if (!build_is_older(n->build, offered))
            continue;
        e.topic = n->topic;
        TRY(store_event_add(tx, &e));
    }
    return OK;
}

struct err builds_record(struct store_tx *tx, const struct host *h, const char *offered_before)
{
    struct str rest = str_of(build_offered(h->engines));
    const char *offered = str_dup(store_arena(tx), str_cut(&rest, ' '));

    if (!*offered)
        return OK;
    TRY(store_build_put(tx, h->region, offered, h->enrolled_ms));
    return tell_owners(tx, h, offered_before);
}
