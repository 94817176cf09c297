/*
 * Topologies from words. The one idea: one cursor over the words and one function per kind of them;
 * what concerns several (an id twice, a slot twice, no primary) is looked at when all are read.
 */
#include "cacheengine/cluster/topology.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define HOSTNAME_MAX 255

struct reading {
    struct arena *arena;
    const struct str *words;
    size_t count, at;
    struct topology *t;
    uint32_t node_room, shard_room;
};

static struct err bad_word(struct reading *r, const char *what)
{
    struct str w = str_shorten(r->words[r->at], 80);

    return err_format(r->arena, ERR_INVALID, "word %zu, '%.*s': %s", r->at + 1, STR_ARG(w), what);
}

/* Fails when fewer than `count` words are left. */
static struct err need(struct reading *r, size_t count, const char *what)
{
    if (r->count - r->at < count)
        return err_format(r->arena, ERR_INVALID, "it ends where %s is expected", what);
    return OK;
}

static struct err read_id(struct reading *r, char out[CLUSTER_ID_LEN + 1])
{
    struct str w = r->words[r->at];

    for (size_t i = 0; i < w.len; i++)
        if (!(w.ptr[i] >= '0' && w.ptr[i] <= '9') && !(w.ptr[i] >= 'a' && w.ptr[i] <= 'f'))
            return bad_word(r, "an id has digits and the letters a to f only");
    if (w.len != CLUSTER_ID_LEN)
        return bad_word(r, "an id has 40 digits");
    memcpy(out, w.ptr, CLUSTER_ID_LEN);
    out[CLUSTER_ID_LEN] = 0;
    r->at++;
    return OK;
}

bool cluster_id_read(struct str word, char out[CLUSTER_ID_LEN + 1])
{
    if (word.len != CLUSTER_ID_LEN)
        return false;
    for (size_t i = 0; i < word.len; i++)
        if (!(word.ptr[i] >= '0' && word.ptr[i] <= '9') &&
            !(word.ptr[i] >= 'a' && word.ptr[i] <= 'f'))
            return false;
    memcpy(out, word.ptr, CLUSTER_ID_LEN);
    out[CLUSTER_ID_LEN] = 0;
    return true;
}

/* ---- slots ---- */

static bool read_slot(struct str s, uint32_t *out)
{
    uint64_t v;

    if (!str_to_u64(s, &v) || v >= SLOT_COUNT)
        return false;
    *out = (uint32_t)v;
    return true;
}

struct err slots_parse(struct arena *a, struct str text, struct slot_set *out)
{
    struct slot_set s = {{0}};
    struct str rest = text;

    while (!str_is(text, "-")) {
        bool has_more = str_find(rest, ',') != SIZE_MAX;
        struct str last_text = str_cut(&rest, ',');
        bool is_run = str_find(last_text, '-') != SIZE_MAX;
        struct str first_text = is_run ? str_cut(&last_text, '-') : last_text;
        uint32_t first, last;

        if (!read_slot(first_text, &first) || !read_slot(last_text, &last))
            return err_make(ERR_INVALID, "slots are numbers below 16384, '-' between the first and "
                                         "the last of a run, ',' between runs");
        if (first > last)
            return err_format(a, ERR_INVALID, "slots end before they begin: %u-%u", first, last);
        for (uint32_t slot = first; slot <= last; slot++) {
            if (slot_set_has(&s, slot))
                return err_format(a, ERR_INVALID, "slot %u is there twice", slot);
            slot_set_add(&s, slot);
        }
        if (!has_more)
            break;
    }
    *out = s;
    return OK;
}

static struct err read_slots(struct reading *r, struct slot_set *out)
{
    struct err e = slots_parse(r->arena, r->words[r->at], out);

    if (err_failed(e))
        return bad_word(r, err_text(r->arena, e));
    r->at++;
    return OK;
}

/* ---- shards and nodes ---- */

