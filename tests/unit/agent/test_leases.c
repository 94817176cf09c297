/* Which leases are held, by what nodes are and what their goals say; the votes are the host's own.
 */
#include "agent/drivers/driver.h"
#include "agent/leases.h"
#include "agent/peers/peers.h"
#include "agent/steps/steps.h"
#include "agent/supervise/supervise.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/shape_text.h"
#include "contract/agent.h"
#include "lease/voter.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 20000
#define SHARD       7

static struct arena arena;
static char folder[64];
static struct loop *loop;
static struct nodes nodes;
static struct supervisor supervisor;
static struct steps *steps;
static struct peers *peers;
static struct leases *leases;
static struct node *n;
static int promises_told;
static struct driver_program program = {.path = "/bin/larder-engine", .version = "0.1.0"};
static struct driver_host host = {.programs = &program, .program_count = 1};
static struct agent_voter voter = {
    .host_id = "a", .address = "127.0.0.1", .port = {true, 1}
};
static struct agent_role_lease lease = {
    .shard_id = {true,      SHARD},
      .ms = {    true, LEASE_MS     },
      .voters = { true,   1,        &voter}
};
static struct agent_node_role role = {
    .term = {true, 3   },
      .is_primary = {true, true},
      .lease = &lease
};
static struct agent_node_goal goal = {
    .node_id = {true, 1   },
    .state = "running",
    .engine = "redis",
    .address = "127.0.0.1",
    .port = {true, 6379},
    .settings_version = "v1",
    .role = &role,
};

static void on_change(void *context, struct node *changed)
{
    (void)context;
    if (leases)
        leases_look(leases, changed);
}

static void on_promised(void *context)
{
    (void)context;
    promises_told++;
}

static const char *key_text(void)
{
    static const unsigned char key[LEASE_KEY_BYTES] = {1, 2, 3};
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    base64_write(&text, key, sizeof(key));
    return str_dup(&arena, buf_str(&text));
}

static void ask(int64_t term)
{
    struct agent_promise promise = {.shard_id = INT_OF(SHARD), .term = INT_OF(term)};
    const struct agent_promise_list list = {true, term > 0, &promise};

    leases_ask(leases, &list, key_text());
}

static void begin(void)
{
    struct net_addr any;
    const struct peers_conf conf = {.host_id = "a", .state_dir = folder, .bind = &any};

    strcpy(folder, "/tmp/larder-leases-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_not(err_failed(loop_open(&clock_system, &loop)));
    program.driver = &driver_bundled;
    nodes_init(&nodes, folder, "boot-1");
    steps = steps_open(&(struct steps_conf){.loop = loop,
                                            .nodes = &nodes,
                                            .supervisor = &supervisor,
                                            .host = &host,
                                            .on_change = on_change});
    cr_assert(net_addr_parse(STR("127.0.0.1:0"), &any));
    cr_assert_not(err_failed(peers_open(&arena, &conf, &peers)));
    leases = leases_open(&(struct leases_conf){.loop = loop,
                                               .nodes = &nodes,
                                               .steps = steps,
                                               .programs = &host,
                                               .peers = peers,
                                               .on_promised = on_promised});
    n = nodes_add(&nodes, 1);
    n->steps = steps;
    cr_assert_not(err_failed(fs_make_dirs(n->dir, 0700)));
    cr_assert(node_set_goal(n, &goal));
    n->state = NODE_RUNNING;
    n->shim = (struct shim_link *)&supervisor; /* somebody is there */
    n->run.pid = 7;
    n->run.started_ms = 1;
    ask(0);
}

static void end(void)
{
    n->shim = NULL;
    leases_close(leases);
    leases_close(NULL);
    leases = NULL;
    peers_close(peers);
    steps_close(steps);
    nodes_fini(&nodes);
    loop_close(loop);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
}

TestSuite(leases, .init = begin, .fini = end, .timeout = 60);

static void await_lease(void)
{
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; !leases_allow(leases, n);) {
        loop_turn(loop, 5);
        cr_assert_lt(loop_now_ms(loop), end_ms, "it never has its lease");
    }
}

static void set_goal(void)
{
    node_set_goal(n, &goal);
    leases_look(leases, n);
}

Test(leases, a_primary_that_runs_holds_the_lease_of_its_goal)
{
    leases_look(leases, n);
    await_lease();
    role.term = INT_OF(4);
    set_goal();
    await_lease();
    role.is_fenced = BOOL_OF(true);
    set_goal();
    cr_assert_not(peers_has_lease(peers, 1, 4), "one that is fenced needs none");
}

Test(leases, nothing_is_held_for_who_may_not_have_the_role)
{
    role.life = INT_OF(1);
    n->crashes = 1;
    set_goal();
    cr_assert_not(leases_allow(leases, n), "it is for a life that is over");
    n->crashes = 0;
    n->is_adopted = true;
    set_goal();
    cr_assert_not(leases_allow(leases, n), "whether it runs is not known yet");
    n->is_adopted = false;
    set_goal();
    await_lease();
    n->highest_term = 4;
    set_goal();
    cr_assert_not(leases_allow(leases, n), "a higher term was seen");
}

