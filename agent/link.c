/*
 * Two exchanges at most are under way: one Sync and one Report.
 *
 * They travel on two connections, so the control plane may take a Report before a Sync that was
 * sent earlier and knows less. Messages are numbered for that: what was overtaken counts no more.
 * So all that changes is reported, whatever Syncs say.
 *
 * One that stands still answers nothing. Where another one may have taken its place, polls are so
 * short that this is known soon, and shorter still while nobody answers.
 */
#include "agent/link.h"

#include "agent/drivers/numbers.h"
#include "agent/plane.h"
#include "agent/steps/steps.h"
#include "agent/supervise/loop.h"
#include "agent/supervise/node.h"
#include "agent/topologies.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/http.h"
#include "base/json.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/shape_json.h"
#include "contract/agent.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_RETRY_MS    50
#define LAST_RETRY_MS     2000
#define POLL_SLACK_MS     10000 /* beyond the wait that was asked for */
#define REPORT_TIMEOUT_MS 10000
#define EMPTY_PAUSE_MS    100    /* after an answer that came at once and brought nothing */
#define WHOLE_EVERY_MS    600000 /* all goals are asked for anew, should anything be amiss */
#define SAMPLES_MS        1500   /* all nodes are asked within a beat, and told of together */
#define SHORT_WAIT_MS     1000   /* of polls, where there is another one to be asked */
#define SHORT_SLACK_MS    500
#define FIRST_DOUBT_MS    400 /* for each answer, while nobody answers; twice as long each round */
#define LAST_DOUBT_MS     3000
#define SHORT_RETRY_MS    250 /* as LAST_RETRY_MS */
#define SHORT_REPORT_MS   3000
#define MAX_ANSWER_BYTES  (64U << 20)
#define FAULT_DEPTH       8

struct link {
    struct link_conf conf;
    struct http_loop *http;
    struct loop_watch watch;
    struct http_exchange *sync, *report; /* NULL when not under way */
    struct loop_timer sync_timer, report_timer, sample_timer;
    int64_t sync_ms;        /* boot time at which the last was sent */
    int64_t message_number; /* of the last message */
    int64_t generation;
    int doubt_ms;     /* how long an answer is waited for; 0 when one came last time */
    int64_t whole_ms; /* when all goals were told last */
    int64_t retry_ms; /* the longest wait before the next attempt; 0 when all is well */
    bool was_answered;
    bool has_promise;    /* of which it was not told */
    bool is_unreachable; /* and that was logged */
};

/* Messages. */

static void start(struct link *k, const char *path, const struct shape *shape, const void *message,
                  int timeout_ms, http_done_fn done, struct http_exchange **out)
{
    scoped(arena_fini) struct arena a = {0};
    scoped(buf_fini) struct buf body = BUF_EMPTY;
    struct json_writer w = JSON_WRITER(&body);
    const char *headers[2] = {"Content-Type: application/json"};
    size_t header_count = 1;

    shape_json_write(&w, shape, message);
    if (k->conf.token)
        headers[header_count++] = arena_printf(&a, "Authorization: Bearer %s", k->conf.token);
    const struct http_request request = {
        .method = "POST",
        .url = arena_printf(&a, "%s%s", *plane_url(k->conf.plane), path),
        .headers = headers,
        .header_count = header_count,
        .body = buf_str(&body),
        .timeout_ms = timeout_ms,
        .max_body_bytes = MAX_ANSWER_BYTES,
    };
    *out = http_start(k->http, &request, done, k);
}

static struct agent_node_report_list report_list(struct arena *a, const struct nodes *nodes,
                                                 bool is_all)
{
    struct agent_node_report_list list = {.has = true};

    list.items = arena_array(a, nodes->count + 1, sizeof(*list.items));
    vec_each(at, nodes)
        if (is_all || (*at)->is_being_told)
            node_report(*at, &list.items[list.count++]);
    return list;
}

static struct agent_node_number_list number_list(struct arena *a, const struct sample *s)
{
    struct agent_node_number_list list = {.has = true, .count = s->count};

    list.items = arena_array(a, s->count + 1, sizeof(*list.items));
    for (size_t i = 0; i < s->count; i++)
        list.items[i] = (struct agent_node_number){
            s->items[i].name, {true, s->items[i].value}
        };
    return list;
}

/* Of the minute before, those that were not told yet. */
static struct agent_node_sample_list sample_list(struct arena *a, const struct nodes *nodes)
{
    struct agent_node_sample_list list = {.has = true};

    list.items = arena_array(a, nodes->count + 1, sizeof(*list.items));
    vec_each(at, nodes) {
        const struct node *n = *at;

        if (n->sample)
            list.items[list.count++] =
                (struct agent_node_sample){.node_id = INT_OF(n->id),
                                           .at = TIME_OF(n->sample->at_ms),
                                           .numbers = number_list(a, n->sample)};
    }
    return list;
}

