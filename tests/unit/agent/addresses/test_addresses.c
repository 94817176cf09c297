/* Who may have which addresses, on an interface that keeps account of what is done to it. */
#include "agent/addresses/addresses.h"
#include "agent/addresses/interface.h"
#include "agent/supervise/loop.h"
#include "agent/supervise/node.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/vec.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#define LEASE_MS 1200

static struct arena arena;
static char folder[64];
static struct clock_manual time_of_test;
static struct loop *loop;
static struct nodes nodes;
static struct addresses *addresses;
static bool has_lease;
static bool is_broken; /* the interface takes no addresses */

/* ---- the interface ---- */

static vec_of(const char *) there;
static struct buf done; /* what happened, in order */

static size_t index_of(const char *text)
{
    for (size_t i = 0; i < there.count; i++)
        if (strcmp(there.items[i], text) == 0)
            return i;
    return SIZE_MAX;
}

static struct err has(void *context, struct arena *a, const struct ip *ip, bool *out)
{
    (void)context;
    *out = index_of(ip_text(a, ip)) != SIZE_MAX;
    return OK;
}

static struct err add(void *context, struct arena *a, const struct ip *ip, int64_t seconds)
{
    const char *text = ip_text(&arena, ip);

    (void)context, (void)a;
    if (is_broken)
        return err_make(ERR_IO, "it is broken");
    if (index_of(text) != SIZE_MAX)
        return OK;
    *vec_add(&arena, &there) = text;
    buf_printf(&done, "+%s%s ", text, seconds ? " for a while" : "");
    return OK;
}

static struct err take_away(void *context, struct arena *a, const struct ip *ip)
{
    size_t at = index_of(ip_text(a, ip));

    (void)context;
    buf_printf(&done, "-%s ", ip_text(a, ip));
    if (at != SIZE_MAX)
        there.items[at] = there.items[--there.count];
    return OK;
}

static void announce(void *context, const struct ip *ip)
{
    (void)context;
    buf_printf(&done, "!%s ", ip_text(&arena, ip));
}

static const struct interface interface = {
    .has = has, .add = add, .remove = take_away, .announce = announce};

/* What happened since the last question. */
static const char *happened(void)
{
    const char *text = arena_strdup(&arena, buf_cstr(&done));
    buf_clear(&done);
    return text;
}

/* ---- nodes ---- */

static bool may_lead(void *context, struct node *n)
{
    (void)context, (void)n;
    return has_lease;
}

static struct agent_role_lease lease = {
    .shard_id = {true, 7       },
      .ms = {true, LEASE_MS}
};

static struct agent_node_role primary(int64_t term, bool is_leased)
{
    return (struct agent_node_role){
        .term = {true, term},
        .is_primary = {true, true},
        .lease = is_leased ? &lease : NULL,
    };
}

static struct agent_node_role replica(int64_t term)
{
    return (struct agent_node_role){
        .term = {true, term },
        .is_primary = {true, false},
    };
}

static void set_role(struct node *n, struct agent_node_role role)
{
    const struct agent_node_goal goal = {
        .node_id = {true, n->id},
        .state = "running",
        .engine = "redis",
        .address = "127.0.0.1",
        .port = {true, 6379 },
        .role = &role,
    };
    node_set_goal(n, &goal);
}

static struct node *node(int64_t id, struct agent_node_role role)
{
    struct node *n = nodes_add(&nodes, id);

    n->state = NODE_RUNNING;
    n->shim = (struct shim_link *)&lease; /* somebody is there */
    n->run.pid = 100 + id;
    n->run.started_ms = 1;
    set_role(n, role);
    return n;
}

static void pass(int64_t ms)
{
    clock_manual_advance(&time_of_test, ms);
    loop_turn(loop, 0);
}

static struct err bind_to(struct node *n, const char *endpoints)
{
    return addresses_bind(addresses, &arena, n, endpoints);
}

static void serve(struct node *n, const char *endpoints)
{
    cr_assert_not(err_failed(bind_to(n, endpoints)));
    addresses_bound(addresses, n, endpoints);
}

static void open_part(void)
{
    const struct addresses_conf conf = {.loop = loop,
                                        .nodes = &nodes,
                                        .interface = &interface,
                                        .state_dir = folder,
                                        .may_lead = may_lead};
    addresses = addresses_open(&conf);
    cr_assert_not(err_failed(addresses_resume(addresses, &arena)));
}

