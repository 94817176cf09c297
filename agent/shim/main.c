/* larder-shim: the parent of one engine. Its command line, and the agent's first word from it when
 * it cannot even begin. */
#include "agent/shim/shim.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/flags.h"
#include "base/proc.h"
#include "base/shim_protocol.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_TAG_BYTES 200

struct options {
    const char *dir;
    const char *tag;
    int64_t lock_fd;
    int64_t agent_fd;
};

static const struct flag rows[] = {
    {.name = "dir",
     .kind = FLAG_TEXT,
     .at = offsetof(struct options, dir),
     .value = "NODE_DIR",
     .doc = "folder of the cache node",
     .is_required = true},
    {.name = "tag",
     .kind = FLAG_TEXT,
     .at = offsetof(struct options,             tag),
     .value = "TEXT",
     .doc = "returned with each state"                  },
    {.name = "lock-fd",
     .kind = FLAG_NUMBER,
     .at = offsetof(struct options,           lock_fd),
     .value = "FD",
     .doc = "inherited lock of the folder"                    },
    {.name = "agent-fd",
     .kind = FLAG_NUMBER,
     .at = offsetof(struct options,           agent_fd),
     .value = "FD",
     .doc = "inherited connection to an agent"                    },
};

static const struct flags line = {
    .program = "larder-shim",
    .words = "-- ENGINE [ARGUMENT...]",
    .about =
        "Runs one cache engine, knows at once when it ends, and dies with it or takes it along.",
    FLAG_ROWS(rows),
};

/* The agent would else only see its connection end. */
static void tell_failure(struct arena *a, int agent_fd, const char *tag, struct err e)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct shim_state state = {
        .phase = SHIM_EXITED, .tag = tag, .exit = SHIM_EXIT_UNRUN, .last_line = err_text(a, e)};

    jsonline_write(SHIM_STATE_LINE, &state, &text);
    if (send(agent_fd, text.ptr, text.len, MSG_NOSIGNAL) < 0)
        return; /* the end of the connection says enough */
}

int main(int argc, char **argv)
{
    scoped(arena_fini) struct arena a = {0};
    struct options options = {.lock_fd = -1, .agent_fd = -1};
    struct flags_rest rest;
    int status;

    if (!flags_begin(&line, &a, argc, argv, &options, &rest, &status))
        return status;
    if (rest.word_count == 0 || (options.tag && strlen(options.tag) > MAX_TAG_BYTES)) {
        fprintf(stderr, "larder-shim: %s\n",
                rest.word_count == 0 ? "the engine to run is missing behind --"
                                     : "--tag is too long");
        return 2;
    }
    setsid();            /* fails when it leads a session already, which is as good */
    (void)proc_hasten(); /* what it sees is to be told at once, however busy the host is */

    const struct shim_conf conf = {.dir = options.dir,
                                   .tag = options.tag,
                                   .lock_fd = (int)options.lock_fd,
                                   .agent_fd = (int)options.agent_fd,
                                   .argv = rest.words};
    struct err e = shim_run(&a, &conf);
    if (!err_failed(e))
        return 0;
    if (conf.agent_fd >= 0)
        tell_failure(&a, conf.agent_fd, conf.tag, e);
    fprintf(stderr, "larder-shim: %s\n", err_text(&a, e));
    return 1;
}
