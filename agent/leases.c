/* For each node with a lease in its goal there is a stake: what is voted on, and what is held. */
#include "agent/leases.h"

#include "agent/drivers/driver.h"
#include "agent/peers/peers.h"
#include "agent/steps/steps.h"
#include "agent/supervise/loop.h"
#include "agent/supervise/node.h"
#include "base/arena.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/shape_text.h"
#include "base/shim_protocol.h"
#include "lease/voter.h"

#include <stdlib.h>
#include <string.h>

#define DISK_RETRY_MS 200
#define UNLEASED_MS   1000 /* without a lease, until it is told */

struct stake {
    int64_t node;
    int64_t shard;
    int64_t held_term;       /* of the lease that its process was given; 0 for none */
    int64_t pid, started_ms; /* of that process */
    bool is_renewed;
    int most_ms;         /* that its voter grants, and knows of from the disk; 0: of none yet */
    int64_t unleased_ms; /* boot time since which it should have a lease and has none; 0: it has */
    struct stake *next;
};

struct promise {
    int64_t shard, term;
    bool is_kept; /* promised, and on the disk */
    struct promise *next;
};

struct leases {
    struct leases_conf conf;
    struct stake *stakes;
    struct promise *promises;
    struct loop_timer timer; /* for what cannot be promised yet */
    struct loop_timer check; /* for who has had no lease for a while */
};

/* ---- stakes ---- */

static struct stake **find(struct leases *l, int64_t node)
{
    struct stake **at = &l->stakes;

    while (*at && (*at)->node != node)
        at = &(*at)->next;
    return at;
}

static bool has_stake_in(const struct leases *l, int64_t shard)
{
    for (const struct stake *s = l->stakes; s; s = s->next)
        if (s->shard == shard)
            return true;
    return false;
}

static void set_shard(struct leases *l, struct stake *s, int64_t shard)
{
    int64_t before = s->shard;

    s->shard = shard;
    if (before && before != shard && !has_stake_in(l, before))
        peers_forget(l->conf.peers, before);
}

static const struct agent_role_lease *lease_of(const struct node *n)
{
    bool is_wanted = n->goal && n->goal_state == NODE_RUNNING && n->state != NODE_ABSENT;
    return is_wanted && n->goal->role ? n->goal->role->lease : NULL;
}

/* How long a voter may grant it at a time. */
static int most_ms(const struct agent_role_lease *lease)
{
    return (int)(lease->most_ms.value > lease->ms.value ? lease->most_ms : lease->ms).value;
}

static bool is_alive(const struct node *n)
{
    return n->shim && n->run.pid > 0 && !n->is_exited && !n->is_adopted &&
           (n->state == NODE_RUNNING || (n->state == NODE_STARTING && n->is_ready));
}

/* It is the process for which the goal's role is, and that may be given it. */
static bool may_hold(const struct node *n)
{
    const struct agent_node_role *role = n->goal ? n->goal->role : NULL;

    return lease_of(n) && role_is_leased(role) && is_alive(n) &&
           role->term.value >= n->highest_term &&
           (role->life.value == 0 || role->life.value == n->crashes + 1);
}

/* ---- a lease of the goal, for the thread ---- */

static bool is_named(const struct peers_voter *voters, size_t count, uint64_t number)
{
    for (size_t i = 0; i < count; i++)
        if (voters[i].number == number)
            return true;
    return false;
}

/* One whose address nobody understands cannot be asked; it counts all the same. */
static size_t take_voters(const struct agent_voter_list *list, struct peers_voter *out)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count && count < LEASE_VOTERS_MAX; i++) {
        const struct agent_voter *v = &list->items[i];
        struct peers_voter *voter = &out[count];
        memset(voter, 0, sizeof(*voter)); /* they are compared as bytes */
        voter->number = lease_voter_number(v->host_id);
        if (net_addr_parse_host(str_of(v->address), &voter->address))
            net_addr_set_port(&voter->address, (int)v->port.value);
        if (!is_named(out, count, voter->number))
            count++;
    }
    return count;
}

