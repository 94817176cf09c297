/*
 * The connection is opened with the first lease and kept, so that nothing has to be set up when a
 * fence is due. Answers are counted, not matched: each command has one line, and an error among
 * them means that nobody knows what holds.
 */
#include "agent/shim/fence.h"

#include "base/fs.h"
#include "base/net.h"
#include "base/shim_protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define READ_STEP      512
#define LINE_MAX_BYTES 4096

void fence_init(struct fence *f)
{
    *f = (struct fence){.fd = -1, .due_ms = INT64_MAX};
}

/* The engine may not have done what it was told: what allows writes is said anew with the next
 * lease, and a fence is not confirmed. */
static void doubt(struct fence *f)
{
    f->is_doubted = true;
    free(f->allowed);
    f->allowed = NULL;
}

static void hang_up(struct fence *f)
{
    fd_close(&f->fd);
    buf_clear(&f->in);
    if (f->awaited > 0)
        doubt(f);
    f->awaited = 0;
}

void fence_fini(struct fence *f)
{
    hang_up(f);
    buf_fini(&f->in);
    free(f->control);
    free(f->greeting);
    free(f->fence);
    free(f->unfence);
    free(f->allowed);
    fence_init(f);
}

/* ---- words to the engine ---- */

/* How many commands: each is an array of words, or a line. */
static unsigned count_commands(const char *text)
{
    unsigned count = 0;

    for (struct str rest = str_of(text); rest.len > 0;)
        count += str_starts(str_cut(&rest, '\n'), "*");
    return count > 0 || !*text ? count : 1;
}

static bool send_text(struct fence *f, const char *text)
{
    size_t len = strlen(text);

    if (send(f->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len) {
        hang_up(f);
        return false;
    }
    f->awaited += count_commands(text);
    return true;
}

static bool is_connected(struct fence *f)
{
    if (f->fd >= 0)
        return true;
    f->fd = net_connect_unix_in(".", f->control);
    f->is_fresh = f->fd >= 0;
    return f->fd >= 0 && (!f->greeting || send_text(f, f->greeting));
}

static bool say(struct fence *f, const char *text)
{
    return is_connected(f) && send_text(f, text);
}

static void keep(char **to, const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    check(!text || copy);
    free(*to);
    *to = copy;
}

static void allow(struct fence *f)
{
    bool is_news = f->phase != FENCE_OPEN || !f->allowed || strcmp(f->allowed, f->unfence) != 0;

    if (is_news && say(f, f->unfence))
        keep(&f->allowed, f->unfence);
}

static void close_now(struct fence *f, int64_t now_ms)
{
    f->phase = FENCE_CLOSING;
    f->due_ms = now_ms + FENCE_CONFIRM_MS;
    f->is_doubted = false;
    keep(&f->allowed, NULL);
    if (!say(f, f->fence) && !say(f, f->fence)) /* a connection may have ended unseen */
        f->is_doubted = true;
}

/* ---- events ---- */

void fence_lease(struct fence *f, const struct shim_command *c, int64_t now_ms)
{
    if (c->until_ms == 0) {
        f->phase = FENCE_OFF;
        f->due_ms = INT64_MAX;
        return;
    }
    if (f->phase == FENCE_IS_KILLED || !c->control || !c->fence || !c->unfence ||
        c->until_ms <= now_ms)
        return;
    keep(&f->control, c->control);
    keep(&f->greeting, c->greeting);
    keep(&f->fence, c->fence);
    keep(&f->unfence, c->unfence);
    allow(f);
    f->phase = FENCE_OPEN;
    f->due_ms = c->until_ms;
}

void fence_due(struct fence *f, int64_t now_ms)
{
    if (now_ms < f->due_ms)
        return;
    if (f->phase == FENCE_OPEN) {
        close_now(f, now_ms);
    } else if (f->phase == FENCE_CLOSING) {
        f->phase = FENCE_IS_KILLED;
        f->due_ms = INT64_MAX;
    } else {
        f->due_ms = INT64_MAX;
    }
}

static void take_lines(struct fence *f)
{
    char *end;

    while (f->in.len > 0 && (end = memchr(f->in.ptr, '\n', f->in.len))) {
        if (f->in.ptr[0] == '-' || f->awaited == 0)
            doubt(f);
        f->awaited -= f->awaited > 0;
        buf_consume(&f->in, (size_t)(end - f->in.ptr) + 1);
    }
}

void fence_read(struct fence *f)
{
    ssize_t got = recv(f->fd, buf_reserve(&f->in, READ_STEP), READ_STEP, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || f->in.len + (size_t)got > LINE_MAX_BYTES) {
        hang_up(f);
        return;
    }
    f->in.len += (size_t)got;
    take_lines(f);
    if (f->phase == FENCE_CLOSING && f->awaited == 0 && !f->is_doubted) {
        f->phase = FENCE_CLOSED;
        f->due_ms = INT64_MAX;
    }
}
