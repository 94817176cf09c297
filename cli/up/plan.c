/*
 * The plan of a service on one machine. Hosts are named after their zone and counted, zones go
 * round a, b, c, and each host gets its own slice of the pool, in the order of regions and hosts:
 * the same options give the same slices at the next start, so that endpoints keep their addresses.
 */
#include "cli/up/plan.h"

#include "base/arena.h"
#include "base/fs.h"
#include "base/net.h"
#include "base/str.h"
#include "base/vec.h"
#include "cli/up/pool.h"

#include <string.h>

enum { ZONES_PER_REGION = 3, ACCOUNT_DIGITS = 12 };

struct words {
    const char **items;
    size_t count, capacity;
};

/* Where one host stands among the others. */
struct place {
    const char *region;
    size_t index;             /* in its region */
    const char *pool, *pool6; /* the second one may be NULL */
    const char *dns;          /* where it answers names; NULL: nowhere */
};

static void add_flag(struct arena *a, struct words *argv, const char *flag, const char *value)
{
    *vec_add(a, argv) = flag;
    *vec_add(a, argv) = value;
}

static bool is_region(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && i > 0)))
            return false;
    }
    return name.len > 0 && name.ptr[name.len - 1] != '-';
}

static struct err parse_regions(struct arena *a, const char *list, struct words *out)
{
    struct str rest = str_of(list);

    do {
        struct str name = str_trim(str_cut(&rest, ','));
        if (!is_region(name))
            return err_format(a, ERR_INVALID,
                              "--region %s: give names such as us-east-1 with commas between",
                              list);
        vec_each(other, out)
            if (str_is(name, *other))
                return err_format(a, ERR_INVALID, "--region %s: %s stands twice", list, *other);
        *vec_add(a, out) = str_dup(a, name);
    } while (rest.len > 0);
    return OK;
}

static struct err check_account(struct arena *a, const char *account)
{
    if (strlen(account) != ACCOUNT_DIGITS || strspn(account, "0123456789") != ACCOUNT_DIGITS)
        return err_format(a, ERR_INVALID, "--account %s: an account has twelve digits", account);
    return OK;
}

/* Whether requests must be signed; unsigned ones are only for a service that nobody else can reach.
 */
static struct err choose_auth(struct arena *a, const struct up_options *o, const char **out)
{
    struct net_addr address, second;

    if (!net_addr_parse(str_of(o->listen), &address))
        return err_format(a, ERR_INVALID,
                          "--listen %s: give an address and a port such as 127.0.0.1:9379",
                          o->listen);
    if (o->standby && !net_addr_parse(str_of(o->standby), &second))
        return err_format(a, ERR_INVALID,
                          "--standby %s: give an address and a port such as 127.0.0.1:9380",
                          o->standby);
    const bool is_private =
        net_addr_is_loopback(&address) && (!o->standby || net_addr_is_loopback(&second));
    *out = o->auth ? o->auth : is_private ? "open" : "scoped";
    if (strcmp(*out, "open") == 0 && !is_private)
        return err_format(
            a, ERR_INVALID,
            "--auth open is for loopback addresses only, and %s is none: other machines "
            "could use the service unsigned",
            o->listen);
    return OK;
}

/* The hosts are one machine: their ports are counted up. */
static struct err choose_dns(struct arena *a, const struct up_options *o, size_t index,
                             const char **out)
{
    struct net_addr address;

    if (!o->host_dns)
        return OK;
    if (!net_addr_parse(str_of(o->host_dns), &address) || net_addr_port(&address) == 0 ||
        net_addr_port(&address) + (int)index > UINT16_MAX)
        return err_format(
            a, ERR_INVALID,
            "--host-dns %s: give an address and a port such as 127.0.0.1:9354, with a "
            "port behind it for each further host",
            o->host_dns);
    net_addr_set_port(&address, net_addr_port(&address) + (int)index);
    *out = net_addr_text(a, &address);
    return OK;
}

static const char *log_path_of(struct arena *a, const struct up_options *o, const char *name)
{
    return arena_printf(a, "%s/logs/%s.log", o->state_dir, name);
}

/* Where one of the control planes is, and what it is called. */
struct plane_place {
    const char *name, *listen, *dns;
};