static void hold(struct leases *l, struct stake *s, const struct node *n)
{
    scoped(arena_fini) struct arena a = {0};
    const struct agent_role_lease *lease = lease_of(n);
    const struct driver *driver = driver_find(n->run.driver);
    struct peers_voter voters[LEASE_VOTERS_MAX];
    struct driver_contact contact;
    struct driver_fence fence = {0};

    if (!driver)
        driver = drivers[0];
    driver->contact(l->conf.programs, n->goal, &contact);
    struct err e = driver->fence ? driver->fence(&a, l->conf.programs, n->goal, &fence) : OK;
    const struct peers_lease wanted = {
        .node = n->id,
        .shard = lease->shard_id.value,
        .term = n->goal->role->term.value,
        .ms = (int)lease->ms.value,
        .voters = voters,
        .voter_count = take_voters(&lease->voters, voters),
        .teller = driver->fence ? PEERS_TELL_SHIM : PEERS_TELL_ENGINE,
        .dir = n->dir,
        .socket = contact.socket,
        .greeting = contact.greeting[0] ? contact.greeting : NULL,
        .fence = fence.fence,
        .unfence = fence.unfence,
    };
    if (err_failed(e) || wanted.voter_count == 0 || wanted.ms < 1 || wanted.ms > LEASE_MS_MAX ||
        lease->voters.count > LEASE_VOTERS_MAX || !contact.socket) {
        log_error("a lease makes no sense", f_int("node", n->id), f_int("shard", wanted.shard),
                  f_int("voters", (int64_t)lease->voters.count), f_err(e));
        return;
    }
    peers_hold(l->conf.peers, &wanted);
    s->held_term = wanted.term;
    s->pid = n->run.pid;
    s->started_ms = n->run.started_ms;
    s->is_renewed = true;
}

/* The process that had the lease is gone for certain, or will never run again: nobody else needs to
 * wait for its end. */
static void look_for_end(struct leases *l, struct stake *s, const struct node *n)
{
    bool is_same = n->run.pid == s->pid && n->run.started_ms == s->started_ms;
    bool is_there = n->shim && !n->is_exited && !n->is_killed && n->state != NODE_ABSENT;

    if (s->held_term == 0 || (is_same && is_there))
        return;
    peers_drop(l->conf.peers, s->node);
    peers_ended(l->conf.peers, s->shard, s->held_term);
    s->held_term = 0;
    s->is_renewed = false;
    loop_timer_set(l->conf.loop, &l->timer, 0);
}

/* It holds no lease any more. An engine that has what its goal says needs none. */
static void let_go(struct leases *l, struct stake *s, const struct node *n)
{
    if (s->held_term == 0)
        return;
    if (s->is_renewed)
        peers_release(l->conf.peers, s->node);
    s->is_renewed = false;
    if (n->is_applied && !role_is_leased(n->goal->role)) {
        peers_drop(l->conf.peers, s->node);
        s->held_term = 0;
    }
}

static void keep_in_mind(int64_t *next_ms, int64_t at_ms)
{
    if (at_ms < *next_ms)
        *next_ms = at_ms;
}

/* Sets when the next look is due, where there is to be one. */
static void check_stake(struct leases *l, struct stake *s, struct node *n, int64_t *next_ms)
{
    int64_t now_ms = loop_now_ms(l->conf.loop);
    bool lacks = may_hold(n) && s->is_renewed && !leases_allow(l, n);

    if (!lacks)
        s->unleased_ms = 0;
    else if (s->unleased_ms == 0)
        s->unleased_ms = now_ms;
    bool is_told = lacks && now_ms >= s->unleased_ms + UNLEASED_MS;
    if (lacks && !is_told)
        keep_in_mind(next_ms, s->unleased_ms + UNLEASED_MS);
    steps_unleased(l->conf.steps, n, is_told); /* may look at it again */
}

