#include "cacheengine/dispatch/cmd_persist.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/saving.h"
#include "dispatch_test.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

/* A primary in a folder of its own, the loop that watches for it, and replicas without sockets. */
struct play {
    struct resp_fixture f;
    char dir[64], option[96];
    struct fd_watch *watched[4];
};

static struct err watch(struct engine *e, struct fd_watch *w, uint32_t events)
{
    struct play *p = e->host_ctx;

    (void)events;
    for (size_t i = 0; i < countof(p->watched); i++)
        if (!p->watched[i]) {
            p->watched[i] = w;
            return OK;
        }
    return err_make(ERR_LIMIT, "too many");
}

static void unwatch(struct engine *e, struct fd_watch *w)
{
    struct play *p = e->host_ctx;

    for (size_t i = 0; i < countof(p->watched); i++)
        if (p->watched[i] == w)
            p->watched[i] = NULL;
}

static bool is_urged(struct engine *e)
{
    (void)e;
    return false;
}

static const struct engine_host loop = {.watch = watch, .unwatch = unwatch, .is_urged = is_urged};

static void begin(struct play *p, const char *option)
{
    *p = (struct play){0};
    strcpy(p->dir, "/tmp/larder-followers-XXXXXX");
    cr_assert_not_null(mkdtemp(p->dir));
    cr_assert_eq(chdir(p->dir), 0);
    snprintf(p->option, sizeof(p->option), "dir %s", p->dir);
    resp_open(&p->f, (const char *const[]){p->option, option, NULL});
    p->f.engine.host = &loop;
    p->f.engine.host_ctx = p;
}

static void end(struct play *p)
{
    char command[128];

    resp_close(&p->f);
    snprintf(command, sizeof(command), "rm -r %s", p->dir);
    cr_assert_eq(system(command), 0);
}

/* One round: what is watched is told what it has. */
static void round_of(struct play *p)
{
    for (size_t i = 0; i < countof(p->watched); i++) {
        struct fd_watch *w = p->watched[i];
        struct pollfd fd = {.fd = w ? w->fd : -1, .events = POLLIN};

        if (w && poll(&fd, 1, 10) == 1)
            w->ready(w, (uint32_t)fd.revents);
        /* The loop forgets a descriptor that was closed. */
        if (w && p->watched[i] == w && w->fd == -1)
            p->watched[i] = NULL;
    }
    saving_tick(p->f.engine.saving);
}

/* What a replica is sent now; a text with a NUL behind it. */
static size_t take(struct resp_client *c, struct buf *out)
{
    struct client_feed *feed = c->client.feed;
    struct iovec iov[4];
    size_t before = out->len;

    cr_assert_not_null(feed);
    while (feed->gather(feed, iov, 4) > 0) {
        buf_add(out, iov[0].iov_base, iov[0].iov_len);
        feed->sent(feed, iov[0].iov_len);
    }
    return out->len - before;
}

static void take_until(struct play *p, struct resp_client *c, struct buf *out,
                       enum follower_state state)
{
    for (int i = 0; i < 2000 && c->client.follower->state != state; i++) {
        take(c, out);
        round_of(p);
    }
    cr_assert_eq(c->client.follower->state, state);
    take(c, out);
}

#define asks(p, c, line, answer) cr_assert_str_eq(resp_ask_of(&(p)->f, (c), (line)), (answer))

static bool ends_with(struct buf *b, const char *text)
{
    return str_ends(buf_str(b), text);
}

