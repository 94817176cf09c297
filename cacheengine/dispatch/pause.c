/* Pauses. The one idea: a call that is put off leaves no trace but the client's place in its own
 * input, from which it is cut anew when the pause is over. */
#include "cacheengine/dispatch/pause.h"

#include "base/command.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/moving.h"
#include "cacheengine/dispatch/scripting.h"
#include "cacheengine/dispatch/transaction.h"

static bool pauses_all(const struct engine *e)
{
    for (int i = 0; i < PAUSE_OWNERS; i++)
        if (e->pauses[i].is_on && !e->pauses[i].only_writes)
            return true;
    return false;
}

static bool is_on(const struct engine *e)
{
    for (int i = 0; i < PAUSE_OWNERS; i++)
        if (e->pauses[i].is_on)
            return true;
    return false;
}

void pause_begin(struct engine *e, enum pause_owner owner, bool only_writes, int64_t until_ms)
{
    struct pause *p = &e->pauses[owner];

    if (!p->is_on) {
        *p = (struct pause){true, only_writes, until_ms};
    } else {
        p->only_writes &= only_writes;
        if (p->until_ms != NO_DEADLINE && (until_ms == NO_DEADLINE || until_ms > p->until_ms))
            p->until_ms = until_ms;
    }
    e->keyspace.stands_still = true;
    guard_set(e, GUARD_PAUSED, true);
}

void pause_end(struct engine *e, enum pause_owner owner)
{
    if (!e->pauses[owner].is_on)
        return;
    e->pauses[owner] = (struct pause){0};
    e->keyspace.stands_still = is_on(e);
    guard_set(e, GUARD_PAUSED, is_on(e));
    /* Those whom another pause still holds are put off again. */
    moving_release(e);
}

void pause_tick(struct engine *e)
{
    for (int i = 0; i < PAUSE_OWNERS; i++)
        if (e->pauses[i].is_on && e->pauses[i].until_ms != NO_DEADLINE &&
            e->pauses[i].until_ms <= e->keyspace.passed_ms)
            pause_end(e, (enum pause_owner)i);
}

/* True when a call by itself may end in an effect. */
static bool one_may_tell(const struct cmd_call *call)
{
    return (call->cmd->flags & (CMD_WRITE | CMD_MAY_REPLICATE)) && !scripting_only_reads(call);
}

/* The same of any call: of EXEC by what was queued. */
static bool may_tell(const struct cmd_call *call)
{
    struct cmd_call queued = *call;

    if (one_may_tell(call))
        return true;
    if (!transaction_is_open(call->client) || strcmp(call->cmd->name, "exec") != 0)
        return false;
    for (struct queued_call *q = call->client->transaction->head; q; q = q->next) {
        queued.cmd = q->cmd;
        queued.argv = q->argv;
        queued.argc = q->argc;
        if (one_may_tell(&queued))
            return true;
    }
    return false;
}

bool pause_takes(struct cmd_call *call)
{
    struct engine *e = call->engine;
    const struct client *c = call->client;

    if (c->is_admin || c->feed || (c->is_primary && !e->pauses[PAUSE_OF_CLIENT].is_on))
        return false;
    pause_tick(e);
    if (!is_on(e) || (!pauses_all(e) && !may_tell(call)))
        return false;
    moving_postpone(call);
    return true;
}
