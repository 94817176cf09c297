/* The kernel's score. The one idea: one function says what is to stand there, whoever asks. */
#include "cacheengine/dispatch/oom_score.h"

#include "base/arena.h"
#include "base/fs.h"
#include "base/log.h"
#include "cacheengine/dispatch/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SCORE_FILE    "/proc/self/oom_score_adj"
#define SCORE_MAX     1000
#define SCORE_SET_MAX 2000

enum oom_role { OF_PRIMARY, OF_REPLICA, OF_CHILD, OOM_ROLES };

static struct err parse_scores(const struct settings *s, struct arena *a, int64_t out[OOM_ROLES])
{
    struct str *words;
    size_t count;

    TRY(config_split(a, str_of(s->oom_scores), &words, &count));
    if (count != OOM_ROLES)
        return err_make(ERR_INVALID, "wrong number of arguments");
    for (size_t i = 0; i < count; i++)
        if (!str_to_i64(words[i], &out[i]) || out[i] < -SCORE_SET_MAX || out[i] > SCORE_SET_MAX)
            return err_make(ERR_INVALID, "Invalid oom-score-adj-values, elements must be between "
                                         "-2000 and 2000.");
    return OK;
}

static struct err read_score(int64_t *out)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    TRY(fs_read_all(SCORE_FILE, 64, &text));
    if (!str_to_i64(str_trim(buf_str(&text)), out))
        return err_make(ERR_IO, "it is not a number");
    return OK;
}

static struct err write_score(int64_t score)
{
    int fd = open(SCORE_FILE, O_WRONLY | O_CLOEXEC);
    struct err e = OK;

    if (fd < 0 || dprintf(fd, "%lld\n", (long long)score) < 0)
        e = err_sys(errno, "it cannot be written");
    fd_close(&fd);
    return e;
}

/* Makes the kernel's score what it is to be for a role. */
static struct err settle(struct engine *e, const int64_t scores[OOM_ROLES], enum oom_role role)
{
    struct oom_score *o = &e->oom_score;
    int64_t mode = e->settings.oom_score, score = scores[role];

    if (mode == OOM_SCORE_LEFT) {
        if (!o->is_ours)
            return OK;
        o->is_ours = false;
        return write_score(o->before);
    }
    if (!o->is_ours)
        TRY(read_score(&o->before));
    o->is_ours = true;
    score += mode == OOM_SCORE_ABSOLUTE ? 0 : o->before;
    score = score > SCORE_MAX ? SCORE_MAX : score;
    return write_score(score < -SCORE_MAX ? -SCORE_MAX : score);
}

static struct err settle_as(struct engine *e, struct arena *a, enum oom_role role)
{
    int64_t scores[OOM_ROLES];

    TRY(parse_scores(&e->settings, a, scores));
    struct err failed = settle(e, scores, role);
    if (!err_failed(failed))
        return OK;
    log_warn("the score for the lack of memory is not set", f_str("file", SCORE_FILE),
             f_err(failed));
    return err_make(ERR_IO, "Failed to set current oom_score_adj. Check server logs.");
}

struct err oom_score_apply(struct engine *e, struct arena *a)
{
    /* Two words for one: it is shown as the first. */
    if (e->settings.oom_score == OOM_SCORE_RELATIVE)
        e->settings.oom_score = OOM_SCORE_YES;
    return settle_as(e, a, e->replica ? OF_REPLICA : OF_PRIMARY);
}

void oom_score_follow(struct engine *e)
{
    struct arena a = {0};

    err_ignore(oom_score_apply(e, &a), "the log has been told; the role matters more");
    arena_fini(&a);
}

void oom_score_of_child(struct engine *e)
{
    struct arena a = {0};

    err_ignore(settle_as(e, &a, OF_CHILD), "the log has been told; the work matters more");
    arena_fini(&a);
}
