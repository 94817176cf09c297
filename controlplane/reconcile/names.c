/* From nodes to names. Upserting what is published already changes nothing, so no memory is needed.
 */
#include "controlplane/reconcile/names.h"

#include "base/arena.h"
#include "base/log.h"
#include "controlplane/dns/dns.h"
#include "controlplane/model/naming.h"
#include "controlplane/reconcile/groups.h"
#include "controlplane/reconcile/restraint.h"

#include <string.h>

static void report(struct err e, const char *name)
{
    if (err_failed(e))
        log_warn("a name could not be published", f_str("name", name), f_err(e));
}

static const struct node *find(const struct node_list *nodes, const char *number)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (strcmp(nodes->items[i].number, number) == 0)
            return &nodes->items[i];
    return NULL;
}

struct addresses {
    const char **items;
    size_t count;
};

#define ADDRESSES_OF_NODE 2

static struct addresses addresses_new(struct arena *a, size_t nodes)
{
    return (struct addresses){arena_array(a, nodes * ADDRESSES_OF_NODE + 1, sizeof(char *)), 0};
}

static void add_node(struct addresses *out, const struct node_goal *goal)
{
    out->items[out->count++] = goal->address;
    if (goal->second_address && *goal->second_address)
        out->items[out->count++] = goal->second_address;
}

static void publish(struct dns *dns, const char *name, const struct addresses *addresses)
{
    if (addresses->count > 0)
        report(dns_upsert(dns, name, addresses->items, addresses->count, DNS_TTL_S), name);
    else
        report(dns_remove(dns, name), name);
}

/* All nodes that are to run. */
static struct addresses addresses_of(struct arena *a, const struct view *v)
{
    struct addresses out = addresses_new(a, v->nodes.count);

    for (size_t i = 0; i < v->nodes.count && !v->is_removed; i++)
        if (v->nodes.items[i].goal.has && v->nodes.items[i].goal.state == NODE_RUNNING)
            add_node(&out, &v->nodes.items[i].goal);
    return out;
}

static void publish_configuration(struct dns *dns, struct arena *a,
                                  const struct endpoint_naming *naming, const struct view *v)
{
    struct addresses addresses = addresses_of(a, v);

    publish(dns, endpoint_configuration_name(a, naming, v->cluster.name), &addresses);
}

/* Where a cluster or group of these nodes is a serverless cache's, that alone has a name. */
static const char *owner_name(struct arena *a, const struct endpoint_naming *naming,
                              const struct cluster *owned)
{
    return endpoint_serverless_name(a, naming, owned->owner.name, owned->owner.id);
}

static void publish_owner(struct dns *dns, struct arena *a, const struct endpoint_naming *naming,
                          const struct view *v)
{
    struct addresses addresses = addresses_of(a, v);

    publish(dns, owner_name(a, naming, &v->cluster), &addresses);
}

void names_publish(struct dns *dns, struct arena *a, const struct view *v,
                   const struct node_list *before)
{
    struct endpoint_naming naming = {v->cluster.account, v->cluster.region, dns_zone(dns),
                                     .is_encrypted = false};

    if (v->cluster.owner.id) {
        if (v->cluster.group_id == 0)
            publish_owner(dns, a, &naming, v);
        return;
    }
    for (size_t i = 0; i < before->count; i++) {
        const struct node *now = find(&v->nodes, before->items[i].number);
        const char *name = endpoint_node_name(a, &naming, v->cluster.name, before->items[i].number);
        struct addresses addresses = addresses_new(a, 1);
        if (!v->is_removed && now && now->goal.has)
            add_node(&addresses, &now->goal);
        publish(dns, name, &addresses);
    }
    if (strcmp(v->cluster.engine, "memcached") == 0)
        publish_configuration(dns, a, &naming, v);
}

/* --- groups --- */

