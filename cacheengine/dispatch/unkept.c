/* What is refused where data is in memory alone: one sentence, wherever it is asked for. */
#include "cacheengine/dispatch/unkept.h"

#define SENTENCE                                                                                \
    "a memcached node has its data in memory alone: it has no replicas, no save points and no " \
    "append-only file"

bool unkept_refuses(struct cmd_call *c)
{
    if (!unkept_is(c->engine))
        return false;
    reply_error(c->reply, "ERR " SENTENCE);
    return true;
}

struct err unkept_check(const struct settings *s)
{
    bool wants_more = s->appends || s->save_point_count > 0 || *s->replica_of || s->is_clustered;

    if (s->protocol == PROTOCOL_RESP || !wants_more)
        return OK;
    return err_make(ERR_INVALID, SENTENCE ", nor shards");
}

struct err unkept_check_one(const struct settings *s, struct str name, struct str value)
{
    bool appends = str_is_nocase(name, "appendonly") && !str_is_nocase(value, "no");
    bool saves = str_is_nocase(name, "save") && value.len > 0;

    if (s->protocol == PROTOCOL_RESP || (!appends && !saves))
        return OK;
    return err_make(ERR_INVALID, SENTENCE);
}
