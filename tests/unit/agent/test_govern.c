/* Orders to an engine that the test plays, over the socket in the node's folder. */
#include "agent/drivers/driver.h"
#include "agent/govern.h"
#include "agent/supervise/node.h"
#include "base/buf.h"
#include "base/clock.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 10000

#define PRIMARY_INFO "role:master\r\nmaster_repl_offset:70\r\n"
#define REPLICA_INFO "role:slave\r\nmaster_link_status:down\r\nslave_repl_offset:70\r\n"

static struct arena arena;
static char folder[64];
static struct loop *loop;
static struct nodes nodes;
static struct govern *govern;
static struct node *n;
static int listener, fd;
static struct driver_program program = {.path = "/bin/larder-engine", .version = "0.1.0"};
static struct driver_host host = {.programs = &program, .program_count = 1};
static struct agent_node_role role = {
    .term = {true, 3   },
      .is_primary = {true, true}
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
static struct {
    const char *obeyed, *refused, *term_refusal;
    bool is_vital;
    int64_t term, asked_term;
    struct driver_stats stats;
} heard;

static struct err on_term(void *context, struct arena *a, struct node *node, int64_t term)
{
    (void)context, (void)a, (void)node;
    heard.asked_term = term;
    return heard.term_refusal ? err_make(ERR_CONFLICT, heard.term_refusal) : OK;
}

static bool has_lease;

static bool may_lead(void *context, struct node *node)
{
    (void)context, (void)node;
    return has_lease;
}

static void on_obeyed(void *context, struct node *node, const char *version, int64_t term)
{
    (void)context;
    heard.obeyed = arena_strdup(&arena, version);
    heard.term = term;
    node->is_applied = strcmp(version, goal.settings_version) == 0;
    govern_node(govern, node); /* as the agent does after each change */
}

static void on_refused(void *context, struct node *node, const char *why, bool is_vital)
{
    (void)context, (void)node;
    heard.refused = arena_strdup(&arena, why);
    heard.is_vital = is_vital;
}

static void on_role(void *context, struct node *node, const struct driver_stats *stats)
{
    (void)context, (void)node;
    heard.stats = *stats;
}

static void begin(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strcpy(folder, "/tmp/larder-gov-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_not(err_failed(loop_open(&clock_system, &loop)));
    nodes_init(&nodes, folder, "boot-1");
    program.driver = &driver_bundled;
    govern = govern_open(&(struct govern_conf){.loop = loop,
                                               .host = &host,
                                               .on_term = on_term,
                                               .may_lead = may_lead,
                                               .on_obeyed = on_obeyed,
                                               .on_refused = on_refused,
                                               .on_role = on_role});
    n = nodes_add(&nodes, 1);
    node_set_goal(n, &goal);
    n->state = NODE_STARTING;
    n->is_ready = true;
    n->run = (struct node_run){.driver = "bundled", .pid = 42, .started_ms = 1};
    cr_assert_not(err_failed(fs_make_dirs(n->dir, 0700)));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/admin.sock", n->dir);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(listener, 8), 0);
    fd = -1;
}

static void end(void)
{
    govern_forget(n);
    govern_close(govern);
    nodes_fini(&nodes);
    loop_close(loop);
    close(listener);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
}

TestSuite(govern, .init = begin, .fini = end, .timeout = 60);

static void accept_call(void)
{
    fd_close(&fd);
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; fd < 0;) {
        loop_turn(loop, 5);
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        cr_assert_lt(loop_now_ms(loop), end_ms, "nobody called");
    }
}

static void say(const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void say_info(const char *info)
{
    say(arena_printf(&arena, "$%zu\r\n%s\r\n", strlen(info), info));
}

/* Turns until all of a message has come; what is said, the questions for the role answered. */
static struct str hear(struct buf *text, const char *until)
{
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS;
         !text->len || !strstr(buf_cstr(text), until);) {
        loop_turn(loop, 5);
        ssize_t got = recv(fd, buf_reserve(text, 65536), 65536, 0);
        if (got > 0)
            text->len += (size_t)got;
        cr_assert_lt(loop_now_ms(loop), end_ms, "%s was not said, but: %s", until,
                     text->len ? buf_cstr(text) : "");
    }
    return buf_str(text);
}

/* The governor of an engine with a role, which it watches. */
static void accept_governor(void)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    accept_call();
    cr_assert(str_is(hear(&text, "\r\n"), "LARDER.LISTEN\r\n"));
    say("+OK\r\n");
}

static void hear_role_question(const char *answer)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    cr_assert(str_is(hear(&text, "INFO replication\r\n"), "INFO replication\r\n"));
    say_info(answer);
}

