/* Two kinds of buckets: a folder of the operator's choice, and a service that speaks S3. */
#include "controlplane/vault/buckets.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/http.h"
#include "controlplane/vault/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_BYTES  (256 * 1024)
#define TIMEOUT_MS  (6 * 3600 * 1000)
#define EMPTY_HASH  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ANSWER_MAX  (1U << 20)
#define SAID_MAX    200
#define EXPORT_MODE 0600

static struct err failed(struct arena *a, const struct bucket *b, const char *key, int code,
                         const char *why)
{
    return err_format(a, code, "bucket %s, key %s: %s", b->name, key, why);
}

static struct err failed_sys(struct arena *a, const struct bucket *b, const char *key)
{
    return failed(a, b, key, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, strerror(errno));
}

/* --- folders --- */

/* False with errno. */
static bool copy(struct arena *a, int from, int to)
{
    char *window = arena_alloc(a, COPY_BYTES);
    off_t at = 0;
    ssize_t got;

    while ((got = pread(from, window, COPY_BYTES, at)) > 0) {
        if (pwrite(to, window, (size_t)got, at) != got) {
            errno = errno ? errno : ENOSPC;
            return false;
        }
        at += got;
    }
    return got == 0;
}

static const char *folder_of(struct arena *a, const char *path)
{
    return str_dup(a, (struct str){path, (size_t)(strrchr(path, '/') - path)});
}

static struct err unseal(struct arena *a, struct kept_file *from, int to)
{
    char *window = arena_alloc(a, COPY_BYTES);
    int64_t at = 0;
    size_t got;

    for (;;) {
        TRY(kept_file_read(from, at, window, COPY_BYTES, &got));
        if (got == 0)
            return OK;
        if (pwrite(to, window, got, at) != (ssize_t)got)
            return err_sys(errno ? errno : ENOSPC, "cannot be written");
        at += (int64_t)got;
    }
}

static struct err put_in_dir(struct arena *a, const struct bucket *b, const char *key,
                             struct kept_file *file)
{
    const char *path = fs_join(a, b->dir, key), *beside = arena_printf(a, "%s.new", path);

    struct err e = fs_make_dirs(folder_of(a, path), 0700);
    if (err_failed(e))
        return failed(a, b, key, e.code, err_text(a, e));
    scoped(fd_close) int to = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, EXPORT_MODE);
    if (to < 0)
        return failed_sys(a, b, key);
    e = unseal(a, file, to);
    if (err_failed(e))
        e = failed(a, b, key, e.code, err_text(a, e));
    else if (fsync(to) != 0 || rename(beside, path) != 0)
        e = failed_sys(a, b, key);
    else
        return OK;
    err_ignore(fs_remove(beside), "the first error is the one to tell");
    return e;
}

static struct err get_from_dir(struct arena *a, const struct bucket *b, const char *key, int fd)
{
    scoped(fd_close) int from = open(fs_join(a, b->dir, key), O_RDONLY | O_CLOEXEC);

    if (from < 0 || !copy(a, from, fd))
        return failed_sys(a, b, key);
    return OK;
}

/* --- services --- */

/* The key as it stands in a path: all but letters, digits, "-._~" and slashes as %XX. */
static const char *encoded(struct arena *a, const char *key)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    for (; *key; key++)
        if (strchr(plain, *key))
            buf_putc(&text, *key);
        else
            buf_printf(&text, "%%%02X", (unsigned)(unsigned char)*key);
    return str_dup(a, buf_str(&text));
}

static struct err exchange(struct http *http, struct arena *a, const struct bucket *b,
                           const char *key, struct http_request *r, const char *sha256)
{
    struct http_signer signer = {
        .access_key = b->access_key,
        .secret_key = b->secret_key,
        .region = b->region,
        .service = "s3",
    };
    const char *headers[] = {arena_printf(a, "x-amz-content-sha256: %s", sha256)};
    struct http_response response;

    r->url = arena_printf(a, "%s/%s/%s", b->url, b->name, encoded(a, key));
    r->headers = headers;
    r->header_count = countof(headers);
    r->timeout_ms = TIMEOUT_MS;
    r->max_body_bytes = ANSWER_MAX;
    r->signer = &signer;
    struct err e = http_send(http, a, r, &response);
    if (err_failed(e))
        return failed(a, b, key, e.code, err_text(a, e));
    if (response.status / 100 == 2)
        return OK;
    struct str said = str_shorten(response.body, SAID_MAX);
    return failed(a, b, key, response.status == 404 ? ERR_NOT_FOUND : ERR_DENIED,
                  arena_printf(a, "the service answers %d %.*s", response.status, STR_ARG(said)));
}

static ssize_t read_unsealed(void *context, void *to, size_t max, int64_t from)
{
    size_t got;
    struct err e = kept_file_read(context, from, to, max, &got);

    if (!err_failed(e))
        return (ssize_t)got;
    errno = e.sys ? e.sys : EBADMSG;
    return -1;
}

struct err bucket_put(struct http *http, struct arena *a, const struct bucket *b, const char *key,
                      struct kept_file *file, const char *sha256)
{
    struct http_file body = {
        .fd = -1, .bytes = file->bytes, .read = read_unsealed, .context = file};
    struct http_request r = {.method = "PUT", .body_file = &body};

    return b->dir ? put_in_dir(a, b, key, file) : exchange(http, a, b, key, &r, sha256);
}

struct err bucket_get(struct http *http, struct arena *a, const struct bucket *b, const char *key,
                      int fd)
{
    struct http_file file = {.fd = fd};
    struct http_request r = {.method = "GET", .answer_file = &file};

    return b->dir ? get_from_dir(a, b, key, fd) : exchange(http, a, b, key, &r, EMPTY_HASH);
}
