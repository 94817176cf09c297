/* The part of waiting that commands see; who waits is kept above, behind a hook. */
#include "cacheengine/keyspace/wait.h"

#include "cacheengine/keyspace/number.h"

#include <math.h>

void call_wait(struct cmd_call *c, const struct wait *w)
{
    if (c->is_inner || !c->ks->hooks.wait)
        w->over(c->reply);
    else
        c->ks->hooks.wait(c->ks->hooks.ctx, c, w);
}

bool call_timeout(struct cmd_call *c, uint32_t arg, int64_t *until_ms)
{
    long double seconds;
    const char *error = NULL;

    if (!number_parse_long_double(c->argv[arg], &seconds)) {
        reply_error(c->reply, "ERR timeout is not a float or out of range");
        return false;
    }
    long double ms = ceill(seconds * 1000);
    /* As Redis has it, which reckons with wall time here. */
    if (ms > (long double)(INT64_MAX - c->ks->now_ms))
        error = "ERR timeout is out of range";
    else if (ms < 0)
        error = "ERR timeout is negative";
    if (error) {
        reply_error(c->reply, error);
        return false;
    }
    *until_ms = ms == 0 ? NO_DEADLINE : c->ks->passed_ms + (int64_t)ms;
    return true;
}

bool call_timeout_ms(struct cmd_call *c, uint32_t arg, int64_t *until_ms)
{
    const char *error = NULL;
    int64_t ms;

    if (!number_parse_i64(c->argv[arg].ptr, c->argv[arg].len, &ms))
        error = "ERR timeout is not an integer or out of range";
    else if (ms < 0)
        error = "ERR timeout is negative";
    else if (ms > INT64_MAX - c->ks->now_ms)
        error = "ERR timeout is out of range";
    if (error) {
        reply_error(c->reply, error);
        return false;
    }
    *until_ms = ms == 0 ? NO_DEADLINE : c->ks->passed_ms + ms;
    return true;
}
