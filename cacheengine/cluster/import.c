/* What is expected of other shards. A list of a few: all is searched from its front. */
#include "cacheengine/cluster/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const import_state_names[] = {"expected", "receives", "taken", "failed"};

void imports_fini(struct imports *im)
{
    for (size_t i = 0; i < im->count; i++)
        free(im->items[i]);
    *im = (struct imports){0};
}

void imports_settle(const struct imports *im, struct cluster *c)
{
    c->importing = (struct slot_set){{0}};
    for (size_t i = 0; i < im->count; i++)
        if (im->items[i]->state == IMPORT_RECEIVES)
            slot_set_join(&c->importing, &im->items[i]->slots);
}

struct import *import_find(const struct imports *im, struct str id)
{
    for (size_t i = 0; i < im->count; i++)
        if (str_is(id, im->items[i]->id))
            return im->items[i];
    return NULL;
}

struct import *import_of(const struct imports *im, const struct client *c)
{
    for (size_t i = 0; i < im->count; i++)
        if (im->items[i]->client == c)
            return im->items[i];
    return NULL;
}

static bool is_token(const struct import *i, struct str token)
{
    unsigned differs = token.len != CLUSTER_ID_LEN;

    for (size_t at = 0; at < CLUSTER_ID_LEN && at < token.len; at++)
        differs |= (unsigned char)(token.ptr[at] ^ i->token[at]);
    return !differs;
}

struct import *import_by_token(const struct imports *im, struct str token)
{
    struct import *found = NULL;

    for (size_t i = 0; i < im->count; i++)
        if (is_token(im->items[i], token))
            found = im->items[i];
    return found;
}

/* Why the slots can not come from there; NULL: they can. */
static const char *objection(const struct imports *im, const struct cluster *c,
                             const struct import *wanted)
{
    const struct topology *t = c->topology;
    const struct topology_shard *from = topology_shard_find(t, str_of(wanted->from_shard));
    uint32_t first, last = 0;

    if (!topology_self(t)->is_primary)
        return "this node is no primary";
    if (slot_set_meets(&c->handed, &wanted->slots))
        return "a topology is to confirm first where some of the slots are";
    if (!from)
        return "there is no such shard";
    for (uint32_t at = 0; slot_set_run(&wanted->slots, at, &first, &last); at = last + 1)
        for (uint32_t slot = first; slot <= last; slot++)
            if (c->owner[slot] != from - t->shards || from - t->shards == topology_own_shard(t))
                return "the slots are not all of that shard, or they are here";
    for (size_t i = 0; i < im->count; i++)
        if (slot_set_meets(&im->items[i]->slots, &wanted->slots) &&
            im->items[i]->state <= IMPORT_RECEIVES)
            return "some of the slots are expected already";
    return NULL;
}

struct err import_expect(struct imports *im, struct cluster *c, struct arena *a,
                         const struct import *wanted)
{
    const struct import *old = import_find(im, str_of(wanted->id));

    if (old && strcmp(old->token, wanted->token) == 0 &&
        memcmp(&old->slots, &wanted->slots, sizeof(old->slots)) == 0)
        return OK;
    if (old)
        return err_make(ERR_CONFLICT, "there is another migration of this id");
    const char *why = objection(im, c, wanted);
    if (why)
        return err_format(a, ERR_CONFLICT, "%s", why);
    if (im->count == IMPORTS_MAX)
        return err_make(ERR_LIMIT, "there are 16 migrations already: cancel those that are over");
    struct handover one = {.stage = HANDOVER_EXPECTED, .slots = wanted->slots};
    memcpy(one.id, wanted->id, sizeof(one.id));
    memcpy(one.token, wanted->token, sizeof(one.token));
    memcpy(one.from, wanted->from_shard, sizeof(one.from));
    memcpy(one.to, c->topology->shards[topology_own_shard(c->topology)].id, sizeof(one.to));
    if (!cluster_hand_over(c, &one))
        return err_make(ERR_LIMIT, "a topology is to confirm first what was handed over");
    check(import_add(im, &one));
    return OK;
}

struct import *import_add(struct imports *im, const struct handover *one)
{
    if (im->count == IMPORTS_MAX)
        return NULL;
    struct import *i = calloc(1, sizeof(*i));
    check(i);
    memcpy(i->id, one->id, sizeof(i->id));
    memcpy(i->token, one->token, sizeof(i->token));
    memcpy(i->from_shard, one->from, sizeof(i->from_shard));
    i->slots = one->slots;
    im->items[im->count++] = i;
    return i;
}

void import_drop(struct imports *im, struct cluster *c, struct import *i)
{
    size_t at = 0;

    while (im->items[at] != i)
        at++;
    im->items[at] = im->items[--im->count];
    free(i);
    imports_settle(im, c);
}

bool import_take(struct cluster *c, struct import *i)
{
    struct handover *one = handover_find(&c->handovers, str_of(i->id));

    if (!one)
        return false;
    struct handover taken = *one;
    taken.stage = HANDOVER_TAKEN;
    check(cluster_hand_over(c, &taken));
    i->state = IMPORT_TAKEN;
    return true;
}

void import_fail(struct import *i, const char *why)
{
    i->state = IMPORT_FAILED;
    snprintf(i->failure, sizeof(i->failure), "%s", why);
}
