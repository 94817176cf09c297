/* What a node's state forbids its clients. */
#include "cacheengine/dispatch/guard.h"

#include "base/command.h"
#include "cacheengine/dispatch/append.h"
#include "cacheengine/dispatch/loading.h"
#include "cacheengine/dispatch/redirect.h"
#include "cacheengine/dispatch/replica.h"
#include "cacheengine/dispatch/scripting.h"
#include "cacheengine/dispatch/transaction.h"

/* True when the call has this flag, or EXEC (which alone stands inside a transaction without being
 * queued) would run one that has it. */
static bool has(const struct cmd_call *call, uint32_t flag)
{
    if (call->cmd->flags & flag)
        return true;
    if (!transaction_is_open(call->client) || strcmp(call->cmd->name, "exec") != 0)
        return false;
    for (const struct queued_call *q = call->client->transaction->head; q; q = q->next)
        if (q->cmd->flags & flag)
            return true;
    return false;
}

/* True when the call runs a script that says something of itself, but none of `flags`, or EXEC
 * would run one. (Old scripts, which say nothing, are judged by the commands that they run.) */
static bool runs_script_without(const struct cmd_call *call, uint32_t flags)
{
    struct cmd_call queued = *call;

    if (!(scripting_says(call) & (SCRIPT_PLAIN | flags)))
        return true;
    if (!call->client || !transaction_is_open(call->client) || strcmp(call->cmd->name, "exec") != 0)
        return false;
    for (struct queued_call *q = call->client->transaction->head; q; q = q->next) {
        queued.cmd = q->cmd;
        queued.argv = q->argv;
        queued.argc = q->argc;
        if (!(scripting_says(&queued) & (SCRIPT_PLAIN | flags)))
            return true;
    }
    return false;
}

bool guard_is_write(const struct cmd_call *call)
{
    return has(call, CMD_WRITE) || runs_script_without(call, SCRIPT_NO_WRITES);
}

#define REPLICA "READONLY You can't write against a read only replica."

/* NULL: it may run; else the error. */
typedef const char *guard_fn(const struct cmd_call *call);

/* True when the command, or one that it would run, is not of those with this flag. */
static bool lacks(const struct cmd_call *call, uint32_t flag)
{
    if (!(call->cmd->flags & flag))
        return true;
    if (!call->client || !transaction_is_open(call->client) || strcmp(call->cmd->name, "exec") != 0)
        return false;
    for (const struct queued_call *q = call->client->transaction->head; q; q = q->next)
        if (!(q->cmd->flags & flag))
            return true;
    return false;
}

static const char *stale_refuses(const struct cmd_call *call)
{
    if (!lacks(call, CMD_STALE) && !runs_script_without(call, SCRIPT_ALLOW_STALE))
        return NULL;
    return "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
}

/* Who can follow is sent to the primary; while a primary is still handing its role to a replica,
 * which would send it back, it waits. What a script does is judged as a script's. */
static const char *redirect_replica(const struct cmd_call *call)
{
    const struct client *c = call->client;
    const struct engine *e = call->engine;

    if (!c || !c->follows_redirects || call->is_inner || client_is_obeyed(c) || !e->replica)
        return NULL;
    if (!guard_is_write(call) && (c->reads_replicas || !has(call, CMD_READONLY)))
        return NULL;
    if (e->failover.state == FAILOVER_HANDS)
        return redirect_held;
    return arena_printf(call->scratch, "REDIRECT %s:%d", e->replica->host, e->replica->port);
}

/* A client that took it for a primary looks for the primary once it has to connect anew. */
static const char *replica_refuses(const struct cmd_call *call)
{
    if (!guard_is_write(call))
        return NULL;
    if (call->client && call->engine->settings.closes_on_replica_write)
        call->client->is_closing = true;
    return REPLICA;
}

static const char *loading_refuses(const struct cmd_call *call)
{
    if (!lacks(call, CMD_LOADING))
        return NULL;
    return loading_text(call->engine);
}

/* Version 2 has no way to tell a message from a reply. */
static const char *subscribed_refuses(const struct cmd_call *call)
{
    static const char *const allowed[] = {"subscribe",    "unsubscribe", "psubscribe",
                                          "punsubscribe", "ssubscribe",  "sunsubscribe",
                                          "ping",         "quit",        "reset"};

    /* The reply of a script's own calls is in version 2 whatever its client speaks. */
    if (!call->client || !call->client->subscriber || call->client->reply.resp != 2)
        return NULL;
    for (size_t i = 0; i < countof(allowed); i++)
        if (strcmp(call->cmd->name, allowed[i]) == 0)
            return NULL;
    return arena_printf(call->scratch,
                        "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / "
                        "QUIT / RESET are allowed in this context",
                        call->cmd->name);
}

/* PING too, so that who only watches takes notice. */
static const char *unsaved_refuses(const struct cmd_call *call)
{
    bool is_valkey = call->engine->settings.brand == BRAND_VALKEY;

    if (!guard_is_write(call) && strcmp(call->cmd->name, "ping") != 0)
        return NULL;
    return arena_printf(
        call->scratch,
        "MISCONF %s is configured to save RDB snapshots, but it's currently unable to persist to "
        "disk. Commands that may modify the data set are disabled, because this instance is "
        "configured to report errors during writes if RDB snapshotting fails "
        "(stop-writes-on-bgsave-error option). Please check the %s logs for details about the RDB "
        "error.",
        is_valkey ? "Valkey" : "Redis", is_valkey ? "Valkey" : "Redis");
}

