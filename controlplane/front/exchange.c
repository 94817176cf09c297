/*
 * The body is collected in one buffer of the connection, up to the limit. What is larger is read
 * and dropped for a while, so that the sender gets to see the refusal rather than a broken pipe.
 */
#include "controlplane/front/exchange.h"

#include "base/clock.h"
#include "base/log.h"
#include "contract/faults.h"
#include "controlplane/front/keeper.h"
#include "controlplane/front/metrics.h"
#include "controlplane/front/refuse.h"
#include "controlplane/front/routes.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#define DRAIN_MAX_BYTES (16u << 20)

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- headers --- */

static const struct {
    const char *name;
    size_t at;
} wanted_headers[] = {
    {"Host",          offsetof(struct api_request, host)         },
    {"Authorization", offsetof(struct api_request, authorization)},
    {"Content-Type",  offsetof(struct api_request, content_type) },
    {"X-Amz-Date",    offsetof(struct api_request, amz_date)     },
    {"Date",          offsetof(struct api_request, date)         },
    {"X-Amz-Target",  offsetof(struct api_request, amz_target)   },
};

/* The first of each name counts. */
static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct api_request *request = context;

    (void)kind;
    for (size_t i = 0; i < countof(wanted_headers); i++) {
        const char **to = (const char **)((char *)request + wanted_headers[i].at);
        if (!*to && strcasecmp(name, wanted_headers[i].name) == 0) {
            *to = value ? value : "";
            break;
        }
    }
    return MHD_YES;
}

static struct api_request request_of(struct conn *c, const char *method)
{
    struct api_request request = {.method = method, .body = buf_str(&c->body)};

    routes_split_target(buf_str(&c->target), &request.path, &request.query);
    MHD_get_connection_values(c->mhd, MHD_HEADER_KIND, take_header, &request);
    return request;
}

static const char *header(struct conn *c, const char *name)
{
    return MHD_lookup_connection_value(c->mhd, MHD_HEADER_KIND, name);
}

/* --- replies --- */

static void log_request(const struct conn *c, const struct api_request *request,
                        const struct api_response *response, int64_t took_us)
{
    log_debug("request", f_str("peer", c->peer), f_str("method", request->method),
              f_str("operation", response->op ? response->op : "-"),
              f_int("status", response->status),
              f_str("fault", response->fault ? response->fault : "-"),
              f_str("request_id", response->request_id ? response->request_id : "-"),
              f_int("took_us", took_us));
}

static void add_header(struct MHD_Response *to, const char *name, const char *value)
{
    /* Refused values (a line break inside) are left out: the answer is worth more than they are. */
    if (value)
        (void)MHD_add_response_header(to, name, value);
}

/* Gives the body away. */
static struct MHD_Response *response_make(struct api_response *from)
{
    struct MHD_Response *made =
        from->body.len > 0 ? MHD_create_response_from_buffer_with_free_callback(
                                 from->body.len, from->body.ptr, free)
                           : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);

    check(made != NULL);
    if (from->body.len == 0)
        buf_fini(&from->body);
    from->body = BUF_EMPTY;
    add_header(made, MHD_HTTP_HEADER_CONTENT_TYPE, from->content_type);
    add_header(made, "x-amzn-RequestId", from->request_id);
    add_header(made, MHD_HTTP_HEADER_ALLOW, from->allow);
    add_header(made, "x-amzn-query-error", from->query_error);
    add_header(made, "smithy-protocol", from->smithy_protocol);
    return made;
}