static void begin(void)
{
    strcpy(folder, "/tmp/larder-addresses-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    clock_manual_init(&time_of_test, 1000000, 1000000);
    cr_assert_not(err_failed(loop_open(&time_of_test.clock, &loop)));
    nodes_init(&nodes, folder, "boot-1");
    has_lease = true;
    open_part();
}

static void end(void)
{
    addresses_close(addresses);
    nodes_fini(&nodes);
    loop_close(loop);
    buf_fini(&done);
    err_ignore(fs_remove_tree(folder), "it is a test's");
    arena_fini(&arena);
}

TestSuite(addresses, .init = begin, .fini = end);

Test(addresses, one_comes_before_its_engine_listens_and_is_announced_when_it_does)
{
    struct node *n = node(1, primary(3, false));

    cr_expect_not(err_failed(bind_to(n, "10.9.0.1")));
    cr_expect_str_eq(happened(), "+10.9.0.1 ");
    addresses_bound(addresses, n, "10.9.0.1");
    cr_expect_str_eq(happened(), "!10.9.0.1 ");
    for (int i = 0; i < 10; i++)
        pass(1000);
    cr_expect_str_eq(happened(), "!10.9.0.1 !10.9.0.1 !10.9.0.1 !10.9.0.1 !10.9.0.1 ",
                     "as often as is told, and no more");
}

Test(addresses, one_goes_when_its_engine_listens_there_no_more)
{
    struct node *n = node(1, primary(3, false));

    serve(n, "10.9.0.1 10.9.0.2");
    happened();
    set_role(n, replica(4));
    addresses_look(addresses);
    cr_expect_str_eq(happened(), "", "its clients hear of its end by that address");
    cr_expect_not(err_failed(bind_to(n, "10.9.0.2")));
    cr_expect_str_eq(happened(), "");
    addresses_bound(addresses, n, "10.9.0.2");
    cr_expect_str_eq(happened(), "-10.9.0.1 ");
    addresses_bound(addresses, n, "");
    cr_expect_str_eq(happened(), "-10.9.0.2 ");
}

Test(addresses, one_goes_with_its_process)
{
    struct node *n = node(1, primary(3, false));

    serve(n, "10.9.0.1");
    happened();
    n->is_exited = true;
    addresses_look(addresses);
    cr_expect_str_eq(happened(), "-10.9.0.1 ");
    n->is_exited = false;
    n->run.pid++;
    serve(n, "10.9.0.1");
    cr_expect_str_eq(happened(), "+10.9.0.1 !10.9.0.1 ");
    n->run.pid++; /* another one began before anybody looked */
    addresses_look(addresses);
    cr_expect_str_eq(happened(), "-10.9.0.1 ");
}

Test(addresses, one_that_needs_a_lease_goes_with_it_and_comes_back_with_it)
{
    struct node *n = node(1, primary(3, true));

    serve(n, "10.9.0.1");
    cr_expect_str_eq(happened(), "+10.9.0.1 for a while !10.9.0.1 ");
    has_lease = false;
    addresses_look(addresses);
    cr_expect_str_eq(happened(), "-10.9.0.1 ");
    has_lease = true;
    addresses_look(addresses);
    cr_expect_str_eq(happened(), "+10.9.0.1 for a while !10.9.0.1 ");
}

Test(addresses, nobody_without_a_lease_gets_one_that_needs_it)
{
    struct node *n = node(1, primary(3, true));

    has_lease = false;
    cr_expect_eq(bind_to(n, "10.9.0.1").code, ERR_UNAVAILABLE);
    cr_expect_str_eq(happened(), "");
}

Test(addresses, who_is_fenced_has_it_no_longer_than_a_lease)
{
    struct node *n = node(1, primary(3, true));
    struct agent_node_role fence = primary(4, true);

    fence.is_fenced = (struct opt_bool){true, true};
    serve(n, "10.9.0.1");
    happened();
    has_lease = false;
    set_role(n, fence);
    addresses_look(addresses);
    pass(LEASE_MS - 1);
    cr_expect_null(strchr(happened(), '-'));
    pass(1);
    cr_expect_not_null(strstr(happened(), "-10.9.0.1 "));
}

Test(addresses, a_lease_by_another_term_takes_nothing_away)
{
    struct node *n = node(1, primary(3, true));

    serve(n, "10.9.0.1");
    happened();
    has_lease = false; /* by the new term nobody granted it yet */
    set_role(n, primary(4, true));
    addresses_look(addresses);
    pass(LEASE_MS / 2);
    has_lease = true;
    addresses_look(addresses);
    pass(10 * LEASE_MS);
    cr_expect_null(strchr(happened(), '-'));
    has_lease = false;
    addresses_look(addresses);
    cr_expect_not_null(strchr(happened(), '-'), "and now it is lost");
}

Test(addresses, a_lease_that_comes_later_takes_nothing_away)
{
    struct node *n = node(1, primary(3, false));

    serve(n, "10.9.0.1");
    happened();
    has_lease = false;
    set_role(n, primary(3, true));
    addresses_look(addresses);
    cr_expect_str_eq(happened(), "");
    pass(LEASE_MS);
    cr_expect_not_null(strchr(happened(), '-'), "one that does not come does");
}

Test(addresses, what_two_want_goes_with_the_last)
{
    struct node *old = node(1, primary(3, false)), *heir = node(2, primary(4, false));

    serve(old, "10.9.0.1");
    serve(heir, "10.9.0.1");
    happened();
    addresses_bound(addresses, old, "");
    cr_expect_str_eq(happened(), "");
    addresses_bound(addresses, heir, "");
    cr_expect_str_eq(happened(), "-10.9.0.1 ");
}

Test(addresses, what_others_gave_is_not_taken)
{
    struct node *n = node(1, primary(3, false));

    *vec_add(&arena, &there) = "10.9.0.1";
    struct err e = bind_to(n, "10.9.0.1");
    cr_expect_eq(e.code, ERR_CONFLICT);
    cr_expect_str_eq(e.why, "somebody else gave the address 10.9.0.1 to this host");
    addresses_bound(addresses, n, "");
    pass(5000);
    addresses_close(addresses);
    open_part();
    cr_expect_str_eq(happened(), "");
}

Test(addresses, what_cannot_be_given_is_an_error_and_is_tried_again)
{
    struct node *n = node(1, primary(3, false));

    is_broken = true;
    struct err e = bind_to(n, "10.9.0.1");
    cr_expect_eq(e.code, ERR_IO);
    cr_expect_str_eq(e.why, "it is broken");
    is_broken = false;
    pass(1000);
    cr_expect_str_eq(happened(), "+10.9.0.1 ");
    cr_expect_not(err_failed(bind_to(n, "10.9.0.1")));
    cr_expect_eq(bind_to(n, "10.9.0.1 here").code, ERR_INVALID);
}

Test(addresses, what_somebody_took_away_is_given_again)
{
    struct node *n = node(1, primary(3, false));

    serve(n, "10.9.0.1");
    happened();
    there.count = 0;
    pass(1000);
    cr_expect_not_null(strstr(happened(), "+10.9.0.1 "));
}

/* The agent ends without a word, and another one finds its files. */
static void begin_again(struct node *n, bool is_adopted)
{
    addresses_close(addresses);
    n->is_adopted = is_adopted;
    if (!is_adopted)
        n->shim = NULL;
    happened();
    open_part();
}

static struct agent_node_role with_endpoint(struct agent_node_role role)
{
    static const char *words[] = {"10.9.0.1"};

    role.endpoints.has = true;
    role.endpoints.count = 1;
    role.endpoints.items = words;
    return role;
}

Test(addresses, an_engine_that_goes_on_without_an_agent_keeps_its_own)
{
    struct node *n = node(1, with_endpoint(primary(3, false)));

    serve(n, "10.9.0.1");
    begin_again(n, true);
    cr_expect_str_eq(happened(), "");
    n->is_adopted = false;
    pass(10 * LEASE_MS);
    serve(n, "10.9.0.1");
    cr_expect_str_eq(happened(), "");
}

Test(addresses, after_a_restart_it_is_kept_as_long_as_a_lease_may_last)
{
    struct node *n = node(1, with_endpoint(primary(3, true)));

    serve(n, "10.9.0.1");
    has_lease = false;
    begin_again(n, true);
    n->is_adopted = false;
    pass(LEASE_MS - 1);
    cr_expect_str_eq(happened(), "");
    pass(1);
    cr_expect_str_eq(happened(), "-10.9.0.1 ");
}

Test(addresses, what_an_ended_engine_left_behind_is_taken_away)
{
    struct node *n = node(1, with_endpoint(primary(3, false)));

    serve(n, "10.9.0.1");
    begin_again(n, false);
    cr_expect_str_eq(happened(), "-10.9.0.1 ");
    addresses_close(addresses);
    open_part();
    cr_expect_str_eq(happened(), "", "and once is enough");
}

Test(addresses, what_an_engine_of_before_has_no_right_to_is_taken_away)
{
    struct node *n = node(1, primary(3, false));

    serve(n, "10.9.0.1");
    set_role(n, replica(4));
    begin_again(n, true);
    cr_expect_str_eq(happened(), "-10.9.0.1 ");
}
