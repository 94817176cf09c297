/* larder-agent: its command line. */
#include "agent/addresses/interface.h"
#include "agent/agent.h"
#include "agent/drivers/driver.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/flags.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/net.h"
#include "base/proc.h"
#include "base/vec.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TOKEN_MAX_BYTES 4096

struct options {
    const char *control_plane;
    const char *state_dir;
    const char *region, *zone, *name, *pool, *pool6;
    int64_t memory_bytes, vcpus;
    const char *engine_dir;
    const char *dns;
    const char *peer_address;
    const char *interface;
    const char *drivers;
    const char *token_file;
    const char *log_level;
    bool stops_engines;
    bool forgets_data;
    bool dies_with_parent;
};

static const char *const levels[] = {"debug", "info", "warn", "error", NULL};

#define ROW(name_, kind_, member, value_, doc_, ...)                              \
    {                                                                             \
        .name = (name_), .kind = (kind_), .at = offsetof(struct options, member), \
        .value = (value_), .doc = (doc_), __VA_ARGS__                             \
    }

static const struct flag rows[] = {
    ROW("control-plane", FLAG_TEXT, control_plane, "URL[,URL...]",
        "where the control plane is; where several stand by for one another: all, with commas "
        "between",
        .is_required = true),
    ROW("state-dir", FLAG_TEXT, state_dir, "DIR", "where this host and its nodes are kept",
        .is_required = true),
    ROW("pool", FLAG_TEXT, pool, "CIDR", "addresses that cache nodes of this host listen on",
        .is_required = true),
    ROW("pool6", FLAG_TEXT, pool6, "CIDR",
        "the same of IPv6 (default: this host has no such nodes)"),
    ROW("region", FLAG_TEXT, region, "REGION", "region of the host", .fallback = "us-east-1"),
    ROW("zone", FLAG_TEXT, zone, "ZONE",
        "availability zone of the host (default: the region's first)"),
    ROW("name", FLAG_TEXT, name, "NAME", "name of the host (default: the machine's)"),
    ROW("memory", FLAG_BYTES, memory_bytes, "BYTES",
        "memory for cache nodes: 512MB, 32GB, or auto for all there is", .fallback = "auto"),
    ROW("vcpus", FLAG_NUMBER, vcpus, "N", "processors for cache nodes (default: all there are)",
        .min = 1, .max = 65536),
    ROW("engine-dir", FLAG_TEXT, engine_dir, "DIR",
        "where larder-engine and larder-shim are (default: beside this program)"),
    ROW("dns", FLAG_TEXT, dns, "HOST:PORT",
        "where endpoints' names are answered, also while the control plane is away (default: "
        "nowhere)"),
    ROW("peer-address", FLAG_TEXT, peer_address, "HOST[:PORT]",
        "where other hosts and the control plane reach this one about leases, by UDP (default: the "
        "first address of the pool; without a port: any, and the same again)"),
    ROW("endpoint-interface", FLAG_TEXT, interface, "NAME[/PREFIX]",
        "the interface that addresses of endpoints come to and go from with their roles (default: "
        "they are this host's without it)"),
    ROW("drivers", FLAG_TEXT, drivers, "LIST",
        "what may run caches here: bundled, redis (redis-server and valkey-server of this host), "
        "memcached; with commas between (default: all that there are)"),
    ROW("token-file", FLAG_TEXT, token_file, "FILE",
        "file with the token that the control plane asks for"),
    ROW("log-level", FLAG_CHOICE, log_level, "LEVEL", "least level that is logged",
        .fallback = "info", .choices = levels),
    ROW("stop-engines-on-exit", FLAG_SWITCH, stops_engines, NULL,
        "stop all engines when this program is ended; without it they go on"),
    ROW("no-keep-data", FLAG_SWITCH, forgets_data, NULL,
        "what is in memory is dropped when an engine is stopped, whatever its goal says"),
    ROW("die-with-parent", FLAG_SWITCH, dies_with_parent, NULL,
        "end (as by SIGTERM) when the program that started this one ends"),
};

static const struct flags line = {
    .program = "larder-agent",
    .about = "Runs the cache nodes of one host: starts, watches, restarts and stops their engines.",
    FLAG_ROWS(rows),
};

static struct err read_token(struct arena *a, const char *path, const char **out)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    struct err e = fs_read_all(path, TOKEN_MAX_BYTES, &text);
    if (err_failed(e))
        return err_format(a, e.code, "--token-file %s: %s", path, err_text(a, e));
    struct str token = str_trim(buf_str(&text));
    for (size_t i = 0; i < token.len; i++)
        if (token.ptr[i] <= ' ' || token.ptr[i] == 0x7f)
            token.len = 0;
    if (token.len == 0)
        return err_format(a, ERR_INVALID, "--token-file %s: it holds no token", path);
    *out = str_dup(a, token);
    return OK;
}

static struct err take_url(struct arena *a, struct str text, const char **out)
{
    if (!str_starts(text, "http://") && !str_starts(text, "https://"))
        return err_format(a, ERR_INVALID,
                          "--control-plane: \"%s\" is not a URL such as http://127.0.0.1:9379",
                          str_dup(a, text));
    while (str_ends(text, "/"))
        text.len--;
    *out = str_dup(a, text);
    return OK;
}

static struct err take_urls(struct arena *a, const char *list, struct agent_options *out)
{
    vec_of(const char *) urls = VEC_EMPTY;
    struct str rest = str_of(list);

    do
        TRY(take_url(a, str_trim(str_cut(&rest, ',')), vec_add(a, &urls)));
    while (rest.len > 0);
    out->urls = urls.items;
    out->url_count = urls.count;
    return OK;
}