void leases_check(struct leases *l)
{
    int64_t now_ms = loop_now_ms(l->conf.loop), next_ms = INT64_MAX;

    if (!l->conf.peers)
        return;
    for (struct stake *s = l->stakes; s; s = s->next) {
        struct node *n = nodes_find(l->conf.nodes, s->node);
        if (n)
            check_stake(l, s, n, &next_ms);
    }
    if (next_ms != INT64_MAX)
        loop_timer_set(l->conf.loop, &l->check, next_ms > now_ms ? next_ms - now_ms : 1);
}

static void on_check_due(void *context)
{
    leases_check(context);
}

/* More is granted once the disk says so: an agent that is started anew waits for as long as it may
 * have granted. */
static void take_length(struct leases *l, struct stake *s, struct node *n, int most_ms)
{
    struct err e = s->most_ms && most_ms > s->most_ms ? node_save(l->conf.nodes, n, FS_SYNC) : OK;

    if (err_failed(e))
        log_error("longer leases are not granted: the goal cannot be written down",
                  f_int("node", n->id), f_int("shard", s->shard), f_err(e));
    else
        s->most_ms = most_ms;
}

void leases_look(struct leases *l, struct node *n)
{
    const struct agent_role_lease *lease = lease_of(n);
    struct stake *s = *find(l, n->id);

    if (!l->conf.peers || (!s && !lease))
        return;
    if (!s) {
        s = calloc(1, sizeof(*s));
        check(s != NULL);
        *s = (struct stake){.node = n->id, .next = l->stakes};
        l->stakes = s;
    }
    look_for_end(l, s, n);
    if (lease) {
        set_shard(l, s, lease->shard_id.value);
        take_length(l, s, n, most_ms(lease));
        peers_know(l->conf.peers, s->shard, n->highest_term, s->most_ms);
    }
    if (may_hold(n))
        hold(l, s, n);
    else
        let_go(l, s, n);
    if (!l->check.is_on) /* and not now: what is told would change what is looked at */
        loop_timer_set(l->conf.loop, &l->check, 0);
    if (!lease && s->held_term == 0) {
        steps_unleased(l->conf.steps, n, false);
        leases_forget(l, n);
    }
}

void leases_forget(struct leases *l, const struct node *n)
{
    struct stake **at = find(l, n->id), *s = *at;

    if (!s)
        return;
    if (s->held_term)
        peers_drop(l->conf.peers, s->node);
    set_shard(l, s, 0);
    *at = s->next;
    free(s);
}

bool leases_allow(const struct leases *l, const struct node *n)
{
    return l->conf.peers && peers_has_lease(l->conf.peers, n->id, n->goal->role->term.value);
}

/* ---- promises ---- */

static bool write_down(struct leases *l, const struct promise *p)
{
    scoped(arena_fini) struct arena a = {0};

    for (const struct stake *s = l->stakes; s; s = s->next) {
        struct node *n = s->shard == p->shard ? nodes_find(l->conf.nodes, s->node) : NULL;
        struct err e = n ? steps_take_term(l->conf.steps, &a, n, p->term) : OK;
        if (err_failed(e) && n->highest_term < p->term) {
            log_error("a promise cannot be written down", f_int("shard", p->shard),
                      f_int("term", p->term), f_err(e));
            return false;
        }
    }
    return true;
}

/* Promised first, so that no lease is granted meanwhile, and told when it is on the disk. */
static void try_promises(void *context)
{
    struct leases *l = context;
    int64_t now_ms = loop_now_ms(l->conf.loop), next_ms = INT64_MAX;
    bool has_news = false;

    for (struct promise *p = l->promises; p; p = p->next) {
        if (p->is_kept)
            continue;
        if (!peers_promise(l->conf.peers, p->shard, p->term)) {
            keep_in_mind(&next_ms, peers_may_promise_ms(l->conf.peers, p->shard, p->term));
        } else if (write_down(l, p)) {
            log_info("term promised", f_int("shard", p->shard), f_int("term", p->term));
            p->is_kept = has_news = true;
        } else {
            keep_in_mind(&next_ms, now_ms + DISK_RETRY_MS);
        }
    }
    if (next_ms != INT64_MAX)
        loop_timer_set(l->conf.loop, &l->timer, next_ms > now_ms ? next_ms - now_ms : 1);
    if (has_news)
        l->conf.on_promised(l->conf.context);
}

