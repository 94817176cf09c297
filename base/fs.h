/* Files and folders. Paths are UTF-8 as given; every descriptor is close-on-exec. */
#ifndef LARDER_BASE_FS_H
#define LARDER_BASE_FS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct arena;
struct buf;

/* Closes *fd unless it is negative and makes it -1: for `scoped(fd_close) int fd = -1;`. */
void fd_close(int *fd);

/* Adds the whole file to `out`. ERR_NOT_FOUND, ERR_LIMIT above `max_bytes`, ERR_IO. */
must_use struct err fs_read_all(const char *path, size_t max_bytes, struct buf *out);

enum fs_sync {
    FS_NO_SYNC, /* survives the death of the program, perhaps not that of the machine */
    FS_SYNC,    /* on the disk, with its name, when the call returns */
};

/* Puts a whole new content in place of `path`'s: readers see the old or the new, never a part. The
 * temporary file beside it (`path`.new) is removed on failure. ERR_IO. */
must_use struct err fs_write_atomic(const char *path, struct str content, mode_t mode,
                                    enum fs_sync sync);

/* Makes the folder and those above it; one that exists already is fine. ERR_IO. */
must_use struct err fs_make_dirs(const char *path, mode_t mode);

/* Removes a file; nothing there is fine. ERR_IO. */
must_use struct err fs_remove(const char *path);

/* Removes a folder and all in it, without following links; nothing there is fine. ERR_IO. */
must_use struct err fs_remove_tree(const char *path);

bool fs_exists(const char *path);

/* The names in a folder, without "." and "..", in no order; in `a`. ERR_NOT_FOUND, ERR_IO. */
struct fs_names {
    const char **items;
    size_t count;
};
must_use struct err fs_list(struct arena *a, const char *path, struct fs_names *out);

/*
 * Takes the exclusive lock on the file `path`, made when missing. The lock ends with the last copy
 * of the descriptor, so it is released by the kernel however its holders die. ERR_CONFLICT when
 * somebody else holds it, ERR_IO.
 */
must_use struct err fs_lock(const char *path, int *out_fd);

/* "dir/name" in `a`. */
char *fs_join(struct arena *a, const char *dir, const char *name);

/* The absolute path of what exists at `path`, links resolved; in `a`. ERR_NOT_FOUND, ERR_IO. */
must_use struct err fs_absolute(struct arena *a, const char *path, const char **out);

/* The folder of the running program, in `a`. ERR_IO. */
must_use struct err fs_program_dir(struct arena *a, const char **out);

/* The program's path in `a` as a shell would find it in $PATH (a name with a slash: itself).
 * ERR_NOT_FOUND. */
must_use struct err fs_find_program(struct arena *a, const char *name, const char **out);

#endif
