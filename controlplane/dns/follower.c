/*
 * Each name has a number that grows with every change; what was pushed is done when its number is
 * still the same afterwards. The memory is a journal: "+name" before a name is brought for the
 * first time, "-name" when it was taken back, read and written anew at the start.
 */
#include "controlplane/dns/follower.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/map.h"
#include "controlplane/dns/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RETRY_FIRST_MS   100
#define RETRY_MOST_MS    5000
#define REST_MS          3600000
#define MEMORY_MAX_BYTES (64 << 20)

/* A name as it should be; with no addresses it is kept until it was taken back. */
struct wanted {
    uint64_t change;
    bool is_due;
    bool is_set;        /* since the start; else only remembered */
    bool is_remembered; /* stands in the memory */
    int ttl_s;
    size_t count;
    struct net_addr *addresses;
};

struct follower {
    struct follower_conf conf;
    pthread_t thread;
    int memory_fd; /* -1: none */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    struct map names;
    uint64_t changes;
    bool has_due, is_settled, is_stopping;
    /* The thread's. */
    bool is_failing;
    int64_t retry_ms, refresh_boot_ms;
};

/* --- names, under the lock --- */

static void wanted_free(struct wanted *w)
{
    free(w->addresses);
    free(w);
}

static struct wanted *wanted_of(struct follower *f, const char *name)
{
    struct wanted *w = map_get(&f->names, str_of(name));

    if (!w) {
        w = calloc(1, sizeof(*w));
        check(w != NULL);
        map_put(&f->names, str_of(name), w);
    }
    return w;
}

static bool is_same(const struct wanted *w, const struct net_addr *addresses, size_t count,
                    int ttl_s)
{
    if (!w->is_set || w->count != count || (count > 0 && w->ttl_s != ttl_s))
        return false;
    for (size_t i = 0; i < count; i++)
        if (w->addresses[i].len != addresses[i].len ||
            memcmp(&w->addresses[i].storage, &addresses[i].storage, addresses[i].len) != 0)
            return false;
    return true;
}

static void make_due(struct follower *f, struct wanted *w)
{
    w->is_due = true;
    w->change = ++f->changes;
    f->has_due = true;
}