static size_t count_orders(struct str text)
{
    struct str first;
    size_t count = 0;

    while (text.len > 0 && resp_cut(&text, &first) == DRIVER_GOOD)
        count++;
    cr_assert_eq(text.len, 0, "%.*s", STR_ARG(text));
    return count;
}

/* All that is sent before the role; gives the number of orders. */
static size_t hear_orders(void)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    hear(&text, "masterauth\r\n$0\r\n\r\n");
    cr_assert_null(strstr(buf_cstr(&text), "LARDER.ROLE"), "the role waits");
    return count_orders(buf_str(&text));
}

static void obey(size_t count)
{
    for (size_t i = 0; i < count; i++)
        say("+OK\r\n");
}

static void hear_role_order(void)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    hear(&text, "primary\r\n");
    cr_assert_str_eq(buf_cstr(&text), "*3\r\n$11\r\nLARDER.ROLE\r\n$1\r\n3\r\n$7\r\nprimary\r\n");
}

static void turn_until_obeyed(const char *version)
{
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS;
         !heard.obeyed || strcmp(heard.obeyed, version) != 0;) {
        loop_turn(loop, 5);
        cr_assert_lt(loop_now_ms(loop), end_ms, "%s was never in force", version);
    }
}

static void turn_until_refused(void)
{
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; !heard.refused;) {
        loop_turn(loop, 5);
        cr_assert_lt(loop_now_ms(loop), end_ms, "nothing was refused");
    }
}

Test(govern, an_engine_is_told_everything_and_what_came_of_it_is_asked)
{
    govern_node(govern, n);
    accept_governor();
    hear_role_question(REPLICA_INFO);
    obey(hear_orders());
    hear_role_order();
    cr_assert_eq(heard.asked_term, 3, "before it was given");
    cr_assert_null(heard.obeyed);
    say("+OK\r\n");
    hear_role_question(PRIMARY_INFO);
    turn_until_obeyed("v1");
    cr_assert_eq(heard.term, 3);
    cr_assert(heard.stats.role == DRIVER_PRIMARY && heard.stats.replication_offset == 70);

    n->state = NODE_RUNNING; /* and from now on only asked */
    govern_node(govern, n);
    hear_role_question(PRIMARY_INFO);
    close(fd);
}

Test(govern, a_refusal_says_what_and_all_is_ordered_again)
{
    govern_node(govern, n);
    accept_governor();
    hear_role_question(REPLICA_INFO);
    size_t count = hear_orders();
    obey(count - 1);
    say("-ERR not that\r\n");
    turn_until_refused();
    cr_assert_str_eq(heard.refused, "the engine refuses primary's user: ERR not that");
    cr_assert_not(heard.is_vital);
    accept_governor();
    hear_role_question(REPLICA_INFO);
    obey(hear_orders());
    hear_role_order();
    say("+OK\r\n");
    hear_role_question(PRIMARY_INFO);
    turn_until_obeyed("v1");
    close(fd);
}

Test(govern, a_successor_waits_for_the_offset_of_its_predecessor)
{
    role.after_offset = INT_OF(100);
    node_set_goal(n, &goal);
    govern_node(govern, n);
    accept_governor();
    hear_role_question(REPLICA_INFO);
    obey(hear_orders());
    hear_role_question(REPLICA_INFO); /* at 70 still */
    hear_role_question("role:slave\r\nslave_repl_offset:100\r\n");
    hear_role_order();
    close(fd);
}

Test(govern, a_goal_that_changes_in_the_middle_is_met_after_the_one_before)
{
    govern_node(govern, n);
    accept_governor();
    hear_role_question(REPLICA_INFO);
    size_t count = hear_orders();
    goal.settings_version = "v2";
    node_set_goal(n, &goal);
    govern_node(govern, n);
    obey(count);
    hear_role_order();
    say("+OK\r\n");
    hear_role_question(PRIMARY_INFO);
    turn_until_obeyed("v1");
    obey(hear_orders());
    hear_role_order();
    say("+OK\r\n");
    hear_role_question(PRIMARY_INFO);
    turn_until_obeyed("v2");
    close(fd);
}

Test(govern, a_term_that_may_not_be_given_is_not_given)
{
    heard.term_refusal = "an old one";
    govern_node(govern, n);
    accept_governor();
    hear_role_question(REPLICA_INFO);
    turn_until_refused();
    cr_assert_str_eq(heard.refused, "an old one");
    close(fd);
}

static struct agent_role_lease lease = {
    .shard_id = {true, 7   },
      .ms = {true, 1200}
};

