/* One question at a time, and a pause behind each that came to nothing. */
#include "controlplane/dns/stand_in.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/http.h"
#include "base/log.h"
#include "base/net.h"
#include "base/shape_json.h"
#include "contract/agent.h"
#include "nameserver/copy.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WAIT_MS          1000 /* how long the leader may hold the question */
#define PATIENCE_MS      3000
#define PAUSE_MS         200
#define MAX_ANSWER_BYTES (64U << 20)

struct stand_in {
    struct stand_in_conf conf;
    struct copy *copy;
    struct http_loop *http;
    int stop_fd;
    pthread_t thread;
    bool has_thread;

    struct http_exchange *asked; /* NULL when nobody is */
    bool was_of_use;             /* the last answer */
    bool must_begin_anew;        /* the copy cannot be gone on with */
};

static const struct op_desc *follow_names(void)
{
    return service_op(&service_agent, "FollowNames");
}

static struct err take(struct stand_in *s, struct arena *a, const struct http_response *r)
{
    struct agent_follow_names_out told = {0};

    if (r->status != 200)
        return err_make(ERR_UNAVAILABLE, "the leader tells no names");
    TRY(shape_json_parse(a, follow_names()->out, r->body, SHAPE_UNKNOWN_IGNORE, &told));
    return told.is_changed.value ? copy_take(s->copy, &told) : OK;
}

static void on_answer(void *context, struct err e, const struct http_response *r)
{
    struct stand_in *s = context;
    scoped(arena_fini) struct arena a = {0};

    s->asked = NULL;
    if (!err_failed(e)) {
        e = take(s, &a, r);
        s->must_begin_anew = err_is(e, ERR_INVALID);
    }
    s->was_of_use = !err_failed(e);
    if (err_failed(e))
        log_debug("names are not told to the control plane that stands by", f_err(e));
}

/* False when nobody knows whom to ask. */
static bool ask(struct stand_in *s)
{
    scoped(arena_fini) struct arena a = {0};
    scoped(buf_fini) struct buf body = BUF_EMPTY;
    struct json_writer w = JSON_WRITER(&body);
    const char *headers[2] = {"Content-Type: application/json"};
    const char *url = s->conf.leader(s->conf.context, &a);
    const int64_t life = copy_life(s->copy);
    const struct agent_follow_names_in message = {
        .life = INT_OF(s->must_begin_anew ? 0 : life),
        .serial = INT_OF(life ? copy_serial(s->copy) : 0),
        .wait_ms = INT_OF(WAIT_MS),
    };

    if (!url)
        return false;
    shape_json_write(&w, follow_names()->in, &message);
    if (s->conf.token)
        headers[1] = arena_printf(&a, "Authorization: Bearer %s", s->conf.token);
    const struct http_request request = {
        .method = "POST",
        .url = arena_printf(&a, "%s/agent/v1/names", url),
        .headers = headers,
        .header_count = s->conf.token ? 2 : 1,
        .body = buf_str(&body),
        .timeout_ms = PATIENCE_MS,
        .max_body_bytes = MAX_ANSWER_BYTES,
    };
    s->asked = http_start(s->http, &request, on_answer, s);
    return true;
}

/* Until something happens, for so long at most; false at the end. */
static bool wait_for(struct stand_in *s, int timeout_ms)
{
    struct pollfd fds[] = {
        {.fd = s->stop_fd,            .events = POLLIN},
        {.fd = http_loop_fd(s->http), .events = POLLIN},
    };

    if (poll(fds, 2, timeout_ms) < 0 && errno != EINTR)
        return false;
    if (fds[0].revents)
        return false;
    http_loop_run(s->http);
    return true;
}

static void *follow(void *context)
{
    struct stand_in *s = context;
    bool goes_on = true;

    while (goes_on) {
        s->was_of_use = false;
        if (ask(s))
            while (goes_on && s->asked)
                goes_on = wait_for(s, -1);
        if (goes_on && !s->was_of_use)
            goes_on = wait_for(s, PAUSE_MS);
    }
    return NULL;
}

static struct err begin(struct arena *a, struct stand_in *s)
{
    struct net_addr listen;

    if (!net_addr_parse(str_of(s->conf.listen), &listen))
        return err_format(a, ERR_INVALID, "\"%s\" is not an address to listen on (HOST:PORT)",
                          s->conf.listen);
    TRY(copy_open(a, s->conf.path, &listen, s->conf.clock, &s->copy));
    TRY(http_loop_open(&s->http));
    if (pthread_create(&s->thread, NULL, follow, s) != 0)
        return err_make(ERR_LIMIT, "no thread for names while standing by");
    s->has_thread = true;
    return OK;
}

struct err stand_in_start(struct arena *a, const struct stand_in_conf *conf, struct stand_in **out)
{
    struct stand_in *s = calloc(1, sizeof(*s));

    check(s != NULL);
    s->conf = *conf;
    s->stop_fd = eventfd(0, EFD_CLOEXEC);
    check(s->stop_fd >= 0);
    struct err e = begin(a, s);
    if (err_failed(e)) {
        stand_in_stop(s);
        return e;
    }
    *out = s;
    return OK;
}

void stand_in_stop(struct stand_in *s)
{
    if (!s)
        return;
    check(eventfd_write(s->stop_fd, 1) == 0);
    if (s->has_thread)
        pthread_join(s->thread, NULL);
    if (s->http)
        http_loop_close(s->http);
    copy_close(s->copy);
    close(s->stop_fd);
    free(s);
}

int stand_in_port(const struct stand_in *s)
{
    return copy_port(s->copy);
}
