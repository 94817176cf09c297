/*
 * Two lists: claims, of what engines listen on, and the addresses that are on the interface for
 * them. Whatever happens, one look makes the second follow from the first. Which addresses were
 * given by this agent stands in a file before they are: nobody else's are ever taken away.
 */
#include "agent/addresses/addresses.h"

#include "agent/addresses/interface.h"
#include "agent/drivers/driver.h"
#include "agent/supervise/loop.h"
#include "agent/supervise/node.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/log.h"
#include "contract/agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OURS_FILE      "endpoint-addresses"
#define OURS_MAX_BYTES (1U << 20)
#define WHY_BYTES      160
#define REFRESH_MS     1000
#define LIFE_S         5 /* of what is not refreshed: longer than this loop ever stands still */

/* Waits between announcements: some are lost, and some caches believe nobody for a second. */
static const int64_t announce_ms[] = {0, 100, 400, 1000, 2000, 4000};
#define ANNOUNCEMENTS (sizeof(announce_ms) / sizeof(announce_ms[0]))

/* What a process listens on. */
struct claim {
    int64_t node, pid, started_ms;
    char *bound, *next; /* with spaces between; `next`: is about to; NULL: nothing */
    bool is_leased;
    int64_t term, lease_ms;
    int64_t until_ms; /* boot time for which it needs no lease it has not; INT64_MAX: it has it */
    struct claim *rest;
};

struct held {
    struct ip ip;
    bool is_wanted;
    bool is_leased; /* by each that wants it */
    bool is_heard;  /* an engine listens on it */
    bool is_ours;   /* given by this agent, or about to be */
    bool is_there;
    int refusal; /* the code of why it is not; ERR_OK: it is, or was not tried yet */
    char why[WHY_BYTES];
    size_t announced;
    int64_t announced_ms; /* when last */
    struct held *rest;
};

struct addresses {
    struct addresses_conf conf;
    struct claim *claims;
    struct held *held;
    struct loop_timer timer;
    int64_t refreshed_ms;
};

static int64_t now_ms(const struct addresses *d)
{
    return loop_now_ms(d->conf.loop);
}

static void set_text(char **to, const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    check(copy != NULL || !text);
    free(*to);
    *to = copy;
}

/* ---- claims ---- */

static struct claim *claim_of(struct addresses *d, const struct node *n)
{
    struct claim *c = d->claims;

    while (c && c->node != n->id)
        c = c->rest;
    if (!c) {
        c = calloc(1, sizeof(*c));
        check(c != NULL);
        c->node = n->id;
        c->rest = d->claims;
        d->claims = c;
    }
    if (c->pid != n->run.pid || c->started_ms != n->run.started_ms)
        set_text(&c->bound, NULL); /* another process, which listens on nothing yet */
    c->pid = n->run.pid;
    c->started_ms = n->run.started_ms;
    return c;
}

static void drop_claim(struct claim **at)
{
    struct claim *c = *at;

    *at = c->rest;
    free(c->bound);
    free(c->next);
    free(c);
}

static bool is_alive(const struct claim *c, const struct node *n)
{
    bool is_there = n->is_adopted || (n->shim && !n->is_exited);
    return is_there && n->run.pid == c->pid && n->run.started_ms == c->started_ms;
}

/*
 * Who has another role by now keeps the address until it listens there no more, so that what it
 * says to its clients at the end reaches them; but no longer than it may have had its lease.
 */
static bool may_keep(struct addresses *d, struct claim *c, struct node *n)
{
    const struct agent_node_role *role = n->goal ? n->goal->role : NULL;
    bool is_leased = role_is_leased(role);
    bool is_other = !role || role->term.value != c->term;

    if (role && role->is_primary.value && !role->is_fenced.value && !is_leased)
        c->is_leased = false;
    if (!c->is_leased && !is_leased)
        return true;
    if (!c->is_leased) { /* it needs one from now on, and is about to have it */
        c->is_leased = true;
        c->lease_ms = role->lease->ms.value;
        c->until_ms = INT64_MAX;
    }
    if (is_leased && d->conf.may_lead(d->conf.context, n)) {
        c->term = role->term.value;
        c->lease_ms = role->lease->ms.value;
        c->until_ms = INT64_MAX;
    } else if (c->until_ms == INT64_MAX) {
        c->until_ms = is_other ? now_ms(d) + c->lease_ms : 0;
    }
    return now_ms(d) < c->until_ms;
}