Test(followers, a_snapshot_comes_through_a_pipe_between_marks)
{
    struct play p;
    struct resp_client r;
    struct buf got = BUF_EMPTY;
    char mark[41] = {0};

    begin(&p, "repl-diskless-sync-delay 0");
    says(&p.f, "SET key value", "+OK\r\n");
    resp_client_open(&p.f, &r, false);
    asks(&p, &r, "REPLCONF capa eof capa psync2", "+OK\r\n");
    asks(&p, &r, "PSYNC ? -1", "");
    shows(&p.f, "INFO replication", "slave0:ip=127.0.0.1,port=0,state=wait_bgsave,offset=0,lag=0");
    says(&p.f, "SET other value", "+OK\r\n");
    take_until(&p, &r, &got, FOLLOWER_ONLINE);
    const char *text = buf_cstr(&got), *at = strstr(text, "\r\n$EOF:");
    cr_assert_eq(strncmp(text, "+FULLRESYNC ", 12), 0);
    cr_assert_eq(strncmp(text + 12, p.f.engine.stream.id, 40), 0);
    cr_assert(at);
    memcpy(mark, at + 7, 40);
    cr_expect_eq(strncmp(at + 47, "\r\nREDIS0010", 11), 0, "a reader that tells no version is old");
    cr_expect(ends_with(&got, mark));
    cr_expect_eq(access("dump.rdb", F_OK), -1);
    /* The stream begins when it says that it has all of it. */
    got.len = 0;
    cr_expect_eq(take(&r, &got), 0);
    asks(&p, &r, "REPLCONF ACK 0", "");
    take(&r, &got);
    cr_expect_str_eq(buf_cstr(&got),
                     "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$5\r\nother"
                     "\r\n$5\r\nvalue\r\n");
    shows(&p.f, "INFO replication", "state=online,offset=0,lag=0");
    shows(&p.f, "CLIENT LIST TYPE replica", "flags=S");
    hides(&p.f, "CLIENT LIST TYPE normal", "flags=S");
    shows(&p.f, "INFO clients", "connected_clients:1\r");
    buf_fini(&got);
    resp_client_close(&p.f, &r);
    shows(&p.f, "INFO replication", "connected_slaves:0");
    end(&p);
}

Test(followers, several_replicas_share_one_snapshot_of_a_pipe)
{
    struct play p;
    struct resp_client r[3];
    struct buf got[3] = {BUF_EMPTY, BUF_EMPTY, BUF_EMPTY};
    char line[64];

    begin(&p, "repl-diskless-sync-max-replicas 3");
    resp_ask(&p.f, "CONFIG SET rdbcompression no");
    for (int i = 0; i < 3000; i++) {
        snprintf(line, sizeof(line), "SETRANGE big:%d 1000 %d", i, i);
        resp_ask(&p.f, line);
    }
    for (int i = 0; i < 3; i++) {
        resp_client_open(&p.f, &r[i], false);
        asks(&p, &r[i], "REPLCONF capa eof", "+OK\r\n");
        cr_expect_not(saving_runs(p.f.engine.saving));
        asks(&p, &r[i], "PSYNC ? -1", "");
    }
    cr_expect(saving_runs(p.f.engine.saving));
    /* One goes in the middle of it; one is slow. */
    take(&r[0], &got[0]);
    round_of(&p);
    take(&r[0], &got[0]);
    resp_client_close(&p.f, &r[0]);
    for (int i = 0; i < 5000 && r[2].client.follower->state != FOLLOWER_ONLINE; i++) {
        take(&r[1], &got[1]);
        round_of(&p);
        if (i % 3 == 0)
            take(&r[2], &got[2]);
    }
    take(&r[1], &got[1]);
    take(&r[2], &got[2]);
    cr_expect_gt(got[1].len, 3000000);
    cr_expect(str_eq(buf_str(&got[1]), buf_str(&got[2])));
    cr_expect_eq(p.f.engine.saving->forks, 1);
    for (int i = 0; i < 3; i++)
        buf_fini(&got[i]);
    resp_client_close(&p.f, &r[1]);
    resp_client_close(&p.f, &r[2]);
    end(&p);
}

Test(followers, a_snapshot_that_nobody_wants_any_more_is_ended)
{
    struct play p;
    struct resp_client r;

    begin(&p, "repl-diskless-sync-delay 0");
    resp_ask(&p.f, "SET a 1");
    resp_ask(&p.f, "CONFIG SET rdb-key-save-delay 10000000");
    resp_client_open(&p.f, &r, false);
    asks(&p, &r, "REPLCONF capa eof", "+OK\r\n");
    asks(&p, &r, "PSYNC ? -1", "");
    cr_expect(saving_runs(p.f.engine.saving));
    resp_client_close(&p.f, &r);
    cr_expect_not(saving_runs(p.f.engine.saving));
    cr_expect_not(p.f.engine.followers->sync.is_piped);
    end(&p);
}

