/*
 * A table of messages: each decodes by its contract shape, runs against the fleet, and encodes.
 * Errors become faults in the JSON form that the interface uses.
 */
#include "controlplane/front/agents.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/shape_check.h"
#include "base/shape_json.h"
#include "contract/agent.h"
#include "controlplane/dns/dns.h"
#include "controlplane/fleet/fleet.h"
#include "controlplane/front/refuse.h"
#include "controlplane/front/transfers.h"
#include "controlplane/store/store.h"
#include "nameserver/told.h"
#include "nameserver/zone.h"

#include <stdlib.h>
#include <string.h>

#define PATH_PREFIX       "/agent/"
#define NAMES_WAIT_MAX_MS 60000

struct agents {
    struct fleet *fleet;
    struct api *api;
    struct vault *vault;
    struct dns *dns;
    const char *token;
};

/* A message on its way. */
struct message {
    const struct agents *agents;
    const struct agents_call *call;
    const struct op_desc *op;
    const void *in; /* decoded */
    void *out;
    int64_t wait_ms;
    uint64_t key; /* what it waits for */
};

static struct err run_sync(struct message *m, struct arena *a)
{
    const struct agent_sync_in *in = m->in;

    m->key = store_host_key(in->host->host_id ? in->host->host_id : "");
    return fleet_sync(m->agents->fleet, a, m->in, m->call->again != NULL, m->call->may_wait, m->out,
                      &m->wait_ms);
}

static struct err run_report(struct message *m, struct arena *a)
{
    return fleet_report(m->agents->fleet, a, m->in, m->out);
}

static struct err run_verify_token(struct message *m, struct arena *a)
{
    return fleet_verify_token(m->agents->fleet, a, m->in, m->out);
}

/* Held back until the zone is another one. */
static struct err run_follow_names(struct message *m, struct arena *a)
{
    const struct agent_follow_names_in *in = m->in;
    struct dns *dns = m->agents->dns;
    m->key = AGENTS_NAMES_KEY;
    struct agent_follow_names_out *out = m->out;
    struct zone_changes changes;

    if (dns && dns_changes(dns, a, in->life.value, (uint32_t)in->serial.value, &changes)) {
        told_write(a, dns_zone(dns), dns_life(dns), &changes, out);
        return OK;
    }
    int64_t wait_ms = in->wait_ms.has ? in->wait_ms.value : 0;
    if (m->call->may_wait && wait_ms > 0)
        m->wait_ms = wait_ms < NAMES_WAIT_MAX_MS ? wait_ms : NAMES_WAIT_MAX_MS;
    out->is_changed = (struct opt_bool){.has = true, .value = false};
    return OK;
}

static const struct {
    const char *name;
    struct err (*run)(struct message *m, struct arena *a);
} runs[] = {
    {"Sync",        run_sync        },
    {"Report",      run_report      },
    {"VerifyToken", run_verify_token},
    {"FollowNames", run_follow_names},
};

struct agents *agents_new(struct fleet *fleet, struct api *api, struct vault *vault,
                          struct dns *dns, const char *token)
{
    struct agents *g = calloc(1, sizeof(*g));

    check(g != NULL);
    *g = (struct agents){.fleet = fleet, .api = api, .vault = vault, .dns = dns, .token = token};
    return g;
}

void agents_free(struct agents *g)
{
    free(g);
}

bool agents_own_path(struct str path)
{
    return str_starts(path, PATH_PREFIX);
}

/* Compares in a time that depends on the length of `given` only. */
static bool is_same_secret(struct str given, const char *secret)
{
    size_t len = strlen(secret);
    unsigned difference = given.len != len;

    for (size_t i = 0; i < given.len; i++)
        difference |= (unsigned char)given.ptr[i] ^ (unsigned char)secret[len ? i % len : 0];
    return difference == 0;
}

static struct err authorize(const struct agents *g, const struct agents_call *call)
{
    struct str header = str_of(call->request->authorization);

    if (!g->token)
        return call->is_local ? OK
                              : err_make(FAULT_ACCESS_DENIED,
                                         "agents of other machines need a token: start larderd and "
                                         "the agent with --token-file");
    struct str scheme = str_cut(&header, ' ');
    if (str_is_nocase(scheme, "Bearer") && is_same_secret(str_trim(header), g->token))
        return OK;
    return err_make(FAULT_ACCESS_DENIED, "the agent's token is missing or not the right one");
}

