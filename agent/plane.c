/* One line on the disk, and a place in a list. */
#include "agent/plane.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"

#include <stdlib.h>

#define FILE_MAX_BYTES 128
#define FILE_MODE      0600

struct plane {
    struct plane_conf conf;
    const char *url; /* of the one that is asked */
    size_t at;       /* its place */
    size_t turns;    /* since one was of use */
    int64_t epoch, leader;
    int64_t heard_ms; /* boot time */
};

static int64_t now_ms(const struct plane *p)
{
    return clock_boot_ms(p->conf.clock);
}

static struct err read_obeyed(struct arena *a, struct plane *p)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    struct err e = fs_read_all(p->conf.path, FILE_MAX_BYTES, &text);
    if (err_is(e, ERR_NOT_FOUND))
        return OK;
    TRY(e);
    struct str rest = str_trim(buf_str(&text));
    if (!str_to_i64(str_cut(&rest, ' '), &p->epoch) || !str_to_i64(rest, &p->leader))
        return err_format(a, ERR_CORRUPT, "%s: it does not say which control plane is obeyed",
                          p->conf.path);
    return OK;
}

struct err plane_open(struct arena *a, const struct plane_conf *conf, struct plane **out)
{
    struct plane *p = calloc(1, sizeof(*p));

    check(p != NULL && conf->url_count > 0);
    p->conf = *conf;
    p->url = conf->urls[0];
    p->heard_ms = now_ms(p); /* who knows what the process before this one heard */
    struct err e = read_obeyed(a, p);
    if (err_failed(e)) {
        plane_close(p);
        return e;
    }
    *out = p;
    return OK;
}

void plane_close(struct plane *p)
{
    free(p);
}

const char *const *plane_url(const struct plane *p)
{
    return &p->url;
}

size_t plane_count(const struct plane *p)
{
    return p->conf.url_count;
}

bool plane_turn(struct plane *p)
{
    p->at = (p->at + 1) % p->conf.url_count;
    p->url = p->conf.urls[p->at];
    p->turns++;
    return p->turns % p->conf.url_count == 0;
}

void plane_stay(struct plane *p)
{
    p->turns = 0;
}

static struct err write_obeyed(struct plane *p, struct arena *a, int64_t epoch, int64_t leader)
{
    const char *text = arena_printf(a, "%lld %lld\n", (long long)epoch, (long long)leader);

    struct err e = fs_write_atomic(p->conf.path, str_of(text), FILE_MODE, FS_SYNC);
    return err_failed(e) ? err_format(a, e.code, "%s: %s", p->conf.path, err_text(a, e)) : OK;
}

struct err plane_take(struct plane *p, struct arena *a, int64_t epoch, int64_t leader)
{
    bool is_same = epoch == p->epoch && leader == p->leader;

    if (!is_same && (epoch < p->epoch || (epoch == p->epoch && p->epoch > 0)))
        return err_format(a, ERR_DENIED,
                          "its epoch is %lld, and this host obeys another control plane, of epoch "
                          "%lld",
                          (long long)epoch, (long long)p->epoch);
    if (!is_same) {
        TRY(write_obeyed(p, a, epoch, leader));
        log_info("control plane obeyed", f_str("url", p->url), f_int("epoch", epoch));
        p->epoch = epoch;
        p->leader = leader;
    }
    p->heard_ms = now_ms(p);
    return OK;
}

struct plane_word plane_word(const struct plane *p)
{
    return (struct plane_word){p->epoch, p->leader, now_ms(p) - p->heard_ms};
}
