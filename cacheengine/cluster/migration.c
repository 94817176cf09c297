/*
 * The course of a migration: link, answers, slices, hand-over. The one idea: the target's count of
 * commands is all that is agreed on; what is behind it is kept here, and so a new link goes on
 * where the old one broke.
 */
#include "cacheengine/cluster/migration.h"

#include "base/log.h"
#include "cacheengine/cluster/migration_feed.h"
#include "cacheengine/keyspace/number.h"

#include <stdlib.h>
#include <time.h>

#define SLICE_US       300         /* of the walk, without a look at the sockets */
#define WINDOW_BYTES   (1 << 20)   /* not acknowledged: the walk waits */
#define KEPT_MAX       (256 << 20) /* not acknowledged: it is given up */
#define PAUSE_AT_BYTES (64 << 10)  /* so little is sent within a pause */
#define PAUSE_MAX_US   20000
#define CONNECT_MS     5000
#define RETRY_MS       200
#define GIVE_UP_MS     60000 /* a cut lasts that long at most */
#define LINE_MAX_BYTES 512

const char *const migration_state_names[] = {"connects", "copies", "pauses",
                                             "takes",    "done",   "failed"};

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void say(struct migration *m, const char *text)
{
    link_write(m->link, text, strlen(text));
}

/* ---- pauses ---- */

static void pause_writes(struct migration *m)
{
    m->paused_us = now_us();
    m->cluster->paused = &m->order.slots;
    m->host.changed(m->host.ctx);
}

static void resume_writes(struct migration *m)
{
    if (!m->cluster->paused)
        return;
    int64_t lasted_us = now_us() - m->paused_us;

    if (lasted_us > m->longest_pause_us)
        m->longest_pause_us = lasted_us;
    m->cluster->paused = NULL;
    m->host.changed(m->host.ctx);
}

/* ---- the end ---- */

static void let_go(struct migration *m)
{
    effect_sink_remove(m->ks, &m->sink);
    link_close(m->link);
    m->link = NULL;
    migration_feed_drop(m);
}

static void end(struct migration *m, enum migration_state state)
{
    let_go(m);
    m->state = state;
    m->ended_ms = m->ks->passed_ms;
    resume_writes(m);
}

static void fail(struct migration *m, const char *why)
{
    snprintf(m->failure, sizeof(m->failure), "%s", why);
    log_warn("migration failed", f_str("id", m->order.id), f_str("why", m->failure));
    end(m, MIGRATION_FAILED);
}

static void hand_over(struct migration *m)
{
    const struct topology_shard *to =
        topology_shard_find(m->cluster->topology, str_of(m->to_shard));

    /* A shard that is gone from the topology: the slots are another's all the same. */
    uint16_t shard = to ? (uint16_t)(to - m->cluster->topology->shards) : NO_SHARD;
    cluster_hand_over(m->cluster, &m->order.slots, shard);
    end(m, MIGRATION_DONE);
    log_info("migration done", f_str("id", m->order.id), f_int("keys", m->keys_sent),
             f_int("effects", m->effects_sent), f_int("pause_us", m->longest_pause_us),
             f_int("ms", m->ended_ms - m->started_ms));
}

/* ---- sending ---- */

/* Gives the link all that it does not have yet, and asks how far the target has come. */
static void flush(struct migration *m)
{
    if (!m->link || !m->is_greeted || m->sent == m->out.len)
        return;
    link_write(m->link, m->out.ptr + m->sent, m->out.len - m->sent);
    m->bytes_sent += m->out.len - m->sent;
    m->sent = m->out.len;
    say(m, "*2\r\n$13\r\nLARDER.IMPORT\r\n$4\r\nSYNC\r\n");
}

static bool is_window_full(const struct migration *m)
{
    return m->out.len >= WINDOW_BYTES;
}