static struct err find_message(const struct api_request *request, const struct op_desc **out,
                               const char **out_allow)
{
    for (size_t i = 0; i < service_agent.op_count; i++) {
        const struct op_rest *rest = service_agent.ops[i].rests;
        if (!str_is(request->path, rest->path))
            continue;
        if (strcmp(request->method, rest->method) != 0) {
            *out_allow = rest->method;
            return err_make(FAULT_METHOD_NOT_ALLOWED, NULL);
        }
        *out = &service_agent.ops[i];
        return OK;
    }
    return err_make(FAULT_UNKNOWN_PATH, NULL);
}

static struct err decode(struct arena *a, const struct op_desc *op, struct str body,
                         const void **out)
{
    void *in = arena_zalloc(a, op->in->size);
    struct shape_breach breach;

    struct err e = shape_json_parse(a, op->in, body, SHAPE_UNKNOWN_IGNORE, in);
    if (err_failed(e))
        return err_make(FAULT_MALFORMED_INPUT, e.why);
    if (!shape_check(a, NULL, op->in, in, &breach))
        return err_make(breach.missing ? FAULT_MISSING_PARAMETER : FAULT_INVALID_PARAMETER_VALUE,
                        breach.why);
    *out = in;
    return OK;
}

static struct err run(struct message *m, struct arena *a)
{
    for (size_t i = 0; i < countof(runs); i++)
        if (strcmp(m->op->name, runs[i].name) == 0)
            return runs[i].run(m, a);
    return err_make(FAULT_INVALID_ACTION, NULL);
}

static void encode(const struct message *m, struct api_response *out)
{
    struct json_writer w = JSON_WRITER(&out->body);

    out->status = 200;
    out->content_type = "application/json";
    shape_json_write(&w, m->op->out, m->out);
}

/* Everything up to a decoded message. */
static struct err receive(struct message *m, struct arena *a, const char **out_allow)
{
    TRY(find_message(m->call->request, &m->op, out_allow));
    TRY(authorize(m->agents, m->call));
    if (m->call->again) {
        m->in = m->call->again;
        return OK;
    }
    return decode(a, m->op, m->call->request->body, &m->in);
}

/* The fault that a generic error is for the one who called. */
static struct err as_fault(struct err e, const char *operation)
{
    if (e.code >= ERR_FAULT_BASE)
        return e;
    if (err_is(e, ERR_UNAVAILABLE)) /* another one leads, or somebody holds the database */
        return err_make(FAULT_SERVICE_UNAVAILABLE, e.why);
    log_error("agent message failed", f_str("operation", operation), f_err(e));
    return err_make(FAULT_INTERNAL_FAILURE, NULL);
}

static void transfer(struct agents *g, struct arena *a, const struct agents_call *call,
                     struct api_response *out)
{
    struct err e = authorize(g, call);

    if (!err_failed(e))
        e = transfers_handle(g->vault, a, call->request, out);
    if (err_failed(e)) {
        e = as_fault(e, "Transfer");
        refuse(g->api, a, call->request, e.code, e.why, out);
    }
    out->op = "Transfer";
}

void agents_handle(struct agents *g, struct arena *a, const struct agents_call *call,
                   struct api_response *out, struct agents_hold *out_hold)
{
    /* A poll may come by here many times before it ends; what each round takes is given back. */
    scoped(arena_fini) struct arena round = {0};
    struct message m = {.agents = g, .call = call};
    const char *allow = NULL;

    *out_hold = (struct agents_hold){0};
    if (transfers_own_path(call->request->path)) {
        transfer(g, a, call, out);
        return;
    }
    struct err e = receive(&m, a, &allow);
    if (!err_failed(e)) {
        m.out = arena_zalloc(&round, m.op->out->size);
        e = run(&m, &round);
    }
    if (!err_failed(e) && m.wait_ms > 0) {
        *out_hold = (struct agents_hold){m.wait_ms, m.key, m.in};
        return;
    }
    const char *name = m.op ? m.op->name : NULL;
    if (err_failed(e)) {
        e = as_fault(e, name);
        refuse(g->api, a, call->request, e.code, e.why, out);
        out->allow = allow;
    } else {
        encode(&m, out);
    }
    out->op = name;
}