static struct err read_shard(struct reading *r)
{
    struct topology *t = r->t;
    struct topology_shard *shard = &t->shards[t->shard_count];
    struct slot_set slots;

    if (t->shard_count == SHARDS_MAX)
        return bad_word(r, "there are more shards than 1024");
    r->at++;
    TRY(need(r, 2, "a shard's id and its slots"));
    TRY(read_id(r, shard->id));
    size_t slots_at = r->at;
    TRY(read_slots(r, &slots));
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        if (!slot_set_has(&slots, slot))
            continue;
        if (t->owner[slot] != NO_SHARD) {
            r->at = slots_at;
            return bad_word(r, arena_printf(r->arena, "slot %u has a shard already", slot));
        }
        t->owner[slot] = (uint16_t)t->shard_count;
        shard->slot_count++;
    }
    shard->node_first = shard->primary = t->node_count;
    t->assigned_count += shard->slot_count;
    t->shard_count++;
    return OK;
}

static struct err read_role(struct reading *r, struct topology_node *n)
{
    struct topology_shard *shard = &r->t->shards[n->shard];

    n->is_primary = str_is_nocase(r->words[r->at], "primary");
    if (!n->is_primary && !str_is_nocase(r->words[r->at], "replica"))
        return bad_word(r, "a node is 'primary' or 'replica'");
    for (uint32_t i = 0; n->is_primary && i < shard->node_count; i++)
        if (r->t->nodes[shard->node_first + i].is_primary)
            return bad_word(r, "the shard has a primary already");
    if (n->is_primary)
        shard->primary = r->t->node_count;
    r->at++;
    return OK;
}

static struct err read_ip(struct reading *r, struct topology_node *n)
{
    struct in6_addr unused;
    const char *text = str_dup(r->arena, r->words[r->at]);

    if (strlen(text) != r->words[r->at].len ||
        (inet_pton(AF_INET, text, &unused) != 1 && inet_pton(AF_INET6, text, &unused) != 1))
        return bad_word(r, "it is no address");
    n->ip = text;
    r->at++;
    return OK;
}

static struct err read_port(struct reading *r, uint16_t *out)
{
    uint64_t v;

    if (!str_to_u64(r->words[r->at], &v) || v > UINT16_MAX)
        return bad_word(r, "a port is a number from 0 to 65535");
    *out = (uint16_t)v;
    r->at++;
    return OK;
}

static struct err read_hostname(struct reading *r, struct topology_node *n)
{
    struct str w = r->words[r->at];

    for (size_t i = 0; i < w.len; i++) {
        char c = w.ptr[i], low = c | 0x20;

        if (!(c >= '0' && c <= '9') && !(low >= 'a' && low <= 'z') && c != '-' && c != '.' &&
            c != '_')
            return bad_word(r, "a hostname has letters, digits, '-', '.' and '_' only");
    }
    if (w.len == 0 || w.len > HOSTNAME_MAX)
        return bad_word(r, "a hostname has 1 to 255 characters, or is '-' for none");
    n->hostname = str_is(w, "-") ? "" : str_dup(r->arena, w);
    r->at++;
    return OK;
}

static struct err read_health(struct reading *r, struct topology_node *n)
{
    static const char *const words[] = {"online", "loading", "fail"};

    for (size_t i = 0; i < countof(words); i++)
        if (str_is_nocase(r->words[r->at], words[i])) {
            n->health = (enum node_health)i;
            r->at++;
            return OK;
        }
    return bad_word(r, "a node is 'online', 'loading' or 'fail'");
}

static struct err read_node(struct reading *r)
{
    struct topology *t = r->t;
    struct topology_node *n = &t->nodes[t->node_count];