Test(govern, a_primary_has_its_lease_before_its_role)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    role.lease = &lease;
    node_set_goal(n, &goal);
    govern_node(govern, n);
    accept_governor();
    hear_role_question(REPLICA_INFO);
    hear_role_question(REPLICA_INFO); /* it is asked, and told nothing */
    govern_wake(n);
    cr_assert_eq(heard.asked_term, 0);
    has_lease = true;
    govern_wake(n);
    hear(&text, "masterauth\r\n$0\r\n\r\n");
    struct str orders = buf_str(&text);
    if (str_starts(orders, "INFO")) { /* it was being asked at this moment */
        say_info(REPLICA_INFO);
        str_cut(&orders, '\n');
    }
    obey(count_orders(orders));
    buf_clear(&text);
    hear(&text, "LEASED\r\n");
    cr_assert_eq(heard.asked_term, 3);
    close(fd);
}

Test(govern, a_primary_without_a_lease_says_why_it_waits)
{
    role.lease = &lease;
    node_set_goal(n, &goal);
    govern_node(govern, n);
    accept_governor();
    hear_role_question(REPLICA_INFO);
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; !heard.refused;) {
        scoped(buf_fini) struct buf text = BUF_EMPTY;
        loop_turn(loop, 5);
        if (recv(fd, buf_reserve(&text, 65536), 65536, 0) > 0)
            say_info(REPLICA_INFO);
        cr_assert_lt(loop_now_ms(loop), end_ms, "nothing was said");
    }
    cr_assert_str_eq(heard.refused,
                     "no majority of the shard's voters grants this primary its lease");
    close(fd);
}

Test(govern, a_role_for_a_life_that_is_over_is_not_given)
{
    role.life = INT_OF(2);
    n->crashes = 2;
    node_set_goal(n, &goal);
    govern_node(govern, n);
    accept_governor();
    hear_role_question(REPLICA_INFO);
    turn_until_refused();
    cr_assert_str_eq(heard.refused, "the role is meant for an engine that has ended since");
    cr_assert_eq(heard.asked_term, 0);
    close(fd);
}

Test(govern, a_fence_for_a_life_that_is_over_is_not_put_up)
{
    role.life = INT_OF(1);
    role.is_fenced = BOOL_OF(true);
    n->crashes = 1;
    node_set_goal(n, &goal);
    govern_node(govern, n);
    accept_governor();
    hear_role_question(REPLICA_INFO);
    turn_until_refused();
    cr_assert_str_eq(heard.refused, "the role is meant for an engine that has ended since");
    close(fd);
}

static struct agent_yield yield = {
    .number = {true, 1   },
    .ms = {true, 500 },
    .address = "127.0.0.2",
    .port = {true, 6379},
    .declined_version = "v1x"
};

static void hear_order(const char *name, const char *end)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    hear(&text, end);
    cr_assert_not_null(strstr(buf_cstr(&text), name), "%s", buf_cstr(&text));
}

/* All before it was obeyed. */
static void begin_yield(void)
{
    role.is_fenced = BOOL_OF(true);
    role.yield = &yield;
    node_set_goal(n, &goal);
    govern_node(govern, n);
    accept_governor();
    hear_role_question(PRIMARY_INFO);
    obey(hear_orders());
    hear_order("LARDER.YIELD\r\n$1\r\n3\r\n$1\r\n1\r\n$3\r\n500\r\n",
               "127.0.0.2\r\n$4\r\n6379\r\n");
}

Test(govern, who_yields_is_fenced_behind_that)
{
    begin_yield();
    obey(1);
    hear_order("LARDER.FENCE", "NO\r\n$3\r\nONE\r\n");
    obey(2);
    hear_role_question(PRIMARY_INFO);
    turn_until_obeyed("v1");
    cr_assert_null(heard.refused);
    close(fd);
}

Test(govern, who_has_a_successor_that_is_too_slow_says_so_and_is_not_fenced)
{
    begin_yield();
    say("-NOTLEVEL the successor has not come level in time\r\n");
    turn_until_obeyed("v1x");
    cr_assert_eq(heard.term, 3);
    cr_assert_null(heard.refused);
    hear_role_question(PRIMARY_INFO); /* the next beat; no fence came before it */
    close(fd);
}

Test(govern, an_engine_that_knows_not_how_to_yield_is_fenced_as_it_is)
{
    begin_yield();
    say("-ERR unknown command 'LARDER.YIELD', with args beginning with: '3' \r\n");
    hear_order("LARDER.FENCE", "NO\r\n$3\r\nONE\r\n");
    obey(2);
    hear_role_question(PRIMARY_INFO);
    turn_until_obeyed("v1");
    close(fd);
}

