/* What a certificate is for is kept beside it as text: when that text would be another one today, a
 * new certificate is issued. */
#include "controlplane/reconcile/certificates.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/vec.h"
#include "controlplane/model/naming.h"
#include "controlplane/pki/pki.h"
#include "controlplane/store/certificates.h"

#include <string.h>

struct names {
    const char **items;
    size_t count, capacity;
};

static void add_group_names(struct arena *a, struct names *names,
                            const struct endpoint_naming *naming, const char *group)
{
    *vec_add(a, names) = endpoint_primary_name(a, naming, group);
    *vec_add(a, names) = endpoint_reader_name(a, naming, group);
    *vec_add(a, names) = endpoint_cluster_name(a, naming, group);
}

/* Any member may get them. */
static void add_endpoints(struct arena *a, struct names *names,
                          const struct shard_endpoints *endpoints)
{
    if (*endpoints->address)
        *vec_add(a, names) = endpoints->address;
    if (*endpoints->reader_address)
        *vec_add(a, names) = endpoints->reader_address;
}

/* Names of a group's both forms: clients that know the plain ones go on when encryption comes. */
static struct names names_of(struct arena *a, const struct certifier *by, const struct view *v,
                             const struct node *n, const struct membership *of)
{
    const struct cluster *c = &v->cluster;
    struct endpoint_naming naming = {c->account, c->region, by->dns_zone, .is_encrypted = false};
    struct names names = {0};

    *vec_add(a, &names) = n->goal.address;
    if (n->goal.second_address && *n->goal.second_address)
        *vec_add(a, &names) = n->goal.second_address;
    if (c->owner.id) {
        *vec_add(a, &names) = endpoint_serverless_name(a, &naming, c->owner.name, c->owner.id);
        return names;
    }
    *vec_add(a, &names) = endpoint_node_name(a, &naming, c->name, n->number);
    if (strcmp(c->engine, "memcached") == 0)
        *vec_add(a, &names) = endpoint_configuration_name(a, &naming, c->name);
    if (of) {
        add_endpoints(a, &names, of->endpoints);
        add_group_names(a, &names, &naming, of->group);
        naming.is_encrypted = true;
        add_group_names(a, &names, &naming, of->group);
        *vec_add(a, &names) = endpoint_member_name(a, &naming, of->group, c->name, n->number);
    }
    return names;
}

static const char *names_text(struct arena *a, const struct names *names)
{
    const char *text = names->items[0];

    for (size_t i = 1; i < names->count; i++)
        text = arena_printf(a, "%s,%s", text, names->items[i]);
    return text;
}

static struct err issue(struct store_tx *tx, const struct certifier *by, const struct view *v,
                        const struct node *n, const struct names *names, int64_t *out_not_after_ms)
{
    struct arena *a = store_arena(tx);
    struct pki_identity issuer = {by->authority->certificate, by->authority->private_key,
                                  by->authority->not_after_ms};
    struct pki_identity identity;

    TRY(pki_issue(a, &issuer, names->items, names->count, v->now_ms, &identity));
    log_info("certificate issued", f_str("cluster", v->cluster.name), f_int("node", n->id));
    *out_not_after_ms = identity.not_after_ms;
    return store_certificate_put(tx, n->id,
                                 &(struct node_certificate){
                                     .names = names_text(a, names),
                                     .certificate = identity.certificate,
                                     .private_key = identity.private_key,
                                     .not_after_ms = identity.not_after_ms,
                                 });
}

static const struct node_certificate *find(const struct node_certificate *list, size_t count,
                                           int64_t node_id)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].node_id == node_id)
            return &list[i];
    return NULL;
}

struct err certificates_look(struct store_tx *tx, const struct certifier *by, const struct view *v,
                             const struct membership *of, bool *out_issued, int64_t *wake_ms)
{
    struct arena *a = store_arena(tx);
    struct node_certificate *list;
    size_t count;

    if (v->cluster.tls == TLS_OFF || v->is_removed)
        return OK;
    TRY(store_certificate_list(tx, v->cluster.id, &list, &count));
    for (size_t i = 0; i < v->nodes.count; i++) {
        const struct node *n = &v->nodes.items[i];
        if (!n->goal.has)
            continue;
        struct names names = names_of(a, by, v, n, of);
        const struct node_certificate *old = find(list, count, n->id);
        int64_t not_after_ms = old ? old->not_after_ms : 0;
        if (!old || strcmp(old->names, names_text(a, &names)) != 0 ||
            v->now_ms >= pki_renewal_ms(not_after_ms)) {
            TRY(issue(tx, by, v, n, &names, &not_after_ms));
            *out_issued = true;
        }
        if (pki_renewal_ms(not_after_ms) < *wake_ms)
            *wake_ms = pki_renewal_ms(not_after_ms);
    }
    return OK;
}
