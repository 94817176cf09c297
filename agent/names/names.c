/* One exchange at a time, so that answers arrive in the order in which they were given. */
#include "agent/names/names.h"

#include "agent/supervise/loop.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/http.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/shape_json.h"
#include "contract/agent.h"
#include "nameserver/copy.h"

#include <stdlib.h>

#define FIRST_RETRY_MS   50
#define LAST_RETRY_MS    2000
#define POLL_SLACK_MS    10000 /* beyond the wait that was asked for */
#define EMPTY_PAUSE_MS   100   /* after an answer that came at once and brought nothing */
#define MAX_ANSWER_BYTES (64U << 20)

struct names {
    struct names_conf conf;
    struct copy *copy;
    struct http_loop *http;
    struct loop_watch watch;
    struct loop_timer timer;
    struct http_exchange *poll; /* NULL when not under way */
    int64_t asked_ms;           /* boot time */
    int64_t retry_ms;           /* the longest wait before the next attempt; 0 when all is well */
    bool must_begin_anew;       /* the copy cannot be gone on with */
    bool is_failing;            /* and that was logged */
};

static const struct op_desc *follow_names(void)
{
    return service_op(&service_agent, "FollowNames");
}

static int64_t next_retry_ms(struct names *n)
{
    n->retry_ms = n->retry_ms == 0 ? FIRST_RETRY_MS : n->retry_ms * 2;
    if (n->retry_ms > LAST_RETRY_MS)
        n->retry_ms = LAST_RETRY_MS;
    return n->retry_ms / 2 + (int64_t)rng_below(n->conf.rng, (uint64_t)n->retry_ms / 2 + 1);
}

/* Takes an answer; how long to wait before the next poll. */
static struct err take(struct names *n, struct arena *a, const struct http_response *r,
                       int64_t *out_pause_ms)
{
    struct agent_follow_names_out told = {0};

    *out_pause_ms = 0;
    if (r->status != 200)
        return err_make(ERR_DENIED, "the control plane tells no names");
    TRY(shape_json_parse(a, follow_names()->out, r->body, SHAPE_UNKNOWN_IGNORE, &told));
    if (!told.is_changed.value) {
        if (loop_now_ms(n->conf.loop) - n->asked_ms < EMPTY_PAUSE_MS)
            *out_pause_ms = EMPTY_PAUSE_MS;
        return OK;
    }
    TRY(copy_take(n->copy, &told));
    log_debug("names received", f_int("serial", told.serial.value),
              f_int("count", told.names.count));
    return OK;
}

static void on_answer(void *context, struct err e, const struct http_response *r)
{
    struct names *n = context;
    scoped(arena_fini) struct arena a = {0};
    int64_t pause_ms = 0;

    n->poll = NULL;
    if (!err_failed(e)) {
        e = take(n, &a, r, &pause_ms);
        n->must_begin_anew = err_is(e, ERR_INVALID);
    }
    if (err_failed(e)) {
        if (!n->is_failing)
            log_warn("names are not told: the last ones are answered", f_str("url", *n->conf.url),
                     f_err(e));
        pause_ms = next_retry_ms(n);
    } else {
        if (n->is_failing)
            log_info("names are told again", f_str("url", *n->conf.url));
        n->retry_ms = 0;
    }
    n->is_failing = err_failed(e);
    loop_timer_set(n->conf.loop, &n->timer, pause_ms);
}

static void ask(void *context)
{
    struct names *n = context;
    const struct names_conf *conf = &n->conf;
    scoped(arena_fini) struct arena a = {0};
    scoped(buf_fini) struct buf body = BUF_EMPTY;
    struct json_writer w = JSON_WRITER(&body);
    const char *headers[2] = {"Content-Type: application/json"};
    const struct agent_follow_names_in message = {
        .life = INT_OF(n->must_begin_anew ? 0 : copy_life(n->copy)),
        .serial = INT_OF(copy_life(n->copy) ? copy_serial(n->copy) : 0),
        .wait_ms = INT_OF(conf->wait_ms),
    };

    shape_json_write(&w, follow_names()->in, &message);
    if (conf->token)
        headers[1] = arena_printf(&a, "Authorization: Bearer %s", conf->token);
    const struct http_request request = {
        .method = "POST",
        .url = arena_printf(&a, "%s/agent/v1/names", *conf->url),
        .headers = headers,
        .header_count = conf->token ? 2 : 1,
        .body = buf_str(&body),
        .timeout_ms = conf->wait_ms + POLL_SLACK_MS,
        .max_body_bytes = MAX_ANSWER_BYTES,
    };
    n->asked_ms = loop_now_ms(conf->loop);
    n->poll = http_start(n->http, &request, on_answer, n);
}

void names_turn(struct names *n)
{
    if (!n)
        return;
    if (n->poll)
        http_cancel(n->poll);
    n->poll = NULL;
    loop_timer_set(n->conf.loop, &n->timer, 0);
}

static void on_http(void *context, uint32_t events)
{
    struct names *n = context;

    (void)events;
    http_loop_run(n->http);
}

static struct err begin(struct arena *a, struct names *n)
{
    const struct names_conf *conf = &n->conf;

    TRY(copy_open(a, conf->path, conf->listen, loop_clock(conf->loop), &n->copy));
    TRY(http_loop_open(&n->http));
    TRY(loop_watch(conf->loop, &n->watch, http_loop_fd(n->http), EPOLLIN));
    log_info("names are answered", f_int("port", copy_port(n->copy)),
             f_int("serial", copy_life(n->copy) ? copy_serial(n->copy) : 0));
    loop_timer_set(conf->loop, &n->timer, 0);
    return OK;
}

struct err names_open(struct arena *a, const struct names_conf *conf, struct names **out)
{
    struct names *n = calloc(1, sizeof(*n));

    check(n != NULL);
    n->conf = *conf;
    n->watch = (struct loop_watch){.on_ready = on_http, .context = n};
    n->timer = (struct loop_timer){.on_due = ask, .context = n};
    struct err e = begin(a, n);
    if (err_failed(e)) {
        names_close(n);
        return e;
    }
    *out = n;
    return OK;
}

void names_close(struct names *n)
{
    if (!n)
        return;
    loop_unwatch(n->conf.loop, &n->watch);
    loop_timer_stop(n->conf.loop, &n->timer);
    http_loop_close(n->http);
    copy_close(n->copy);
    free(n);
}

int names_port(const struct names *n)
{
    return copy_port(n->copy);
}
