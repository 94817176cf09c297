/*
 * A replica's way to its primary. The one idea: there is one struct while this node is a replica,
 * its state says what its link is for, and whatever goes wrong leads to the one place from which
 * the next attempt begins; what the node has is in the stream, not here, and outlives all of it.
 */
#include "cacheengine/dispatch/replica.h"

#include "base/log.h"
#include "cacheengine/dispatch/block.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/handed.h"
#include "cacheengine/dispatch/herald.h"
#include "cacheengine/dispatch/oom_score.h"
#include "cacheengine/dispatch/own_expiries.h"
#include "cacheengine/dispatch/replica_load.h"
#include "cacheengine/repl/stream.h"

#include <limits.h>
#include <stdlib.h>

#define RETRY_MS 1000
#define FIRST_MS \
    16 /* a primary that starts beside its replicas is there soon; doubles up to RETRY_MS */
#define SIGN_MS     1000 /* between offsets, or signs of life while a snapshot is loaded */
#define GREET_CHUNK 4096

static int64_t now_of(const struct replica *r)
{
    return r->engine->keyspace.passed_ms;
}

static int64_t timeout_ms(const struct replica *r)
{
    return r->engine->settings.repl_timeout_s * 1000;
}

/* ---- what clients may do ---- */

bool replica_is_loading(const struct engine *e, bool is_beside)
{
    const struct replica *r = e->replica;

    return r && r->state == REPLICA_LOADS && replica_load_is_beside(r) == is_beside;
}

void replica_set_guards(struct engine *e)
{
    bool is_up = !e->replica || e->replica->state == REPLICA_FOLLOWS;

    guard_set(e, GUARD_REDIRECT, e->replica && !e->cluster && e->settings.brand == BRAND_VALKEY);
    guard_set(e, GUARD_REPLICA, e->replica && e->settings.replica_is_read_only);
    guard_set(e, GUARD_STALE, !is_up && !e->settings.replica_serves_stale);
    guard_set(e, GUARD_LOADING, replica_is_loading(e, false));
    own_expiries_apply(e);
    herald_look(e);
}

void replica_apply_settings(struct engine *e)
{
    replica_set_guards(e);
}

/* ---- ends of attempts ---- */

/* Lets go of whatever the present attempt has. */
static void let_go(struct replica *r)
{
    replica_load_end(r);
    link_close(r->link);
    r->link = NULL;
    if (r->primary) {
        struct client *c = r->primary;

        r->primary = NULL;
        c->is_primary = false;
        c->host->kill(c);
    }
    buf_clear(&r->input);
    buf_clear(&r->held);
}

static void wait_for_retry(struct replica *r, int64_t in_ms)
{
    if (r->state == REPLICA_FOLLOWS)
        r->down_since_ms = now_of(r);
    r->state = REPLICA_WAITS;
    r->retry_at_ms = now_of(r) + in_ms;
    replica_set_guards(r->engine);
}

void replica_fail(struct replica *r, struct err why)
{
    log_warn("not in touch with the primary", f_str("host", r->host), f_int("port", r->port),
             f_err(why));
    let_go(r);
    int64_t soon_ms = (int64_t)FIRST_MS << r->failures;
    if (soon_ms < RETRY_MS)
        r->failures++;
    wait_for_retry(r, soon_ms < RETRY_MS ? soon_ms : RETRY_MS);
}

void replica_forget_history(struct replica *r)
{
    r->has_history = false;
    followers_drop_all(r->engine);
    repl_stream_close(&r->engine->stream);
    repl_stream_forget(&r->engine->stream);
}

void replica_client_gone(struct engine *e, struct client *c)
{
    struct replica *r = e->replica;

    if (!r || r->primary != c)
        return;
    r->primary = NULL;
    r->stream_db = c->db;
    buf_clear(&r->held);
    log_warn("Connection with master lost", f_str("host", r->host), f_int("port", r->port),
             f_int("offset", e->stream.offset));
    wait_for_retry(r, 0);
}

/* ---- following ---- */