static void ask_to_take(struct migration *m)
{
    char text[128];

    m->state = MIGRATION_TAKES;
    snprintf(text, sizeof(text), "*3\r\n$13\r\nLARDER.IMPORT\r\n$4\r\nTAKE\r\n$40\r\n%s\r\n",
             m->order.id);
    say(m, text);
}

/* What can be done without waiting for the target. */
static void go_on(struct migration *m)
{
    if (m->host.is_writing && m->host.is_writing(m->host.ctx)) {
        link_wake_in(m->link, 0);
        return;
    }
    if (m->state == MIGRATION_COPIES && !is_window_full(m)) {
        int64_t end_us = now_us() + SLICE_US;

        do
            migration_feed_step(m);
        while (!migration_feed_is_done(m) && !is_window_full(m) && now_us() < end_us);
        if (migration_feed_is_done(m) && m->out.len <= PAUSE_AT_BYTES) {
            m->state = MIGRATION_PAUSES;
            pause_writes(m);
        }
    }
    if (m->out.len > KEPT_MAX) {
        fail(m, "writes come faster than they can be sent");
        return;
    }
    flush(m);
    bool is_late = now_us() - m->paused_us > PAUSE_MAX_US || !migration_feed_is_done(m);
    if (m->state == MIGRATION_PAUSES && m->acked == m->appended && migration_feed_is_done(m)) {
        ask_to_take(m);
    } else if (m->state == MIGRATION_PAUSES && is_late) {
        m->state = MIGRATION_COPIES;
        resume_writes(m);
    }
    link_wake_in(m->link, 0);
}

/* ---- answers ---- */

static void on_count(struct migration *m, uint64_t count)
{
    if (count < m->acked || count > m->appended) {
        fail(m, "the target has counted wrong");
        return;
    }
    migration_feed_acked(m, count);
    if (m->is_greeted)
        return;
    /* What was under way when the link broke is sent again. */
    m->is_greeted = m->has_begun = true;
    m->sent = 0;
    m->cut_ms = 0;
    if (m->state == MIGRATION_TAKES)
        m->state = MIGRATION_PAUSES;
    else
        m->state = MIGRATION_COPIES;
}

/* It knows us now: requests that came before that would be a stranger's. */
static void introduce(struct migration *m)
{
    char text[128];

    snprintf(text, sizeof(text), "*3\r\n$13\r\nLARDER.IMPORT\r\n$%d\r\n%s\r\n$40\r\n%s\r\n",
             m->has_begun ? 6 : 5, m->has_begun ? "RESUME" : "BEGIN", m->order.id);
    say(m, text);
}

static void on_answer(struct migration *m, struct str line)
{
    uint64_t count;
    char text[LINE_MAX_BYTES + 32];

    /* It has the slots, though its replicas were too slow to confirm it. */
    if (m->state == MIGRATION_TAKES && str_starts(line, "-UNCONFIRMED ")) {
        log_warn("slots were taken unconfirmed", f_str("id", m->order.id));
        hand_over(m);
        return;
    }
    if (line.len == 0 || line.ptr[0] != '+') {
        snprintf(text, sizeof(text), "the target says: %.*s", STR_ARG(line));
        fail(m, text);
        return;
    }
    line.ptr++;
    line.len--;
    if (str_is(line, "TAKEN"))
        hand_over(m);
    else if (str_to_u64(line, &count))
        on_count(m, count);
    else if (str_is(line, "OK") && !m->is_greeted)
        introduce(m);
    else
        fail(m, "the target says what makes no sense");
}

static void on_bytes(struct migration *m, struct str bytes)
{
    while (bytes.len > 0 && !migration_is_over(m)) {
        bool is_whole = str_find(bytes, '\n') != SIZE_MAX;
        struct str part = str_cut(&bytes, '\n');

        buf_add_str(&m->line, part);
        if (m->line.len > LINE_MAX_BYTES) {
            fail(m, "the target says too much");
        } else if (is_whole) {
            struct str line = str_trim(buf_str(&m->line));

            on_answer(m, line);
            buf_clear(&m->line);
        }
    }
}