Test(followers, who_knows_no_mark_gets_the_file_with_its_length)
{
    struct play p;
    struct resp_client old, late;
    struct buf got = BUF_EMPTY, got_late = BUF_EMPTY;

    begin(&p, "repl-backlog-size 16kb");
    says(&p.f, "SET key value", "+OK\r\n");
    says(&p.f, "SELECT 3", "+OK\r\n");
    says(&p.f, "SET key value", "+OK\r\n");
    resp_client_open(&p.f, &old, false);
    resp_client_open(&p.f, &late, false);
    asks(&p, &old, "SYNC", "");
    cr_expect(saving_runs_kind(p.f.engine.saving, SAVING_FILE));
    says(&p.f, "SET between 1", "+OK\r\n");
    asks(&p, &late, "PSYNC ? -1", "");
    take_until(&p, &old, &got, FOLLOWER_ONLINE);
    take_until(&p, &late, &got_late, FOLLOWER_ONLINE);
    cr_expect_eq(p.f.engine.saving->forks, 1, "the second joins the first one's");
    char *rest;
    long long len = strtoll(buf_cstr(&got) + 1, &rest, 10);
    cr_expect_eq(strncmp(rest, "\r\nREDIS0010", 11), 0);
    cr_expect_str_eq(rest + 2 + len,
                     "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*3\r\n$3\r\nSET\r\n$7\r\nbetween"
                     "\r\n$1\r\n1\r\n");
    cr_expect_eq(strncmp(buf_cstr(&got_late), "+FULLRESYNC ", 12), 0);
    const char *behind = strstr(buf_cstr(&got_late), " 0\r\n$");
    cr_expect(behind && !strcmp(behind + 4, buf_cstr(&got)));
    buf_fini(&got);
    buf_fini(&got_late);
    resp_client_close(&p.f, &old);
    resp_client_close(&p.f, &late);
    end(&p);
}

Test(followers, who_wants_the_snapshot_alone_is_closed_behind_it)
{
    struct play p;
    struct resp_client r;
    struct buf got = BUF_EMPTY;

    begin(&p, "repl-diskless-sync-delay 0");
    resp_ask(&p.f, "SET key value");
    resp_client_open(&p.f, &r, false);
    asks(&p, &r, "REPLCONF rdb-only 1", "+OK\r\n");
    asks(&p, &r, "REPLCONF capa eof", "+OK\r\n");
    asks(&p, &r, "REPLCONF rdb-filter-only functions", "+OK\r\n");
    asks(&p, &r, "SYNC", "");
    take_until(&p, &r, &got, FOLLOWER_SERVED);
    cr_expect(r.is_killed);
    cr_expect_eq(p.f.engine.stream.reader_count, 0);
    cr_expect_null(memmem(buf_str(&got).ptr, got.len, "value", 5));
    buf_fini(&got);
    resp_client_close(&p.f, &r);
    end(&p);
}

/* Makes the client a replica of all that comes from now on. */
static void follow(struct play *p, struct resp_client *c, struct buf *got)
{
    resp_client_open(&p->f, c, false);
    asks(p, c, "REPLCONF capa eof capa psync2", "+OK\r\n");
    asks(p, c, "PSYNC ? -1", "");
    take_until(p, c, got, FOLLOWER_ONLINE);
    asks(p, c, "REPLCONF ACK 0", "");
}

Test(followers, one_that_was_away_goes_on_where_it_was)
{
    struct play p;
    struct resp_client r;
    struct buf got = BUF_EMPTY;
    char line[128];

    begin(&p, "repl-diskless-sync-delay 0");
    follow(&p, &r, &got);
    resp_ask(&p.f, "SET a 1");
    resp_client_close(&p.f, &r);
    long long next = p.f.engine.stream.offset + 1;
    resp_ask(&p.f, "SET b 1");
    resp_client_open(&p.f, &r, false);
    asks(&p, &r, "REPLCONF capa psync2", "+OK\r\n");
    snprintf(line, sizeof(line), "PSYNC %s %lld", p.f.engine.stream.id, next);
    asks(&p, &r, line, "");
    got.len = 0;
    take(&r, &got);
    snprintf(line, sizeof(line), "+CONTINUE %s\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n1\r\n",
             p.f.engine.stream.id);
    cr_expect_str_eq(buf_cstr(&got), line);
    shows(&p.f, "INFO stats", "sync_partial_ok:1\r");
    resp_client_close(&p.f, &r);
    resp_client_open(&p.f, &r, false);
    asks(&p, &r, "REPLCONF capa eof", "+OK\r\n");
    asks(&p, &r, "PSYNC 0123456789012345678901234567890123456789 1", "");
    shows(&p.f, "INFO stats", "sync_full:2\r\nsync_partial_ok:1\r\nsync_partial_err:1\r");
    buf_fini(&got);
    resp_client_close(&p.f, &r);
    end(&p);
}