static void begin_following(struct replica *r, const char *how, struct str rest)
{
    struct engine *e = r->engine;
    struct client *c = link_adopt(r->link, rest);

    r->link = NULL;
    if (!c) {
        replica_fail(r, err_make(ERR_IO, "the system refuses the connection"));
        return;
    }
    c->is_primary = true;
    c->is_authenticated = true;
    c->user = NULL;
    c->db = r->stream_db < e->keyspace.db_count ? r->stream_db : 0;
    c->reply.resp = 2;
    r->primary = c;
    r->state = REPLICA_FOLLOWS;
    r->failures = 0;
    buf_clear(&r->input);
    repl_stream_open(&e->stream);
    replica_set_guards(e);
    log_info(how, f_str("host", r->host), f_int("port", r->port), f_str("id", e->stream.id),
             f_int("offset", e->stream.offset));
    replica_send_offset(r);
}

void replica_follow(struct replica *r, struct str rest)
{
    struct engine *e = r->engine;

    r->counts_offsets = r->greeting.has_history;
    followers_drop_all(e);
    if (r->greeting.has_history) {
        repl_stream_adopt(&e->stream, r->greeting.id, r->greeting.offset);
        r->has_history = true;
    } else {
        replica_forget_history(r);
    }
    /* It may be that the link broke while a file was loaded: then the rest is asked for anew. */
    if (r->link)
        begin_following(r, "MASTER <-> REPLICA sync: Finished with success", rest);
    else
        wait_for_retry(r, 0);
}

/* The primary goes on from where this node is. */
static void continue_following(struct replica *r, struct str rest)
{
    struct engine *e = r->engine;
    bool has_other_name = r->greeting.id[0] && !str_is(str_of(r->greeting.id), e->stream.id);

    r->counts_offsets = true;
    if (has_other_name) {
        repl_stream_rename(&e->stream, r->greeting.id);
        /* Those below must hear of the new name: they come back and go on. */
        followers_drop_all(e);
    }
    begin_following(r, "Successful partial resynchronization with master", rest);
}

/* ---- the link, up to there ---- */

static void greet(struct replica *r, struct buf *said)
{
    if (said->len > 0)
        link_write(r->link, said->ptr, said->len);
    buf_fini(said);
}

static void on_connected(struct link *l)
{
    struct replica *r = l->owner;
    const struct engine *e = r->engine;
    const struct settings *s = &e->settings;
    struct buf said = BUF_EMPTY;
    const struct greeting_self self = {
        .user = s->primary_user,
        .password = s->primary_password,
        .port = (int)(s->replica_announce_port ? s->replica_announce_port : s->port),
        .address = s->replica_announce_ip,
        .version = s->engine_version,
        .id = r->has_history ? e->stream.id : NULL,
        .offset = e->stream.offset,
        .takes_over = r->takes_over,
    };

    r->state = REPLICA_GREETS;
    r->io_ms = now_of(r);
    greeting_begin(&r->greeting, &self, &said);
    greet(r, &said);
}

/* The other side is the primary now, if it was asked to be. */
static void take_role_over(struct replica *r)
{
    if (r->takes_over)
        failover_done(r->engine);
    r->takes_over = false;
}

/* What a line of the greeting leads to. False when it is over. */
static bool take_step(struct replica *r, enum greeting_step step, struct str rest)
{
    switch (step) {
    case GREETING_GOES_ON: return true;
    case GREETING_CONTINUES:
        take_role_over(r);
        continue_following(r, rest);
        return false;
    case GREETING_SENDS_ALL:
        take_role_over(r);
        log_info("MASTER <-> REPLICA sync: receiving a snapshot from master",
                 f_int("bytes", r->greeting.length),
                 f_str("id", r->greeting.has_history ? r->greeting.id : "-"),
                 f_int("offset", r->greeting.offset));
        replica_load_begin(r, rest);
        return false;
    default:
        if (r->takes_over)
            failover_abort(r->engine, "Failover target rejected psync request");
        else
            replica_fail(r, err_make(ERR_UNAVAILABLE, r->greeting.why));
        return false;
    }
}

