/*
 * One ear per engine that has IAM users: a talk on which questions come whenever a client logs in.
 * Each question is one exchange with the control plane; an ear that goes takes its questions along.
 */
#include "agent/tokens.h"

#include "agent/drivers/driver.h"
#include "agent/supervise/loop.h"
#include "agent/supervise/node.h"
#include "agent/tasks/talk.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/http.h"
#include "base/json.h"
#include "base/log.h"
#include "base/shape_json.h"
#include "contract/agent.h"

#include <stdlib.h>
#include <string.h>

#define RETRY_MS       500  /* until the engine is called again */
#define VERIFY_MS      5000 /* longer than engines wait */
#define QUESTION_WORDS 5    /* "iam", "verify", id, user, token */

struct tokens {
    struct tokens_conf conf;
    struct http_loop *http;
    struct loop_watch watch;
};

/* A question that the control plane was asked. */
struct inquiry {
    struct ear *ear;
    struct http_exchange *exchange;
    int64_t id; /* the engine's number of it */
    struct inquiry *next;
};

struct ear {
    struct tokens *all;
    struct node *node;
    int64_t pid, started_ms; /* of the process that is listened to */
    struct talk *talk;       /* NULL until it is called again */
    struct loop_timer retry;
    bool is_listening; /* the engine knows that it may ask */
    struct inquiry *inquiries;
};

/* ---- questions ---- */

/* Cuts the next word of an array off, a text or a number. */
static bool cut_word(struct str *rest, struct str *out)
{
    struct str line = str_cut(rest, '\n');
    int64_t len;

    if (!str_ends(line, "\r") || line.len < 2)
        return false;
    *out = (struct str){line.ptr + 1, line.len - 2};
    if (line.ptr[0] == ':')
        return true;
    if (line.ptr[0] != '$' || !str_to_i64(*out, &len) || len < 0 || rest->len < (size_t)len + 2)
        return false;
    *out = (struct str){rest->ptr, (size_t)len};
    *rest = (struct str){rest->ptr + len + 2, rest->len - (size_t)len - 2};
    return true;
}

bool tokens_read_question(struct arena *a, struct str message, struct tokens_question *out)
{
    struct str words[QUESTION_WORDS];

    if (!str_is(str_cut(&message, '\n'), "*5\r"))
        return false;
    for (size_t i = 0; i < QUESTION_WORDS; i++)
        if (!cut_word(&message, &words[i]))
            return false;
    if (!str_is(words[0], "iam") || !str_is(words[1], "verify") || !str_to_i64(words[2], &out->id))
        return false;
    /* No name and no token has a NUL, which would hide what is behind it. */
    if (memchr(words[3].ptr, 0, words[3].len) || memchr(words[4].ptr, 0, words[4].len))
        return false;
    out->user = str_dup(a, words[3]);
    out->token = str_dup(a, words[4]);
    return true;
}

static void inquiry_drop(struct inquiry *q)
{
    struct inquiry **link = &q->ear->inquiries;

    while (*link != q)
        link = &(*link)->next;
    *link = q->next;
    free(q);
}

static void tell_verdict(const struct ear *ear, int64_t id, const struct agent_verify_token_out *v)
{
    scoped(arena_fini) struct arena a = {0};

    talk_say(ear->talk, "LARDER.IAM", "VERDICT", arena_printf(&a, "%lld", (long long)id),
             v->is_allowed.value ? "allow" : "deny",
             arena_printf(&a, "%lld", (long long)v->holds_ms.value), NULL);
}

static void on_verdict(void *context, struct err e, const struct http_response *r)
{
    struct inquiry *q = context;
    const struct shape *shape = service_op(&service_agent, "VerifyToken")->out;
    scoped(arena_fini) struct arena a = {0};
    struct agent_verify_token_out verdict = {0};

    if (!err_failed(e) && r->status != 200)
        e = err_format(&a, ERR_DENIED, "status %d", r->status);
    if (!err_failed(e))
        e = shape_json_parse(&a, shape, r->body, SHAPE_UNKNOWN_IGNORE, &verdict);
    if (err_failed(e)) /* nobody said no: the engine tells its client that it took too long */
        log_warn("the control plane does not judge a token", f_int("node", q->ear->node->id),
                 f_err(e));
    else
        tell_verdict(q->ear, q->id, &verdict);
    inquiry_drop(q);
}

static void ask(struct ear *ear, const struct tokens_question *question)
{
    const struct tokens_conf *conf = &ear->all->conf;
    scoped(arena_fini) struct arena a = {0};
    scoped(buf_fini) struct buf body = BUF_EMPTY;
    struct json_writer w = JSON_WRITER(&body);
    const char *headers[2] = {"Content-Type: application/json"};
    const struct agent_verify_token_in message = {
        .host_id = conf->host->host_id,
        .incarnation = conf->host->incarnation,
        .node_id = INT_OF(ear->node->id),
        .user = question->user,
        .token = question->token,
    };
    struct inquiry *q = calloc(1, sizeof(*q));

    check(q != NULL);
    *q = (struct inquiry){.ear = ear, .id = question->id, .next = ear->inquiries};
    ear->inquiries = q;
    shape_json_write(&w, service_op(&service_agent, "VerifyToken")->in, &message);
    if (conf->token)
        headers[1] = arena_printf(&a, "Authorization: Bearer %s", conf->token);
    const struct http_request request = {
        .method = "POST",
        .url = arena_printf(&a, "%s/agent/v1/verify-token", *conf->url),
        .headers = headers,
        .header_count = conf->token ? 2 : 1,
        .body = buf_str(&body),
        .timeout_ms = VERIFY_MS,
    };
    q->exchange = http_start(ear->all->http, &request, on_verdict, q);
}

