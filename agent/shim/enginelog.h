/* What an engine writes to its standard output and error: kept in a file of bounded size, and its
 * last line kept at hand, because that is where a failed start says why. */
#ifndef LARDER_AGENT_SHIM_ENGINELOG_H
#define LARDER_AGENT_SHIM_ENGINELOG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ENGINELOG_MAX_BYTES  (1 << 20) /* then it becomes NAME.1, in place of the one before */
#define ENGINELOG_LINE_BYTES 512       /* longer lines are cut */

struct enginelog {
    const char *path;                /* borrowed */
    int fd;                          /* of the file; -1 when it cannot be written now */
    off_t size_bytes;                /* of the file */
    char line[ENGINELOG_LINE_BYTES]; /* the line that is being written */
    size_t line_len;
    char last[ENGINELOG_LINE_BYTES]; /* the last one that was not empty; NUL-terminated */
};

/* Appends to the file at `path`. One that cannot be opened is tried again later; never fails,
 * because no trouble with a log may hold up an engine. */
void enginelog_open(struct enginelog *log, const char *path);
void enginelog_close(struct enginelog *log);

/* Takes what the engine wrote. */
void enginelog_add(struct enginelog *log, const char *data, size_t len);

/* The last line with something in it, even when its end did not come yet; "" when there was none.
 * Control characters are spaces. Valid until the next call. */
const char *enginelog_last_line(struct enginelog *log);

#endif