Test(followers, what_was_acknowledged_ends_waits)
{
    struct play p;
    struct resp_client r, writer;
    struct buf got = BUF_EMPTY;
    char line[64];

    begin(&p, "repl-diskless-sync-delay 0");
    says(&p.f, "WAIT 0 0", ":0\r\n");
    follow(&p, &r, &got);
    resp_client_open(&p.f, &writer, false);
    asks(&p, &writer, "SET a 1", "+OK\r\n");
    asks(&p, &writer, "WAIT 1 0", "");
    followers_flush(&p.f.engine);
    got.len = 0;
    take(&r, &got);
    cr_expect(ends_with(&got, "*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"));
    shows(&p.f, "INFO clients", "blocked_clients:1\r");
    snprintf(line, sizeof(line), "REPLCONF ACK %lld", (long long)writer.client.written_offset - 1);
    asks(&p, &r, line, "");
    asks(&p, &writer, "", "");
    snprintf(line, sizeof(line), "REPLCONF ACK %lld FACK 7",
             (long long)writer.client.written_offset);
    asks(&p, &r, line, "");
    asks(&p, &writer, "", ":1\r\n");
    cr_expect_eq(followers_saved(&p.f.engine, 7), 1);
    cr_expect_eq(followers_saved(&p.f.engine, 8), 0);
    asks(&p, &writer, "WAIT 2 50", "");
    resp_advance(&p.f, 60);
    engine_end_waits(&p.f.engine);
    asks(&p, &writer, "", ":1\r\n");
    asks(&p, &writer, "MULTI", "+OK\r\n");
    asks(&p, &writer, "SET b 1", "+QUEUED\r\n");
    asks(&p, &writer, "WAIT 1 0", "+QUEUED\r\n");
    asks(&p, &writer, "EXEC", "*2\r\n+OK\r\n:1\r\n");
    asks(&p, &writer, "WAIT 1 0", "");
    buf_fini(&got);
    resp_client_close(&p.f, &writer);
    resp_client_close(&p.f, &r);
    end(&p);
}

Test(followers, writes_need_as_many_replicas_as_were_asked_for)
{
    struct play p;
    struct resp_client r;
    struct buf got = BUF_EMPTY;

    begin(&p, "repl-diskless-sync-delay 0");
    follow(&p, &r, &got);
    says(&p.f, "CONFIG SET min-replicas-to-write 1", "+OK\r\n");
    followers_apply_settings(&p.f.engine);
    says(&p.f, "SET a 1", "+OK\r\n");
    shows(&p.f, "INFO replication", "min_slaves_good_slaves:1\r");
    resp_advance(&p.f, 11000);
    followers_tick(&p.f.engine);
    says(&p.f, "SET a 1", "-NOREPLICAS Not enough good replicas to write.\r\n");
    says(&p.f, "GET a", "$1\r\n1\r\n");
    asks(&p, &r, "REPLCONF ACK 5", "");
    says(&p.f, "SET a 1", "+OK\r\n");
    resp_client_close(&p.f, &r);
    says(&p.f, "SET a 1", "-NOREPLICAS Not enough good replicas to write.\r\n");
    says(&p.f, "CONFIG SET min-replicas-to-write 0", "+OK\r\n");
    followers_apply_settings(&p.f.engine);
    says(&p.f, "SET a 1", "+OK\r\n");
    buf_fini(&got);
    end(&p);
}

