/*
 * Reading commands from an append-only file: RESP arrays of strings, one behind the other, and
 * lines of annotation ("#TS:1700000000") in between, which are passed over.
 */
#ifndef LARDER_PERSIST_APPEND_READ_H
#define LARDER_PERSIST_APPEND_READ_H

#include "base/buf.h"
#include "base/err.h"
#include "cacheengine/keyspace/record.h"

enum append_read_state {
    APPEND_COMMAND, /* one was read */
    APPEND_END,     /* the file ends here, behind a whole command */
    APPEND_CUT,     /* the file ends within a command */
};

struct append_reader {
    struct source *from;
    struct buf window;
    size_t at;        /* what of the window is used up */
    uint64_t passed;  /* bytes in front of the window */
    bool is_at_end;   /* of the source */
    struct str *argv; /* of the last command; holds until the next */
    uint32_t argc, room;
};

void append_reader_init(struct append_reader *r, struct source *from);
void append_reader_fini(struct append_reader *r);

/* Reads the next command into argv and argc. ERR_INVALID when what stands there is none, or the
 * source's error. */
must_use struct err append_read(struct append_reader *r, enum append_read_state *out);

/* Offset of what is read next: behind the last whole command, also after APPEND_CUT. */
static inline uint64_t append_reader_where(const struct append_reader *r)
{
    return r->passed + r->at;
}

#endif
