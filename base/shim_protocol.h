/*
 * What an engine's shim and the agent of its host say to each other over NODE_DIR/shim.sock: flat
 * JSON objects, one a line (jsonline.h). It stands in base because the two are different programs.
 *
 * The shim says its state when somebody connects and at each change. The other side gives commands;
 * none of them is answered but by the change that it brings about. A command that the shim does not
 * know is passed over, so that an older shim goes on serving a newer agent.
 */
#ifndef LARDER_BASE_SHIM_PROTOCOL_H
#define LARDER_BASE_SHIM_PROTOCOL_H

#include "base/jsonline.h"

#include <stdint.h>

#define SHIM_SOCKET     "shim.sock"
#define SHIM_LOCK       "shim.lock" /* held by the shim and its engine while either lives */
#define SHIM_LOG        "engine.log"
#define SHIM_LINE_BYTES 4096 /* no line is longer */

/* Phases of an engine, as text. */
#define SHIM_STARTING "starting" /* it runs and did not say that it is ready */
#define SHIM_READY    "ready"    /* it said READY=1 */
#define SHIM_EXITED   "exited"   /* it is gone; the shim waits for SHIM_ACK */

/* How it ended, as text. */
#define SHIM_EXIT_STATUS "status"
#define SHIM_EXIT_SIGNAL "signal"
#define SHIM_EXIT_UNRUN  "unrun" /* it could not be run at all */

struct shim_state {
    const char *phase;
    const char *tag;       /* what the shim was started with, for the one who started it */
    int64_t pid;           /* of the engine; stays after its end */
    int64_t started_ms;    /* wall time */
    int64_t ready_ms;      /* wall time when it said so; 0 when it did not */
    const char *exit;      /* SHIM_EXIT_* once it ended */
    int64_t exit_number;   /* the status or signal */
    int64_t exited_ms;     /* wall time when the shim noticed */
    int64_t killed_ms;     /* wall time when SIGKILL was on its way for so long that the kernel must
                            * be holding it; 0: it is not, or was gone sooner. It never comes back to
                            * its own code, and counts as ended for all but its folder and its port */
    const char *last_line; /* what the engine last wrote to standard output or error */
};

static const struct jsonline_member shim_state_members[] = {
    {"phase",       JSONLINE_TEXT,   offsetof(struct shim_state, phase)      },
    {"tag",         JSONLINE_TEXT,   offsetof(struct shim_state, tag)        },
    {"pid",         JSONLINE_NUMBER, offsetof(struct shim_state, pid)        },
    {"started_ms",  JSONLINE_NUMBER, offsetof(struct shim_state, started_ms) },
    {"ready_ms",    JSONLINE_NUMBER, offsetof(struct shim_state, ready_ms)   },
    {"exit",        JSONLINE_TEXT,   offsetof(struct shim_state, exit)       },
    {"exit_number", JSONLINE_NUMBER, offsetof(struct shim_state, exit_number)},
    {"exited_ms",   JSONLINE_NUMBER, offsetof(struct shim_state, exited_ms)  },
    {"killed_ms",   JSONLINE_NUMBER, offsetof(struct shim_state, killed_ms)  },
    {"last_line",   JSONLINE_TEXT,   offsetof(struct shim_state, last_line)  },
};
#define SHIM_STATE_LINE JSONLINE_OF(shim_state_members)

/* Commands, as text. */
#define SHIM_STOP "stop" /* SIGTERM now, SIGKILL after grace_ms */
#define SHIM_KILL "kill" /* SIGKILL now */
#define SHIM_ACK \
    "ack" /* the exit is taken down: the shim ends. Passed over while the engine runs */
#define SHIM_LEASE                                                                       \
    "lease" /* the engine, which knows no leases itself, may take writes until until_ms, \
             * and is then fenced; 0: nothing is watched any more */

struct shim_command {
    const char *command;
    int64_t grace_ms;
    int64_t until_ms; /* boot time */
    /* What the engine is told over its unix socket, as bytes of RESP: who comes, and how writes are
     * ended (all answers but errors confirm it) and allowed. */
    const char *control;
    const char *greeting; /* may be absent */
    const char *fence;
    const char *unfence;
};

static const struct jsonline_member shim_command_members[] = {
    {"do",       JSONLINE_TEXT,   offsetof(struct shim_command, command) },
    {"grace_ms", JSONLINE_NUMBER, offsetof(struct shim_command, grace_ms)},
    {"until_ms", JSONLINE_NUMBER, offsetof(struct shim_command, until_ms)},
    {"control",  JSONLINE_TEXT,   offsetof(struct shim_command, control) },
    {"greeting", JSONLINE_TEXT,   offsetof(struct shim_command, greeting)},
    {"fence",    JSONLINE_TEXT,   offsetof(struct shim_command, fence)   },
    {"unfence",  JSONLINE_TEXT,   offsetof(struct shim_command, unfence) },
};
#define SHIM_COMMAND_LINE JSONLINE_OF(shim_command_members)

#endif
