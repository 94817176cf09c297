/*
 * The files of snapshots: one folder, a file for each part under its number, for the eyes of our
 * user alone and sealed, each under a key of its own that the store has: with its row a file is
 * gone, whoever has the disk. A part comes piece by piece from an agent into a file with another
 * name, which gets its own when all of it is on the disk and its fingerprint is right; so whatever
 * ends in the middle leaves nothing that counts.
 *
 * Safe to call from several threads.
 */
#ifndef LARDER_CONTROLPLANE_VAULT_VAULT_H
#define LARDER_CONTROLPLANE_VAULT_VAULT_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct arena;
struct clock;
struct kept_file;
struct store;
struct vault;

#define VAULT_PIECE_BYTES (512 * 1024) /* at most, in both directions */

/* Opens or makes the folder, and removes what no snapshot has. The sentence of an error is in `a`:
 * ERR_IO. Store and clock are borrowed. */
must_use struct err vault_open(struct arena *a, struct store *store, const struct clock *clock,
                               const char *dir, struct vault **out);
void vault_close(struct vault *v);

/*
 * Takes a piece of what a task brings: the bytes from `from` on. 0 begins anew, whatever there was.
 * ERR_NOT_FOUND when nobody waits for it, ERR_CONFLICT when it does not go on where the last one
 * ended, ERR_IO.
 */
must_use struct err vault_take(struct vault *v, struct arena *a, int64_t task_id, int64_t from,
                               struct str piece);

/* All is there: `bytes` of them with that SHA-256 in hexadecimal digits. On the disk, and recorded,
 * when it returns. Errors as above, and ERR_CORRUPT. May be repeated. */
must_use struct err vault_keep(struct vault *v, struct arena *a, int64_t task_id, int64_t bytes,
                               const char *sha256);

/* The same for a part that is fetched by ourselves, under no task: a file without a name, plain, of
 * which `fd` is written by the caller; then vault_import_end. */
must_use struct err vault_import(struct vault *v, struct arena *a, int64_t part_id, int *out_fd);
must_use struct err vault_import_end(struct vault *v, struct arena *a, int64_t part_id, int fd);

/* Opens the file of a part for reading; kept_file_close is the caller's. ERR_NOT_FOUND, ERR_IO,
 * ERR_CORRUPT. */
must_use struct err vault_read(struct vault *v, struct arena *a, int64_t part_id,
                               struct kept_file *out);

/* Gives the part a file of its own, under another key than that of the one that it is in. */
must_use struct err vault_seal_anew(struct vault *v, struct arena *a, int64_t part_id);

/* Removes files that no snapshot has any more. */
must_use struct err vault_sweep(struct vault *v, struct arena *a);

#endif