static bool was_kept(const struct promise *list, int64_t shard, int64_t term)
{
    for (const struct promise *p = list; p; p = p->next)
        if (p->shard == shard && p->term == term)
            return p->is_kept;
    return false;
}

static void free_promises(struct promise *list)
{
    while (list) {
        struct promise *p = list;
        list = p->next;
        free(p);
    }
}

static void take_key(struct leases *l, const char *text)
{
    scoped(arena_fini) struct arena a = {0};
    struct opt_blob key = {0};

    if (!base64_read(&a, str_of(text), &key) || key.len != LEASE_KEY_BYTES) {
        log_error("the key of leases makes no sense");
        return;
    }
    struct err e = peers_set_key(l->conf.peers, (const unsigned char *)key.ptr);
    if (err_failed(e))
        log_error("the key of leases cannot be written down", f_err(e));
}

void leases_ask(struct leases *l, const struct agent_promise_list *promises, const char *key)
{
    struct promise *before = l->promises;

    if (!l->conf.peers)
        return;
    if (key && *key)
        take_key(l, key);
    l->promises = NULL;
    for (size_t i = 0; i < promises->count; i++) {
        struct promise *p = calloc(1, sizeof(*p));
        check(p != NULL);
        p->shard = promises->items[i].shard_id.value;
        p->term = promises->items[i].term.value;
        p->is_kept = was_kept(before, p->shard, p->term);
        p->next = l->promises;
        l->promises = p;
    }
    free_promises(before);
    try_promises(l);
}

static void add_promise(struct agent_promise_list *list, int64_t shard, int64_t term)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].shard_id.value == shard)
            return;
    list->items[list->count++] =
        (struct agent_promise){.shard_id = INT_OF(shard), .term = INT_OF(term)};
}

/* A term on the disk above that of the role: nobody is granted a lease by the role's. Whoever asked
 * for it may not have heard that it was promised, and has to go above it. */
static bool is_beyond_role(const struct node *n)
{
    return lease_of(n) && n->highest_term > n->goal->role->term.value;
}

struct agent_promise_list leases_promised(const struct leases *l, struct arena *a)
{
    struct agent_promise_list list = {0};
    size_t most = 0;

    for (const struct promise *p = l->promises; p; p = p->next)
        most++;
    for (const struct stake *s = l->stakes; s; s = s->next)
        most++;
    list.items = arena_array(a, most + 1, sizeof(*list.items));
    for (const struct promise *p = l->promises; p; p = p->next)
        if (p->is_kept)
            add_promise(&list, p->shard, p->term);
    for (const struct stake *s = l->stakes; s; s = s->next) {
        const struct node *n = nodes_find(l->conf.nodes, s->node);
        if (n && is_beyond_role(n))
            add_promise(&list, s->shard, n->highest_term);
    }
    list.has = list.count > 0;
    return list;
}

/* ---- beginning and end ---- */

struct leases *leases_open(const struct leases_conf *conf)
{
    struct leases *l = calloc(1, sizeof(*l));

    check(l != NULL);
    l->conf = *conf;
    l->timer = (struct loop_timer){.on_due = try_promises, .context = l};
    l->check = (struct loop_timer){.on_due = on_check_due, .context = l};
    return l;
}

void leases_close(struct leases *l)
{
    if (!l)
        return;
    loop_timer_stop(l->conf.loop, &l->timer);
    loop_timer_stop(l->conf.loop, &l->check);
    while (l->stakes) {
        struct stake *s = l->stakes;
        l->stakes = s->next;
        free(s);
    }
    free_promises(l->promises);
    free(l);
}
