/* Silence is counted look by look, so that a watcher that did not run blames nobody. */
#include "agent/hang.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/str.h"

#define STAT_MAX_BYTES 4096
#define WORDS_BETWEEN  10 /* the state and the ticks of user and system */

void hang_reset(struct hang *h, int64_t now_ms)
{
    *h = (struct hang){.looked_ms = now_ms, .ticks = -1};
}

enum hang_verdict hang_step(struct hang *h, const struct hang_sight *sight, int64_t beat_ms,
                            int64_t now_ms)
{
    int64_t step_ms = now_ms - h->looked_ms;
    bool is_stopped = sight->state == 'T' || sight->state == 't';
    bool waits = sight->state == 'S' || sight->state == 'D';

    if (step_ms > 2 * beat_ms)
        step_ms = 2 * beat_ms;
    h->silent_ms += step_ms;
    h->still_ms = is_stopped || (waits && sight->ticks == h->ticks) ? h->still_ms + step_ms : 0;
    h->ticks = sight->ticks;
    h->looked_ms = now_ms;
    return h->still_ms >= HANG_MS         ? HANG_STILL
           : h->silent_ms >= HANG_BUSY_MS ? HANG_BUSY
                                          : HANG_NOT;
}

bool hang_is_late(const struct hang *h, const struct hang_sight *sight)
{
    return h->still_ms >= HANG_LATE_MS && sight->state != 'D';
}

bool hang_see(const char *proc, int64_t pid, struct hang_sight *out)
{
    scoped(arena_fini) struct arena a = {0};
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    int64_t user, system;

    if (err_failed(fs_read_all(arena_printf(&a, "%s/%lld/stat", proc, (long long)pid),
                               STAT_MAX_BYTES, &text)))
        return false;
    struct str rest = buf_str(&text);
    while (str_find(rest, ')') != SIZE_MAX) /* names may have brackets, too */
        str_cut(&rest, ')');
    rest = str_trim(rest);
    struct str state = str_cut(&rest, ' ');
    for (int i = 0; i < WORDS_BETWEEN; i++)
        str_cut(&rest, ' ');
    if (state.len != 1 || !str_to_i64(str_cut(&rest, ' '), &user) ||
        !str_to_i64(str_cut(&rest, ' '), &system))
        return false;
    *out = (struct hang_sight){state.ptr[0], user + system};
    return true;
}
