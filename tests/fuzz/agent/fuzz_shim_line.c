/* Any bytes as a line between shim and agent. What can be read can be written, and is then the
 * same. */
#include "agent/supervise/supervise.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/shim_protocol.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void check_again(struct arena *a, const struct shim_state *state)
{
    scoped(buf_fini) struct buf line = BUF_EMPTY;
    struct shim_state again = {0};

    jsonline_write(SHIM_STATE_LINE, state, &line);
    check(memchr(line.ptr, '\n', line.len) == line.ptr + line.len - 1);
    check(!err_failed(jsonline_read(a, SHIM_STATE_LINE, buf_str(&line), &again)));
    check(is_same(state->phase, again.phase) && is_same(state->last_line, again.last_line));
    check(is_same(state->tag, again.tag) && state->pid == again.pid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    scoped(arena_fini) struct arena a = {0};
    struct shim_state state = {0};
    struct shim_command command = {0};
    struct node_run run = {0};
    const struct str line = {(const char *)data, len};

    if (!err_failed(jsonline_read(&a, SHIM_STATE_LINE, line, &state)))
        check_again(&a, &state);
    if (state.tag && run_from_tag(state.tag, &run))
        check(run.port >= 0 && run.port <= UINT16_MAX && run.driver[0] && run.address[0]);
    err_ignore(jsonline_read(&a, SHIM_COMMAND_LINE, line, &command), "most inputs are no command");
    return 0;
}
