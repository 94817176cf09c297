/*
 * Silence is counted in looks, not in time: who was kept from looking does not know whether the
 * counter moved meanwhile.
 */
#include "controlplane/lead/lead.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/str.h"
#include "controlplane/lead/predecessor.h"
#include "controlplane/store/leader.h"
#include "controlplane/vote/vote.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define CLAIM_WAIT_MS 300 /* for a writer that may stand still */

/* In the locked file, behind the counter. */
#define URL_AT    ((off_t)sizeof(uint64_t))
#define URL_BYTES 256

struct lead {
    struct lead_conf conf;
    int fd;
    bool has_lock;

    /* While it waits. */
    bool has_count; /* the counter was read before */
    bool has_moved; /* since then */
    uint64_t count;
    int64_t looked_ms, silent_ms;
    struct leader before; /* who is to be succeeded; in `memory` */
    bool is_over_living;
    struct arena memory;

    /* While it leads. */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    bool is_stopping;
    struct store *store;
    struct vote *vote;
};

/* --- the locked file --- */

static bool try_lock(struct lead *l)
{
    if (!l->has_lock)
        l->has_lock = flock(l->fd, LOCK_EX | LOCK_NB) == 0;
    return l->has_lock;
}

static void unlock(struct lead *l)
{
    (void)flock(l->fd, LOCK_UN);
    l->has_lock = false;
}

static uint64_t read_count(const struct lead *l)
{
    uint64_t count = 0;

    return pread(l->fd, &count, sizeof(count), 0) == (ssize_t)sizeof(count) ? count : 0;
}

/* One that cannot be moved makes somebody else try, who has the same disk. */
static void move_count(const struct lead *l)
{
    uint64_t count = read_count(l) + 1;

    (void)!pwrite(l->fd, &count, sizeof(count), 0);
}

/* --- beats --- */

/* False at the end. */
static bool wait_for_beat(struct lead *l)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LEAD_BEAT_MS * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&l->lock);
    while (!l->is_stopping && pthread_cond_timedwait(&l->changed, &l->lock, &until) == 0)
        continue;
    bool goes_on = !l->is_stopping;
    pthread_mutex_unlock(&l->lock);
    return goes_on;
}

/* It leads without the lock until the one before it lets go of that. */
static void take_lock_late(struct lead *l, struct store *store, struct arena *a)
{
    if (l->has_lock || !try_lock(l))
        return;
    struct err e = store_leader_locks(store, a);
    if (err_failed(e)) {
        unlock(l);
        return;
    }
    log_info("the control plane of before is gone");
}

/* The lock of `l` is held: who takes store and vote away waits until the beat is over. */
static void ask_store(struct lead *l, struct arena *a)
{
    int64_t asked_ms = clock_boot_ms(l->conf.clock);

    if (!l->store || err_failed(store_leader_check(l->store, a)))
        return;
    if (l->vote)
        vote_confirm(l->vote, asked_ms);
    take_lock_late(l, l->store, a);
}

static void *beat(void *context)
{
    struct lead *l = context;
    scoped(arena_fini) struct arena a = {0};

    do {
        arena_reset(&a);
        move_count(l);
        pthread_mutex_lock(&l->lock);
        ask_store(l, &a);
        pthread_mutex_unlock(&l->lock);
    } while (wait_for_beat(l));
    return NULL;
}

/* As of the vote, which hangs on it: it comes before all else, where it may. */
static void hurry(pthread_t thread)
{
    const struct sched_param first = {.sched_priority = 1};

    if (pthread_setschedparam(thread, SCHED_RR, &first) != 0)
        log_debug("beats have no priority on this machine");
}

static void begin_beats(struct lead *l)
{
    l->is_stopping = false;
    check(pthread_create(&l->thread, NULL, beat, l) == 0);
    l->has_thread = true;
    hurry(l->thread);
}

static void end_beats(struct lead *l)
{
    if (!l->has_thread)
        return;
    pthread_mutex_lock(&l->lock);
    l->is_stopping = true;
    pthread_cond_signal(&l->changed);
    pthread_mutex_unlock(&l->lock);
    pthread_join(l->thread, NULL);
    l->has_thread = false;
}

void lead_follow_store(struct lead *l, struct store *store)
{
    pthread_mutex_lock(&l->lock);
    l->store = store;
    pthread_mutex_unlock(&l->lock);
}

void lead_follow_vote(struct lead *l, struct vote *vote)
{
    pthread_mutex_lock(&l->lock);
    l->vote = vote;
    pthread_mutex_unlock(&l->lock);
}

/* --- waiting --- */

struct err lead_open(struct arena *a, const struct lead_conf *conf, struct lead **out)
{
    struct lead *l = calloc(1, sizeof(*l));
    pthread_condattr_t attr;

    check(l != NULL);
    l->conf = *conf;
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&l->changed, &attr);
    pthread_condattr_destroy(&attr);
    l->fd = open(fs_join(a, conf->state_dir, "larderd.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (l->fd < 0) {
        struct err e = err_sys(errno, "cannot open the lock file");
        lead_close(l);
        return e;
    }
    *out = l;
    return OK;
}