/* ---- listening ---- */

static void close_talk(struct ear *ear)
{
    while (ear->inquiries) {
        http_cancel(ear->inquiries->exchange);
        inquiry_drop(ear->inquiries);
    }
    talk_close(ear->talk);
    ear->talk = NULL;
    ear->is_listening = false;
}

static void call_later(struct ear *ear)
{
    close_talk(ear);
    loop_timer_set(ear->all->conf.loop, &ear->retry, RETRY_MS);
}

/* The answer to LISTEN, then questions, and between them the answers to verdicts. */
static void on_reply(void *context, struct str reply)
{
    struct ear *ear = context;
    scoped(arena_fini) struct arena a = {0};
    struct tokens_question question;

    if (tokens_read_question(&a, reply, &question)) {
        ask(ear, &question);
    } else if (!ear->is_listening && talk_is_error(reply)) {
        log_warn("an engine does not ask about tokens", f_int("node", ear->node->id),
                 f_str("why", talk_error_text(&a, reply)));
        call_later(ear);
    } else {
        ear->is_listening = true;
    }
}

static void on_broken(void *context, const char *why)
{
    (void)why;
    call_later(context);
}

static void call(void *context)
{
    struct ear *ear = context;
    const struct talk_conf conf = {.loop = ear->all->conf.loop,
                                   .host = ear->all->conf.programs,
                                   .node = ear->node,
                                   .on_reply = on_reply,
                                   .on_broken = on_broken,
                                   .context = ear};

    ear->talk = talk_open(&conf);
    talk_say(ear->talk, "LARDER.IAM", "LISTEN", NULL);
}

/* ---- which engines ---- */

/* " iam" is a rule of its own in a user's line. */
static bool has_iam_user(const struct agent_node_goal *goal)
{
    for (size_t i = 0; goal->users && i < goal->users->rules.count; i++) {
        struct str rest = str_of(goal->users->rules.items[i]);

        str_cut(&rest, ' '); /* the user's name */
        while (rest.len > 0)
            if (str_is(str_cut(&rest, ' '), "iam"))
                return true;
    }
    return false;
}

static bool is_worth_hearing(const struct node *n)
{
    const struct driver *driver = driver_find(n->run.driver);
    bool serves = n->state == NODE_RUNNING || (n->state == NODE_STARTING && n->is_ready);

    return serves && n->run.pid > 0 && !n->is_exited && !n->is_adopted && n->goal &&
           n->goal_state == NODE_RUNNING && driver && driver->asks_about_tokens &&
           has_iam_user(n->goal);
}

void tokens_forget(struct node *n)
{
    struct ear *ear = n->ear;

    if (!ear)
        return;
    close_talk(ear);
    loop_timer_stop(ear->all->conf.loop, &ear->retry);
    free(ear);
    n->ear = NULL;
}

void tokens_look(struct tokens *all, struct node *n)
{
    struct ear *ear = n->ear;
    bool is_other = ear && (ear->pid != n->run.pid || ear->started_ms != n->run.started_ms);

    if (ear && (is_other || !is_worth_hearing(n)))
        tokens_forget(n);
    if (n->ear || !is_worth_hearing(n))
        return;
    n->ear = calloc(1, sizeof(*n->ear));
    check(n->ear != NULL);
    *n->ear = (struct ear){
        .all = all,
        .node = n,
        .pid = n->run.pid,
        .started_ms = n->run.started_ms,
        .retry = {.on_due = call, .context = n->ear},
    };
    call(n->ear);
}

/* ---- beginning and end ---- */

static void on_http(void *context, uint32_t events)
{
    struct tokens *all = context;

    (void)events;
    http_loop_run(all->http);
}

struct err tokens_open(const struct tokens_conf *conf, struct tokens **out)
{
    struct http_loop *http;

    TRY(http_loop_open(&http));
    struct tokens *all = calloc(1, sizeof(*all));
    check(all != NULL);
    *all = (struct tokens){
        .conf = *conf, .http = http, .watch = {.on_ready = on_http, .context = all}
    };
    struct err e = loop_watch(conf->loop, &all->watch, http_loop_fd(http), EPOLLIN);
    if (err_failed(e)) {
        tokens_close(all);
        return e;
    }
    *out = all;
    return OK;
}

void tokens_close(struct tokens *all)
{
    if (!all)
        return;
    loop_unwatch(all->conf.loop, &all->watch);
    http_loop_close(all->http);
    free(all);
}
