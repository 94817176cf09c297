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
#define SEND_BYTES     (512 << 10) /* at once */
#define PART_BYTES     (128 << 10) /* and the target is asked behind so many */
#define QUEUE_BYTES    (256 << 10) /* the link has to send: it gets no more */
#define PAUSE_AT_BYTES (64 << 10)  /* so little is sent within a pause */
#define PAUSE_MAX_US   20000
#define CONNECT_MS     5000
#define RETRY_MS       200
#define ASK_MS         1000  /* between two questions whether the slots were taken */
#define HOLD_MS        1000  /* clients are held so long at most when the link broke amid it */
#define GIVE_MAX_MS    1000  /* so long the record may be on its way */
#define GIVE_REST_MS   1000  /* and so long it is not tried again when it was not there in time */
#define GIVE_UP_MS     60000 /* a cut lasts that long at most */
#define LINE_MAX_BYTES 512

const char *const migration_state_names[] = {"connects", "copies", "pauses", "gives",
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
    m->cluster->hides_paused = false;
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

static void finish(struct migration *m)
{
    end(m, MIGRATION_DONE);
    log_info("migration done", f_str("id", m->order.id), f_int("keys", m->keys_sent),
             f_int("effects", m->effects_sent), f_int("pause_us", m->longest_pause_us),
             f_int("ms", m->ended_ms - m->started_ms));
}

/* ---- giving, and taking back ---- */

/* Writes down how the slots stand; false when there is no room for it. */
static bool put_record(struct migration *m, enum handover_stage stage)
{
    struct handover one = {.stage = stage,
                           .slots = m->order.slots,
                           .port = (uint16_t)m->order.port,
                           .is_secure = m->order.is_secure};

    memcpy(one.id, m->order.id, sizeof(one.id));
    memcpy(one.token, m->order.token, sizeof(one.token));
    memcpy(one.from, m->from_shard, sizeof(one.from));
    memcpy(one.to, m->to_shard, sizeof(one.to));
    snprintf(one.host, sizeof(one.host), "%s", m->target_host);
    if (!cluster_hand_over(m->cluster, &one))
        return false;
    m->gave_mark = m->host.tell(m->host.ctx);
    return true;
}

static bool has_record(const struct migration *m)
{
    return handover_find(&m->cluster->handovers, str_of(m->order.id)) != NULL;
}

/* The target has not taken the slots, and will not unless it is asked anew. */
static void take_back(struct migration *m)
{
    if (!cluster_take_back(m->cluster, str_of(m->order.id)))
        return;
    m->host.tell(m->host.ctx);
    m->host.changed(m->host.ctx);
}

/* From here on nobody serves the slots until the target does, or until they are taken back. */
static void give(struct migration *m)
{
    if (!topology_shard_find(m->cluster->topology, str_of(m->to_shard))) {
        fail(m, "the shard that the slots go to is gone");
        return;
    }
    m->state = MIGRATION_GIVES;
    m->gave_ms = m->ks->passed_ms;
    m->cluster->hides_paused = true;
    if (put_record(m, HANDOVER_GIVEN))
        m->host.changed(m->host.ctx);
    else
        fail(m, "there are too many hand-overs that no topology has confirmed");
}

static void hand_over(struct migration *m)
{
    if (put_record(m, HANDOVER_HANDED))
        finish(m);
    else
        fail(m, "there are too many hand-overs that no topology has confirmed");
}

/* ---- sending ---- */

/* Gives the link some of what it does not have yet, and asks how far the target has come. */
static void flush(struct migration *m)
{
    bool ends;

    if (!m->link || !m->is_greeted)
        return;
    for (size_t given = 0; given < SEND_BYTES && link_pending(m->link) < QUEUE_BYTES;) {
        struct str part = outbox_next(&m->out, PART_BYTES, &ends);

        if (part.len == 0)
            break;
        link_write(m->link, part.ptr, part.len);
        if (ends)
            say(m, "*2\r\n$13\r\nLARDER.IMPORT\r\n$4\r\nSYNC\r\n");
        given += part.len;
        m->bytes_sent += part.len;
    }
}

static bool is_window_full(const struct migration *m)
{
    return m->out.bytes >= WINDOW_BYTES;
}

static void ask_to_take(struct migration *m)
{
    char text[128];

    m->state = MIGRATION_TAKES;
    snprintf(text, sizeof(text), "*3\r\n$13\r\nLARDER.IMPORT\r\n$4\r\nTAKE\r\n$40\r\n%s\r\n",
             m->order.id);
    say(m, text);
}

static void introduce(struct migration *m);

/* What was sent does not count any more. */
static void forget_sent(struct migration *m)
{
    effect_sink_remove(m->ks, &m->sink);
    migration_feed_drop(m);
    migration_feed_open(m);
    effect_sink_add(m->ks, &m->sink);
    m->has_begun = m->is_revived = m->is_greeted = false;
    m->state = MIGRATION_CONNECTS;
}

static void start_over(struct migration *m)
{
    forget_sent(m);
    introduce(m);
}

/* The record was not there in time, and the target was not asked yet. */
static void give_later(struct migration *m)
{
    log_warn("slots are not given: replicas or the disk are too slow", f_str("id", m->order.id));
    m->rests_until_ms = m->ks->passed_ms + GIVE_REST_MS;
    take_back(m);
    m->state = MIGRATION_COPIES;
    resume_writes(m);
    if (m->is_revived)
        start_over(m);
}

/* Asks the target to take the slots once it is certain that nobody serves them here. */
static void go_on_giving(struct migration *m)
{
    flush(m);
    if (m->out.acked == m->out.appended && m->host.is_kept(m->host.ctx, m->gave_mark))
        ask_to_take(m);
    else if (m->ks->passed_ms - m->gave_ms > GIVE_MAX_MS)
        give_later(m);
    link_wake_in(m->link, 1);
}

static void go_on_copying(struct migration *m)
{
    int64_t end_us = now_us() + SLICE_US;

    do
        migration_feed_step(m);
    while (!migration_feed_is_done(m) && !is_window_full(m) && now_us() < end_us);
    if (migration_feed_is_done(m) && m->out.bytes <= PAUSE_AT_BYTES &&
        m->ks->passed_ms >= m->rests_until_ms) {
        m->state = MIGRATION_PAUSES;
        pause_writes(m);
    }
}

/* What can be done without waiting for the target. */
static void go_on(struct migration *m)
{
    if (m->host.is_writing && m->host.is_writing(m->host.ctx)) {
        link_wake_in(m->link, 0);
        return;
    }
    if (m->state == MIGRATION_TAKES)
        return;
    if (m->state == MIGRATION_GIVES) {
        go_on_giving(m);
        return;
    }
    if (m->state == MIGRATION_COPIES && !is_window_full(m))
        go_on_copying(m);
    if (m->out.bytes > KEPT_MAX) {
        fail(m, "writes come faster than they can be sent");
        return;
    }
    flush(m);
    bool is_late = now_us() - m->paused_us > PAUSE_MAX_US || !migration_feed_is_done(m);
    if (m->state == MIGRATION_PAUSES && m->out.acked == m->out.appended &&
        migration_feed_is_done(m)) {
        give(m);
    } else if (m->state == MIGRATION_PAUSES && is_late) {
        m->state = MIGRATION_COPIES;
        resume_writes(m);
    }
    if (m->state == MIGRATION_GIVES)
        go_on_giving(m);
    else if (m->link)
        link_wake_in(m->link, 0);
}

/* ---- answers ---- */

static void cut(struct migration *m, const char *why);

/* What makes no sense ends the migration; but not while the target may have the slots. */
static void give_up(struct migration *m, const char *why)
{
    if (m->state == MIGRATION_TAKES) {
        cut(m, why);
        return;
    }
    take_back(m);
    fail(m, why);
}

/* The target says how far it is on a new link, so it has not taken the slots. What was under way
 * when the old one broke is sent again. */
static void on_greeted(struct migration *m)
{
    m->is_greeted = m->has_begun = true;
    outbox_resend(&m->out);
    m->cut_ms = 0;
    if (m->state != MIGRATION_TAKES) {
        m->state = MIGRATION_COPIES;
        return;
    }
    m->state = MIGRATION_GIVES;
    m->gave_ms = m->ks->passed_ms;
    m->gave_mark = m->host.tell(m->host.ctx);
}

static void on_count(struct migration *m, uint64_t count)
{
    if (m->is_revived && !m->is_greeted)
        m->out.acked = m->out.appended = count;
    if (count < m->out.acked || count > m->out.appended) {
        give_up(m, "the target has counted wrong");
        return;
    }
    migration_feed_acked(m, count);
    if (!m->is_greeted)
        on_greeted(m);
}

/* The target was started anew and has nothing, nor has it taken anything. */
static void on_none(struct migration *m)
{
    log_info("migration begins anew: the target has nothing of it", f_str("id", m->order.id));
    take_back(m);
    resume_writes(m);
    start_over(m);
}

/* It knows us now: requests that came before that would be a stranger's. */
static void introduce(struct migration *m)
{
    char text[128];

    snprintf(text, sizeof(text), "*3\r\n$13\r\nLARDER.IMPORT\r\n$%d\r\n%s\r\n$40\r\n%s\r\n",
             m->has_begun ? 6 : 5, m->has_begun ? "RESUME" : "BEGIN", m->order.id);
    say(m, text);
}

/* Something that is not so for ever: it is asked again on a new link. */
static bool is_passing(struct str line)
{
    static const char *const codes[] = {"-TRYAGAIN ", "-LOADING ", "-BUSY ", "-MASTERDOWN "};

    for (size_t i = 0; i < countof(codes); i++)
        if (str_starts(line, codes[i]))
            return true;
    return false;
}

static void on_error(struct migration *m, struct str line)
{
    char text[LINE_MAX_BYTES + 32];

    snprintf(text, sizeof(text), "the target says: %.*s", STR_ARG(line));
    /* Who does not let us in says nothing about the slots. */
    if (is_passing(line) || (m->state == MIGRATION_TAKES && !m->is_greeted)) {
        cut(m, text);
        return;
    }
    take_back(m);
    fail(m, text);
}

static void on_answer(struct migration *m, struct str line)
{
    uint64_t count;

    /* It has the slots, though its replicas were too slow to confirm it. */
    if (m->state == MIGRATION_TAKES && str_starts(line, "-UNCONFIRMED ")) {
        log_warn("slots were taken unconfirmed", f_str("id", m->order.id));
        hand_over(m);
        return;
    }
    if (str_starts(line, "-")) {
        on_error(m, line);
        return;
    }
    if (str_is(line, "+TAKEN"))
        hand_over(m);
    else if (str_is(line, "+NONE") && m->has_begun && !m->is_greeted)
        on_none(m);
    else if (str_starts(line, "+") && str_to_u64((struct str){line.ptr + 1, line.len - 1}, &count))
        on_count(m, count);
    else if (str_is(line, "+OK") && !m->is_greeted)
        introduce(m);
    else
        give_up(m, "the target says what makes no sense");
}

static void on_bytes(struct migration *m, struct str bytes)
{
    while (bytes.len > 0 && m->link && !migration_is_over(m)) {
        bool is_whole = str_find(bytes, '\n') != SIZE_MAX;
        struct str part = str_cut(&bytes, '\n');

        buf_add_str(&m->line, part);
        if (m->line.len > LINE_MAX_BYTES) {
            give_up(m, "the target says too much");
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
    /* The target may have the slots: clients stay held for a while, and are sent there then. */
    if (m->state == MIGRATION_TAKES)
        return;
    if (m->state == MIGRATION_GIVES)
        take_back(m);
    m->state = MIGRATION_CONNECTS;
    resume_writes(m);
    if (m->is_revived)
        forget_sent(m);
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

static struct migration *make(struct keyspace *ks, struct cluster *c,
                              const struct migration_host *host,
                              const struct migration_order *order)
{
    struct migration *m = calloc(1, sizeof(*m));

    check(m);
    *m = (struct migration){.ks = ks, .cluster = c, .host = *host, .order = *order};
    m->target_host = strdup(order->host);
    check(m->target_host);
    m->started_ms = ks->passed_ms;
    return m;
}

static void begin(struct migration *m)
{
    migration_feed_open(m);
    effect_sink_add(m->ks, &m->sink);
    dial(m);
}

struct migration *migration_start(struct keyspace *ks, struct cluster *c,
                                  const struct migration_host *host,
                                  const struct migration_order *order)
{
    struct migration *m = make(ks, c, host, order);
    const struct topology *t = c->topology;

    memcpy(m->to_shard, t->shards[order->to].id, sizeof(m->to_shard));
    memcpy(m->from_shard, t->shards[topology_own_shard(t)].id, sizeof(m->from_shard));
    begin(m);
    return m;
}

struct migration *migration_revive(struct keyspace *ks, struct cluster *c,
                                   const struct migration_host *host, const struct handover *one)
{
    struct migration_order order = {
        .slots = one->slots, .host = one->host, .port = one->port, .is_secure = one->is_secure};

    memcpy(order.id, one->id, sizeof(order.id));
    memcpy(order.token, one->token, sizeof(order.token));
    struct migration *m = make(ks, c, host, &order);
    memcpy(m->to_shard, one->to, sizeof(m->to_shard));
    memcpy(m->from_shard, one->from, sizeof(m->from_shard));
    m->state = MIGRATION_TAKES;
    m->has_begun = m->is_revived = true;
    begin(m);
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

/* What a topology has decided ends it. True when it is over. */
static bool is_decided(struct migration *m)
{
    bool has_given = m->state == MIGRATION_GIVES || m->state == MIGRATION_TAKES;

    if (has_given && !has_record(m)) {
        if (is_still_mine(m))
            fail(m, "the slots are this shard's by order");
        else
            finish(m);
    } else if (!has_given && !is_still_mine(m)) {
        fail(m, "the slots are not this shard's any more");
    }
    return migration_is_over(m);
}

/* Dials again where it is time. */
static void try_again(struct migration *m)
{
    bool is_in_doubt = m->state == MIGRATION_TAKES;
    int64_t cut_for_ms = m->cut_ms ? m->ks->passed_ms - m->cut_ms : 0;

    if (is_in_doubt && cut_for_ms > HOLD_MS)
        resume_writes(m);
    if (cut_for_ms > GIVE_UP_MS && !is_in_doubt) {
        char why[sizeof(m->failure)];

        snprintf(why, sizeof(why), "%s", m->failure);
        fail(m, why);
        return;
    }
    bool is_held = m->cluster->paused != NULL;
    if (m->ks->passed_ms - m->dial_ms >= (is_in_doubt && !is_held ? ASK_MS : RETRY_MS))
        dial(m);
}

void migration_tick(struct migration *m)
{
    if (!migration_is_over(m) && !is_decided(m) && !m->link)
        try_again(m);
}
