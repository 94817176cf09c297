/* From nodes to names. Upserting what is published already changes nothing, so no memory is needed.
 */
#include "controlplane/reconcile/names.h"

#include "base/arena.h"
#include "base/log.h"
#include "controlplane/dns/dns.h"
#include "controlplane/model/naming.h"

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

static void publish_configuration(struct dns *dns, struct arena *a,
                                  const struct endpoint_naming *naming, const struct view *v,
                                  bool is_removed)
{
    const char *name = endpoint_configuration_name(a, naming, v->cluster.name);
    const char **addresses = arena_array(a, v->nodes.count + 1, sizeof(*addresses));
    size_t count = 0;

    for (size_t i = 0; i < v->nodes.count; i++)
        if (v->nodes.items[i].goal.has && v->nodes.items[i].goal.state == NODE_RUNNING)
            addresses[count++] = v->nodes.items[i].goal.address;
    if (is_removed || count == 0)
        report(dns_remove(dns, name), name);
    else
        report(dns_upsert(dns, name, addresses, count, DNS_TTL_S), name);
}

void names_publish(struct dns *dns, struct arena *a, const struct view *v,
                   const struct node_list *before, bool is_removed)
{
    struct endpoint_naming naming = {v->cluster.account, v->cluster.region, dns_zone(dns)};

    for (size_t i = 0; i < before->count; i++) {
        const struct node *now = find(&v->nodes, before->items[i].number);
        const char *name = endpoint_node_name(a, &naming, v->cluster.name, before->items[i].number);
        if (is_removed || !now || !now->goal.has)
            report(dns_remove(dns, name), name);
        else
            report(dns_upsert(dns, name, (const char *[]){now->goal.address}, 1, DNS_TTL_S), name);
    }
    if (strcmp(v->cluster.engine, "memcached") == 0)
        publish_configuration(dns, a, &naming, v, is_removed);
}
