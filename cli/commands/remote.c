/*
 * Requests by the operation's row: members named in its path go there, and the rest into the query
 * of a GET or DELETE or into a JSON body. Signed when there are credentials; where there are none
 * but a region was chosen, a placeholder signs, because the region travels in the signature's
 * scope. Of several endpoints the one that answered last is asked first.
 */
#include "cli/commands/remote.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/http.h"
#include "base/shape_json.h"
#include "base/shape_text.h"
#include "cli/commands/options.h"
#include "cli/commands/view.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    DEFAULT_TIMEOUT_S = 60,
    JSON_DEPTH_MAX = 64,
    NEXT_MS = 3000,   /* one that is silent for so long is left, where there are others */
    TURNS_MS = 10000, /* so long all are asked */
    TURN_PAUSE_MS = 100,
    NOT_NOW = 503,
};

#define DEFAULT_URL    "http://127.0.0.1:9379"
#define DEFAULT_REGION "us-east-1"
#define PLACEHOLDER    "larder"

struct remote {
    struct http *http;
    const char *url; /* all that were given */
    size_t at;       /* of these, the one that is asked */
    int timeout_ms;
    bool is_signed;
    struct http_signer signer;
};

/* The first of the variables that is set and not empty, or NULL. */
static const char *environment(const char *const *names)
{
    for (; *names; names++) {
        const char *value = getenv(*names);
        if (value && *value)
            return value;
    }
    return NULL;
}

static void settle_signer(struct remote *r, const struct call_globals *g, const char *service)
{
    static const char *const region_names[] = {"AWS_REGION", "AWS_DEFAULT_REGION", NULL};
    static const char *const key_names[] = {"AWS_ACCESS_KEY_ID", NULL};
    static const char *const secret_names[] = {"AWS_SECRET_ACCESS_KEY", NULL};
    static const char *const token_names[] = {"AWS_SESSION_TOKEN", NULL};
    const char *region = g->region ? g->region : environment(region_names);
    const char *key = environment(key_names), *secret = environment(secret_names);

    r->is_signed = !g->is_unsigned && (key || region);
    r->signer = (struct http_signer){
        .access_key = key ? key : PLACEHOLDER,
        .secret_key = secret ? secret : PLACEHOLDER,
        .session_token = key ? environment(token_names) : NULL,
        .region = region ? region : DEFAULT_REGION,
        .service = service,
    };
}

struct remote *remote_open(const struct call_globals *globals, const struct service_desc *service)
{
    static const char *const url_names[] = {"LARDER_ENDPOINT_URL", "AWS_ENDPOINT_URL", NULL};
    struct remote *r = calloc(1, sizeof(*r));
    const char *url = globals->endpoint_url ? globals->endpoint_url : environment(url_names);

    check(r);
    r->url = url ? url : DEFAULT_URL;
    r->timeout_ms = (int)(globals->timeout_s ? globals->timeout_s : DEFAULT_TIMEOUT_S) * 1000;
    settle_signer(r, globals, service->name);
    r->http = http_open();
    return r;
}

void remote_close(struct remote *r)
{
    if (!r)
        return;
    http_close(r->http);
    free(r);
}

const char *remote_url(const struct remote *r)
{
    return r->url;
}

/* Percent-encodes what RFC 3986 does not let stand anywhere. */
static void add_encoded(struct buf *out, struct str text)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.ptr[i];
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || (c && strchr("-._~", c));
        if (is_plain) {
            buf_putc(out, (char)c);
        } else {
            buf_putc(out, '%');
            buf_putc(out, hex[c >> 4]);
            buf_putc(out, hex[c & 15]);
        }
    }
}

static void add_encoded_scalar(struct buf *out, struct view v)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    shape_text_write(&text, v.shape, v.at);
    add_encoded(out, buf_str(&text));
}

/* Cuts the next {Member} off a path and finds it; false at the path's end. `*out_before` stands
 * before it. */