/* Refusals. */

/* The fault that the control plane answered with. */
struct refusal {
    const char *code;
    const char *message;
};

static struct refusal refusal_of(struct arena *a, const struct http_response *r)
{
    struct refusal refusal = {"", "the control plane gave no reason"};
    struct json body;

    if (err_failed(json_parse(a, r->body, FAULT_DEPTH, &body)))
        return refusal;
    const char *code = json_get_text(&body, "Code"), *message = json_get_text(&body, "Message");
    if (code)
        refusal.code = code;
    if (message)
        refusal.message = message;
    return refusal;
}

static bool is_final(const struct refusal *refusal)
{
    return strcmp(refusal->code, "HostNameTaken") == 0 ||
           strcmp(refusal->code, "HostSuperseded") == 0;
}

static bool has_choice(const struct link *k)
{
    return plane_count(k->conf.plane) > 1;
}

static int64_t next_retry_ms(struct link *k)
{
    const int64_t last_ms = has_choice(k) ? SHORT_RETRY_MS : LAST_RETRY_MS;

    k->retry_ms = k->retry_ms == 0 ? FIRST_RETRY_MS : k->retry_ms * 2;
    if (k->retry_ms > last_ms)
        k->retry_ms = last_ms;
    return k->retry_ms / 2 + (int64_t)rng_below(k->conf.rng, (uint64_t)k->retry_ms / 2 + 1);
}

/* Logs the first failure of a row. */
static void note_failure(struct link *k, const char *what, struct err e)
{
    if (!k->is_unreachable)
        log_warn(what, f_str("url", *plane_url(k->conf.plane)), f_err(e));
    k->is_unreachable = true;
}

static void note_answer(struct link *k)
{
    if (k->is_unreachable)
        log_info("control plane answers again", f_str("url", *plane_url(k->conf.plane)));
    k->is_unreachable = false;
    k->retry_ms = 0;
    k->doubt_ms = 0;
    plane_stay(k->conf.plane);
    if (!k->was_answered) {
        k->was_answered = true;
        k->conf.on_first_answer(k->conf.context);
    }
}

/*
 * What an exchange came to: OK with status 200. A refusal that is for good goes to on_refused (the
 * link may be closed by the time this returns); HostUnknown is ERR_NOT_FOUND.
 */
static struct err outcome(struct link *k, struct arena *a, struct err e,
                          const struct http_response *r)
{
    if (err_failed(e)) {
        note_failure(k, "control plane cannot be reached", e);
        return e;
    }
    if (r->status == 200)
        return OK;
    struct refusal refusal = refusal_of(a, r);
    if (strcmp(refusal.code, "HostUnknown") == 0)
        return err_make(ERR_NOT_FOUND, "the control plane does not know this host yet");
    e = err_format(a, ERR_DENIED, "%s (status %d %s)", refusal.message, r->status, refusal.code);
    if (is_final(&refusal))
        k->conf.on_refused(k->conf.context, e.why);
    else
        note_failure(k, "control plane refuses a message", e);
    return e;
}

static bool has_news(const struct link *k)
{
    if (k->has_promise)
        return true;
    vec_each(at, k->conf.nodes)
        if ((*at)->is_untold || (*at)->sample)
            return true;
    return false;
}

static void report_soon(struct link *k)
{
    if (!k->report && !k->report_timer.is_on && !k->doubt_ms) /* else it goes with the next one */
        loop_timer_set(k->conf.loop, &k->report_timer, 0);
}

/* Where there are several. */

static int wait_of(const struct link *k)
{
    if (!has_choice(k) || k->conf.wait_ms < SHORT_WAIT_MS)
        return k->conf.wait_ms;
    return k->doubt_ms ? 0 : SHORT_WAIT_MS;
}

static int patience_of(const struct link *k, int wait_ms)
{
    if (!has_choice(k))
        return wait_ms + POLL_SLACK_MS;
    return k->doubt_ms ? k->doubt_ms : wait_ms + SHORT_SLACK_MS;
}

static void settle_told(struct link *k, bool was_taken);

/* What is under way to the one that is left. */
static void drop_exchanges(struct link *k)
{
    if (k->sync)
        http_cancel(k->sync);
    k->sync = NULL;
    if (!k->report)
        return;
    http_cancel(k->report);
    k->report = NULL;
    k->has_promise = true;
    settle_told(k, false);
}