/* ---- the link ---- */

static void cut(struct migration *m, const char *why)
{
    link_close(m->link);
    m->link = NULL;
    m->is_greeted = false;
    buf_clear(&m->line);
    if (!m->cut_ms)
        m->cut_ms = m->ks->passed_ms;
    snprintf(m->failure, sizeof(m->failure), "%s", why);
    /* While the target takes over, writes stay held: it may have the slots. */
    if (m->state == MIGRATION_TAKES)
        return;
    m->state = MIGRATION_CONNECTS;
    resume_writes(m);
}

static void on_connected(struct link *l)
{
    struct migration *m = l->owner;
    char text[128];

    snprintf(text, sizeof(text), "*3\r\n$4\r\nAUTH\r\n$13\r\nlarder-import\r\n$40\r\n%s\r\n",
             m->order.token);
    say(m, text);
}

static void on_readable(struct link *l)
{
    struct migration *m = l->owner;
    char bytes[4096];
    size_t got = 1;

    while (m->link && got > 0) {
        struct err e = link_read(m->link, bytes, sizeof(bytes), &got);

        if (err_failed(e)) {
            cut(m, e.why);
            return;
        }
        on_bytes(m, (struct str){bytes, got});
    }
    if (m->link && m->is_greeted)
        go_on(m);
}

static void on_failed(struct link *l, struct err why)
{
    cut(l->owner, why.why);
}

static void on_due(struct link *l)
{
    struct migration *m = l->owner;

    if (m->is_greeted)
        go_on(m);
}

static const struct link_user user = {on_connected, on_readable, on_failed, on_due};

static void dial(struct migration *m)
{
    struct link_target to = {.host = m->target_host,
                             .port = m->order.port,
                             .timeout_ms = CONNECT_MS,
                             .is_secure = m->order.is_secure};

    m->dial_ms = m->ks->passed_ms;
    m->link = link_dial(m->host.dialer, &to, &user, m);
}

/* ---- the whole ---- */

struct migration *migration_start(struct keyspace *ks, struct cluster *c,
                                  const struct migration_host *host,
                                  const struct migration_order *order)
{
    struct migration *m = calloc(1, sizeof(*m));

    check(m);
    *m = (struct migration){.ks = ks, .cluster = c, .host = *host, .order = *order};
    m->target_host = strdup(order->host);
    check(m->target_host);
    memcpy(m->to_shard, c->topology->shards[order->to].id, sizeof(m->to_shard));
    m->started_ms = ks->passed_ms;
    migration_feed_open(m);
    effect_sink_add(ks, &m->sink);
    dial(m);
    return m;
}

void migration_free(struct migration *m)
{
    if (!m)
        return;
    let_go(m);
    resume_writes(m);
    buf_fini(&m->line);
    free(m->target_host);
    free(m);
}

/* True while the slots are this node's to give. */
static bool is_still_mine(const struct migration *m)
{
    uint32_t first, last = 0;

    for (uint32_t from = 0; slot_set_run(&m->order.slots, from, &first, &last); from = last + 1)
        for (uint32_t slot = first; slot <= last; slot++)
            if (!cluster_is_mine(m->cluster, slot))
                return false;
    return true;
}

void migration_tick(struct migration *m)
{
    if (migration_is_over(m))
        return;
    if (!is_still_mine(m)) {
        fail(m, "the slots are not this shard's any more");
        return;
    }
    if (m->link)
        return;
    if (m->cut_ms && m->ks->passed_ms - m->cut_ms > GIVE_UP_MS && m->state != MIGRATION_TAKES) {
        char why[sizeof(m->failure)];

        snprintf(why, sizeof(why), "%s", m->failure);
        fail(m, why);
    } else if (m->ks->passed_ms - m->dial_ms >= RETRY_MS) {
        dial(m);
    }
}