/* Takes the whole lines that have come. */
static void take_lines(struct replica *r)
{
    scoped(buf_fini) struct buf input = r->input;
    struct str rest = buf_str(&input);

    r->input = BUF_EMPTY;
    for (;;) {
        const char *lf = rest.len ? memchr(rest.ptr, '\n', rest.len) : NULL;
        struct buf said = BUF_EMPTY;

        if (!lf)
            break;
        struct str line = {rest.ptr, (size_t)(lf - rest.ptr)};
        rest = (struct str){lf + 1, rest.len - line.len - 1};
        enum greeting_step step = greeting_take(&r->greeting, line, &said);
        greet(r, &said);
        if (!take_step(r, step, rest))
            return;
    }
    buf_add_str(&r->input, rest);
    if (r->input.len > GREETING_LINE_MAX)
        replica_fail(r, err_make(ERR_INVALID, "it does not answer as a primary does"));
}

static void on_readable(struct link *l)
{
    struct replica *r = l->owner;
    size_t got;

    if (r->state >= REPLICA_RECEIVES) {
        replica_load_readable(r);
        return;
    }
    struct err e = link_read(l, buf_reserve(&r->input, GREET_CHUNK), GREET_CHUNK, &got);
    if (err_failed(e)) {
        replica_fail(r, e);
        return;
    }
    r->input.len += got;
    if (got > 0)
        r->io_ms = now_of(r);
    r->engine->stats.repl_bytes_in += got;
    take_lines(r);
}

static void on_failed(struct link *l, struct err why)
{
    struct replica *r = l->owner;

    if (replica_load_is_alone(r)) {
        link_close(r->link);
        r->link = NULL;
        return;
    }
    replica_fail(r, why);
}

static void on_due(struct link *l)
{
    struct replica *r = l->owner;

    if (r->state == REPLICA_LOADS && !replica_load_is_alone(r))
        replica_load_readable(r);
}

static const struct link_user link_user = {on_connected, on_readable, on_failed, on_due};

static void dial(struct replica *r)
{
    const struct settings *s = &r->engine->settings;
    const struct link_target to = {.host = r->host,
                                   .port = r->port,
                                   .timeout_ms = timeout_ms(r),
                                   .is_secure = s->tls_replication};

    if (!r->engine->dialer.dial)
        return;
    r->state = REPLICA_CONNECTS;
    r->io_ms = now_of(r);
    r->link = link_dial(&r->engine->dialer, &to, &link_user, r);
}

/* ---- the regular work ---- */

/* While a snapshot is loaded the primary hears nothing else, and must not give up. */
static void show_life(struct replica *r)
{
    if (now_of(r) - r->spoke_ms < SIGN_MS)
        return;
    r->spoke_ms = now_of(r);
    if (r->state == REPLICA_FOLLOWS)
        replica_send_offset(r);
    else if (r->state == REPLICA_LOADS && r->link && link_pending(r->link) == 0)
        link_write(r->link, "\n", 1);
}

static const char *const silences[] = {
    [REPLICA_CONNECTS] = "Timeout connecting to the MASTER",
    [REPLICA_GREETS] = "Timeout connecting to the MASTER",
    [REPLICA_RECEIVES] = "Timeout receiving bulk data from MASTER",
    [REPLICA_LOADS] = "Timeout receiving bulk data from MASTER",
    [REPLICA_FOLLOWS] = "MASTER timeout: no data nor PING received",
};

/* Nothing has come for repl-timeout. */
static bool is_silent(const struct replica *r)
{
    int64_t heard_ms = r->state == REPLICA_FOLLOWS ? r->primary->active_ms : r->io_ms;

    /* Nothing is read of it while a pause puts off what has come. */
    if (r->primary && r->primary->is_postponed)
        return false;
    return now_of(r) - heard_ms > timeout_ms(r);
}

static int left_to_retry_ms(const struct replica *r)
{
    int64_t left_ms = r->retry_at_ms - now_of(r);

    return left_ms > 0 ? (int)left_ms : 0;
}

int replica_tick(struct engine *e)
{
    struct replica *r = e->replica;

    if (!r)
        return INT_MAX;
    if (r->state == REPLICA_WAITS && now_of(r) >= r->retry_at_ms)
        dial(r);
    show_life(r);
    if (replica_load_is_alone(r))
        return replica_load_some(r) ? 0 : 1;
    if (r->state != REPLICA_WAITS && is_silent(r))
        replica_fail(r, err_make(ERR_TIMEOUT, silences[r->state]));
    return r->state == REPLICA_WAITS ? left_to_retry_ms(r) : INT_MAX;
}