Test(followers, time_passes)
{
    struct play p;
    struct resp_client r, waiting;
    struct buf got = BUF_EMPTY;

    begin(&p, "repl-diskless-sync-delay 0");
    follow(&p, &r, &got);
    resp_advance(&p.f, 10000);
    followers_tick(&p.f.engine);
    got.len = 0;
    take(&r, &got);
    cr_expect_str_eq(buf_cstr(&got), "*1\r\n$4\r\nPING\r\n");
    /* One that waits for its snapshot hears line feeds. */
    resp_ask(&p.f, "CONFIG SET repl-diskless-sync-delay 100");
    resp_client_open(&p.f, &waiting, false);
    asks(&p, &waiting, "REPLCONF capa eof", "+OK\r\n");
    asks(&p, &waiting, "PSYNC ? -1", "");
    resp_advance(&p.f, 1000);
    followers_tick(&p.f.engine);
    got.len = 0;
    take(&waiting, &got);
    cr_expect_str_eq(buf_cstr(&got), "\n");
    /* One that is not heard is dropped. */
    resp_advance(&p.f, 55000);
    followers_tick(&p.f.engine);
    cr_expect(r.is_killed);
    cr_expect_not(waiting.is_killed);
    resp_client_close(&p.f, &r);
    resp_client_close(&p.f, &waiting);
    /* And the stream, when there is nobody for long. */
    char id[41];
    memcpy(id, p.f.engine.stream.id, sizeof(id));
    resp_advance(&p.f, 3600000);
    followers_tick(&p.f.engine);
    cr_expect(p.f.engine.stream.is_open);
    resp_advance(&p.f, 2000);
    followers_tick(&p.f.engine);
    cr_expect_not(p.f.engine.stream.is_open);
    cr_expect_str_neq(p.f.engine.stream.id, id);
    buf_fini(&got);
    end(&p);
}

