/* One word for each node that is to run, by the alphabet. */
#include "controlplane/reconcile/discovery.h"

#include "base/arena.h"
#include "base/buf.h"
#include "controlplane/model/naming.h"
#include "controlplane/store/discovery.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static const char *word_of(struct arena *a, const char *dns_zone, const struct view *v,
                           const struct node *n)
{
    const struct cluster *c = &v->cluster;
    struct endpoint_naming naming = {c->account, c->region, dns_zone, .is_encrypted = false};
    const char *address = goal_address(&n->goal, c->reach.discovery);
    const char *host = dns_zone ? endpoint_node_name(a, &naming, c->name, n->number) : address;

    return arena_printf(a, "%s|%s|%d", host, address, n->goal.port);
}

static const char *nodes_text(struct arena *a, const char *dns_zone, const struct view *v)
{
    const char **words = arena_array(a, v->nodes.count + 1, sizeof(*words));
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    size_t count = 0;

    for (size_t i = 0; i < v->nodes.count; i++) {
        const struct node *n = &v->nodes.items[i];
        if (n->is_wanted && n->goal.has && n->goal.state == NODE_RUNNING)
            words[count++] = word_of(a, dns_zone, v, n);
    }
    if (count > 0)
        qsort(words, count, sizeof(*words), compare);
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s%s", i ? " " : "", words[i]);
    return str_dup(a, buf_str(&text));
}

struct err discovery_look(struct store_tx *tx, const char *dns_zone, const struct view *v,
                          bool *out_changed)
{
    struct arena *a = store_arena(tx);

    if (strcmp(v->cluster.engine, "memcached") != 0 || v->cluster.owner.id || v->is_removed)
        return OK;
    const char *nodes = nodes_text(a, dns_zone, v);
    return *nodes ? store_discovery_set(tx, v->cluster.id, nodes, out_changed) : OK;
}
