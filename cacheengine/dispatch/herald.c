/* Who listens knows what is now, and from then on hears of each change once. */
#include "cacheengine/dispatch/herald.h"

#include "cacheengine/dispatch/replica.h"
#include "contract/command_procs.h"

#define UNREAD_MAX 65536 /* who does not read hears no more */

static enum herald_place place_of(const struct engine *e)
{
    return !e->replica               ? HERALD_PRIMARY
           : replica_is_following(e) ? HERALD_LINK_UP
                                     : HERALD_LINK_DOWN;
}

static void tell(struct engine *e)
{
    struct client *c = e->herald.listener;

    reply_push(&c->reply, 4);
    reply_bulk_text(&c->reply, "role");
    reply_bulk_text(&c->reply, e->replica ? "replica" : "primary");
    reply_bulk_text(&c->reply, e->herald.told == HERALD_LINK_DOWN ? "down" : "up");
    reply_int(&c->reply, e->stream.offset);
    c->host->wake(c);
}

void herald_look(struct engine *e)
{
    struct herald *h = &e->herald;

    if (!h->listener || h->told == place_of(e) || h->listener->is_killed ||
        reply_pending(&h->listener->reply) >= UNREAD_MAX)
        return;
    h->told = place_of(e);
    tell(e);
}

void herald_listen(struct engine *e, struct client *c)
{
    e->herald = (struct herald){c, place_of(e)};
}

void herald_forget(struct engine *e, const struct client *c)
{
    if (e->herald.listener == c)
        e->herald.listener = NULL;
}

void cmd_larder_listen(struct cmd_call *c)
{
    reply_ok(c->reply);
    herald_listen(c->engine, c->client);
}