/* The one that was asked is of no use; how long to wait before the next one is asked. */
static int64_t turn(struct link *k)
{
    if (!has_choice(k))
        return next_retry_ms(k);
    drop_exchanges(k);
    bool is_round = plane_turn(k->conf.plane);
    if (!k->doubt_ms)
        k->doubt_ms = FIRST_DOUBT_MS;
    else if (is_round)
        k->doubt_ms = k->doubt_ms * 2 < LAST_DOUBT_MS ? k->doubt_ms * 2 : LAST_DOUBT_MS;
    k->conf.on_turn(k->conf.context);
    return is_round ? next_retry_ms(k) : 0;
}

/* Sync. */

static void on_sync_done(void *context, struct err e, const struct http_response *r);

static void send_sync(void *context)
{
    struct link *k = context;
    scoped(arena_fini) struct arena a = {0};
    struct agent_host host = *k->conf.host;
    const struct plane_word word = plane_word(k->conf.plane);
    const int wait_ms = wait_of(k);

    if (k->sync)
        return;
    int64_t late_ms = k->conf.lease_late_ms ? k->conf.lease_late_ms(k->conf.context) : -1;
    host.lease_late_ms = (struct opt_int){late_ms >= 0, late_ms};
    const struct agent_sync_in message = {
        .host = &host,
        .message_number = INT_OF(++k->message_number),
        .seen_generation = INT_OF(k->generation),
        .takes_changes = BOOL_OF(loop_now_ms(k->conf.loop) < k->whole_ms + WHOLE_EVERY_MS),
        .takes_topologies = BOOL_OF(true),
        .wait_ms = INT_OF(wait_ms),
        .nodes = report_list(&a, k->conf.nodes, true),
        .promised = k->conf.promised(k->conf.context, &a),
        .epoch = {word.epoch > 0, word.epoch   },
        .leader = {word.epoch > 0, word.leader  },
        .leader_heard_ms = {word.epoch > 0, word.heard_ms},
    };
    k->sync_ms = loop_now_ms(k->conf.loop);
    start(k, "/agent/v1/sync", service_op(&service_agent, "Sync")->in, &message,
          patience_of(k, wait_ms), on_sync_done, &k->sync);
}

/* Takes the goals of the answer; how long to wait before the next poll. */
static struct err take_goals(struct link *k, struct arena *a, struct str body,
                             int64_t *out_pause_ms)
{
    struct agent_sync_out answer = {0};

    TRY(shape_json_parse(a, service_op(&service_agent, "Sync")->out, body, SHAPE_UNKNOWN_IGNORE,
                         &answer));
    TRY(plane_take(k->conf.plane, a, answer.epoch.value, answer.leader.value));
    bool was_quick = loop_now_ms(k->conf.loop) - k->sync_ms < EMPTY_PAUSE_MS;
    bool is_news = answer.is_changed.value && answer.generation.value != k->generation;
    *out_pause_ms = was_quick && !is_news ? EMPTY_PAUSE_MS : 0;
    if (!answer.is_changed.value)
        return OK;
    if (!answer.goals.has)
        return err_make(ERR_INVALID, "the answer has no goals");
    TRY(topologies_resolve(a, &answer.topologies, &answer.goals));
    log_debug("goals received", f_int("generation", answer.generation.value),
              f_int("count", answer.goals.count));
    k->generation = answer.generation.value;
    if (answer.is_partial.value) {
        steps_change_goals(k->conf.steps, &answer.goals);
    } else {
        steps_set_goals(k->conf.steps, &answer.goals);
        k->whole_ms = loop_now_ms(k->conf.loop);
    }
    k->conf.on_leases(k->conf.context, &answer.promises, answer.lease_key);
    return OK;
}

static void on_sync_done(void *context, struct err e, const struct http_response *r)
{
    struct link *k = context;
    scoped(arena_fini) struct arena a = {0};
    int64_t pause_ms = 0;

    k->sync = NULL;
    e = outcome(k, &a, e, r);
    if (!err_failed(e)) {
        e = take_goals(k, &a, r->body, &pause_ms);
        if (err_is(e, ERR_DENIED))
            note_failure(k, "control plane is not obeyed any more", e);
        else if (err_failed(e))
            note_failure(k, "control plane answers what nobody understands", e);
        else
            note_answer(k);
    }
    if (err_failed(e))
        pause_ms = turn(k);
    else if (has_news(k)) /* what changed before the first answer was kept back */
        report_soon(k);
    steps_sweep(k->conf.steps);
    loop_timer_set(k->conf.loop, &k->sync_timer, pause_ms);
}

/* Report. */

/* What was in the report that ended. */
static void settle_told(struct link *k, bool was_taken)
{
    vec_each(at, k->conf.nodes) {
        struct node *n = *at;

        if (was_taken && n->sample && n->sample->at_ms == n->told_sample_ms)
            n->sample = NULL;
        n->told_sample_ms = 0;
        if (!n->is_being_told)
            continue;
        n->is_being_told = false;
        n->is_untold |= !was_taken;
    }
}