static enum MHD_Result reply(struct exchange_conf *x, struct conn *c,
                             const struct api_request *request, struct api_response *response)
{
    int64_t took_us = c->worked_us + now_us() - c->begun_us;
    int status = response->status;

    metrics_record(x->metrics, response->op, status, took_us);
    log_request(c, request, response, took_us);
    struct MHD_Response *made = response_make(response);
    if (c->is_too_large || conns_is_stopping(x->conns))
        add_header(made, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result =
        conn_reply_begin(c) ? MHD_queue_response(c->mhd, (unsigned)status, made) : MHD_NO;
    MHD_destroy_response(made);
    return result;
}

static enum MHD_Result refuse_large(struct exchange_conf *x, struct conn *c, const char *method)
{
    struct api_request request = request_of(c, method);
    struct api_response response = {0};

    if (!conn_work_begin(c))
        return MHD_NO;
    c->begun_us = now_us();
    refuse(x->api, &c->arena, &request, FAULT_REQUEST_ENTITY_TOO_LARGE, NULL, &response);
    return reply(x, c, &request, &response);
}

void exchange_break_off(struct exchange_conf *x, struct conn *c, int fault)
{
    scoped(arena_fini) struct arena a = {0};
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct api_request request = {.method = ""};
    struct api_response response = {0};

    routes_split_target(buf_str(&c->target), &request.path, &request.query);
    refuse(x->api, &a, &request, fault, NULL, &response);
    metrics_record(x->metrics, NULL, response.status, 0);
    buf_printf(&text,
               "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: %s\r\n"
               "Content-Length: %zu\r\n\r\n",
               response.status, MHD_get_reason_phrase_for((unsigned)response.status),
               response.content_type, response.body.len);
    buf_add_str(&text, buf_str(&response.body));
    buf_fini(&response.body);
    (void)!send(c->fd, text.ptr, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(c->fd, SHUT_RDWR);
}

/* --- the way of a request --- */

/* Whether to take the body at all. Who asks first (Expect) is told at once; who does not is read
 * out, unless that would be too much. */
static enum MHD_Result take_headers(struct exchange_conf *x, struct conn *c, const char *method)
{
    const char *said = header(c, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t length = 0;

    c->has_headers = true;
    if (said && !str_to_u64(str_of(said), &length))
        length = UINT64_MAX;
    if (length <= API_MAX_BODY_BYTES)
        return MHD_YES;
    c->is_too_large = true;
    if (length > DRAIN_MAX_BYTES || header(c, MHD_HTTP_HEADER_EXPECT))
        return refuse_large(x, c, method);
    return MHD_YES;
}

static enum MHD_Result take_body(struct exchange_conf *x, struct conn *c, const char *data,
                                 size_t len)
{
    conn_progress(c);
    if (!c->is_too_large && c->body.len + len <= API_MAX_BODY_BYTES) {
        buf_add(&c->body, data, len);
        return MHD_YES;
    }
    c->is_too_large = true;
    buf_clear(&c->body);
    c->dropped += len;
    if (c->dropped <= DRAIN_MAX_BYTES)
        return MHD_YES;
    if (conn_work_begin(c))
        exchange_break_off(x, c, FAULT_REQUEST_ENTITY_TOO_LARGE);
    return MHD_NO;
}

/* Holds the poll back; false when there is a reason to look again at once. */
static bool hold(struct exchange_conf *x, struct conn *c, uint64_t wakes,
                 const struct agents_hold *by)
{
    int64_t now = clock_boot_ms(x->clock), wait_ms = by->wait_ms;

    if (c->poll_end_ms == 0)
        c->poll_end_ms = now + wait_ms;
    int64_t until = now + wait_ms < c->poll_end_ms ? now + wait_ms : c->poll_end_ms;
    c->worked_us += now_us() - c->begun_us;
    c->again = by->again;
    if (!conn_wait(c, wakes, by->key, until))
        return false;
    if (until < conns_next_ms(x->conns))
        keeper_poke(x->keeper);
    return true;
}

static bool may_wait(struct exchange_conf *x, const struct conn *c)
{
    if (conns_is_stopping(x->conns))
        return false;
    return c->poll_end_ms == 0 || clock_boot_ms(x->clock) < c->poll_end_ms;
}

static enum MHD_Result answer(struct exchange_conf *x, struct conn *c, const char *method)
{
    struct api_request request = request_of(c, method);

    for (;;) {
        struct agents_call call = {.request = &request,
                                   .is_local = c->is_local,
                                   .may_wait = may_wait(x, c),
                                   .again = c->again};
        struct api_response response = {0};
        uint64_t wakes = atomic_load(&x->conns->wakes);
        struct agents_hold by;

        if (!conn_work_begin(c))
            return MHD_NO;
        c->begun_us = now_us();
        routes_handle(atomic_load(&x->routes), &c->arena, &call, &response, &by);
        if (by.wait_ms == 0)
            return reply(x, c, &request, &response);
        if (hold(x, c, wakes, &by))
            return MHD_YES;
    }
}

enum MHD_Result exchange_step(struct exchange_conf *x, struct conn *c, const char *method,
                              const char *data, size_t *data_len)
{
    size_t len = *data_len;

    if (!c->has_headers)
        return take_headers(x, c, method);
    if (len > 0) {
        *data_len = 0;
        return take_body(x, c, data, len);
    }
    return c->is_too_large ? refuse_large(x, c, method) : answer(x, c, method);
}