/* ---- addresses ---- */

static struct held *held_of(struct addresses *d, const struct ip *ip)
{
    struct held *h = d->held;

    while (h && !ip_is(&h->ip, ip))
        h = h->rest;
    if (h)
        return h;
    h = calloc(1, sizeof(*h));
    check(h != NULL);
    *h = (struct held){.ip = *ip, .announced = ANNOUNCEMENTS, .rest = d->held};
    d->held = h;
    return h;
}

static void want(struct addresses *d, const struct claim *c, const char *endpoints, bool is_heard)
{
    struct str rest = str_of(endpoints ? endpoints : "");
    struct ip ip;

    while (rest.len > 0) {
        if (!ip_parse(str_cut(&rest, ' '), &ip))
            continue;
        struct held *h = held_of(d, &ip);
        h->is_leased = c->is_leased && (h->is_leased || !h->is_wanted);
        h->is_heard |= is_heard;
        h->is_wanted = true;
    }
}

static void gather(struct addresses *d)
{
    for (struct held *h = d->held; h; h = h->rest)
        h->is_wanted = h->is_leased = h->is_heard = false;
    for (struct claim **at = &d->claims; *at;) {
        struct claim *c = *at;
        struct node *n = nodes_find(d->conf.nodes, c->node);
        if (!n || !is_alive(c, n) || (!c->bound && !c->next)) {
            drop_claim(at);
            continue;
        }
        at = &c->rest;
        if (!may_keep(d, c, n))
            continue;
        want(d, c, c->bound, true);
        want(d, c, c->next, false);
    }
}

/* Before an address is given, and behind its end. */
static struct err write_down(struct addresses *d, struct arena *a)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    for (const struct held *h = d->held; h; h = h->rest)
        if (h->is_ours)
            buf_printf(&text, "%s\n", ip_text(a, &h->ip));
    return fs_write_atomic(fs_join(a, d->conf.state_dir, OURS_FILE), buf_str(&text), 0600,
                           FS_NO_SYNC); /* what a machine's end takes, takes addresses, too */
}

static struct err make_ours(struct addresses *d, struct arena *a, struct held *h)
{
    const struct interface *i = d->conf.interface;
    bool is_foreign;

    TRY(i->has(i->context, a, &h->ip, &is_foreign));
    if (is_foreign)
        return err_format(a, ERR_CONFLICT, "somebody else gave the address %s to this host",
                          ip_text(a, &h->ip));
    h->is_ours = true;
    struct err e = write_down(d, a);
    h->is_ours = !err_failed(e);
    return e;
}

static struct err give(struct addresses *d, struct arena *a, struct held *h)
{
    const struct interface *i = d->conf.interface;

    if (!h->is_ours)
        TRY(make_ours(d, a, h));
    TRY(i->add(i->context, a, &h->ip, h->is_leased ? LIFE_S : 0));
    if (h->is_there)
        return OK;
    log_info("address given", f_str("address", ip_text(a, &h->ip)));
    h->is_there = true;
    h->announced = 0;
    h->announced_ms = 0;
    return OK;
}

static void try_to_give(struct addresses *d, struct held *h)
{
    scoped(arena_fini) struct arena a = {0};
    struct err e = give(d, &a, h);

    if (err_failed(e) && h->refusal != e.code)
        log_error("an address of an endpoint is not there", f_err(e));
    if (err_failed(e))
        h->is_there = false;
    h->refusal = e.code;
    snprintf(h->why, sizeof(h->why), "%s", err_failed(e) ? err_text(&a, e) : "");
}