static void plan_control_plane(struct arena *a, const struct up_options *o, const char *auth,
                               const char *endpoint_pool, const char *program_dir,
                               const struct plane_place *place, struct up_plan *plan)
{
    struct words argv = VEC_EMPTY;

    *vec_add(a, &argv) = fs_join(a, program_dir, "larderd");
    add_flag(a, &argv, "--state-dir", fs_join(a, o->state_dir, "larderd"));
    add_flag(a, &argv, "--listen", place->listen);
    add_flag(a, &argv, "--dns", place->dns);
    if (o->standby)
        *vec_add(a, &argv) = "--standby";
    add_flag(a, &argv, "--region", o->regions);
    add_flag(a, &argv, "--account", o->account);
    add_flag(a, &argv, "--auth", auth);
    add_flag(a, &argv, "--endpoints", o->endpoints);
    if (endpoint_pool)
        add_flag(a, &argv, "--endpoint-pool", endpoint_pool);
    add_flag(a, &argv, "--network", o->network);
    if (o->network_file)
        add_flag(a, &argv, "--network-file", o->network_file);
    if (o->dns_zone)
        add_flag(a, &argv, "--dns-zone", o->dns_zone);
    if (o->dns_update)
        add_flag(a, &argv, "--dns-update", o->dns_update);
    if (o->dns_update_key)
        add_flag(a, &argv, "--dns-update-key", o->dns_update_key);
    if (o->hosts_file)
        add_flag(a, &argv, "--hosts-file", o->hosts_file);
    if (o->topics)
        add_flag(a, &argv, "--topics", o->topics);
    if (o->snapshots)
        add_flag(a, &argv, "--snapshots", o->snapshots);
    if (o->buckets)
        add_flag(a, &argv, "--buckets", o->buckets);
    if (o->log_destinations)
        add_flag(a, &argv, "--log-destinations", o->log_destinations);
    add_flag(a, &argv, "--log-dir", fs_join(a, o->state_dir, "delivered-logs"));
    if (o->keys)
        add_flag(a, &argv, "--keys-file", o->keys);
    /* Where requests need no signature, tokens of IAM users do not need a known key either. */
    add_flag(a, &argv, "--iam-tokens", strcmp(auth, "open") == 0 ? "scoped" : "signed");
    add_flag(a, &argv, "--token-file", plan->token_path);
    add_flag(a, &argv, "--cpu-overcommit", "0"); /* memory alone is counted on one's own machine */
    if (o->replace_after_s >= 0)
        add_flag(a, &argv, "--replace-after",
                 arena_printf(a, "%lld", (long long)o->replace_after_s));
    if (o->update_days >= 0)
        add_flag(a, &argv, "--update-days", arena_printf(a, "%lld", (long long)o->update_days));
    if (o->quota)
        add_flag(a, &argv, "--quota", o->quota);
    add_flag(a, &argv, "--log-level", o->log_level);
    *vec_add(a, &argv) = "--die-with-parent";
    *vec_add(a, &argv) = NULL;
    plan->control_planes[plan->plane_count++] =
        (struct up_child){place->name, log_path_of(a, o, place->name), argv.items};
}

static struct up_child plan_host(struct arena *a, const struct up_options *o,
                                 const char *program_dir, const char *token_path,
                                 const struct place *place)
{
    const char *zone =
        arena_printf(a, "%s%c", place->region, (char)('a' + place->index % ZONES_PER_REGION));
    const char *name = arena_printf(a, "%s-%zu", zone, place->index / ZONES_PER_REGION + 1);
    const char *memory =
        o->memory_bytes > 0 ? arena_printf(a, "%lld", (long long)o->memory_bytes) : "auto";
    struct words argv = VEC_EMPTY;

    *vec_add(a, &argv) = fs_join(a, program_dir, "larder-agent");
    add_flag(a, &argv, "--state-dir", arena_printf(a, "%s/hosts/%s", o->state_dir, name));
    add_flag(a, &argv, "--region", place->region);
    add_flag(a, &argv, "--zone", zone);
    add_flag(a, &argv, "--name", name);
    add_flag(a, &argv, "--pool", place->pool);
    if (place->pool6)
        add_flag(a, &argv, "--pool6", place->pool6);
    add_flag(a, &argv, "--memory", memory);
    if (place->dns)
        add_flag(a, &argv, "--dns", place->dns);
    if (o->drivers)
        add_flag(a, &argv, "--drivers", o->drivers);
    add_flag(a, &argv, "--token-file", token_path);
    add_flag(a, &argv, "--log-level", o->log_level);
    *vec_add(a, &argv) = "--stop-engines-on-exit";
    if (o->forgets_data)
        *vec_add(a, &argv) = "--no-keep-data";
    *vec_add(a, &argv) = "--die-with-parent";
    *vec_add(a, &argv) = NULL;
    return (struct up_child){name, log_path_of(a, o, name), argv.items};
}

/* One slice more than there are hosts is for endpoints. A pool that is too small for that is the
 * hosts' alone: endpoints are those of members then. */
static struct err split_pool(struct arena *a, const struct up_options *o, size_t hosts,
                             const char ***out, const char **out_endpoints)
{
    struct err e = pool_split(a, o->pool, hosts + 1, out);

    if (err_is(e, ERR_LIMIT))
        return pool_split(a, o->pool, hosts, out);
    if (!err_failed(e))
        *out_endpoints = (*out)[hosts];
    return e;
}

struct err up_plan_make(struct arena *a, const struct up_options *o, const char *program_dir,
                        struct up_plan *out)
{
    struct up_plan plan = {.token_path = fs_join(a, o->state_dir, "agent-token")};
    struct words regions = VEC_EMPTY;
    const char **pools = NULL, **pools6 = NULL, *auth = NULL, *endpoints = NULL;

    TRY(parse_regions(a, o->regions, &regions));
    TRY(check_account(a, o->account));
    TRY(choose_auth(a, o, &auth));
    plan.host_count = regions.count * (size_t)o->agents;
    plan.hosts = arena_array(a, plan.host_count, sizeof(*plan.hosts));
    TRY(split_pool(a, o, plan.host_count, &pools, &endpoints));
    TRY(pool6_split(a, o->pool6, plan.host_count, (size_t)o->agents, &pools6));

    plan_control_plane(a, o, auth, endpoints, program_dir,
                       &(struct plane_place){"larderd", o->listen, o->dns}, &plan);
    if (o->standby)
        plan_control_plane(a, o, auth, endpoints, program_dir,
                           &(struct plane_place){"larderd-2", o->standby, "off"}, &plan);
    for (size_t i = 0; i < plan.host_count; i++) {
        const size_t per_region = (size_t)o->agents;
        struct place place = {regions.items[i / per_region], i % per_region, pools[i], pools6[i],
                              NULL};
        TRY(choose_dns(a, o, i, &place.dns));
        plan.hosts[i] = plan_host(a, o, program_dir, plan.token_path, &place);
    }
    *out = plan;
    return OK;
}
