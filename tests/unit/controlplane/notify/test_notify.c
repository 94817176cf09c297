/* Against a webhook that says what it was sent, and fails as often as it is told to. */
#include "../store/fixture.h"
#include "base/clock.h"
#include "base/net.h"
#include "controlplane/notify/notify.h"
#include "controlplane/store/notices.h"

#include <criterion/criterion.h>

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOW_MS 1700000000000
#define TOPIC  "arn:aws:sns:r:0:t"

static struct fixture f;
static struct clock_manual manual;
static struct notifier *notifier;
static struct topic topic = {.arn = TOPIC};
static char url[64];
static int listener;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards heard and count */
static char heard[8][4096];
static int count;
static atomic_int failures; /* that many requests are answered with 500 first */

static void hear(int fd)
{
    char text[4096] = "";
    size_t len = 0;

    while (len < sizeof(text) - 1) {
        ssize_t got = recv(fd, text + len, sizeof(text) - 1 - len, 0);
        if (got <= 0)
            break;
        len += (size_t)got;
        text[len] = '\0';
        const char *body = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "content-length: ");
        if (body && length && strlen(body + 4) >= strtoul(length + 16, NULL, 10))
            break;
    }
    pthread_mutex_lock(&lock);
    if (count < (int)countof(heard))
        snprintf(heard[count], sizeof(heard[0]), "%s", text);
    count++;
    pthread_mutex_unlock(&lock);
    const char *answer = atomic_fetch_sub(&failures, 1) > 0
                             ? "HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                             : "HTTP/1.1 204 Yes\r\nConnection: close\r\n\r\n";
    cr_assert_eq(send(fd, answer, strlen(answer), MSG_NOSIGNAL), (ssize_t)strlen(answer));
    close(fd);
}

static void *serve(void *context)
{
    int fd;

    while ((fd = accept(listener, NULL, NULL)) >= 0)
        hear(fd);
    return context;
}

static int heard_count(void)
{
    pthread_mutex_lock(&lock);
    int n = count;
    pthread_mutex_unlock(&lock);
    return n;
}

static void listen_somewhere(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    pthread_t thread;

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(listen(listener, 16), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/hook", ntohs(at.sin_port));
    topic.url = url;
    cr_assert_eq(pthread_create(&thread, NULL, serve, NULL), 0);
}

static void start(void)
{
    struct notify_conf conf = {
        .clock = &manual.clock, .topics = {&topic, 1}
    };
    must(notify_start(f.store, &conf, &notifier));
}

static void open_world(void)
{
    fixture_open(&f);
    clock_manual_init(&manual, NOW_MS, 1);
    listen_somewhere();
    start();
}

static void close_world(void)
{
    notify_stop(notifier);
    fixture_close(&f);
}

TestSuite(notify, .init = open_world, .fini = close_world, .timeout = 60);

static void happen(const char *arn, const char *source)
{
    struct event e = {.account = "0",
                      .region = "r",
                      .source_type = "cache-cluster",
                      .source = source,
                      .message = "m",
                      .topic = arn,
                      .notice = "ElastiCache:CacheClusterProvisioningComplete",
                      .at_ms = clock_wall_ms(&manual.clock)};
    fixture_begin(&f, STORE_WRITE);
    must(store_event_add(f.tx, &e));
    fixture_commit(&f);
}

/* Waits until the webhook was called that often. */
static void await_heard(int wanted)
{
    while (heard_count() < wanted)
        usleep(1000);
}

/* Waits until the failure of the first notice is on record, so that time may pass. */
static void await_failure(void)
{
    struct notice *notices;
    size_t n = 1;
    int64_t next;

    while (n > 0) {
        fixture_begin(&f, STORE_READ);
        must(store_notice_due(f.tx, NOW_MS, 1, &notices, &n, &next));
        fixture_commit(&f);
        usleep(1000);
    }
}

/* The thread does not see that the clock goes on. */
static void pass_time(int64_t ms)
{
    clock_manual_advance(&manual, ms);
    store_wake(f.store);
}

Test(notify, a_webhook_hears_what_happened_in_the_form_of_sns)
{
    happen("arn:aws:sns:r:0:nobody-listens", "other");
    happen(TOPIC, "c1");
    await_heard(1);
    cr_assert_not_null(strstr(heard[0], "POST /hook "));
    cr_assert_not_null(strcasestr(heard[0], "x-amz-sns-message-type: Notification\r\n"));
    cr_assert_not_null(strcasestr(heard[0], "x-amz-sns-topic-arn: " TOPIC "\r\n"));
    cr_assert_not_null(strstr(heard[0], "\"Type\":\"Notification\""));
    cr_assert_not_null(strstr(heard[0], "\"TopicArn\":\"" TOPIC "\""));
    cr_assert_not_null(strstr(heard[0], "\"Timestamp\":\"2023-11-14T22:13:20.000Z\""));
    cr_assert_not_null(
        strstr(heard[0],
               "\"Message\":\"{\\\"ElastiCache:CacheClusterProvisioningComplete\\\":\\\"c1\\\"}\""),
        "%s", heard[0]);
}

Test(notify, what_fails_is_told_again_later_and_in_order)
{
    atomic_store(&failures, 1);
    happen(TOPIC, "first");
    await_heard(1);
    await_failure();
    happen(TOPIC, "second");
    for (int i = 0; i < 50; i++) {
        store_wake(f.store);
        usleep(1000);
    }
    cr_assert_eq(heard_count(), 1, "not before a second has passed");
    pass_time(1000);
    await_heard(3);
    cr_assert_not_null(strstr(heard[1], "first"));
    cr_assert_not_null(strstr(heard[2], "second"));
    const char *id = strstr(heard[0], "\"MessageId\":\""),
               *again = strstr(heard[1], "\"MessageId\":\"");
    cr_assert_eq(strncmp(id, again, strlen("\"MessageId\":\"") + 36), 0);
}

Test(notify, what_waits_is_told_after_a_restart)
{
    atomic_store(&failures, 1);
    happen(TOPIC, "c1");
    await_heard(1);
    notify_stop(notifier);
    clock_manual_advance(&manual, 1000);
    start();
    await_heard(2);
    cr_assert_not_null(strstr(heard[1], "c1"));
}

Test(notify, after_a_day_it_is_given_up)
{
    atomic_store(&failures, 2);
    happen(TOPIC, "first");
    await_heard(1);
    await_failure();
    pass_time(24 * 3600 * 1000LL);
    await_heard(2);
    happen(TOPIC, "second");
    await_heard(3);
    cr_assert_not_null(strstr(heard[2], "second"), "the first one is gone");
}
