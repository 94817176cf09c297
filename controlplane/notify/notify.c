/*
 * The thread: takes the head of each topic's queue that is due, posts it, records how it went, and
 * sleeps until a commit or the next attempt. A topic whose webhook failed waits as a whole, so a
 * dead one costs a timeout now and then and keeps no other waiting for longer.
 */
#include "controlplane/notify/notify.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/http.h"
#include "base/json.h"
#include "base/log.h"
#include "controlplane/store/notices.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE            32
#define DEFAULT_TIMEOUT_MS 3000
#define FIRST_DELAY_MS     1000
#define LAST_DELAY_MS      (5 * 60 * (int64_t)1000)
#define KEEP_MS            (24 * 3600 * (int64_t)1000)
#define SLEEP_AT_MOST_MS   (3600 * (int64_t)1000)
#define RETRY_MS           1000 /* after the store refused */

struct notifier {
    struct store *store;
    struct notify_conf conf;
    struct http *http;
    pthread_t thread;
    atomic_bool is_stopping;
};

/* --- one attempt --- */

static char *body_of(struct arena *a, const struct notice *n)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct json_writer w = JSON_WRITER(&text);

    json_begin_object(&w);
    json_name_text(&w, "Type", "Notification");
    json_name_text(&w, "MessageId", n->uuid);
    json_name_text(&w, "TopicArn", n->topic);
    json_name_text(&w, "Message", n->message);
    json_name_text(&w, "Timestamp", time_iso8601(a, n->at_ms));
    json_end_object(&w);
    return str_dup(a, buf_str(&text));
}

/* NULL when the webhook took it, else why not. */
static const char *post(struct notifier *r, struct arena *a, const char *url,
                        const struct notice *n)
{
    const char *headers[] = {
        "Content-Type: text/plain; charset=UTF-8",
        "x-amz-sns-message-type: Notification",
        arena_printf(a, "x-amz-sns-message-id: %s", n->uuid),
        arena_printf(a, "x-amz-sns-topic-arn: %s", n->topic),
    };
    struct http_request request = {
        .method = "POST",
        .url = url,
        .headers = headers,
        .header_count = countof(headers),
        .body = str_of(body_of(a, n)),
        .timeout_ms = r->conf.timeout_ms,
        .connect_timeout_ms = r->conf.timeout_ms,
        .max_body_bytes = 64 << 10,
    };
    struct http_response response;

    struct err e = http_send(r->http, a, &request, &response);
    if (err_failed(e))
        return err_text(a, e);
    return response.status / 100 == 2 ? NULL : arena_printf(a, "it answered %d", response.status);
}

/* Tells every webhook of the topic; NULL when all took it. Who took it before another one failed
 * hears it again: at least once. */
static const char *tell(struct notifier *r, struct arena *a, const struct notice *n)
{
    const char *why = NULL;

    for (size_t i = 0; i < r->conf.topics.count; i++) {
        const struct topic *t = &r->conf.topics.items[i];
        const char *failure = strcmp(t->arn, n->topic) == 0 ? post(r, a, t->url, n) : NULL;
        if (failure)
            log_debug("webhook failed", f_str("url", t->url), f_str("why", failure));
        why = failure ? failure : why;
    }
    return why;
}

/* --- one pass --- */

static int64_t delay_after(int64_t attempts)
{
    int64_t delay = FIRST_DELAY_MS;

    for (; attempts > 0 && delay < LAST_DELAY_MS; attempts--)
        delay *= 2;
    return delay < LAST_DELAY_MS ? delay : LAST_DELAY_MS;
}

static struct err record(struct notifier *r, struct store_tx *tx, const struct notice *n,
                         const char *why)
{
    int64_t now = clock_wall_ms(r->conf.clock);

    if (!why)
        return store_notice_remove(tx, n->id);
    if (n->attempts == 0)
        log_warn("a topic's webhook does not take what it is told", f_str("topic", n->topic),
                 f_str("why", why));
    if (now - n->at_ms < KEEP_MS)
        return store_notice_delay(tx, n->id, now + delay_after(n->attempts));
    log_warn("a notice is given up", f_str("topic", n->topic), f_str("message", n->message),
             f_str("why", why));
    return store_notice_remove(tx, n->id);
}

static struct err read_due(struct notifier *r, struct arena *a, struct notice **out,
                           size_t *out_count, int64_t *out_next_ms)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(r->store, STORE_READ, a, &tx));
    return store_notice_due(tx, clock_wall_ms(r->conf.clock), AT_ONCE, out, out_count, out_next_ms);
}

/* Tells what is due; `*out_next_ms` is when there is more to do. */
static struct err run(struct notifier *r, struct arena *a, int64_t *out_next_ms)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    struct notice *notices;
    size_t count, told = 0;

    TRY(read_due(r, a, &notices, &count, out_next_ms));
    if (count == 0)
        return OK;
    const char **why = arena_array(a, count, sizeof(*why));
    for (; told < count && !atomic_load(&r->is_stopping); told++)
        why[told] = tell(r, a, &notices[told]);
    TRY(store_begin(r->store, STORE_WRITE, a, &tx));
    for (size_t i = 0; i < told; i++)
        TRY(record(r, tx, &notices[i], why[i]));
    *out_next_ms = 0; /* what stood behind these may be due */
    return store_commit(&tx);
}

static void *work(void *context)
{
    struct notifier *r = context;
    scoped(arena_fini) struct arena a = {0};

    while (!atomic_load(&r->is_stopping)) {
        uint64_t seen = store_generation(r->store);
        int64_t now = clock_wall_ms(r->conf.clock), next_ms = INT64_MAX;
        arena_reset(&a);
        struct err e = run(r, &a, &next_ms);
        if (err_failed(e)) {
            log_error("topics could not be told", f_err(e));
            next_ms = now + RETRY_MS;
        }
        int64_t sleep_ms = next_ms > now + SLEEP_AT_MOST_MS ? SLEEP_AT_MOST_MS : next_ms - now;
        if (!atomic_load(&r->is_stopping))
            store_wait(r->store, seen,
                       clock_boot_ms(&clock_system) + (sleep_ms > 0 ? sleep_ms : 0));
    }
    return NULL;
}

struct err notify_start(struct store *store, const struct notify_conf *conf, struct notifier **out)
{
    struct notifier *r = calloc(1, sizeof(*r));

    check(r != NULL);
    r->store = store;
    r->conf = *conf;
    if (r->conf.timeout_ms == 0)
        r->conf.timeout_ms = DEFAULT_TIMEOUT_MS;
    r->http = http_open();
    if (pthread_create(&r->thread, NULL, work, r) != 0) {
        http_close(r->http);
        free(r);
        return err_make(ERR_IO, "no thread could be started");
    }
    *out = r;
    return OK;
}

void notify_stop(struct notifier *r)
{
    if (!r)
        return;
    atomic_store(&r->is_stopping, true);
    store_wake(r->store);
    pthread_join(r->thread, NULL);
    http_close(r->http);
    free(r);
}