/* A block that leads to nowhere is told of now, and not by the first engine that nobody reaches. */
static struct err take_pool6(struct arena *a, const char *text, struct ip_block *out)
{
    struct net_addr address;

    if (!ip_block_parse(str_of(text), out) || !ip_is_v6(&out->first))
        return err_format(a, ERR_INVALID, "--pool6: \"%s\" is not a block such as fd00:77::/64",
                          text);
    const struct ip first = ip_block_usable(out).first;
    check(net_addr_parse_host(str_of(ip_text(a, &first)), &address));
    if (net_addr_is_here(&address))
        return OK;
    return err_format(a, ERR_INVALID,
                      "--pool6: this machine does not answer on %s: give it the addresses of %s, "
                      "or a route to itself (ip -6 route add local %s dev lo)",
                      ip_text(a, &first), text, text);
}

static struct err take_dns(struct arena *a, const char *text, const struct net_addr **out)
{
    struct net_addr *address = arena_new(a, struct net_addr);

    if (!net_addr_parse(str_of(text), address))
        return err_format(a, ERR_INVALID, "--dns: \"%s\" is not an address such as 127.0.0.1:53",
                          text);
    *out = address;
    return OK;
}

static struct err take_peer(struct arena *a, const struct options *o, struct agent_options *out)
{
    struct net_addr *address = arena_new(a, struct net_addr);
    const struct ip first = ip_block_usable(&out->pool).first;
    const char *text = o->peer_address ? o->peer_address : ip_text(a, &first);

    if (!net_addr_parse(str_of(text), address) && !net_addr_parse_host(str_of(text), address))
        return err_format(a, ERR_INVALID,
                          "--peer-address: \"%s\" is not an address such as 10.0.0.5 or "
                          "10.0.0.5:7946",
                          text);
    if (net_addr_is_wildcard(address))
        return err_format(a, ERR_INVALID, "--peer-address: others cannot come to \"%s\"", text);
    out->peer = address;
    out->must_vote = o->peer_address != NULL;
    return OK;
}

static struct err take_interface(struct arena *a, const char *words, struct agent_options *out)
{
    if (interface_parse(a, words, &out->interface, &out->interface_prefix))
        return OK;
    return err_format(a, ERR_INVALID,
                      "--endpoint-interface: \"%s\" is not an interface such as eth0 or eth0/24",
                      words);
}

static struct err check_drivers(struct arena *a, const char *list)
{
    struct str rest = str_of(list ? list : "");

    while (rest.len > 0) {
        const char *name = str_dup(a, str_trim(str_cut(&rest, ',')));
        if (*name == '\0' || !driver_find(name))
            return err_format(a, ERR_INVALID, "--drivers: this agent knows no driver called \"%s\"",
                              name);
    }
    return OK;
}

static struct err take_options(struct arena *a, const struct options *o, struct agent_options *out)
{
    struct agent_options options = {
        .host = {.region = o->region,
                 .zone = o->zone,
                 .name = o->name,
                 .pool = o->pool,
                 .pool6 = o->pool6,
                 .memory_bytes = o->memory_bytes,
                 .vcpus = o->vcpus},
        .stops_engines = o->stops_engines,
        .forgets_data = o->forgets_data,
    };

    TRY(take_urls(a, o->control_plane, &options));
    if (!ip_block_parse(str_of(o->pool), &options.pool) || ip_is_v6(&options.pool.first))
        return err_format(a, ERR_INVALID, "--pool: \"%s\" is not a block such as 127.77.0.0/18",
                          o->pool);
    if (o->pool6)
        TRY(take_pool6(a, o->pool6, &options.pool6));
    TRY(take_peer(a, o, &options));
    TRY(check_drivers(a, o->drivers));
    options.drivers = o->drivers;
    if (o->interface)
        TRY(take_interface(a, o->interface, &options));
    if (o->dns)
        TRY(take_dns(a, o->dns, &options.dns));
    if (o->token_file)
        TRY(read_token(a, o->token_file, &options.token));
    struct err e = fs_make_dirs(o->state_dir, 0700);
    if (err_failed(e))
        return err_format(a, e.code, "--state-dir %s: %s", o->state_dir, err_text(a, e));
    TRY(fs_absolute(a, o->state_dir, &options.host.state_dir));
    if (!o->engine_dir)
        TRY(fs_program_dir(a, &options.engine_dir));
    else if (err_failed(fs_absolute(a, o->engine_dir, &options.engine_dir)))
        return err_format(a, ERR_NOT_FOUND, "--engine-dir: there is no folder %s", o->engine_dir);
    *out = options;
    return OK;
}

static void set_up_log(const struct options *o)
{
    enum log_level level = LOG_LEVEL_INFO;

    check(log_level_parse(o->log_level, &level));
    log_setup("larder-agent", level);
}

int main(int argc, char **argv)
{
    scoped(arena_fini) struct arena a = {0};
    struct options given = {0};
    struct agent_options options;
    struct flags_rest rest;
    int status = 0;

    if (!flags_begin(&line, &a, argc, argv, &given, &rest, &status))
        return status;
    set_up_log(&given);
    if (given.dies_with_parent)
        proc_die_with_parent(SIGTERM);
    proc_limit_capabilities(given.interface != NULL);
    log_info("runs", f_str("priority", proc_haste_name(proc_hasten())));
    struct err e = take_options(&a, &given, &options);
    if (!err_failed(e))
        e = agent_run(&a, &options, &status);
    if (!err_failed(e))
        return status;
    log_error("cannot run", f_err(e));
    return err_is(e, ERR_INVALID) ? 2 : 1;
}
