/*
 * Files sealed at rest: AES-256-GCM in chunks, so that they are written and read as streams and can
 * be appended to. Whoever has the disk learns how much there is, and nothing else; whoever changes,
 * exchanges, reorders or cuts off any of it is found out.
 *
 *     head    "LARDSEAL"  version (1)  purpose (1)  0 0  key id (8)  salt (16)  check (16)
 *     chunk   length and marks (4)  that many bytes, encrypted  tag (16)
 *     ...
 *     chunk   the same with the mark of the last one; it may be empty
 *
 * Numbers are little endian. Nothing of a file is encrypted under the data key itself: the file's
 * own key is HKDF-SHA256 of the data key with the salt, which is random, and with the head up to
 * there as what it is for; so a changed head gives another key. The check is derived likewise and
 * tells so before anything else is read; the key id is derived from the data key alone and tells
 * a wrong key from a changed head.
 *
 * The nonce of a chunk is its number (8 bytes behind 4 of zero), its associated data its first four
 * bytes. As each file has a key of its own, no nonce comes twice under one key. A file whose writer
 * died is never gone on with: its reader ends it with a last chunk that is empty and whose nonce
 * begins with 1, which no other chunk's does.
 *
 * What cannot be seen: that whole chunks are missing from the end of a file that was being appended
 * to when its writer died, or that an older version of a whole file was put in its place.
 */
#ifndef LARDER_BASE_SEAL_H
#define LARDER_BASE_SEAL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/stream.h"

#include <stdbool.h>
#include <stdint.h>

#define SEAL_KEY_BYTES   32
#define SEAL_HEAD_BYTES  52
#define SEAL_CHUNK_BYTES 65536 /* of what is written at once */

/* What a file is: one kind does not pass for the other. */
enum seal_purpose {
    SEAL_SNAPSHOT = 1, /* an engine's */
    SEAL_APPEND = 2,
    SEAL_PART = 3, /* what the control plane keeps of a snapshot */
};

/* The data key, in memory that is not swapped out nor dumped, wiped at its end. */
struct seal_key;
struct seal_key *seal_key_new(const uint8_t bytes[SEAL_KEY_BYTES]);
void seal_key_free(struct seal_key *k);
bool seal_key_is(const struct seal_key *k, const uint8_t bytes[SEAL_KEY_BYTES]);

/* Overwrites what must not be found later. */
void seal_wipe(void *at, size_t len);

/* True when a file begins as sealed ones do. */
bool seal_is_sealed(const void *head, size_t len);

/* ---- sealing ---- */

struct seal_cipher; /* a file's own key, at work */

/* Either a sink in front of another, or (append) a maker of chunks. */
struct sealer {
    struct sink sink;
    struct sink *to;
    struct seal_cipher *cipher;
    uint64_t index; /* of the next chunk */
    struct buf plain, sealed;
};

/* Begins a file: its head is added to `out`. ERR_INTERNAL when the machine has no randomness. */
must_use struct err sealer_begin(struct sealer *s, const struct seal_key *k,
                                 enum seal_purpose purpose, struct buf *out);

/* Seals a piece as chunks of its own, added to `out`. */
void sealer_seal(struct sealer *s, struct str plain, struct buf *out);

/* Adds the last chunk. */
void sealer_end(struct sealer *s, struct buf *out);

/* The same as a stream: what is written to s->sink goes sealed to `to`; finish writes the rest. All
 * chunks are full but the last ones: see unsealer_seek. */
must_use struct err sealer_stream(struct sealer *s, const struct seal_key *k,
                                  enum seal_purpose purpose, struct sink *to);
must_use struct err sealer_finish(struct sealer *s);
void sealer_fini(struct sealer *s);

/* ---- opening ---- */

struct unsealer {
    struct source source;
    struct source *from;
    struct seal_cipher *cipher;
    uint64_t index;  /* of the next chunk */
    uint64_t passed; /* bytes of the sealed file up to there */
    struct buf plain;
    size_t given;           /* of `plain` */
    bool may_be_unfinished; /* set it: the end without a last chunk is an end as well */
    bool is_finished;       /* the last chunk was read */
    bool is_unfinished;     /* the file ends without it, at `passed` */
};

/*
 * Reads the head. ERR_DENIED when there is no key or another one; ERR_CORRUPT for another head.
 * Reading from u->source then gives what was sealed; ERR_CORRUPT with the reason where anything is
 * not as it was written, before any byte of that chunk is given.
 */
must_use struct err unsealer_begin(struct unsealer *u, const struct seal_key *k,
                                   enum seal_purpose purpose, struct source *from);

/* Goes on with the chunk of that number, of a file that was written as a stream; its caller has
 * made `from` go on at seal_chunk_at(chunk). What is skipped is not looked at. */
void unsealer_seek(struct unsealer *u, uint64_t chunk);
uint64_t seal_chunk_at(uint64_t chunk);

/* The last chunk for a file whose writer died, to be put at `passed`; added to `out`. */
void unsealer_end_file(struct unsealer *u, struct buf *out);
void unsealer_fini(struct unsealer *u);

#endif