static bool next_in_path(struct arena *a, const struct op_desc *op, struct str *path,
                         struct str *out_before, const struct shape_member **out)
{
    *out_before = str_cut(path, '{');
    if (path->len == 0)
        return false;
    *out = shape_find(op->in, str_dup(a, str_cut(path, '}')));
    check(*out);
    return true;
}

static bool is_in_path(struct arena *a, const struct op_desc *op, const struct op_rest *rest,
                       const struct shape_member *m)
{
    struct str path = str_of(rest->path), before;
    const struct shape_member *named;

    while (next_in_path(a, op, &path, &before, &named))
        if (named == m)
            return true;
    return false;
}

static bool can_fill(struct arena *a, const struct op_desc *op, const struct op_rest *rest,
                     const void *in)
{
    struct str path = str_of(rest->path), before;
    const struct shape_member *m;

    while (next_in_path(a, op, &path, &before, &m)) {
        const char *const *text = shape_value(m, in);
        if (!text || !**text) /* an empty segment would name another resource */
            return false;
    }
    return true;
}

/* The first of the operation's resources that all members are there for, or NULL. */
static const struct op_rest *choose_rest(struct arena *a, const struct op_desc *op, const void *in)
{
    for (size_t i = 0; i < op->rest_count; i++)
        if (can_fill(a, op, &op->rests[i], in))
            return &op->rests[i];
    return NULL;
}

static void add_path(struct arena *a, const struct op_desc *op, const struct op_rest *rest,
                     const void *in, struct buf *out)
{
    struct str path = str_of(rest->path), before;
    const struct shape_member *m;

    while (next_in_path(a, op, &path, &before, &m)) {
        buf_add_str(out, before);
        add_encoded_scalar(out, (struct view){m->shape, shape_value(m, in)});
    }
    buf_add_str(out, before);
}

/* One query parameter per value: Name=a, lists as Name=a&Name=b, deeper values as JSON. */
static void add_parameter(struct buf *out, const char *name, struct view v, bool *is_first)
{
    if (v.shape->kind == SHAPE_LIST && shape_is_scalar(v.shape->item)) {
        for (size_t i = 0; i < view_seq(v)->count; i++)
            add_parameter(out, name, view_item(v, i), is_first);
        return;
    }
    buf_printf(out, "%c%s=", *is_first ? '?' : '&', name);
    *is_first = false;
    if (shape_is_scalar(v.shape)) {
        add_encoded_scalar(out, v);
        return;
    }
    scoped(buf_fini) struct buf json = BUF_EMPTY;
    struct json_writer w = JSON_WRITER(&json);
    shape_json_write(&w, v.shape, v.at);
    add_encoded(out, buf_str(&json));
}

static bool has_body(const struct op_rest *rest)
{
    return strcmp(rest->method, "GET") != 0 && strcmp(rest->method, "DELETE") != 0;
}

static void add_query(struct arena *a, const struct op_desc *op, const struct op_rest *rest,
                      const void *in, struct buf *out)
{
    bool is_first = true;
    struct view value;

    for (size_t i = 0; i < op->in->member_count; i++) {
        const struct shape_member *m = &op->in->members[i];
        if (!is_in_path(a, op, rest, m) && view_member((struct view){op->in, in}, m, &value))
            add_parameter(out, m->name, value, &is_first);
    }
}

static struct err read_fault(struct arena *a, const struct http_response *response,
                             struct remote_fault *out)
{
    struct json body;

    if (err_failed(json_parse(a, response->body, JSON_DEPTH_MAX, &body)) ||
        body.kind != JSON_OBJECT)
        return err_format(a, ERR_CORRUPT, "it answered with HTTP status %d and no explanation",
                          response->status);
    out->code = json_get_text(&body, "Code");
    out->message = json_get_text(&body, "Message");
    if (!out->code)
        return err_format(a, ERR_CORRUPT, "it answered with HTTP status %d and no code",
                          response->status);
    if (!out->message)
        out->message = "";
    return OK;
}

