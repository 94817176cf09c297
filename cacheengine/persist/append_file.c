/* Writing in whole pieces. */
#include "cacheengine/persist/append_file.h"

#include "base/fs.h"
#include "base/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PENDING_KEPT 65536 /* a longer buffer is not kept once it is empty */

struct err append_file_open(struct append_file *f, const char *path)
{
    struct stat st;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

    if (fd < 0)
        return err_sys(errno, "the append-only file cannot be opened");
    if (fstat(fd, &st) != 0) {
        struct err e = err_sys(errno, "the append-only file cannot be looked at");

        close(fd);
        return e;
    }
    *f = (struct append_file){.fd = fd, .bytes = (uint64_t)st.st_size};
    return OK;
}

struct err append_file_begin_sealed(struct append_file *f, const char *path,
                                    const struct seal_key *k)
{
    struct append_file made = APPEND_FILE_NONE;

    TRY(append_file_open(&made, path));
    made.seal = calloc(1, sizeof(*made.seal));
    check(made.seal);
    struct err e = made.bytes > 0 ? err_make(ERR_EXISTS, "there is such a file already")
                                  : sealer_begin(made.seal, k, SEAL_APPEND, &made.sealed);
    if (!err_failed(e))
        e = append_file_write(&made);
    if (err_failed(e))
        append_file_close(&made);
    else
        *f = made;
    return e;
}

void append_file_close(struct append_file *f)
{
    fd_close(&f->fd);
    buf_fini(&f->pending);
    buf_fini(&f->sealed);
    if (f->seal)
        sealer_fini(f->seal);
    free(f->seal);
    *f = APPEND_FILE_NONE;
}

int append_file_take(struct append_file *f)
{
    int fd = f->fd;

    f->fd = -1;
    append_file_close(f);
    return fd;
}

/* Takes back the part of a piece that was written. */
static void undo(struct append_file *f, size_t part)
{
    if (part == 0 || ftruncate(f->fd, (off_t)f->bytes) == 0)
        return;
    f->bytes += part;
    f->is_torn = true;
    buf_consume(f->seal ? &f->sealed : &f->pending, part);
}

static struct err write_out(struct append_file *f, struct buf *out)
{
    size_t done = 0;

    while (done < out->len) {
        ssize_t part = write(f->fd, out->ptr + done, out->len - done);

        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0) {
            struct err e = err_sys(part < 0 ? errno : ENOSPC, "the file cannot be written");

            undo(f, done);
            return e;
        }
        done += (size_t)part;
    }
    f->bytes += done;
    f->is_torn = false;
    if (out->cap > PENDING_KEPT)
        buf_fini(out);
    else
        buf_clear(out);
    return OK;
}

struct err append_file_write(struct append_file *f)
{
    if (!f->seal)
        return write_out(f, &f->pending);
    sealer_seal(f->seal, buf_str(&f->pending), &f->sealed);
    buf_clear(&f->pending);
    return write_out(f, &f->sealed);
}

struct err append_file_finish(struct append_file *f)
{
    TRY(append_file_write(f));
    if (!f->seal)
        return OK;
    sealer_end(f->seal, &f->sealed);
    return append_file_write(f);
}

struct err append_file_sync(struct append_file *f)
{
    if (fdatasync(f->fd) == 0 || errno == EINVAL || errno == EROFS)
        return OK;
    return err_sys(errno, "the file does not reach the disk");
}