static void on_report_done(void *context, struct err e, const struct http_response *r)
{
    struct link *k = context;
    scoped(arena_fini) struct arena a = {0};

    k->report = NULL;
    e = outcome(k, &a, e, r);
    settle_told(k, !err_failed(e));
    k->has_promise |= err_failed(e);
    steps_sweep(k->conf.steps);
    if (err_is(e,
               ERR_NOT_FOUND)) { /* it was restarted, and the poll under way is to its past life */
        http_cancel(k->sync);
        k->sync = NULL;
        loop_timer_set(k->conf.loop, &k->sync_timer, 0);
    }
    if (err_failed(e) && has_choice(k) && !err_is(e, ERR_NOT_FOUND))
        loop_timer_set(k->conf.loop, &k->sync_timer, turn(k)); /* which says everything */
    else if (err_failed(e))
        loop_timer_set(k->conf.loop, &k->report_timer, next_retry_ms(k));
    else if (has_news(k))
        report_soon(k);
}

static void send_report(void *context)
{
    struct link *k = context;
    scoped(arena_fini) struct arena a = {0};

    const struct plane_word word = plane_word(k->conf.plane);

    if (k->report || !k->was_answered || k->doubt_ms) /* the first Sync says everything */
        return;
    vec_each(at, k->conf.nodes) {
        struct node *n = *at;

        n->is_being_told = n->is_untold;
        n->is_untold = false;
        n->told_sample_ms = n->sample ? n->sample->at_ms : 0;
    }
    const struct agent_report_in message = {
        .host_id = k->conf.host->host_id,
        .incarnation = k->conf.host->incarnation,
        .message_number = INT_OF(++k->message_number),
        .nodes = report_list(&a, k->conf.nodes, false),
        .samples = sample_list(&a, k->conf.nodes),
        .promised = k->conf.promised(k->conf.context, &a),
        .epoch = {word.epoch > 0, word.epoch   },
        .leader = {word.epoch > 0, word.leader  },
        .leader_heard_ms = {word.epoch > 0, word.heard_ms},
    };
    bool has_promise = k->has_promise;
    k->has_promise = false;
    if (message.nodes.count > 0 || message.samples.count > 0 || has_promise)
        start(k, "/agent/v1/report", service_op(&service_agent, "Report")->in, &message,
              has_choice(k) ? SHORT_REPORT_MS : REPORT_TIMEOUT_MS, on_report_done, &k->report);
}

void link_tell_promise(struct link *k)
{
    k->has_promise = true;
    report_soon(k);
}

void link_tell(struct link *k, struct node *n)
{
    n->is_untold = true;
    report_soon(k);
}

static void on_samples_due(void *context)
{
    struct link *k = context;

    if (has_news(k))
        report_soon(k);
}

void link_tell_sample(struct link *k)
{
    if (!k->sample_timer.is_on)
        loop_timer_set(k->conf.loop, &k->sample_timer, SAMPLES_MS);
}

/* Beginning and end. */

static void on_http(void *context, uint32_t events)
{
    struct link *k = context;

    (void)events;
    http_loop_run(k->http);
}

struct err link_open(const struct link_conf *conf, struct link **out)
{
    struct http_loop *http;

    TRY(http_loop_open(&http));
    struct link *k = calloc(1, sizeof(*k));
    check(k != NULL);
    k->conf = *conf;
    k->http = http;
    k->watch = (struct loop_watch){.on_ready = on_http, .context = k};
    k->sync_timer = (struct loop_timer){.on_due = send_sync, .context = k};
    k->report_timer = (struct loop_timer){.on_due = send_report, .context = k};
    k->sample_timer = (struct loop_timer){.on_due = on_samples_due, .context = k};
    struct err e = loop_watch(conf->loop, &k->watch, http_loop_fd(http), EPOLLIN);
    if (err_failed(e)) {
        link_close(k);
        return e;
    }
    *out = k;
    return OK;
}

void link_close(struct link *k)
{
    if (!k)
        return;
    loop_unwatch(k->conf.loop, &k->watch);
    loop_timer_stop(k->conf.loop, &k->sync_timer);
    loop_timer_stop(k->conf.loop, &k->report_timer);
    loop_timer_stop(k->conf.loop, &k->sample_timer);
    http_loop_close(k->http);
    free(k);
}

bool link_is_quiet(const struct link *k)
{
    return !k->report && !has_news(k);
}

void link_start(struct link *k)
{
    loop_timer_set(k->conf.loop, &k->sync_timer, 0);
}
