/* Files and folders. The one idea: what is written is either there as a whole or not at all. */
#include "base/fs.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP 65536

void fd_close(int *fd)
{
    if (!fd || *fd < 0)
        return;
    close(*fd);
    *fd = -1;
}

static void dir_close(DIR **dir)
{
    if (*dir)
        closedir(*dir);
    *dir = NULL;
}

static struct err sys_or_missing(const char *why)
{
    if (errno == ENOENT || errno == ENOTDIR)
        return (struct err){ERR_NOT_FOUND, errno, why};
    return err_sys(errno, why);
}

static ssize_t read_again(int fd, void *to, size_t len)
{
    ssize_t got;
    do
        got = read(fd, to, len);
    while (got < 0 && errno == EINTR);
    return got;
}

struct err fs_read_all(const char *path, size_t max_bytes, struct buf *out)
{
    scoped(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return sys_or_missing("cannot open the file");

    scoped(buf_fini) struct buf content = BUF_EMPTY;
    for (;;) {
        ssize_t got = read_again(fd, buf_reserve(&content, READ_STEP), READ_STEP);
        if (got < 0)
            return err_sys(errno, "cannot read the file");
        if (got == 0)
            break;
        content.len += (size_t)got;
        if (content.len > max_bytes)
            return err_make(ERR_LIMIT, "the file is too large");
    }
    buf_add_str(out, buf_str(&content));
    return OK;
}

static struct err write_all(int fd, struct str content)
{
    while (content.len > 0) {
        ssize_t done = write(fd, content.ptr, content.len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return err_sys(errno, "cannot write the file");
        content.ptr += done;
        content.len -= (size_t)done;
    }
    return OK;
}

static struct err write_new(const char *path, struct str content, mode_t mode, enum fs_sync sync)
{
    scoped(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return err_sys(errno, "cannot make the file");
    TRY(write_all(fd, content));
    if (sync == FS_SYNC && fsync(fd) != 0)
        return err_sys(errno, "cannot bring the file to the disk");
    return OK;
}

/* Brings the names in the folder of `path` to the disk. */
static struct err sync_folder_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dir = slash ? arena_strndup(a, path, (size_t)(slash - path) + 1) : ".";

    scoped(fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return err_sys(errno, "cannot bring the folder to the disk");
    return OK;
}

struct err fs_write_atomic(const char *path, struct str content, mode_t mode, enum fs_sync sync)
{
    scoped(arena_fini) struct arena a = {0};
    const char *fresh = arena_printf(&a, "%s.new", path);

    struct err e = write_new(fresh, content, mode, sync);
    if (!err_failed(e) && rename(fresh, path) != 0)
        e = err_sys(errno, "cannot put the file in its place");
    if (err_failed(e)) {
        unlink(fresh);
        return e;
    }
    return sync == FS_SYNC ? sync_folder_of(&a, path) : OK;
}

static struct err make_dir(const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0)
        return OK;
    int sys = errno;
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return OK;
    return err_sys(sys == EEXIST ? ENOTDIR : sys, "cannot make the folder");
}

struct err fs_make_dirs(const char *path, mode_t mode)
{
    scoped(arena_fini) struct arena a = {0};
    char *copy = arena_strdup(&a, path);

    for (char *slash = strchr(copy + (*copy == '/'), '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        TRY(make_dir(copy, mode));
        *slash = '/';
    }
    return make_dir(copy, mode);
}

struct err fs_remove(const char *path)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return OK;
    return err_sys(errno, "cannot remove the file");
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Removes what `name` is in the folder `at`, a folder with all in it. */
static struct err remove_at(int at, const char *name)
{
    if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
        return OK;
    if (errno != EISDIR && errno != EPERM)
        return err_sys(errno, "cannot remove a file of the folder");

    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_sys(errno, "cannot open a folder to remove it");
    scoped(dir_close) DIR *dir = fdopendir(fd);
    check(dir != NULL);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (!is_dots(entry->d_name))
            TRY(remove_at(fd, entry->d_name));
    if (unlinkat(at, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        return err_sys(errno, "cannot remove the folder");
    return OK;
}

struct err fs_remove_tree(const char *path)
{
    return remove_at(AT_FDCWD, path);
}

bool fs_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

struct err fs_list(struct arena *a, const char *path, struct fs_names *out)
{
    scoped(dir_close) DIR *dir = opendir(path);
    if (!dir)
        return sys_or_missing("cannot open the folder");

    vec_of(const char *) names = VEC_EMPTY;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (!is_dots(entry->d_name))
            *vec_add(a, &names) = arena_strdup(a, entry->d_name);
    *out = (struct fs_names){names.items, names.count};
    return OK;
}

struct err fs_lock(const char *path, int *out_fd)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(errno, "cannot open the lock file");
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *out_fd = fd;
        return OK;
    }
    int sys = errno;
    close(fd);
    if (sys == EWOULDBLOCK)
        return err_make(ERR_CONFLICT, "somebody else holds the lock");
    return err_sys(sys, "cannot take the lock");
}

char *fs_join(struct arena *a, const char *dir, const char *name)
{
    size_t len = strlen(dir);
    return arena_printf(a, "%s%s%s", dir, len > 0 && dir[len - 1] == '/' ? "" : "/", name);
}

struct err fs_absolute(struct arena *a, const char *path, const char **out)
{
    char *real = realpath(path, NULL);
    if (!real)
        return sys_or_missing("cannot find the path");
    *out = arena_strdup(a, real);
    free(real);
    return OK;
}

struct err fs_program_dir(struct arena *a, const char **out)
{
    const char *program;

    TRY(fs_absolute(a, "/proc/self/exe", &program));
    const char *slash = strrchr(program, '/');
    check(slash != NULL);
    *out = arena_strndup(a, program, slash == program ? 1 : (size_t)(slash - program));
    return OK;
}

static bool is_program(const char *path)
{
    struct stat st;
    return access(path, X_OK) == 0 && stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

struct err fs_find_program(struct arena *a, const char *name, const char **out)
{
    const char *path = getenv("PATH");
    struct str rest = str_of(strchr(name, '/') ? "" : path ? path : "/usr/local/bin:/usr/bin:/bin");

    if (rest.len == 0 && is_program(name)) {
        *out = arena_strdup(a, name);
        return OK;
    }
    while (rest.len > 0) {
        struct str dir = str_cut(&rest, ':');
        const char *candidate = fs_join(a, dir.len > 0 ? str_dup(a, dir) : ".", name);
        if (is_program(candidate)) {
            *out = candidate;
            return OK;
        }
    }
    return err_make(ERR_NOT_FOUND, "there is no such program");
}