    if (t->shard_count == 0)
        return bad_word(r, "a node stands behind its shard");
    struct topology_shard *shard = &t->shards[t->shard_count - 1];
    if (shard->node_count == SHARD_NODES_MAX)
        return bad_word(r, "a shard has at most 64 nodes");
    n->shard = t->shard_count - 1;
    r->at++;
    TRY(need(r, 7, "a node's id, role, address, ports, hostname and health"));
    TRY(read_id(r, n->id));
    TRY(read_role(r, n));
    TRY(read_ip(r, n));
    TRY(read_port(r, &n->port));
    TRY(read_port(r, &n->tls_port));
    if (!n->port && !n->tls_port)
        return err_format(r->arena, ERR_INVALID, "node %s has no port", n->id);
    TRY(read_hostname(r, n));
    TRY(read_health(r, n));
    shard->node_count++;
    t->node_count++;
    return OK;
}

/* ---- migrations ---- */

static struct err read_shard_name(struct reading *r, uint16_t *out)
{
    const struct topology_shard *shard = topology_shard_find(r->t, r->words[r->at]);

    if (!shard)
        return bad_word(r, "there is no such shard in front of it");
    *out = (uint16_t)(shard - r->t->shards);
    r->at++;
    return OK;
}

static struct err read_migration(struct reading *r)
{
    struct topology *t = r->t;
    struct slot_set slots;
    uint16_t from, to;

    r->at++;
    TRY(need(r, 3, "a migration's slots and its shards"));
    TRY(read_slots(r, &slots));
    TRY(read_shard_name(r, &from));
    TRY(read_shard_name(r, &to));
    r->at--;
    if (from == to)
        return bad_word(r, "slots move to another shard only");
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        if (!slot_set_has(&slots, slot))
            continue;
        if (t->owner[slot] != from)
            return bad_word(r, arena_printf(r->arena, "slot %u is not of that shard", slot));
        if (t->next_owner[slot] != NO_SHARD)
            return bad_word(r, arena_printf(r->arena, "slot %u moves already", slot));
        t->next_owner[slot] = to;
        t->has_migrations = true;
    }
    r->at++;
    return OK;
}

static struct err read_read(struct reading *r)
{
    struct slot_set slots;
    uint16_t shard;

    r->at++;
    TRY(need(r, 2, "slots to be read, and a shard"));
    TRY(read_slots(r, &slots));
    TRY(read_shard_name(r, &shard));
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++)
        if (slot_set_has(&slots, slot))
            r->t->reader[slot] = shard;
    return OK;
}

static struct err read_keep(struct reading *r)
{
    struct slot_set slots;

    r->at++;
    TRY(need(r, 1, "the slots to be kept"));
    TRY(read_slots(r, &slots));
    slot_set_join(&r->t->kept, &slots);
    return OK;
}

/* ---- the whole ---- */

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct err check_ids(struct reading *r, const char **ids, size_t count, const char *what)
{
    qsort(ids, count, sizeof(*ids), compare_ids);
    for (size_t i = 1; i < count; i++)
        if (strcmp(ids[i - 1], ids[i]) == 0)
            return err_format(r->arena, ERR_INVALID, "%s %s is there twice", what, ids[i]);
    return OK;
}

static struct err check_all_ids(struct reading *r)
{
    const struct topology *t = r->t;
    const char **ids = arena_array(r->arena, t->node_count + t->shard_count + 1, sizeof(*ids));

    for (uint32_t i = 0; i < t->node_count; i++)
        ids[i] = t->nodes[i].id;
    TRY(check_ids(r, ids, t->node_count, "node"));
    for (uint32_t i = 0; i < t->shard_count; i++)
        ids[i] = t->shards[i].id;
    return check_ids(r, ids, t->shard_count, "shard");
}

static struct err check_whole(struct reading *r, const char *self)
{
    struct topology *t = r->t;

