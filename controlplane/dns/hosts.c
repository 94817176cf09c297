/*
 * A hosts file (hosts(5)): the lines between two marks are ours, all others stay as they are. A
 * file that cannot be replaced, as that of a container, which is mounted by itself, is written
 * over.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "controlplane/dns/backend.h"
#include "controlplane/dns/follower.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (64 << 20)
#define FILE_MODE      0644
#define REFRESH_MS     (60 * (int64_t)1000) /* somebody may have written the file without our lines */

static const char first_mark[] =
    "# Endpoints of Larder: what stands down to the mark of the end is written by it";
static const char last_mark[] = "# End of the endpoints of Larder";

struct hosts {
    struct following following;
    struct arena arena; /* what follows */
    const char *path, *what;
};

/* The lines of others; without the last mark all that follows the first one is theirs, too: rather
 * an old name of ours than a lost one of theirs. */
static void add_others(struct buf *out, struct str content)
{
    bool is_ours = false,
         has_end = memmem(content.ptr, content.len, last_mark, sizeof(last_mark) - 1) != NULL;

    while (content.len > 0) {
        struct str line = str_cut(&content, '\n');
        if (str_is(line, first_mark))
            is_ours = has_end;
        else if (str_is(line, last_mark))
            is_ours = false;
        else if (!is_ours) {
            buf_add_str(out, line);
            buf_putc(out, '\n');
        }
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct follower_name *const *)a)->name,
                  (*(const struct follower_name *const *)b)->name);
}

static void add_ours(struct arena *a, struct buf *out, const struct follower_name *names,
                     size_t count)
{
    const struct follower_name **sorted = arena_array(a, count + 1, sizeof(*sorted));

    for (size_t i = 0; i < count; i++)
        sorted[i] = &names[i];
    qsort(sorted, count, sizeof(*sorted), by_name);
    buf_printf(out, "%s\n", first_mark);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sorted[i]->count; k++)
            buf_printf(out, "%s\t%s\n", net_addr_host_text(a, &sorted[i]->addresses[k]),
                       sorted[i]->name);
    buf_printf(out, "%s\n", last_mark);
}

static struct err write_over(const char *path, struct str content)
{
    scoped(fd_close) int fd = open(path, O_WRONLY | O_CLOEXEC);

    while (fd >= 0 && content.len > 0) {
        ssize_t n = write(fd, content.ptr, content.len);
        if (n < 0 && errno != EINTR)
            return err_make(ERR_IO, "the file cannot be written");
        if (n > 0)
            content = (struct str){content.ptr + n, content.len - (size_t)n};
    }
    if (fd < 0 || ftruncate(fd, lseek(fd, 0, SEEK_CUR)) != 0)
        return err_make(ERR_IO, "the file cannot be written");
    return OK;
}

static struct err push(void *context, struct arena *a, const struct follower_name *names,
                       size_t count)
{
    struct hosts *h = context;
    scoped(buf_fini) struct buf before = BUF_EMPTY, after = BUF_EMPTY;
    struct stat now;

    struct err e = fs_read_all(h->path, FILE_MAX_BYTES, &before);
    if (err_failed(e) && !err_is(e, ERR_NOT_FOUND))
        return e;
    add_others(&after, buf_str(&before));
    add_ours(a, &after, names, count);
    if (str_eq(buf_str(&before), buf_str(&after)))
        return OK;
    mode_t mode = stat(h->path, &now) == 0 ? now.st_mode & 07777 : FILE_MODE;
    if (!err_failed(fs_write_atomic(h->path, buf_str(&after), mode, FS_NO_SYNC)))
        return OK;
    return write_over(h->path, buf_str(&after));
}

/* --- the backend --- */

static struct hosts *hosts_of(struct dns_publisher *p)
{
    return container_of(p, struct hosts, following.publisher);
}

static void hosts_close(struct dns_publisher *p)
{
    struct hosts *h = hosts_of(p);

    follower_stop(h->following.follower);
    arena_fini(&h->arena);
    free(h);
}

static struct err hosts_open(struct arena *a, const struct dns_conf *conf, const char *zone,
                             struct dns_publisher **out)
{
    (void)zone;
    if (!conf->hosts_file)
        return OK;
    struct hosts *made = calloc(1, sizeof(*made));
    check(made != NULL);
    made->path = arena_strdup(&made->arena, conf->hosts_file);
    made->what = arena_printf(&made->arena, "hosts file %s", conf->hosts_file);
    struct err e = follower_start(a,
                                  &(struct follower_conf){
                                      .what = made->what,
                                      .context = made,
                                      .push = push,
                                      .may_push = conf->leads,
                                      .may_push_context = conf->leads_context,
                                      .refresh_ms = REFRESH_MS,
                                  },
                                  &made->following.follower);
    if (err_failed(e)) {
        hosts_close(&made->following.publisher);
        return e;
    }
    *out = &made->following.publisher;
    return OK;
}

const struct dns_backend dns_hosts = {
    .name = "hosts",
    .open = hosts_open,
    .upsert = following_upsert,
    .remove = following_remove,
    .settle = following_settle,
    .close = hosts_close,
};
