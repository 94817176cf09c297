/*
 * Terms and leases. The one idea: time is only ever compared with the boot clock of this machine,
 * and doubt shortens the lease.
 */
#include "cacheengine/dispatch/authority.h"

#include "base/clock.h"
#include "cacheengine/dispatch/acks.h"
#include "cacheengine/dispatch/engine.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/guard.h"

struct err authority_accepts(const struct authority *au, struct arena *a, int64_t term)
{
    if (term >= au->term)
        return OK;
    return err_format(a, ERR_CONFLICT,
                      "STALETERM the order is of term %lld, and this node has seen term %lld",
                      (long long)term, (long long)au->term);
}

/* What a lower term had given does not hold in a higher one. */
static void see_term(struct authority *au, int64_t term)
{
    if (term > au->term)
        au->until_ms = 0;
    au->term = term;
}

static void settle(struct engine *e)
{
    guard_set(e, GUARD_FENCE, e->authority.fence_term != 0);
    authority_look_slow(e);
    acks_settle(e);
}

void authority_take_role(struct engine *e, int64_t term, bool is_primary)
{
    struct authority *au = &e->authority;

    see_term(au, term);
    au->role_term = term;
    if (is_primary && au->fence_term < term)
        au->fence_term = 0;
    settle(e);
}

void authority_take_lease(struct engine *e, int64_t term, const struct lease *lease)
{
    struct authority *au = &e->authority;
    int64_t now_ms = e->keyspace.passed_ms;
    int64_t from_ms = lease->sent_ms ? lease->sent_ms : au->heard_ms;

    if (from_ms == 0 || from_ms > now_ms)
        from_ms = now_ms;
    see_term(au, term);
    au->is_leased = true;
    au->until_ms = from_ms + lease->length_ms;
    settle(e);
}

void authority_need_lease(struct engine *e)
{
    struct authority *au = &e->authority;

    if (!au->is_leased)
        au->until_ms = 0;
    au->is_leased = true;
    settle(e);
}

void authority_drop_lease(struct engine *e, int64_t term)
{
    see_term(&e->authority, term);
    e->authority.is_leased = false;
    settle(e);
}

void authority_fence(struct engine *e, int64_t term)
{
    see_term(&e->authority, term);
    e->authority.fence_term = term;
    settle(e);
}

void authority_close_clients(struct engine *e)
{
    for (struct client *c = e->newest; c; c = c->older)
        if (!c->is_admin && !c->is_primary && !follower_is_attached(c->follower))
            c->host->kill(c);
}

static bool runs_at(const struct authority *au, int64_t now_ms)
{
    return !au->is_leased || now_ms < au->until_ms;
}

int64_t authority_left_ms(const struct engine *e)
{
    const struct authority *au = &e->authority;
    int64_t left_ms = au->until_ms - e->keyspace.passed_ms;

    return !au->is_leased ? -1 : left_ms > 0 ? left_ms : 0;
}

void authority_look_slow(struct engine *e)
{
    guard_set(e, GUARD_LEASE, !runs_at(&e->authority, e->keyspace.passed_ms));
}

bool authority_may_acknowledge(const struct engine *e)
{
    return runs_at(&e->authority, e->authority.is_leased ? clock_boot_ms(&clock_system) : 0);
}