void follower_set(struct follower *f, const char *name, const struct net_addr *addresses,
                  size_t count, int ttl_s)
{
    pthread_mutex_lock(&f->lock);
    struct wanted *w = count > 0 ? wanted_of(f, name) : map_get(&f->names, str_of(name));
    if (w && !is_same(w, addresses, count, ttl_s)) {
        struct net_addr *copy = NULL;
        if (count > 0) {
            copy = calloc(count, sizeof(*copy));
            check(copy != NULL);
            memcpy(copy, addresses, count * sizeof(*copy));
        }
        free(w->addresses);
        w->addresses = copy;
        w->count = count;
        w->ttl_s = ttl_s;
        w->is_set = true;
        make_due(f, w);
        pthread_cond_signal(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
}

void follower_settle(struct follower *f)
{
    pthread_mutex_lock(&f->lock);
    if (!f->is_settled) {
        f->is_settled = true;
        map_each(slot, &f->names) {
            struct wanted *w = slot->value;
            if (!w->is_set) {
                w->is_set = true;
                make_due(f, w);
            }
        }
        f->has_due |= f->conf.names_max == 0; /* that there are none is told, too */
        pthread_cond_signal(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
}

static void make_all_due(struct follower *f)
{
    map_each(slot, &f->names) {
        struct wanted *w = slot->value;
        if (w->is_set)
            make_due(f, w);
    }
}

/* --- the memory, on the thread --- */

static struct err memory_write(struct follower *f, const struct buf *lines)
{
    struct str rest = buf_str(lines);

    if (f->memory_fd < 0)
        return OK;
    while (rest.len > 0) {
        ssize_t n = write(f->memory_fd, rest.ptr, rest.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_make(ERR_IO, "the memory of published names cannot be written");
        rest = (struct str){rest.ptr + n, rest.len - (size_t)n};
    }
    return fdatasync(f->memory_fd) == 0
               ? OK
               : err_make(ERR_IO, "the memory of published names cannot be written");
}

static void memory_line(struct buf *b, char sign, const char *name)
{
    buf_putc(b, sign);
    buf_puts(b, name);
    buf_putc(b, '\n');
}

static void memory_read_line(struct follower *f, struct str line)
{
    char name[DNS_NAME_MAX], text[DNS_NAME_MAX + 1];

    if (line.len < 2 || line.len > DNS_NAME_MAX)
        return;
    memcpy(text, line.ptr + 1, line.len - 1);
    text[line.len - 1] = '\0';
    if (!dns_name_clean(text, name))
        return; /* half a line, written while the machine died */
    if (line.ptr[0] == '+')
        wanted_of(f, name)->is_remembered = true;
    struct wanted *gone = line.ptr[0] == '-' ? map_take(&f->names, str_of(name)) : NULL;
    if (gone)
        wanted_free(gone);
}

static struct err memory_open(struct follower *f, const char *path)
{
    scoped(buf_fini) struct buf content = BUF_EMPTY, names = BUF_EMPTY;

    struct err e = fs_read_all(path, MEMORY_MAX_BYTES, &content);
    if (err_failed(e) && !err_is(e, ERR_NOT_FOUND))
        return e;
    struct str rest = buf_str(&content);
    while (rest.len > 0)
        memory_read_line(f, str_cut(&rest, '\n'));
    map_each(slot, &f->names)
        memory_line(&names, '+', slot->key);
    TRY(fs_write_atomic(path, buf_str(&names), 0600, FS_SYNC));
    f->memory_fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    return f->memory_fd >= 0 ? OK : err_make(ERR_IO, "cannot be opened");
}

/* --- the thread --- */

struct batch {
    struct follower_name *names;
    uint64_t *changes;
    size_t count;
};

static void batch_add(struct arena *a, struct batch *b, const char *name, const struct wanted *w)
{
    struct net_addr *addresses = arena_array(a, w->count, sizeof(*addresses));

    if (w->count > 0)
        memcpy(addresses, w->addresses, w->count * sizeof(*addresses));
    b->changes[b->count] = w->change;
    b->names[b->count++] =
        (struct follower_name){arena_strdup(a, name), addresses, w->count, w->ttl_s};
}

/* What is to be brought next; lines for the memory that must stand there before. Under the lock. */
static struct batch take(struct follower *f, struct arena *a, struct buf *lines)
{
    bool is_whole = f->conf.names_max == 0;
    size_t most = is_whole ? f->names.count : f->conf.names_max, addresses = 0;
    struct batch b = {arena_array(a, most, sizeof(*b.names)),
                      arena_array(a, most, sizeof(*b.changes)), 0};

    f->has_due = false;
    map_each(slot, &f->names) {
        struct wanted *w = slot->value;
        if (!is_whole && !w->is_due)
            continue;
        bool has_room = b.count < most && addresses + w->count <= f->conf.addresses_max;
        if (!is_whole && b.count > 0 && !has_room) {
            f->has_due = true;
            break;
        }
        addresses += w->count;
        batch_add(a, &b, slot->key, w);
        if (f->memory_fd >= 0 && !w->is_remembered && w->count > 0)
            memory_line(lines, '+', slot->key);
    }
    return b;
}

static void note_remembered(struct follower *f, const struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        struct wanted *w = map_get(&f->names, str_of(b->names[i].name));
        if (w && b->names[i].count > 0)
            w->is_remembered = true;
    }
}

/* After a push: what did not change meanwhile is done. Under the lock. */
static void settle_batch(struct follower *f, const struct batch *b, bool is_done, struct buf *lines)
{
    for (size_t i = 0; i < b->count; i++) {
        struct str name = str_of(b->names[i].name);
        struct wanted *w = map_get(&f->names, name);
        if (!w || w->change != b->changes[i])
            continue;
        w->is_due = !is_done;
        f->has_due |= !is_done;
        if (!is_done || w->count > 0)
            continue;
        if (w->is_remembered)
            memory_line(lines, '-', b->names[i].name);
        wanted_free(map_take(&f->names, name));
    }
    if (b->count == 0)
        f->has_due |= !is_done;
}

static bool may_bring(const struct follower *f)
{
    return f->has_due && (f->conf.names_max > 0 || f->is_settled);
}

/* Under the lock; for so long, or until there is something to do. */
static void rest_until(struct follower *f, int64_t boot_ms, bool ends_with_work)
{
    struct timespec until = {.tv_sec = boot_ms / 1000, .tv_nsec = boot_ms % 1000 * 1000000};

    while (!f->is_stopping && !(ends_with_work && may_bring(f)) &&
           pthread_cond_timedwait(&f->changed, &f->lock, &until) != ETIMEDOUT)
        ;
}

static int64_t now_boot_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void note_failure(struct follower *f, struct err e)
{
    if (!f->is_failing)
        log_warn("names cannot be brought there; trying again", f_str("to", f->conf.what),
                 f_err(e));
    f->retry_ms = f->is_failing ? f->retry_ms * 2 : RETRY_FIRST_MS;
    if (f->retry_ms > RETRY_MOST_MS)
        f->retry_ms = RETRY_MOST_MS;
    f->is_failing = true;
}

/* Under the lock. */
static void note_success(struct follower *f)
{
    if (!f->is_failing)
        return;
    f->is_failing = false;
    log_info("names are brought there again", f_str("to", f->conf.what));
    make_all_due(f);
}

static struct err check_lead(const struct follower *f)
{
    return !f->conf.may_push || f->conf.may_push(f->conf.may_push_context)
               ? OK
               : err_make(ERR_UNAVAILABLE, "this control plane does not lead");
}

/* One round under the lock, which is let go while the names are under way. */
static void bring(struct follower *f)
{
    scoped(arena_fini) struct arena a = {0};
    scoped(buf_fini) struct buf before = BUF_EMPTY, after = BUF_EMPTY;
    struct batch b = take(f, &a, &before);

    pthread_mutex_unlock(&f->lock);
    struct err e = check_lead(f);
    if (!err_failed(e))
        e = memory_write(f, &before);
    bool is_noted = !err_failed(e);
    if (is_noted)
        e = f->conf.push(f->conf.context, &a, b.names, b.count);
    pthread_mutex_lock(&f->lock);
    if (is_noted && f->memory_fd >= 0)
        note_remembered(f, &b);
    settle_batch(f, &b, !err_failed(e), &after);
    if (err_failed(e)) {
        note_failure(f, e);
        rest_until(f, now_boot_ms() + f->retry_ms, false);
        return;
    }
    note_success(f);
    e = memory_write(f, &after);
    if (err_failed(e)) /* they are taken back once more by the next program: no harm */
        log_warn("names that were taken back are still remembered", f_err(e));
}

static void *follow(void *context)
{
    struct follower *f = context;

    pthread_mutex_lock(&f->lock);
    while (!f->is_stopping) {
        int64_t now_ms = now_boot_ms();
        if (f->conf.refresh_ms > 0 && now_ms >= f->refresh_boot_ms) {
            make_all_due(f);
            f->refresh_boot_ms = now_ms + f->conf.refresh_ms;
        }
        if (may_bring(f))
            bring(f);
        else
            rest_until(f, f->conf.refresh_ms > 0 ? f->refresh_boot_ms : now_ms + REST_MS, true);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* --- life --- */

static void follower_free(struct follower *f)
{
    map_each(slot, &f->names)
        wanted_free(slot->value);
    map_fini(&f->names);
    fd_close(&f->memory_fd);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static struct follower *follower_new(const struct follower_conf *conf)
{
    struct follower *f = calloc(1, sizeof(*f));
    pthread_condattr_t by_boot_clock;

    check(f != NULL);
    f->conf = *conf;
    f->memory_fd = -1;
    f->refresh_boot_ms = now_boot_ms() + conf->refresh_ms;
    map_init(&f->names);
    pthread_mutex_init(&f->lock, NULL);
    pthread_condattr_init(&by_boot_clock);
    pthread_condattr_setclock(&by_boot_clock, CLOCK_MONOTONIC);
    pthread_cond_init(&f->changed, &by_boot_clock);
    pthread_condattr_destroy(&by_boot_clock);
    return f;
}

struct err follower_start(struct arena *a, const struct follower_conf *conf, struct follower **out)
{
    struct follower *f = follower_new(conf);
    struct err e = conf->memory ? memory_open(f, conf->memory) : OK;

    if (err_failed(e))
        e = err_format(a, ERR_IO, "%s: %s", conf->memory, err_text(a, e));
    else if (pthread_create(&f->thread, NULL, follow, f) != 0)
        e = err_make(ERR_LIMIT, "no thread for names");
    if (err_failed(e)) {
        follower_free(f);
        return e;
    }
    *out = f;
    return OK;
}

void follower_stop(struct follower *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    f->is_stopping = true;
    pthread_cond_signal(&f->changed);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
    follower_free(f);
}

/* --- the head of backends --- */

static struct follower *follower_of(struct dns_publisher *p)
{
    return container_of(p, struct following, publisher)->follower;
}

struct err following_upsert(struct dns_publisher *p, const char *name,
                            const struct net_addr *addresses, size_t count, int ttl_s)
{
    follower_set(follower_of(p), name, addresses, count, ttl_s);
    return OK;
}

struct err following_remove(struct dns_publisher *p, const char *name)
{
    follower_set(follower_of(p), name, NULL, 0, 0);
    return OK;
}

void following_settle(struct dns_publisher *p)
{
    follower_settle(follower_of(p));
}