static const char *unwritten_refuses(const struct cmd_call *call)
{
    const struct append *a = call->engine->append;
    int failure = a->write_errno ? a->write_errno : atomic_load(&a->syncer.failure);

    if (!guard_is_write(call) && strcmp(call->cmd->name, "ping") != 0)
        return NULL;
    return arena_printf(call->scratch, "MISCONF Errors writing to the AOF file: %s",
                        strerror(failure));
}

/* What may run amid a command says so itself. The owner is never told to come again: what may not
 * run waits. */
static const char *busy_refuses(const struct cmd_call *call)
{
    struct engine *e = call->engine;
    uint32_t needed = e->loading.is_on && !call->cmd->is_internal ? CMD_LOADING : CMD_ALLOW_BUSY;
    bool is_allowed = call->cmd->flags & needed;

    if (!call->client || !call->client->is_admin)
        return is_allowed ? NULL : scripting_busy_text(e);
    /* The end of the engine is for a script that is slow; other states end when it has ended. */
    bool is_end = strcmp(call->cmd->name, "shutdown") == 0;
    bool is_about_script = scripting_runs(e) && (!is_end || scripting_is_busy(e));
    if (is_allowed && (call->cmd->is_internal || is_about_script || e->loading.is_on))
        return NULL;
    e->owner_waits = true;
    return redirect_held;
}

#define UNSAVED "MISCONF snapshots cannot be written: see the log"
#define FENCED \
    "READONLY This node is fenced: it takes no writes until a higher term makes it primary."
#define NO_LEASE \
    "READONLY The lease of this primary is over: it takes no writes until it is renewed."
#define FEW_REPLICAS "NOREPLICAS Not enough good replicas to write."
#define NO_ACKS                                                                                 \
    "NOREPLICAS Too much is waiting to be acknowledged by replicas: no writes are taken until " \
    "they have caught up."
#define UNWRITTEN "MISCONF Errors writing to the AOF file: see the log"
#define KEYLESS   "LOADING the data key is not there yet"
#define LOADING   "LOADING the data is being loaded"

/* A guard refuses writes, with one sentence, or has a function that decides; then the sentence is
 * for protocols whose commands are their own. */
static const struct {
    enum guard bit;
    const char *writes;
    guard_fn *refuses;
} guards[] = {
    {GUARD_CLUSTER,      NULL,         redirect_refusal  },
    {GUARD_REDIRECT,     NULL,         redirect_replica  },
    {GUARD_SUBSCRIBED,   NULL,         subscribed_refuses},
    {GUARD_KEYLESS,      KEYLESS,      loading_refuses   },
    {GUARD_REPLICA,      REPLICA,      replica_refuses   },
    {GUARD_UNSAVED,      UNSAVED,      unsaved_refuses   },
    {GUARD_UNWRITTEN,    UNWRITTEN,    unwritten_refuses },
    {GUARD_FEW_REPLICAS, FEW_REPLICAS, NULL              },
    {GUARD_FENCE,        FENCED,       NULL              },
    {GUARD_LEASE,        NO_LEASE,     NULL              },
    {GUARD_ACKS,         NO_ACKS,      NULL              },
    {GUARD_STALE,        NULL,         stale_refuses     },
    {GUARD_LOADING,      LOADING,      loading_refuses   },
    {GUARD_BUSY,         NULL,         busy_refuses      },
};

/* Too little is acknowledged by replicas. */
#define GUARDS_OF_DURABILITY (GUARD_FEW_REPLICAS | GUARD_ACKS)

const char *guard_refusal(struct cmd_call *call, bool *is_plain)
{
    const char *text = NULL;

    for (size_t i = 0; !text && i < countof(guards); i++) {
        if (!(call->engine->guards & (uint32_t)guards[i].bit))
            continue;
        /* What an agent may do to a node does not reach into a script that runs. */
        if (call->client && call->client->is_admin && guards[i].bit != GUARD_BUSY)
            continue;
        if (guards[i].refuses)
            text = guards[i].refuses(call);
        else if (guard_is_write(call))
            text = guards[i].writes;
        if (text && guards[i].bit & GUARDS_OF_DURABILITY)
            call->engine->durability.refused++;
        /* Where to go is said to EXEC as to any other command. */
        *is_plain = guards[i].bit == GUARD_CLUSTER || guards[i].bit == GUARD_REDIRECT;
    }
    return text;
}

const char *guard_order_refusal(const struct cmd_call *call)
{
    uint32_t orders = call->engine->guards & (GUARD_FENCE | GUARD_LEASE);

    if (!orders || call->client->is_admin || client_is_obeyed(call->client) ||
        !guard_is_write(call))
        return NULL;
    return orders & GUARD_FENCE ? FENCED : NO_LEASE;
}

/* What is not there yet cannot be told from what is not there. */
const char *guard_read_refusal(const struct engine *e)
{
    for (size_t i = 0; i < countof(guards); i++)
        if (e->guards & (uint32_t)guards[i].bit & (GUARD_LOADING | GUARD_KEYLESS))
            return guards[i].writes;
    return NULL;
}

const char *guard_write_refusal(const struct engine *e)
{
    for (size_t i = 0; i < countof(guards); i++)
        if (e->guards & (uint32_t)guards[i].bit && guards[i].writes)
            return guards[i].writes;
    return NULL;
}

bool guard_takes_writes(const struct cmd_call *call)
{
    const struct engine *e = call->engine;

    /* Who reads does not wait for replicas to confirm it. */
    return e->settings.write_acks == 0 && (!e->guards || !guard_write_refusal(e));
}
