/* One descriptor of inotify for all files. */
#include "agent/supervise/logwatch.h"

#include "agent/supervise/loop.h"
#include "base/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#define READ_BYTES 4096

struct logwatch {
    struct loop *loop;
    int fd;
    struct loop_watch watch;
    struct logwatch_file *files;
};

static struct logwatch_file **find(struct logwatch *l, int number)
{
    struct logwatch_file **at = &l->files;

    while (*at && (*at)->number != number)
        at = &(*at)->next;
    return at;
}

static void take_off(struct logwatch_file **at)
{
    struct logwatch_file *f = *at;

    *at = f->next;
    f->is_on = false;
}

static void take(struct logwatch *l, const struct inotify_event *event)
{
    struct logwatch_file **at = find(l, event->wd), *f = *at;

    if (!f)
        return; /* it was let go of before this was read */
    if (event->mask & IN_MOVE_SELF)
        logwatch_end(l, f);
    else if (event->mask & IN_IGNORED) /* its file is gone, and the watch with it */
        take_off(at);
    else
        f->on_written(f->context);
}

static void on_ready(void *context, uint32_t events)
{
    struct logwatch *l = context;
    _Alignas(struct inotify_event) char bytes[READ_BYTES];
    (void)events;

    ssize_t got = read(l->fd, bytes, sizeof(bytes));
    for (ssize_t at = 0; at < got;) {
        const struct inotify_event *event = (const void *)(bytes + at);
        at += (ssize_t)(sizeof(*event) + event->len);
        take(l, event);
    }
}

struct err logwatch_open(struct loop *loop, struct logwatch **out)
{
    struct logwatch *l = calloc(1, sizeof(*l));

    check(l != NULL);
    *l = (struct logwatch){
        .loop = loop,
        .fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC),
        .watch = {.on_ready = on_ready, .context = l}
    };
    struct err e = l->fd < 0 ? err_sys(errno, "cannot watch files")
                             : loop_watch(loop, &l->watch, l->fd, EPOLLIN);
    if (err_failed(e)) {
        logwatch_close(l);
        return e;
    }
    *out = l;
    return OK;
}

void logwatch_close(struct logwatch *l)
{
    if (!l)
        return;
    check(!l->files);
    loop_unwatch(l->loop, &l->watch);
    fd_close(&l->fd);
    free(l);
}

void logwatch_begin(struct logwatch *l, struct logwatch_file *f, const char *path)
{
    if (f->is_on)
        return;
    int number = inotify_add_watch(l->fd, path, IN_MODIFY | IN_MOVE_SELF);
    if (number < 0 || *find(l, number)) /* not there, or somebody else's */
        return;
    f->number = number;
    f->is_on = true;
    f->next = l->files;
    l->files = f;
}

void logwatch_end(struct logwatch *l, struct logwatch_file *f)
{
    if (!f->is_on)
        return;
    take_off(find(l, f->number));
    inotify_rm_watch(l->fd, f->number);
}