Test(followers, what_replconf_refuses)
{
    struct play p;
    char line[400];

    begin(&p, NULL);
    says(&p.f, "REPLCONF capa", "-ERR syntax error\r\n");
    says(&p.f, "REPLCONF what 1", "-ERR Unrecognized REPLCONF option: what\r\n");
    says(&p.f, "REPLCONF listening-port x", "-ERR value is not an integer or out of range\r\n");
    says(&p.f, "REPLCONF rdb-filter-only keys",
         "-ERR Unsupported rdb-filter-only option: keys\r\n");
    says(&p.f, "SYNC", "-ERR Filtered replica requires EOF capability\r\n");
    says(&p.f, "REPLCONF version 7.2.4", "+OK\r\n");
    cr_expect_eq(p.f.main.client.follower->version, 0x070204);
    says(&p.f, "REPLCONF version 7", "-ERR Unrecognized version format: 7\r\n");
    says(&p.f, "REPLCONF ack 5", "");
    says(&p.f, "REPLCONF capa dual-channel listening-port 7 ip-address ::1", "+OK\r\n");
    memset(line, 'x', sizeof(line));
    memcpy(line, "REPLCONF ip-address ", 20);
    line[300] = 0;
    shows(&p.f, line,
          "-ERR REPLCONF ip-address provided by replica instance is too long: 280 bytes");
    says(&p.f, "ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
    end(&p);
}

Test(followers, a_file_that_no_replica_waits_for_is_given_up)
{
    struct play p;
    struct resp_client one, two;

    begin(&p, "repl-diskless-sync no");
    says(&p.f, "SET key value", "+OK\r\n");
    says(&p.f, "CONFIG SET rdb-key-save-delay 1000000", "+OK\r\n");
    resp_client_open(&p.f, &one, false);
    resp_client_open(&p.f, &two, false);
    asks(&p, &one, "PSYNC ? -1", "");
    asks(&p, &two, "PSYNC ? -1", "");
    resp_client_close(&p.f, &one);
    cr_assert(saving_runs(p.f.engine.saving));
    says(&p.f, "CONFIG SET save '900 1'", "+OK\r\n");
    resp_client_close(&p.f, &two);
    cr_assert(saving_runs(p.f.engine.saving), "it is a snapshot as any other then");
    says(&p.f, "CONFIG SET save ''", "+OK\r\n");
    resp_client_open(&p.f, &one, false);
    asks(&p, &one, "PSYNC ? -1", "");
    saving_stop(p.f.engine.saving);
    says(&p.f, "CONFIG RESETSTAT", "+OK\r\n");
    cr_assert_eq(p.f.engine.followers->full_syncs, 0);
    followers_sync_begin_due(p.f.engine.followers);
    cr_assert(saving_runs(p.f.engine.saving));
    resp_client_close(&p.f, &one);
    cr_assert_not(saving_runs(p.f.engine.saving));
    end(&p);
}

static void tick_in(struct play *p, int64_t ms)
{
    engine_set_now(&p->f.engine, p->f.engine.keyspace.now_ms + ms,
                   p->f.engine.keyspace.passed_ms + ms);
    followers_tick(&p->f.engine);
}

Test(followers, a_longer_period_of_pings_counts_at_once)
{
    struct play p;
    struct resp_client r;
    struct buf got = BUF_EMPTY;

    begin(&p, "repl-diskless-sync-delay 0");
    resp_client_open(&p.f, &r, false);
    asks(&p, &r, "REPLCONF capa eof capa psync2", "+OK\r\n");
    asks(&p, &r, "PSYNC ? -1", "");
    take_until(&p, &r, &got, FOLLOWER_ONLINE);
    says(&p.f, "CONFIG SET repl-ping-replica-period 1", "+OK\r\n");
    tick_in(&p, 1001);
    int64_t offset = p.f.engine.stream.offset;
    tick_in(&p, 1001);
    cr_assert_eq(p.f.engine.stream.offset, offset + 14);
    says(&p.f, "CONFIG SET repl-ping-replica-period 3600", "+OK\r\n");
    tick_in(&p, 1001);
    cr_assert_eq(p.f.engine.stream.offset, offset + 14);
    buf_fini(&got);
    resp_client_close(&p.f, &r);
    end(&p);
}

Test(followers, what_expired_while_a_primary_was_away_is_told_when_it_is_back)
{
    struct play p;
    struct resp_client r;
    struct buf got = BUF_EMPTY;
    struct arena a = {0};
    char id[REPL_ID_LEN + 1];

    begin(&p, "repl-diskless-sync-delay 0");
    resp_client_open(&p.f, &r, false);
    asks(&p, &r, "REPLCONF capa eof capa psync2", "+OK\r\n");
    asks(&p, &r, "PSYNC ? -1", "");
    take_until(&p, &r, &got, FOLLOWER_ONLINE);
    says(&p.f, "DEBUG SET-ACTIVE-EXPIRE 0", "+OK\r\n");
    says(&p.f, "SET stays value", "+OK\r\n");
    says(&p.f, "SET goes value PX 10000", "+OK\r\n");
    says(&p.f, "SAVE", "+OK\r\n");
    strcpy(id, p.f.engine.stream.id);
    int64_t offset = p.f.engine.stream.offset;
    resp_client_close(&p.f, &r);
    resp_close(&p.f);
    resp_open(&p.f, (const char *const[]){p.option, NULL});
    p.f.engine.host = &loop;
    p.f.engine.host_ctx = &p;
    engine_set_now(&p.f.engine, p.f.engine.keyspace.now_ms + 20000,
                   p.f.engine.keyspace.passed_ms + 20000);
    cr_assert_not(err_failed(engine_load_data(&p.f.engine, NULL, &a)));
    cr_assert_eq(p.f.engine.loaded.expired, 1);
    says(&p.f, "KEYS *", "*1\r\n$5\r\nstays\r\n");
    resp_client_open(&p.f, &r, false);
    asks(&p, &r, "REPLCONF capa psync2", "+OK\r\n");
    const char *line = arena_printf(&a, "PSYNC %s %lld", id, (long long)offset + 1);
    asks(&p, &r, line, "");
    buf_clear(&got);
    take(&r, &got);
    cr_assert_eq(strncmp(buf_cstr(&got), "+CONTINUE ", 10), 0);
    cr_assert(ends_with(&got, "*2\r\n$3\r\nDEL\r\n$4\r\ngoes\r\n"));
    buf_fini(&got);
    arena_fini(&a);
    resp_client_close(&p.f, &r);
    end(&p);
}

Test(followers, a_snapshot_of_keys_that_were_all_removed_is_given_up)
{
    struct play p;
    struct resp_client r;

    begin(&p, "repl-diskless-sync-delay 0");
    says(&p.f, "SET key value", "+OK\r\n");
    says(&p.f, "CONFIG SET rdb-key-save-delay 1000000", "+OK\r\n");
    resp_client_open(&p.f, &r, false);
    asks(&p, &r, "REPLCONF capa eof capa psync2", "+OK\r\n");
    asks(&p, &r, "PSYNC ? -1", "");
    cr_assert(saving_runs_kind(p.f.engine.saving, SAVING_STREAM));
    says(&p.f, "FLUSHALL", "+OK\r\n");
    cr_assert_not(saving_runs(p.f.engine.saving));
    cr_assert(r.client.is_killed, "it comes again");
    resp_client_close(&p.f, &r);
    end(&p);
}