Test(govern, a_connection_that_breaks_in_the_middle_is_made_anew)
{
    govern_node(govern, n);
    accept_governor();
    hear_role_question(REPLICA_INFO);
    hear_orders();
    accept_governor(); /* closes the one before */
    hear_role_question(REPLICA_INFO);
    obey(hear_orders());
    hear_role_order();
    close(fd);
    cr_assert_null(heard.refused);
}

Test(govern, nonsense_ends_the_connection)
{
    govern_node(govern, n);
    accept_governor();
    hear_role_question(REPLICA_INFO);
    hear_orders();
    say("what?\r\n");
    accept_governor();
    hear_role_question(REPLICA_INFO);
    close(fd);
}

Test(govern, kinds_that_take_no_orders_are_in_force_as_they_are)
{
    goal.role = NULL;
    goal.engine = "memcached";
    goal.driver = "memcached";
    node_set_goal(n, &goal);
    strcpy(n->run.driver, "memcached");
    govern_node(govern, n);
    turn_until_obeyed("v1");
}

Test(govern, nobody_is_governed_before_it_serves_or_after_it_ended)
{
    n->is_ready = false;
    govern_node(govern, n);
    cr_assert_null(n->governor);
    n->is_ready = true;
    govern_node(govern, n);
    cr_assert_not_null(n->governor);
    n->is_exited = true;
    govern_node(govern, n);
    cr_assert_null(n->governor);
}

/* Its orders end with that of its memory. */
static size_t hear_memcached_orders(void)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    hear(&text, "maxmemory\r\n$8\r\n67108864\r\n");
    return count_orders(buf_str(&text));
}

Test(govern, an_engine_without_a_role_takes_one_goal_after_the_other)
{
    goal.engine = "memcached";
    goal.role = NULL;
    goal.maxmemory_bytes = INT_OF(64 << 20);
    node_set_goal(n, &goal);
    govern_node(govern, n);
    accept_call();
    obey(hear_memcached_orders());
    turn_until_obeyed("v1");
    goal.settings_version = "v2";
    node_set_goal(n, &goal);
    n->is_applied = false;
    govern_node(govern, n);
    obey(hear_memcached_orders());
    turn_until_obeyed("v2");
    close(fd);
}

/* ---- news ---- */

#define LINK_DOWN "*4\r\n$4\r\nrole\r\n$7\r\nreplica\r\n$4\r\ndown\r\n:70\r\n"
#define UP_INFO   "role:slave\r\nmaster_link_status:up\r\nslave_repl_offset:60\r\n"

/* It has its settings, and is asked with the beats alone. */
static void settle(void)
{
    n->is_applied = true;
    n->state = NODE_RUNNING;
    govern_node(govern, n);
    accept_governor();
    hear_role_question(UP_INFO);
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; !heard.stats.is_link_up;) {
        loop_turn(loop, 5);
        cr_assert_lt(loop_now_ms(loop), end_ms, "it was never up");
    }
}

static void hear_of_the_link(void)
{
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; heard.stats.is_link_up;) {
        loop_turn(loop, 5);
        cr_assert_lt(loop_now_ms(loop), end_ms, "nothing was told");
    }
    cr_assert_eq(heard.stats.replication_offset, 70);
}

Test(govern, news_have_the_role_asked_for_at_once)
{
    settle();
    int64_t began_ms = loop_now_ms(loop);
    say(LINK_DOWN);
    hear_role_question(REPLICA_INFO);
    hear_of_the_link();
    cr_assert_lt(loop_now_ms(loop) - began_ms, 900, "the next beat would have come by then");
    close(fd);
}

Test(govern, news_may_come_in_front_of_an_answer_and_behind_it)
{
    settle();
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    hear(&text, "INFO replication\r\n");
    say(arena_printf(&arena, LINK_DOWN "$%zu\r\n%s\r\n" LINK_DOWN, strlen(UP_INFO), UP_INFO));
    hear_role_question(REPLICA_INFO);
    hear_of_the_link();
    close(fd);
}

Test(govern, news_amid_orders_are_no_answers)
{
    govern_node(govern, n);
    accept_governor();
    hear_role_question(REPLICA_INFO);
    size_t count = hear_orders();
    obey(count / 2);
    say(LINK_DOWN);
    obey(count - count / 2);
    hear_role_order();
    say(LINK_DOWN "+OK\r\n");
    hear_role_question(PRIMARY_INFO);
    turn_until_obeyed("v1");
    close(fd);
}

Test(govern, an_engine_that_tells_no_news_is_governed_as_well)
{
    govern_node(govern, n);
    accept_call();
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    hear(&text, "LARDER.LISTEN\r\n");
    say("-ERR unknown command\r\n");
    hear_role_question(REPLICA_INFO);
    obey(hear_orders());
    hear_role_order();
    close(fd);
}