void lead_close(struct lead *l)
{
    if (!l)
        return;
    end_beats(l);
    fd_close(&l->fd);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->changed);
    arena_fini(&l->memory);
    free(l);
}

/* Whether the counter has stood still for too long, as far as that was watched. */
static bool is_silent(struct lead *l)
{
    int64_t now_ms = clock_boot_ms(l->conf.clock), passed_ms = now_ms - l->looked_ms;
    uint64_t count = read_count(l);

    l->has_moved = l->has_count && count != l->count;
    if (!l->has_count || l->has_moved)
        l->silent_ms = 0;
    else
        l->silent_ms += passed_ms < 2 * LEAD_LOOK_MS ? passed_ms : 2 * LEAD_LOOK_MS;
    l->has_count = true;
    l->count = count;
    l->looked_ms = now_ms;
    return l->silent_ms >= LEAD_SILENT_MS;
}

static struct err another_runs(void)
{
    return err_make(ERR_CONFLICT, "another larderd is running on it");
}

static struct err read_leader(struct lead *l)
{
    arena_reset(&l->memory);
    l->before = (struct leader){.has_lock = true};
    struct err e = leader_peek(&l->memory, l->conf.database, &l->before);
    if (err_is(e, ERR_NOT_FOUND))
        return OK;
    TRY(e);
    if (l->before.deposed_by && !l->conf.insists)
        return err_format(&l->memory, ERR_DENIED,
                          "hosts obey another control plane since, of epoch %lld, which works with "
                          "another database; --insist leads by this one all the same",
                          (long long)l->before.deposed_by);
    return OK;
}

static struct err begin_turn(struct lead *l, struct arena *a, struct leader_claim *out)
{
    struct rng rng;

    rng_seed_system(&rng);
    *out = (struct leader_claim){
        .over = l->before.instance,
        .instance = 1 + (int64_t)rng_below(&rng, LEADER_INSTANCE_MOST - 1),
        .has_lock = l->has_lock,
        .is_checked = l->has_count,
        .wait_ms = l->is_over_living ? CLAIM_WAIT_MS : 0,
    };
    TRY(predecessor_name(a, getpid(), &out->process));
    begin_beats(l);
    return OK;
}

/* The lock is free. Its last holder is dead, and that is who led; or it was another one, which
 * leads without the lock and is about to get it, unless it is dead, too. */
static struct err look_behind_lock(struct lead *l, bool *out_is_dead)
{
    struct err e = read_leader(l);

    *out_is_dead = !err_failed(e) &&
                   (l->before.has_lock || predecessor_is_gone(&l->memory, l->before.process));
    if (!*out_is_dead)
        unlock(l);
    return e;
}

static struct err look_at_counter(struct lead *l, bool *out_is_turn)
{
    *out_is_turn = is_silent(l);
    if (!*out_is_turn)
        return !l->conf.stands_by && l->has_moved ? another_runs() : OK;
    TRY(read_leader(l));
    log_warn("who led is silent: its lead is taken", f_int("silent_ms", l->silent_ms),
             f_int("epoch", l->before.epoch));
    (void)try_lock(l);
    return OK;
}

struct err lead_look(struct lead *l, struct arena *a, bool *out_is_turn, struct leader_claim *out)
{
    bool is_dead = false, is_silent = false;

    *out_is_turn = false;
    if (try_lock(l))
        TRY(err_keep(a, look_behind_lock(l, &is_dead)));
    else if (!l->conf.stands_by)
        return another_runs();
    if (!is_dead)
        TRY(err_keep(a, look_at_counter(l, &is_silent)));
    if (!is_dead && !is_silent)
        return OK;
    l->is_over_living = !is_dead;
    TRY(begin_turn(l, a, out));
    *out_is_turn = true;
    return OK;
}

bool lead_lost_turn(struct lead *l, struct arena *a, struct err e)
{
    if (!l->conf.stands_by || !(err_is(e, ERR_CONFLICT) || err_is(e, ERR_UNAVAILABLE)))
        return false;
    end_beats(l);
    if (l->has_lock)
        unlock(l);
    if (err_is(e, ERR_UNAVAILABLE) && l->is_over_living) {
        struct err end = predecessor_end(a, l->before.process);
        if (err_failed(end))
            log_error("who led stands still with the database and cannot be ended", f_err(end));
        else
            log_warn("who led stood still with the database and was ended",
                     f_str("process", l->before.process));
    }
    l->silent_ms = 0;
    return true;
}

/* --- where it answers --- */

void lead_tell_url(struct lead *l, const char *url)
{
    char text[URL_BYTES] = {0};

    snprintf(text, sizeof(text), "%s", url);
    (void)!pwrite(l->fd, text, sizeof(text), URL_AT); /* they will know where when they lead */
}

const char *lead_leader_url(const struct lead *l, struct arena *a)
{
    char text[URL_BYTES];
    ssize_t len = pread(l->fd, text, sizeof(text), URL_AT);

    if (len <= 0 || !memchr(text, '\0', (size_t)len) || !str_starts(str_of(text), "http"))
        return NULL;
    return arena_strdup(a, text);
}

bool lead_is_over_living(const struct lead *l)
{
    return l->is_over_living;
}