static void take_away(struct addresses *d, struct held *h)
{
    scoped(arena_fini) struct arena a = {0};
    const struct interface *i = d->conf.interface;
    struct err e = h->is_ours ? i->remove(i->context, &a, &h->ip) : OK;

    if (err_failed(e) && h->refusal != e.code)
        log_error("an address of an endpoint cannot be taken away", f_err(e));
    else if (h->is_there)
        log_info("address taken away", f_str("address", ip_text(&a, &h->ip)));
    h->refusal = e.code;
    h->is_ours = err_failed(e); /* it is tried again */
    h->is_there = false;
}

/* Those that nobody wants go before others come; what went may take its neighbours along where they
 * share a network, so all that stay are given again. */
static void sweep(struct addresses *d, bool is_refresh)
{
    scoped(arena_fini) struct arena a = {0};
    bool has_gone = false;

    for (struct held **at = &d->held; *at;) {
        struct held *h = *at;
        if (!h->is_wanted)
            take_away(d, h);
        if (h->is_wanted || h->is_ours) {
            at = &h->rest;
            continue;
        }
        *at = h->rest;
        free(h);
        has_gone = true;
    }
    for (struct held *h = d->held; h; h = h->rest)
        if (h->is_wanted && (is_refresh || has_gone || (!h->is_there && h->refusal == ERR_OK)))
            try_to_give(d, h);
    struct err e = has_gone ? write_down(d, &a) : OK;
    if (err_failed(e))
        log_error("which addresses are this agent's cannot be written down", f_err(e));
}

/* ---- announcements, and what comes next ---- */

static void keep_in_mind(int64_t *next_ms, int64_t at_ms)
{
    if (at_ms < *next_ms)
        *next_ms = at_ms;
}

static void announce(struct addresses *d, struct held *h, int64_t *next_ms)
{
    const struct interface *i = d->conf.interface;

    if (!h->is_there || !h->is_heard || h->announced == ANNOUNCEMENTS)
        return;
    if (now_ms(d) >= h->announced_ms + announce_ms[h->announced]) {
        i->announce(i->context, &h->ip);
        h->announced_ms = now_ms(d);
        h->announced++;
    }
    if (h->announced < ANNOUNCEMENTS)
        keep_in_mind(next_ms, h->announced_ms + announce_ms[h->announced]);
}

void addresses_look(struct addresses *d)
{
    int64_t now = now_ms(d), next_ms = INT64_MAX;
    bool is_refresh = now >= d->refreshed_ms + REFRESH_MS;

    if (!d->claims && !d->held)
        return;
    gather(d);
    sweep(d, is_refresh);
    if (is_refresh)
        d->refreshed_ms = now;
    if (d->held)
        keep_in_mind(&next_ms, d->refreshed_ms + REFRESH_MS);
    for (struct held *h = d->held; h; h = h->rest)
        announce(d, h, &next_ms);
    for (const struct claim *c = d->claims; c; c = c->rest)
        if (c->until_ms > now)
            keep_in_mind(&next_ms, c->until_ms);
    if (next_ms != INT64_MAX)
        loop_timer_set(d->conf.loop, &d->timer, next_ms > now ? next_ms - now : 1);
}

static void on_due(void *context)
{
    addresses_look(context);
}

/* ---- what engines do ---- */

static struct err check_words(struct arena *a, const char *endpoints)
{
    struct str rest = str_of(endpoints);
    struct ip ip;

    while (rest.len > 0) {
        struct str word = str_cut(&rest, ' ');
        if (!ip_parse(word, &ip))
            return err_format(a, ERR_INVALID, "\"%.*s\" is no address", STR_ARG(word));
    }
    return OK;
}

static struct err check_there(struct addresses *d, struct arena *a, const char *endpoints)
{
    struct str rest = str_of(endpoints);
    struct ip ip;

