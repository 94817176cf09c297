/* One letter for each part, then its number. */
#include "controlplane/model/settings.h"

#include "base/arena.h"
#include "base/str.h"

char *settings_version_text(struct arena *a, const struct settings_version *v)
{
    char *text = arena_printf(a, "p%lld.u%lld.r%lld%s.t%lld%s", (long long)v->parameters,
                              (long long)v->users, (long long)v->term, v->is_fenced ? "f" : "",
                              (long long)v->epoch, v->opens_replicas ? "o" : "");

    if (v->tls != TLS_OFF)
        text = arena_printf(a, "%s.m%d.c%lld", text, (int)v->tls, (long long)v->certificate);
    if (v->logs)
        text = arena_printf(a, "%s.l%lld", text, (long long)v->logs);
    if (v->nodes)
        text = arena_printf(a, "%s.n%lld", text, (long long)v->nodes);
    if (v->endpoints)
        text = arena_printf(a, "%s.e%lld", text, (long long)v->endpoints);
    if (v->room_bytes)
        text = arena_printf(a, "%s.d%lld", text, (long long)v->room_bytes);
    if (v->acks || v->is_bounded)
        text = arena_printf(a, "%s.a%lld%s", text, (long long)v->acks, v->is_bounded ? "b" : "");
    if (v->voters)
        text = arena_printf(a, "%s.v%lld", text, (long long)v->voters);
    if (v->yield)
        text = arena_printf(a, "%s.y%lld%s", text, (long long)v->yield, v->has_declined ? "x" : "");
    return text;
}

/* Cuts "<letter><number>" off the front. */
static bool take_part(struct str *rest, char letter, int64_t *out)
{
    struct str part = str_cut(rest, '.');

    if (part.len < 2 || part.ptr[0] != letter)
        return false;
    return str_to_i64((struct str){part.ptr + 1, part.len - 1}, out);
}

/* A number with a letter behind it, where something is so. */
static bool take_marked(struct str *rest, char letter, char mark, int64_t *out, bool *out_is_so)
{
    struct str part = str_cut(rest, '.');

    *out_is_so = part.len > 2 && part.ptr[part.len - 1] == mark;
    if (*out_is_so)
        part.len--;
    return take_part(&part, letter, out);
}

/* Nodes with plain connections have no such part. */
static bool take_tls(struct str *rest, struct settings_version *v)
{
    int64_t mode;

    if (rest->len == 0 || rest->ptr[0] != 'm')
        return true;
    if (!take_part(rest, 'm', &mode) || (mode != TLS_PREFERRED && mode != TLS_REQUIRED))
        return false;
    v->tls = (enum tls_mode)mode;
    return take_part(rest, 'c', &v->certificate);
}

/* Nor have those that never delivered logs this one. */
static bool take_logs(struct str *rest, struct settings_version *v)
{
    return rest->len == 0 || rest->ptr[0] != 'l' || take_part(rest, 'l', &v->logs);
}

/* Only nodes of memcached clusters have this one. */
static bool take_nodes(struct str *rest, struct settings_version *v)
{
    return rest->len == 0 || rest->ptr[0] != 'n' || take_part(rest, 'n', &v->nodes);
}

/* Only nodes whose shard has endpoints of its own have it. */
static bool take_endpoints(struct str *rest, struct settings_version *v)
{
    return rest->len == 0 || rest->ptr[0] != 'e' || take_part(rest, 'e', &v->endpoints);
}

/* Only nodes that share something have it. */
static bool take_room(struct str *rest, struct settings_version *v)
{
    return rest->len == 0 || rest->ptr[0] != 'd' || take_part(rest, 'd', &v->room_bytes);
}

/* Only nodes of groups whose writes depend on replicas have it. */
static bool take_acks(struct str *rest, struct settings_version *v)
{
    return rest->len == 0 || rest->ptr[0] != 'a' ||
           take_marked(rest, 'a', 'b', &v->acks, &v->is_bounded);
}

/* Only members of shards that had a lease have it. */
static bool take_voters(struct str *rest, struct settings_version *v)
{
    return rest->len == 0 || rest->ptr[0] != 'v' || take_part(rest, 'v', &v->voters);
}

/* Only primaries that are to yield have it. */
static bool take_yield(struct str *rest, struct settings_version *v)
{
    return rest->len == 0 || take_marked(rest, 'y', 'x', &v->yield, &v->has_declined);
}

bool settings_version_parse(const char *text, struct settings_version *out)
{
    struct str rest = str_of(text);
    struct settings_version v = {0};

    *out = v;
    if (!take_part(&rest, 'p', &v.parameters) || !take_part(&rest, 'u', &v.users) ||
        !take_marked(&rest, 'r', 'f', &v.term, &v.is_fenced) ||
        !take_marked(&rest, 't', 'o', &v.epoch, &v.opens_replicas) || !take_tls(&rest, &v) ||
        !take_logs(&rest, &v) || !take_nodes(&rest, &v) || !take_endpoints(&rest, &v) ||
        !take_room(&rest, &v) || !take_acks(&rest, &v) || !take_voters(&rest, &v) ||
        !take_yield(&rest, &v) || rest.len > 0)
        return false;
    *out = v;
    return true;
}

static bool settings_are_same(const struct settings_version *a, const struct settings_version *b)
{
    return a->parameters == b->parameters && a->users == b->users && a->term == b->term &&
           a->is_fenced == b->is_fenced && a->epoch == b->epoch &&
           a->opens_replicas == b->opens_replicas && a->tls == b->tls &&
           a->certificate == b->certificate && a->logs == b->logs && a->nodes == b->nodes &&
           a->endpoints == b->endpoints && a->room_bytes == b->room_bytes && a->acks == b->acks &&
           a->is_bounded == b->is_bounded && a->voters == b->voters;
}

bool settings_differ_in_epoch(const char *before, const char *after)
{
    struct settings_version was, is;

    if (!settings_version_parse(before, &was) || !settings_version_parse(after, &is))
        return false;
    int64_t epoch = is.epoch;
    was.epoch = is.epoch = 0;
    return epoch > 0 && settings_are_same(&was, &is);
}

void settings_take_role(struct settings_version *v, const struct shard_goal *goal,
                        const struct shard_endpoints *endpoints, int64_t cluster_id)
{
    if (!goal->has)
        return;
    v->is_fenced = goal->fenced_id != 0 && goal->fenced_id == cluster_id;
    v->yield = v->is_fenced && goal->yields_to ? goal->yields : 0;
    v->term = v->is_fenced ? goal->fence_term : goal->term;
    v->endpoints = shard_endpoints_number(endpoints, goal, cluster_id);
    v->acks = goal->acks.ordered;
    v->is_bounded = goal->acks.is_bounded;
}