Test(leases, an_end_gives_the_lease_up_at_once)
{
    leases_look(leases, n);
    await_lease();
    ask(4);
    cr_assert_eq(leases_promised(leases, &arena).count, 0, "it is renewed");
    n->is_exited = true;
    leases_look(leases, n);
    cr_assert_not(leases_allow(leases, n));
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; promises_told == 0;) {
        loop_turn(loop, 5);
        cr_assert_lt(loop_now_ms(loop), end_ms, "it is never promised");
    }
    struct agent_promise_list list = leases_promised(leases, &arena);
    cr_assert_eq(list.count, 1);
    cr_assert(list.items[0].shard_id.value == SHARD && list.items[0].term.value == 4);
    cr_assert_eq(n->highest_term, 4);
    ask(0);
    cr_assert_eq(leases_promised(leases, &arena).items[0].term.value, 4,
                 "nobody asks any more, and it holds: who decides has to know");
    role.term = INT_OF(5);
    set_goal();
    cr_assert_eq(leases_promised(leases, &arena).count, 0, "it is outgrown");
}

/* Another voter, whom nobody hears. */
Test(leases, a_primary_without_a_lease_is_told_of_after_a_while)
{
    set_goal();
    await_lease();
    cr_assert_not(n->is_unleased);
    struct agent_voter two[] = {
        voter, {.host_id = "b", .address = "127.0.0.1", .port = INT_OF(9)}
    };
    lease.voters = (struct agent_voter_list){true, 2, two};
    set_goal();
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; !n->is_unleased;) {
        loop_turn(loop, 5);
        cr_assert_lt(loop_now_ms(loop), end_ms, "it is never told");
    }
    cr_assert_not(leases_allow(leases, n));
    lease.voters.count = 1;
    set_goal();
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; n->is_unleased;) {
        loop_turn(loop, 5);
        leases_check(leases);
        cr_assert_lt(loop_now_ms(loop), end_ms, "it has it again");
    }
}

Test(leases, one_that_the_kernel_holds_has_ended)
{
    leases_look(leases, n);
    await_lease();
    ask(4);
    n->is_killed = true;
    n->state = NODE_STOPPED;
    leases_look(leases, n);
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; promises_told == 0;) {
        loop_turn(loop, 5);
        cr_assert_lt(loop_now_ms(loop), end_ms, "it is never promised");
    }
    cr_assert_eq(leases_promised(leases, &arena).items[0].term.value, 4);
}

Test(leases, a_promise_is_told_once_it_is_on_the_disk)
{
    role.is_primary = BOOL_OF(false);
    set_goal();
    cr_assert_not(err_failed(fs_remove_tree(n->dir)));
    ask(4);
    /* The voter has just begun: what it granted before has to run out. */
    for (int64_t end_ms = loop_now_ms(loop) + 3 * LEASE_MS / 2; loop_now_ms(loop) < end_ms;)
        loop_turn(loop, 5);
    cr_assert_eq(promises_told, 0);
    cr_assert_not(err_failed(fs_make_dirs(n->dir, 0700)));
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; promises_told == 0;) {
        loop_turn(loop, 5);
        cr_assert_lt(loop_now_ms(loop), end_ms, "it is never promised");
    }
    cr_assert_eq(n->highest_term, 4);
    ask(4);
    cr_assert_eq(leases_promised(leases, &arena).count, 1, "once is enough");
}

Test(leases, a_shard_is_voted_on_while_a_node_is_of_it)
{
    cr_assert_eq(peers_may_promise_ms(peers, SHARD, 9), INT64_MAX);
    leases_look(leases, n);
    cr_assert_neq(peers_may_promise_ms(peers, SHARD, 9), INT64_MAX);
    n->state = NODE_ABSENT;
    n->shim = NULL;
    leases_look(leases, n);
    cr_assert_eq(peers_may_promise_ms(peers, SHARD, 9), INT64_MAX);
    leases_forget(leases, n);
}

Test(leases, what_makes_no_sense_is_not_held)
{
    struct agent_voter same[] = {voter, voter};

    lease.ms = INT_OF(0);
    set_goal();
    cr_assert_not(leases_allow(leases, n));
    lease.ms = INT_OF(LEASE_MS);
    lease.voters.count = 0;
    set_goal();
    cr_assert_not(leases_allow(leases, n));
    lease.voters = (struct agent_voter_list){true, 2, same};
    set_goal();
    await_lease(); /* one that is named twice is one */
}

Test(leases, longer_ones_are_granted_once_the_disk_says_so)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    const char *path = fs_join(&arena, n->dir, "node.json");

    set_goal();
    await_lease();
    cr_assert(err_failed(fs_read_all(path, 1 << 20, &text)), "nothing was written so far");
    lease.most_ms = INT_OF(3 * LEASE_MS);
    set_goal();
    cr_assert_not(err_failed(fs_read_all(path, 1 << 20, &text)));
    cr_assert_not_null(strstr(buf_cstr(&text), "\"MostMs\": 3600"));
    lease.most_ms = INT_OF(0);
}