    while (rest.len > 0) {
        struct str word = str_cut(&rest, ' ');
        check(ip_parse(word, &ip));
        const struct held *h = held_of(d, &ip);
        if (h->refusal)
            return err_format(a, h->refusal, "%s", h->why);
        if (!h->is_there)
            return err_format(a, ERR_UNAVAILABLE, "the node may not have the address %.*s any more",
                              STR_ARG(word));
    }
    return OK;
}

struct err addresses_bind(struct addresses *d, struct arena *a, struct node *n,
                          const char *endpoints)
{
    TRY(check_words(a, endpoints));
    if (n->goal && role_is_leased(n->goal->role) && !d->conf.may_lead(d->conf.context, n))
        return err_make(ERR_UNAVAILABLE, "the node has lost the lease of its role");
    struct claim *c = claim_of(d, n);
    set_text(&c->next, endpoints);
    addresses_look(d);
    return check_there(d, a, endpoints);
}

void addresses_bound(struct addresses *d, struct node *n, const char *endpoints)
{
    struct claim *c = claim_of(d, n);

    set_text(&c->bound, *endpoints ? endpoints : NULL);
    set_text(&c->next, NULL);
    addresses_look(d);
}

/* ---- beginning and end ---- */

static const char *endpoints_of(struct arena *a, const struct node *n)
{
    const struct agent_node_role *role =
        n->goal && n->goal_state == NODE_RUNNING ? n->goal->role : NULL;
    const char *text = "";

    for (size_t i = 0; role && i < role->endpoints.count; i++)
        text = arena_printf(a, "%s%s%s", text, i > 0 ? " " : "", role->endpoints.items[i]);
    return text;
}

/* What of these is on the interface by an earlier agent. */
static const char *kept_of(struct addresses *d, struct arena *a, const char *endpoints)
{
    struct str rest = str_of(endpoints);
    const char *text = "";
    struct ip ip;

    while (rest.len > 0) {
        struct str word = str_cut(&rest, ' ');
        if (ip_parse(word, &ip) && held_of(d, &ip)->is_there)
            text = arena_printf(a, "%s%s%.*s", text, *text ? " " : "", STR_ARG(word));
    }
    return text;
}

/* An engine of before has its address for as long as it may have its lease: by then it was asked.
 */
static void claim_again(struct addresses *d, struct arena *a, const struct node *n)
{
    const char *kept = kept_of(d, a, endpoints_of(a, n));

    if (!*kept || !n->is_adopted)
        return;
    const struct agent_node_role *role = n->goal->role;
    struct claim *c = claim_of(d, n);
    set_text(&c->bound, kept);
    c->is_leased = role_is_leased(role);
    c->term = role->term.value;
    c->lease_ms = c->is_leased ? role->lease->ms.value : 0;
    c->until_ms = now_ms(d) + c->lease_ms;
}

struct err addresses_resume(struct addresses *d, struct arena *a)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct ip ip;

    struct err e = fs_read_all(fs_join(a, d->conf.state_dir, OURS_FILE), OURS_MAX_BYTES, &text);
    if (err_is(e, ERR_NOT_FOUND))
        return OK;
    TRY(e);
    struct str rest = buf_str(&text);
    while (rest.len > 0)
        if (ip_parse(str_cut(&rest, '\n'), &ip))
            held_of(d, &ip)->is_ours = held_of(d, &ip)->is_there = true;
    vec_each(at, d->conf.nodes)
        claim_again(d, a, *at);
    addresses_look(d);
    return OK;
}

struct addresses *addresses_open(const struct addresses_conf *conf)
{
    struct addresses *d = calloc(1, sizeof(*d));

    check(d != NULL);
    d->conf = *conf;
    d->timer = (struct loop_timer){.on_due = on_due, .context = d};
    d->refreshed_ms = now_ms(d);
    return d;
}

void addresses_close(struct addresses *d)
{
    if (!d)
        return;
    loop_timer_stop(d->conf.loop, &d->timer);
    while (d->claims)
        drop_claim(&d->claims);
    while (d->held) {
        struct held *h = d->held;
        d->held = h->rest;
        free(h);
    }
    free(d);
}
