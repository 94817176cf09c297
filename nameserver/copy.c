/*
 * The file is what was told, a message on each line: the whole zone first, then changes of it. When
 * they weigh more than the zone they are written anew as one. A file that could not be kept up is
 * removed, for it would say after a restart what was true once.
 */
#include "nameserver/copy.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/net.h"
#include "base/shape_json.h"
#include "contract/agent.h"
#include "nameserver/server.h"
#include "nameserver/told.h"
#include "nameserver/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX_BYTES (256U << 20)
#define FILE_MODE      0600
#define SPARE_BYTES    65536     /* of changes, however small the zone is */
#define NO_ZONE        "invalid" /* what nobody asks for (RFC 6761): all other names are refused */

struct copy {
    char *path;
    struct zone *zone; /* NO_ZONE as long as nothing is known */
    struct server *server;
    int64_t life;
    int fd;                            /* changes are added here; -1: the file is to be made */
    size_t whole_bytes, changes_bytes; /* in the file */
};

static const struct shape *message_shape(void)
{
    return service_op(&service_agent, "FollowNames")->out;
}

/* --- on the disk --- */

static void put_line(struct buf *line, const struct agent_follow_names_out *told)
{
    struct json_writer w = JSON_WRITER(line);

    shape_json_write(&w, message_shape(), told);
    buf_putc(line, '\n');
}

/* Makes the file anew, of one message that is the whole zone. */
static struct err write_whole(struct copy *c, const struct agent_follow_names_out *whole)
{
    scoped(buf_fini) struct buf line = BUF_EMPTY;

    fd_close(&c->fd);
    put_line(&line, whole);
    TRY(fs_write_atomic(c->path, buf_str(&line), FILE_MODE, FS_NO_SYNC));
    c->fd = open(c->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (c->fd < 0)
        return err_sys(errno, "cannot open the copy of names");
    c->whole_bytes = line.len;
    c->changes_bytes = 0;
    return OK;
}

static struct err add_change(struct copy *c, const struct agent_follow_names_out *change)
{
    scoped(buf_fini) struct buf line = BUF_EMPTY;

    put_line(&line, change);
    ssize_t written = write(c->fd, line.ptr, line.len);
    if (written != (ssize_t)line.len)
        return err_sys(written < 0 ? errno : ENOSPC, "cannot add to the copy of names");
    c->changes_bytes += line.len;
    return OK;
}

static void note_disk(struct copy *c, struct err e)
{
    if (!err_failed(e))
        return;
    log_warn("names are not kept on the disk: they will not outlive this agent",
             f_str("path", c->path), f_err(e));
    fd_close(&c->fd);
    e = fs_remove(c->path);
    if (err_failed(e))
        log_error("an old copy of names stays on the disk", f_str("path", c->path), f_err(e));
}

/* Writes what is in memory as one message. */
static void rewrite(struct copy *c)
{
    scoped(arena_fini) struct arena a = {0};
    struct agent_follow_names_out whole;
    struct zone_changes all;

    zone_changes(c->zone, &a, NULL, &all);
    told_write(&a, zone_origin(c->zone), c->life, &all, &whole);
    note_disk(c, write_whole(c, &whole));
}

/* --- in memory --- */

/* Another zone than before: served in its place. */
static struct err change_zone(struct copy *c, const char *origin,
                              const struct zone_changes *changes)
{
    struct zone *fresh = zone_new(origin, changes->serial), *old = c->zone;

    zone_apply(fresh, changes);
    struct err e = c->server ? server_change_zone(c->server, fresh) : OK;
    c->zone = fresh;
    zone_free(old);
    return e;
}

static bool is_same_zone(const struct copy *c, const char *origin)
{
    return c->life != 0 && strcmp(zone_origin(c->zone), origin) == 0;
}

/* Whether the changes lead on from here. */
static struct err check_order(const struct copy *c, const char *origin, int64_t life,
                              const struct zone_changes *changes)
{
    bool is_same = is_same_zone(c, origin);

    if (is_same && !zone_serial_is_later(changes->serial, zone_serial(c->zone)))
        return err_make(ERR_INVALID, "the names are older than those that are known");
    if (!changes->is_whole && (!is_same || life != c->life))
        return err_make(ERR_INVALID, "the names are changes of what is not known");
    return OK;
}

/* A line of the file, or an answer that is on the disk. */
static struct err apply(struct copy *c, const char *origin, int64_t life,
                        const struct zone_changes *changes)
{
    struct err e = OK;

    if (is_same_zone(c, origin))
        zone_apply(c->zone, changes);
    else
        e = change_zone(c, origin, changes);
    c->life = err_failed(e) ? 0 : life;
    return e;
}

struct err copy_take(struct copy *c, const struct agent_follow_names_out *told)
{
    scoped(arena_fini) struct arena a = {0};
    char origin[DNS_NAME_MAX];
    struct zone_changes changes;

    TRY(told_read(&a, told, origin, &changes));
    TRY(check_order(c, origin, told->life.value, &changes));
    if (changes.is_whole)
        note_disk(c, write_whole(c, told));
    else if (c->fd >= 0)
        note_disk(c, add_change(c, told));
    TRY(apply(c, origin, told->life.value, &changes));
    if (c->fd < 0 || c->changes_bytes > c->whole_bytes + SPARE_BYTES)
        rewrite(c);
    return OK;
}

/* --- beginning and end --- */

static struct err load_line(struct copy *c, struct arena *a, struct str line)
{
    struct agent_follow_names_out told = {0};
    char origin[DNS_NAME_MAX];
    struct zone_changes changes;

    TRY(shape_json_parse(a, message_shape(), line, SHAPE_UNKNOWN_IGNORE, &told));
    TRY(told_read(a, &told, origin, &changes));
    TRY(check_order(c, origin, told.life.value, &changes));
    return apply(c, origin, told.life.value, &changes);
}

static void load(struct copy *c)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    struct err e = fs_read_all(c->path, FILE_MAX_BYTES, &text);
    if (err_is(e, ERR_NOT_FOUND))
        return;
    struct str rest = buf_str(&text);
    while (!err_failed(e) && rest.len > 0) {
        scoped(arena_fini) struct arena a = {0};
        e = load_line(c, &a, str_cut(&rest, '\n'));
        if (err_failed(e))
            log_warn("the copy of names is read up to a broken line", f_str("path", c->path),
                     f_err(e));
    }
    if (c->life != 0)
        rewrite(c);
}

struct err copy_open(struct arena *a, const char *path, const struct net_addr *listen,
                     const struct clock *clock, struct copy **out)
{
    struct copy *c = calloc(1, sizeof(*c));

    check(c != NULL);
    *c = (struct copy){.path = strdup(path), .zone = zone_new(NO_ZONE, 1), .fd = -1};
    check(c->path != NULL);
    load(c);
    struct err e = server_start(a, listen, c->zone, clock, &c->server);
    if (err_failed(e)) {
        copy_close(c);
        return e;
    }
    *out = c;
    return OK;
}

void copy_close(struct copy *c)
{
    if (!c)
        return;
    server_stop(c->server);
    zone_free(c->zone);
    fd_close(&c->fd);
    free(c->path);
    free(c);
}

int64_t copy_life(const struct copy *c)
{
    return c->life;
}

uint32_t copy_serial(const struct copy *c)
{
    return zone_serial(c->zone);
}

int copy_port(const struct copy *c)
{
    return server_port(c->server);
}