/* Addresses of the members that the question picks. */
static struct addresses gather(struct arena *a, const struct group_view *g,
                               bool (*is_meant)(const struct group_view *g, const struct view *m))
{
    struct addresses out = addresses_new(a, g->member_count);

    for (size_t i = 0; i < g->member_count; i++) {
        const struct node *n = member_node(&g->members[i]);
        if (n && n->is_wanted && n->goal.has && is_meant(g, &g->members[i]))
            add_node(&out, &n->goal);
    }
    return out;
}

static bool is_primary(const struct group_view *g, const struct view *m)
{
    return shard_primary(g, member_shard(g, m)) == m;
}

static bool is_reader(const struct group_view *g, const struct view *m)
{
    const struct node *n = member_node(m);
    bool is_lost = member_is_unheard(m) && !restraint_is_cut_off(g->region);

    return !is_primary(g, m) && n->saw.has && n->saw.is_link_up && !is_lost &&
           strcmp(n->saw.host_id, n->goal.host_id) == 0;
}

static bool is_running(const struct group_view *g, const struct view *m)
{
    (void)g;
    return member_node(m)->saw.has && member_node(m)->saw.state == NODE_RUNNING;
}

/* While roles change the old name stays where it is: the primary's moves when the new one is there.
 * Without replicas the primary is read from. */
static void publish_roles(struct dns *dns, struct arena *a, const struct endpoint_naming *naming,
                          const struct group_view *g)
{
    if (g->shards.count != 1 || !primary_is_confirmed(g, &g->shards.items[0]))
        return;
    struct addresses primary = gather(a, g, is_primary), readers = gather(a, g, is_reader);
    publish(dns, endpoint_primary_name(a, naming, g->group.name), &primary);
    publish(dns, endpoint_reader_name(a, naming, g->group.name),
            readers.count > 0 ? &readers : &primary);
}

/* Members have names of their group while it has encryption, beside those of their own. */
static void publish_member(struct dns *dns, struct arena *a, const struct endpoint_naming *naming,
                           const struct group_view *g, const struct view *m, bool is_shown)
{
    const struct node *n = member_node(m);
    struct addresses addresses = addresses_new(a, 1);

    if (is_shown && !m->is_removed && n && n->goal.has)
        add_node(&addresses, &n->goal);
    publish(dns,
            endpoint_member_name(a, naming, g->group.name, m->cluster.name, n ? n->number : "0001"),
            &addresses);
}

/* The names of one form. */
static void publish_form(struct dns *dns, struct arena *a, const struct endpoint_naming *naming,
                         const struct group_view *g, bool is_shown)
{
    if (!is_shown) {
        report(dns_remove(dns, endpoint_primary_name(a, naming, g->group.name)), g->group.name);
        report(dns_remove(dns, endpoint_reader_name(a, naming, g->group.name)), g->group.name);
        report(dns_remove(dns, endpoint_cluster_name(a, naming, g->group.name)), g->group.name);
    } else {
        if (g->group.mode != CLUSTER_MODE_ENABLED)
            publish_roles(dns, a, naming, g);
        if (g->group.mode != CLUSTER_MODE_DISABLED) {
            struct addresses all = gather(a, g, is_running);
            publish(dns, endpoint_cluster_name(a, naming, g->group.name), &all);
        }
    }
    for (size_t i = 0; i < g->member_count && naming->is_encrypted; i++)
        publish_member(dns, a, naming, g, &g->members[i], is_shown);
}

void names_publish_group(struct dns *dns, struct arena *a, const struct group_view *g)
{
    struct endpoint_naming naming = {g->group.account, g->group.region, dns_zone(dns),
                                     .is_encrypted = false};

    if (g->group.common.owner.id) {
        struct addresses primaries = gather(a, g, is_primary);
        if (g->is_removed)
            primaries.count = 0;
        publish(dns, owner_name(a, &naming, &g->group.common), &primaries);
        return;
    }
    publish_form(dns, a, &naming, g, !g->is_removed);
    naming.is_encrypted = true;
    publish_form(dns, a, &naming, g, !g->is_removed && g->group.common.tls != TLS_OFF);
}