/* ---- roles ---- */

/* What CONFIG GET and CONFIG REWRITE say. */
static void note_directive(struct engine *e)
{
    const struct replica *r = e->replica;
    struct arena a = {0};
    const char *value = r ? arena_printf(&a, "%s %d", r->host, r->port) : "";

    err_ignore(config_set(&e->config, &a, config_find(STR("replicaof")), str_of(value)),
               "any text fits");
    arena_fini(&a);
}

static void replica_free(struct replica *r)
{
    let_go(r);
    buf_fini(&r->input);
    buf_fini(&r->held);
    free(r->host);
    free(r);
}

void repl_become_replica(struct engine *e, struct str host, int port)
{
    struct replica *old = e->replica;

    if (old && str_is_nocase(host, old->host) && port == old->port)
        return;
    struct replica *r = calloc(1, sizeof(*r));
    /* A primary counts what it does only while its stream is open. */
    bool has_history = old ? old->has_history : e->stream.is_open || e->restored.is_taken;

    check(r);
    *r = (struct replica){.engine = e, .port = port, .has_history = has_history};
    r->host = strndup(host.ptr, host.len);
    check(r->host);
    r->stream_db = old ? replica_stream_db(old) : e->restored.db;
    e->restored.is_taken = false;
    r->down_since_ms = old && old->state != REPLICA_FOLLOWS ? old->down_since_ms : now_of(r);
    r->retry_at_ms = now_of(r);
    e->replica = r;
    if (old)
        replica_free(old);
    else
        blocks_refuse_all(e, "UNBLOCKED force unblock from blocking operation, instance state "
                             "changed (master -> replica?)");
    e->keyspace.hides_expired = true;
    repl_stream_follow(&e->stream, true);
    note_directive(e);
    replica_set_guards(e);
    oom_score_follow(e);
    log_info("REPLICAOF enabled", f_str("host", r->host), f_int("port", port));
    dial(r);
}

void repl_become_primary(struct engine *e, int64_t term)
{
    struct replica *r = e->replica;

    if (!r)
        return;
    e->replica = NULL;
    replica_free(r);
    e->keyspace.hides_expired = false;
    /* Those that were its peers will come: for them what is kept stays. */
    e->followers->alone_since_ms = e->keyspace.passed_ms;
    repl_stream_branch(&e->stream, term);
    repl_stream_follow(&e->stream, false);
    /* Those below must hear of the new name: they come back and go on. */
    followers_drop_all(e);
    note_directive(e);
    replica_set_guards(e);
    oom_score_follow(e);
    log_info("MASTER MODE enabled", f_str("id", e->stream.id),
             f_str("former_id", e->stream.former_id), f_int("offset", e->stream.offset));
}

void replica_note_field(void *ctx, struct str name, struct str value)
{
    struct engine *e = ctx;
    int64_t v;

    handed_note_field(e, name, value);
    if (str_is(name, "repl-id") && value.len == REPL_ID_LEN) {
        memcpy(e->restored.id, value.ptr, REPL_ID_LEN);
        e->restored.id[REPL_ID_LEN] = 0;
    } else if (str_is(name, "repl-offset") && str_to_i64(value, &v)) {
        e->restored.offset = v;
    } else if (str_is(name, "repl-stream-db") && str_to_i64(value, &v)) {
        e->restored.db = v >= 0 && v < e->keyspace.db_count ? (int)v : 0;
    }
}

void replica_restore(struct engine *e)
{
    if (!*e->settings.replica_of || !e->restored.id[0] || e->restored.offset < 0 || e->replica)
        return;
    repl_stream_adopt(&e->stream, e->restored.id, e->restored.offset);
    e->restored.is_taken = true;
}

void replica_start(struct engine *e)
{
    struct arena a = {0};
    struct str *words;
    size_t count = 0;
    int64_t port;

    err_ignore(config_split(&a, str_of(e->settings.replica_of), &words, &count), "it was checked");
    if (count == 2 && str_to_i64(words[1], &port))
        repl_become_replica(e, words[0], (int)port);
    arena_fini(&a);
}

void replica_stop(struct engine *e)
{
    struct replica *r = e->replica;

    if (!r)
        return;
    e->replica = NULL;
    replica_free(r);
}