    TRY(check_all_ids(r));
    for (uint32_t i = 0; i < t->shard_count; i++) {
        const struct topology_shard *shard = &t->shards[i];

        if (shard->node_count == 0 || !t->nodes[shard->primary].is_primary)
            return err_format(r->arena, ERR_INVALID, "shard %s has no primary", shard->id);
        if (t->nodes[shard->primary].health == NODE_FAILED)
            t->failed_count += shard->slot_count;
    }
    const struct topology_node *own = topology_node_find(t, str_of(self));
    if (!own)
        return err_format(r->arena, ERR_INVALID, "node %s itself is not there", self);
    t->self = (uint32_t)(own - t->nodes);
    return OK;
}

static struct topology *topology_new(struct arena *a, size_t shards, size_t nodes)
{
    struct topology *t = arena_new(a, struct topology);

    memset(t->owner, 0xff, sizeof(t->owner));
    memset(t->next_owner, 0xff, sizeof(t->next_owner));
    memset(t->reader, 0xff, sizeof(t->reader));
    t->shards = arena_array(a, shards + 1, sizeof(*t->shards));
    t->nodes = arena_array(a, nodes + 1, sizeof(*t->nodes));
    return t;
}

static struct err read_word(struct reading *r)
{
    if (str_is_nocase(r->words[r->at], "shard"))
        return read_shard(r);
    if (str_is_nocase(r->words[r->at], "node"))
        return read_node(r);
    if (str_is_nocase(r->words[r->at], "migration"))
        return read_migration(r);
    if (str_is_nocase(r->words[r->at], "read"))
        return read_read(r);
    if (str_is_nocase(r->words[r->at], "keep"))
        return read_keep(r);
    return bad_word(r, "SHARD, NODE, MIGRATION, READ or KEEP is expected");
}

struct err topology_parse(struct arena *a, const struct str *words, size_t count,
                          struct topology **out)
{
    /* No more of them than words have room for: three a shard, eight a node. */
    struct reading r = {.arena = a, .words = words, .count = count};
    size_t shards = count / 3 < SHARDS_MAX ? count / 3 : SHARDS_MAX;
    char self[CLUSTER_ID_LEN + 1];

    r.t = topology_new(a, shards, count / 8);
    TRY(need(&r, 2, "the epoch and the node's own id"));
    if (!str_to_u64(words[0], &r.t->epoch) || r.t->epoch == 0 || r.t->epoch > INT64_MAX)
        return bad_word(&r, "an epoch is a number from 1 on");
    r.at = 1;
    TRY(read_id(&r, self));
    while (r.at < count)
        TRY(read_word(&r));
    TRY(check_whole(&r, self));
    *out = r.t;
    return OK;
}

struct topology *topology_alone(struct arena *a, const char *node_id, const char *shard_id)
{
    struct topology *t = topology_new(a, 1, 1);

    t->shard_count = t->node_count = 1;
    t->shards[0].node_count = 1;
    memcpy(t->shards[0].id, shard_id, CLUSTER_ID_LEN);
    memcpy(t->nodes[0].id, node_id, CLUSTER_ID_LEN);
    t->nodes[0].ip = t->nodes[0].hostname = "";
    t->nodes[0].is_primary = true;
    return t;
}

/* ---- asking ---- */

const struct topology_node *topology_node_find(const struct topology *t, struct str id)
{
    for (uint32_t i = 0; i < t->node_count; i++)
        if (str_is_nocase(id, t->nodes[i].id))
            return &t->nodes[i];
    return NULL;
}

const struct topology_shard *topology_shard_find(const struct topology *t, struct str id)
{
    for (uint32_t i = 0; i < t->shard_count; i++)
        if (str_is_nocase(id, t->shards[i].id))
            return &t->shards[i];
    return NULL;
}

void topology_slots(const struct topology *t, uint32_t shard, struct slot_set *out)
{
    *out = (struct slot_set){{0}};
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++)
        if (t->owner[slot] == shard)
            slot_set_add(out, slot);
}

bool topology_is_up(const struct topology *t, bool wants_full_coverage)
{
    if (t->assigned_count == 0)
        return false;
    return !wants_full_coverage || (t->assigned_count == SLOT_COUNT && t->failed_count == 0);
}
