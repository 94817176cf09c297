/* WAIT: until so many replicas have what this connection wrote. */
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/keyspace/wait.h"
#include "contract/command_procs.h"

void cmd_wait(struct cmd_call *c)
{
    struct engine *e = c->engine;
    int64_t count, until_ms;

    if (e->stream.is_following) {
        reply_error(
            c->reply,
            "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 "
            "if a replica is configured to be writable (which is not the default) writes to "
            "replicas are just local and are not propagated.");
        return;
    }
    if (!call_int(c, 1, &count) || !call_timeout_ms(c, 2, &until_ms))
        return;
    uint32_t reached = followers_reached(e, c->client->written_offset);
    if ((int64_t)reached >= count || c->is_inner) {
        reply_int(c->reply, reached);
        return;
    }
    /* One that waits already has asked. */
    if (!c->client->waiting)
        followers_ask(e);
    call_wait(c, &(struct wait){.until_ms = until_ms});
}
