/* A table of the front's own paths; what is not in it belongs to agents or to the interface. */
#include "controlplane/front/routes.h"

#include "base/arena.h"
#include "base/log.h"
#include "contract/faults.h"
#include "controlplane/front/front.h"
#include "controlplane/front/gauges.h"
#include "controlplane/front/metrics.h"
#include "controlplane/front/refuse.h"
#include "controlplane/store/certificates.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_PLAIN "text/plain; charset=utf-8"

struct routes {
    bool stands_by;
    struct store *store;
    struct api *api;
    struct metrics *metrics;
    struct agents *agents;
};

struct routes *routes_new(const struct front_conf *conf, struct metrics *metrics)
{
    struct routes *r = calloc(1, sizeof(*r));

    check(r != NULL);
    *r = (struct routes){
        .stands_by = conf->stands_by,
        .store = conf->store,
        .api = conf->api,
        .metrics = metrics,
        .agents = agents_new(conf->fleet, conf->api, conf->vault, conf->dns, conf->agent_token)};
    return r;
}

void routes_free(struct routes *r)
{
    if (!r)
        return;
    agents_free(r->agents);
    free(r);
}

/* For whoever asks while another one leads: it is worth to ask that one, or here once more. */
static const char standing_by[] =
    "This control plane stands by while another one leads; ask that one, or try again.";

static void answer_alive(struct routes *r, struct arena *a, struct api_response *out)
{
    (void)r, (void)a;
    out->status = 200;
    buf_puts(&out->body, "ok\n");
}

/* One small question that the store cannot answer without reading. */
static struct err ask_store(struct store *store, struct arena *a)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    int64_t generation;

    TRY(store_begin(store, STORE_READ, a, &tx));
    return store_host_generation(tx, "", &generation);
}

static void answer_ready(struct routes *r, struct arena *a, struct api_response *out)
{
    struct err e = r->stands_by ? err_make(ERR_UNAVAILABLE, standing_by) : ask_store(r->store, a);

    out->status = err_failed(e) ? 503 : 200;
    buf_puts(&out->body, err_failed(e) ? err_text(a, e) : "ready");
    buf_putc(&out->body, '\n');
}

static void answer_metrics(struct routes *r, struct arena *a, struct api_response *out)
{
    out->status = 200;
    out->content_type = "text/plain; version=0.0.4; charset=utf-8";
    metrics_render(r->metrics, &out->body);
    gauges_of_process(&out->body);
    gauges_of_leader(r->store, &out->body);
    if (r->stands_by)
        return;
    struct err e = gauges_of_store(r->store, a, &out->body);
    if (err_failed(e))
        log_warn("metrics without the store's counts", f_err(e));
}

/* What clients of caches with encryption in transit trust. */
static struct err read_authority(struct store *store, struct arena *a, struct authority *out)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(store, STORE_READ, a, &tx));
    return store_authority_get(tx, out);
}

static void answer_authority(struct routes *r, struct arena *a, struct api_response *out)
{
    struct authority authority;
    struct err e = r->stands_by ? err_make(ERR_UNAVAILABLE, standing_by)
                                : read_authority(r->store, a, &authority);

    out->status = err_failed(e) ? 503 : 200;
    buf_puts(&out->body, err_failed(e) ? err_text(a, e) : authority.certificate);
    if (err_failed(e))
        buf_putc(&out->body, '\n');
    else
        out->content_type = "application/x-pem-file";
}

static const struct own_path {
    const char *path, *name;
    void (*answer)(struct routes *r, struct arena *a, struct api_response *out);
} own_paths[] = {
    {"/healthz", "healthz",   answer_alive    },
    {"/readyz",  "readyz",    answer_ready    },
    {"/metrics", "metrics",   answer_metrics  },
    {"/ca.pem",  "authority", answer_authority},
};

static const struct own_path *own_path_find(struct str path)
{
    for (size_t i = 0; i < countof(own_paths); i++)
        if (str_is(path, own_paths[i].path))
            return &own_paths[i];
    return NULL;
}

static void answer_own(struct routes *r, struct arena *a, const struct own_path *own,
                       const struct api_request *request, struct api_response *out)
{
    if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0) {
        out->content_type = TEXT_PLAIN;
        own->answer(r, a, out);
    } else {
        refuse(r->api, a, request, FAULT_METHOD_NOT_ALLOWED, NULL, out);
        out->allow = "GET, HEAD";
    }
    out->op = own->name;
}

void routes_handle(struct routes *r, struct arena *a, const struct agents_call *call,
                   struct api_response *out, struct agents_hold *out_hold)
{
    const struct own_path *own = own_path_find(call->request->path);

    *out_hold = (struct agents_hold){0};
    if (own)
        answer_own(r, a, own, call->request, out);
    else if (r->stands_by)
        refuse(r->api, a, call->request, FAULT_SERVICE_UNAVAILABLE, standing_by, out);
    else if (agents_own_path(call->request->path))
        agents_handle(r->agents, a, call, out, out_hold);
    else
        api_handle(r->api, a, call->request, out);
}

static void skip_authority(struct str *target)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < countof(schemes); i++) {
        if (!str_starts(*target, schemes[i]))
            continue;
        struct str rest = {target->ptr + strlen(schemes[i]), target->len - strlen(schemes[i])};
        size_t authority = str_find(rest, '/');
        *target = authority == SIZE_MAX ? STR("/")
                                        : (struct str){rest.ptr + authority, rest.len - authority};
        return;
    }
}

void routes_split_target(struct str target, struct str *out_path, struct str *out_query)
{
    skip_authority(&target);
    *out_path = str_cut(&target, '?');
    *out_query = target;
}
