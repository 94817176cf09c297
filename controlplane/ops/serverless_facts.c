/* Reading serverless caches: the row itself, and the group or cluster that it owns. */
#include "controlplane/ops/serverless_facts.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/naming.h"
#include "controlplane/store/serverless.h"

#include <string.h>

/* --- filling --- */

static struct serverless_facts *facts_of(struct serverless_facts *list, size_t count, int64_t owner)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].cache.id == owner)
            return &list[i];
    return NULL;
}

static struct err fill_groups(struct call *c, const int64_t *ids, struct serverless_facts *list,
                              size_t count)
{
    struct replication_group *groups;
    size_t group_count;

    TRY(store_group_list_owned(c->tx, ids, count, &groups, &group_count));
    struct group_facts *facts = arena_array(c->arena, group_count, sizeof(*facts));
    for (size_t i = 0; i < group_count; i++) {
        facts[i].group = groups[i];
        facts_of(list, count, groups[i].common.owner.id)->group = &facts[i];
    }
    return group_facts_fill(c, facts, group_count);
}

static struct err fill_clusters(struct call *c, const int64_t *ids, struct serverless_facts *list,
                                size_t count)
{
    struct cluster *clusters;
    size_t cluster_count;

    TRY(store_cluster_list_owned(c->tx, ids, count, &clusters, &cluster_count));
    struct cluster_facts *facts = arena_array(c->arena, cluster_count, sizeof(*facts));
    for (size_t i = 0; i < cluster_count; i++) {
        facts[i].cluster = clusters[i];
        facts_of(list, count, clusters[i].owner.id)->cluster = &facts[i];
    }
    return facts_fill(c, facts, cluster_count);
}

static struct err fill(struct call *c, struct serverless_facts *list, size_t count)
{
    int64_t *ids = arena_array(c->arena, count, sizeof(*ids));

    for (size_t i = 0; i < count; i++)
        ids[i] = list[i].cache.id;
    TRY(fill_groups(c, ids, list, count));
    return fill_clusters(c, ids, list, count);
}

/* --- reading --- */

struct err serverless_facts_find(struct call *c, const char *name, struct serverless_facts *out)
{
    const char *folded = name_fold(c->arena, name);
    struct serverless_facts f = {0};

    struct err e =
        store_serverless_find(c->tx, c->caller->account, c->caller->region, folded, &f.cache);
    if (err_is(e, ERR_NOT_FOUND))
        return fault(c, FAULT_SERVERLESS_CACHE_NOT_FOUND, "ServerlessCache %s not found", folded);
    TRY(e);
    TRY(fill(c, &f, 1));
    *out = f;
    return OK;
}

struct err serverless_facts_for_change(struct call *c, const char *name,
                                       struct serverless_facts *out)
{
    struct serverless_facts f;

    TRY(serverless_facts_find(c, name, &f));
    if (strcmp(serverless_status(&f), "available") != 0)
        return fault(c, FAULT_INVALID_SERVERLESS_CACHE_STATE,
                     "Serverless cache %s is in status %s. It must be available.", f.cache.name,
                     serverless_status(&f));
    *out = f;
    return OK;
}

struct err serverless_facts_list(struct call *c, const char *after, int limit,
                                 struct serverless_facts **out, size_t *out_count)
{
    struct serverless_cache *caches;
    size_t count;

    TRY(store_serverless_list(c->tx, c->caller->account, c->caller->region, after, limit, &caches,
                              &count));
    struct serverless_facts *list = arena_array(c->arena, count, sizeof(*list));
    for (size_t i = 0; i < count; i++)
        list[i].cache = caches[i];
    TRY(fill(c, list, count));
    *out = list;
    *out_count = count;
    return OK;
}

/* --- questions --- */

/* A cache has fewer words than what is behind it, and is not changed while a snapshot is taken of
 * it. */
static const char *word_of(const char *word)
{
    if (strcmp(word, "snapshotting") == 0)
        return "modifying";
    return strcmp(word, "restore-failed") == 0 ? "create-failed" : word;
}

const char *serverless_status(const struct serverless_facts *f)
{
    if (f->group)
        return word_of(group_status_word(f->group->status));
    return f->cluster ? word_of(cluster_status_word(f->cluster->status)) : "deleting";
}

static const struct node *placed(const struct cluster_facts *m)
{
    return m->nodes.count > 0 && m->nodes.items[0].is_wanted && m->nodes.items[0].goal.has
               ? &m->nodes.items[0]
               : NULL;
}

/* The nth node, in the order of members, of those that serve. Who is primary does not matter: each
 * node leads clients to it, and an address that moved at every switch would be no address. */
static const struct node *serving(const struct serverless_facts *f, size_t nth)
{
    for (size_t i = 0; f->group && i < f->group->member_count; i++) {
        const struct cluster_facts *m = &f->group->members[i];
        const struct node *n = placed(m);
        bool serves =
            n && (group_facts_is_primary(f->group, m) || (n->saw.has && n->saw.is_link_up));

        if (serves && nth-- == 0)
            return n;
    }
    return NULL;
}

const struct node *serverless_entry(const struct serverless_facts *f)
{
    return f->cluster ? placed(f->cluster) : serving(f, 0);
}

const struct node *serverless_reader(const struct serverless_facts *f)
{
    const struct node *second = serving(f, 1);

    return second ? second : serverless_entry(f);
}