static struct err read_answer(struct arena *a, const struct op_desc *op,
                              const struct http_response *response, void *out)
{
    if (!op->out || response->body.len == 0)
        return OK;
    struct err e = shape_json_parse(a, op->out, response->body, SHAPE_UNKNOWN_IGNORE, out);
    if (err_failed(e))
        return err_format(a, ERR_CORRUPT, "its answer makes no sense: %s", e.why);
    return OK;
}

/* --- endpoints --- */

static size_t count_endpoints(const struct remote *r)
{
    size_t count = 1;

    for (const char *c = r->url; *c; c++)
        count += *c == ',';
    return count;
}

/* Without a slash at its end. */
static struct str endpoint(const struct remote *r)
{
    struct str rest = str_of(r->url), url = str_cut(&rest, ',');

    for (size_t i = 0; i < r->at; i++)
        url = str_cut(&rest, ',');
    url = str_trim(url);
    while (url.len > 0 && url.ptr[url.len - 1] == '/')
        url.len--;
    return url;
}

static int64_t boot_ms(void)
{
    return clock_boot_ms(&clock_system);
}

static void pause_between_rounds(void)
{
    const struct timespec span = {.tv_nsec = TURN_PAUSE_MS * 1000000L};

    (void)nanosleep(&span, NULL); /* woken early, it asks early */
}

/* Nobody answers, or somebody says that another one would. */
static bool is_of_no_use(struct err e, const struct http_response *response)
{
    if (err_failed(e))
        return err_is(e, ERR_UNAVAILABLE) || err_is(e, ERR_TIMEOUT);
    return response->status == NOT_NOW;
}

/* `path` is behind the endpoint's URL. */
static struct err send_to_one(struct remote *r, struct arena *a, struct http_request *request,
                              struct str path, struct http_response *out)
{
    scoped(buf_fini) struct buf url = BUF_EMPTY;

    buf_add_str(&url, endpoint(r));
    buf_add_str(&url, path);
    request->url = buf_cstr(&url);
    return http_send(r->http, a, request, out);
}

static struct err send_in_turn(struct remote *r, struct arena *a, struct http_request *request,
                               struct str path, struct http_response *out)
{
    const size_t count = count_endpoints(r);
    const int64_t until_ms = boot_ms() + TURNS_MS;

    if (count > 1 && request->timeout_ms > NEXT_MS)
        request->timeout_ms = NEXT_MS;
    for (size_t turns = 1;; turns++) {
        struct err e = send_to_one(r, a, request, path, out);
        if (count == 1 || !is_of_no_use(e, out) || boot_ms() >= until_ms)
            return e;
        r->at = (r->at + 1) % count;
        if (turns % count == 0)
            pause_between_rounds();
    }
}

struct err remote_call(struct remote *r, struct arena *a, const struct op_desc *op, const void *in,
                       void *out, struct remote_fault *fault)
{
    static const char *const headers[] = {"Content-Type: application/json",
                                          "Accept: application/json"};
    scoped(buf_fini) struct buf path = BUF_EMPTY, body = BUF_EMPTY;
    const struct op_rest *rest = choose_rest(a, op, in);
    struct http_response response = {0};

    if (!rest)
        return err_format(a, ERR_INVALID, "%s needs more than was given: see its --help", op->name);
    *fault = (struct remote_fault){0};
    add_path(a, op, rest, in, &path);
    if (has_body(rest)) {
        struct json_writer w = JSON_WRITER(&body);
        shape_json_write(&w, op->in, in);
    } else {
        add_query(a, op, rest, in, &path);
    }

    struct http_request request = {
        .method = rest->method,
        .headers = headers,
        .header_count = countof(headers),
        .body = buf_str(&body),
        .timeout_ms = r->timeout_ms,
        .signer = r->is_signed ? &r->signer : NULL,
    };
    TRY(send_in_turn(r, a, &request, buf_str(&path), &response));
    if (response.status / 100 != 2)
        return read_fault(a, &response, fault);
    return read_answer(a, op, &response, out);
}
