/* The line to a control plane that the test plays: it reads each message off a socket and answers
 * it. */
#include "agent/drivers/numbers.h"
#include "agent/link.h"
#include "agent/plane.h"
#include "agent/steps/steps.h"
#include "agent/supervise/supervise.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/net.h"
#include "base/rng.h"
#include "base/shape_json.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define MAX_PLANE   8

static struct arena arena;
static char folder[64];
static struct loop *loop;
static struct nodes nodes;
static struct rng rng;
static struct steps *steps;
static struct supervisor *supervisor;
static struct driver_host programs;
static struct link *the_link;
static int listener, other_listener;
static const char *urls[2];
static struct plane *the_plane;
static int turns;
static const char *refused;
static int first_answers;

static struct agent_host host = {
    .host_id = "h",
    .name = "n",
    .incarnation = "i",
    .boot_id = "b",
    .region = "r",
    .zone = "z",
    .memory_bytes = {true, 1},
    .pool = "127.1.0.0/16",
};

/* A connection of the agent at the control plane's end. */
static struct {
    int fd;
    bool is_other; /* it is the other control plane that has it */
    struct buf in;
} plane[MAX_PLANE];

static void on_change(void *context, struct node *n)
{
    (void)context;
    link_tell(the_link, n);
}

static void on_refused(void *context, const char *why)
{
    (void)context;
    refused = arena_strdup(&arena, why);
}

static struct {
    int64_t shard, term; /* asked for first; 0 when nothing is */
    const char *key;
} asked;
static struct agent_promise promise;
static bool is_promised;

static void on_leases(void *context, const struct agent_promise_list *promises, const char *key)
{
    (void)context;
    asked.shard = promises->count ? promises->items[0].shard_id.value : 0;
    asked.term = promises->count ? promises->items[0].term.value : 0;
    asked.key = key ? arena_strdup(&arena, key) : NULL;
}

static struct agent_promise_list promised(void *context, struct arena *a)
{
    (void)context, (void)a;
    return (struct agent_promise_list){is_promised, is_promised, &promise};
}

static void on_turn(void *context)
{
    (void)context;
    turns++;
}

static void on_first_answer(void *context)
{
    (void)context;
    first_answers++;
}

static const char *listen_anywhere(int *out)
{
    struct net_addr address;

    cr_assert(net_addr_parse(STR("127.0.0.1:0"), &address));
    cr_assert_not(err_failed(net_listen_tcp(&arena, &address, out)));
    address = net_addr_of_socket(*out);
    return arena_printf(&arena, "http://%s", net_addr_text(&arena, &address));
}

/* With one control plane, or two. */
static void open_link(size_t count)
{
    const struct plane_conf plane_conf = {&clock_system, fs_join(&arena, folder, "obeyed"), urls,
                                          count};
    cr_assert_not(err_failed(plane_open(&arena, &plane_conf, &the_plane)));
    const struct link_conf link_conf = {.loop = loop,
                                        .nodes = &nodes,
                                        .steps = steps,
                                        .rng = &rng,
                                        .plane = the_plane,
                                        .token = "tok",
                                        .host = &host,
                                        .wait_ms = 20000,
                                        .on_turn = on_turn,
                                        .on_refused = on_refused,
                                        .on_leases = on_leases,
                                        .promised = promised,
                                        .on_first_answer = on_first_answer};
    cr_assert_not(err_failed(link_open(&link_conf, &the_link)));
}

static void close_link(void)
{
    link_close(the_link);
    plane_close(the_plane);
}

static void begin(void)
{
    struct steps_conf conf = {.nodes = &nodes, .host = &programs, .on_change = on_change};

    strcpy(folder, "/tmp/larder-link-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    rng_seed(&rng, 1);
    cr_assert_not(err_failed(loop_open(&clock_system, &loop)));
    nodes_init(&nodes, folder, "boot-1");
    supervisor = supervise_open(loop, "/nonexistent/larder-shim");
    conf.loop = loop;
    conf.supervisor = supervisor;
    cr_assert(ip_block_parse(STR("127.1.0.0/16"), &conf.pool));
    steps = steps_open(&conf);

    urls[0] = listen_anywhere(&listener);
    urls[1] = listen_anywhere(&other_listener);
    for (int i = 0; i < MAX_PLANE; i++)
        plane[i].fd = -1;
    open_link(1);
}

static void end(void)
{
    steps_close(steps);
    close_link();
    link_close(NULL);
    supervise_close(supervisor);
    nodes_fini(&nodes);
    loop_close(loop);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
}

TestSuite(link, .init = begin, .fini = end, .timeout = 60);

/* Takes what the agent sent since; at most one new connection. */
static void plane_read(void)
{
    int fresh = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    bool is_other = fresh < 0;

    if (is_other)
        fresh = accept4(other_listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    for (int i = 0; i < MAX_PLANE; i++) {
        if (plane[i].fd < 0 && fresh >= 0) {
            plane[i].fd = fresh;
            plane[i].is_other = is_other;
            fresh = -1;
        }
        if (plane[i].fd < 0)
            continue;
        ssize_t got = recv(plane[i].fd, buf_reserve(&plane[i].in, 65536), 65536, 0);
        plane[i].in.len += got > 0 ? (size_t)got : 0;
        if (got == 0) { /* the agent gave it up */
            close(plane[i].fd);
            plane[i].fd = -1;
            buf_clear(&plane[i].in);
        }
    }
    cr_assert_lt(fresh, 0, "more connections than expected");
}

/* The body of the message that stands complete in a connection, taken off; NULL when there is none.
 */
static const char *take_message(int i, const char *path)
{
    const char *text = buf_cstr(&plane[i].in);
    const char *end_of_head = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");

    if (!end_of_head || !length || strncmp(text + 5, path, strlen(path)) != 0)
        return NULL;
    size_t head = (size_t)(end_of_head + 4 - text), len = strtoul(length + 16, NULL, 10);
    if (plane[i].in.len < head + len)
        return NULL;
    const char *body = arena_strndup(&arena, text + head, len);
    buf_consume(&plane[i].in, head + len);
    return body;
}

static int at; /* the connection of the last message */

/* Waits for a message to that path and returns its body. */
static const char *expect(const char *path)
{
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; loop_now_ms(loop) < end_ms;) {
        loop_turn(loop, 5);
        plane_read();
        for (at = 0; at < MAX_PLANE; at++) {
            const char *body = plane[at].fd >= 0 ? take_message(at, path) : NULL;
            if (body)
                return body;
        }
    }
    cr_assert_fail("no message to %s", path);
    return NULL;
}

static struct agent_sync_in expect_sync(void)
{
    struct agent_sync_in in = {0};
    const char *body = expect("/agent/v1/sync");

    cr_assert_not(err_failed(shape_json_parse(&arena, service_op(&service_agent, "Sync")->in,
                                              str_of(body), SHAPE_UNKNOWN_REFUSE, &in)));
    return in;
}

static struct agent_report_in expect_report(void)
{
    struct agent_report_in in = {0};
    const char *body = expect("/agent/v1/report");

    cr_assert_not(err_failed(shape_json_parse(&arena, service_op(&service_agent, "Report")->in,
                                              str_of(body), SHAPE_UNKNOWN_REFUSE, &in)));
    return in;
}

static void answer_at(int i, int status, const char *body)
{
    const char *text = arena_printf(&arena, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s",
                                    status, strlen(body), body);
    cr_assert_eq(send(plane[i].fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void answer(int status, const char *body)
{
    answer_at(at, status, body);
}

static void turn(int ms)
{
    for (int64_t end_ms = loop_now_ms(loop) + ms; loop_now_ms(loop) < end_ms;)
        loop_turn(loop, 5);
}

#define GOAL_ABSENT(generation, id)                                                  \
    "{\"Generation\":" #generation ",\"IsChanged\":true,\"Goals\":[{\"NodeId\":" #id \
    ",\"State\":\"absent\"}]}"

Test(link, the_first_sync_says_who_it_is_and_brings_goals)
{
    link_start(the_link);
    struct agent_sync_in in = expect_sync();
    cr_assert_str_eq(in.host->host_id, "h");
    cr_assert_eq(in.seen_generation.value, 0);
    cr_assert_eq(in.wait_ms.value, 20000);
    answer(200, GOAL_ABSENT(5, 17));
    in = expect_sync(); /* the next poll follows at once, with what is known now */
    cr_assert_eq(in.seen_generation.value, 5);
    cr_assert_eq(in.nodes.count, 1);
    cr_assert_eq(in.nodes.items[0].node_id.value, 17);
    cr_assert_str_eq(in.nodes.items[0].state, "absent");
    cr_assert_eq(first_answers, 1);
}

Test(link, a_promise_is_told_at_once_and_with_every_message)
{
    link_start(the_link);
    cr_assert_eq(expect_sync().promised.count, 0);
    answer(200, "{\"Generation\":5,\"IsChanged\":true,\"Goals\":[],\"LeaseKey\":\"aGk=\","
                "\"Promises\":[{\"ShardId\":7,\"Term\":4}]}");
    expect_sync();
    cr_assert(asked.shard == 7 && asked.term == 4);
    cr_assert_str_eq(asked.key, "aGk=");
    promise = (struct agent_promise){.shard_id = INT_OF(7), .term = INT_OF(4)};
    is_promised = true;
    link_tell_promise(the_link);
    cr_assert_not(link_is_quiet(the_link));
    struct agent_report_in in = expect_report();
    cr_assert_eq(in.promised.count, 1);
    cr_assert_eq(in.promised.items[0].term.value, 4);
    answer(500, "{}");
    cr_assert_eq(expect_report().promised.count, 1, "until it is taken");
    answer(200, "{}");
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; !link_is_quiet(the_link);) {
        loop_turn(loop, 5);
        cr_assert_lt(loop_now_ms(loop), end_ms, "it is never taken for told");
    }
}

Test(link, a_topology_that_stands_once_in_an_answer_is_each_node_s_own)
{
    static const char both[] =
        "{\"Generation\":5,\"IsChanged\":true,\"Goals\":["
        "{\"NodeId\":17,\"State\":\"absent\",\"Topology\":{\"Epoch\":3,\"GroupId\":7,\"Words\":[\"x\"]}},"
        "{\"NodeId\":18,\"State\":\"absent\",\"Topology\":{\"Epoch\":3,\"GroupId\":7,\"Words\":[\"y\"]}}],"
        "\"Topologies\":[{\"GroupId\":7,\"Epoch\":3,\"Words\":\"SHARD s\"}]}";
    static const char none[] =
        "{\"Generation\":6,\"IsChanged\":true,\"Goals\":[{\"NodeId\":17,\"State\":\"absent\","
        "\"Topology\":{\"Epoch\":4,\"GroupId\":7,\"Words\":[\"x\"]}}]}";

    link_start(the_link);
    cr_assert(expect_sync().takes_topologies.value);
    answer(200, both);
    cr_assert_eq(expect_sync().seen_generation.value, 5);
    for (int64_t id = 17; id <= 18; id++) {
        const struct agent_node_topology *t = nodes_find(&nodes, id)->goal->topology;
        cr_assert_eq(t->words.count, 3);
        cr_assert_str_eq(t->words.items[0], id == 17 ? "x" : "y");
        cr_assert_str_eq(t->words.items[2], "s");
    }
    answer(200, none);
    cr_assert_eq(expect_sync().seen_generation.value, 5, "what nobody understands is not held");
}

Test(link, a_poll_that_brought_nothing_keeps_the_goals)
{
    link_start(the_link);
    expect_sync();
    answer(200, GOAL_ABSENT(5, 17));
    expect_sync();
    answer(200, "{\"Generation\":5,\"IsChanged\":false}");
    struct agent_sync_in in = expect_sync();
    cr_assert_eq(in.seen_generation.value, 5);
    cr_assert_eq(in.nodes.count, 1);
}

Test(link, changed_goals_are_asked_for_by_who_holds_all)
{
    link_start(the_link);
    cr_assert_not(expect_sync().takes_changes.value);
    answer(200, GOAL_ABSENT(5, 17));
    cr_assert(expect_sync().takes_changes.value);
    answer(200, "{\"Generation\":6,\"IsChanged\":true,\"IsPartial\":true,\"Goals\":[{\"NodeId\":18,"
                "\"State\":\"absent\"}]}");
    struct agent_sync_in in = expect_sync();
    cr_assert_eq(in.seen_generation.value, 6);
    cr_assert_eq(in.nodes.count, 2, "the other one is still named");
}

Test(link, a_change_is_reported_while_a_poll_is_held)
{
    link_start(the_link);
    expect_sync();
    answer(200, GOAL_ABSENT(5, 17));
    expect_sync();
    struct agent_report_in in = expect_report(); /* of node 17, whose goal came */
    cr_assert_str_eq(in.host_id, "h");
    cr_assert_str_eq(in.incarnation, "i");
    cr_assert_eq(in.nodes.count, 1);
    cr_assert_not(link_is_quiet(the_link));
    answer(200, "{}");
    turn(20);
    cr_assert(link_is_quiet(the_link));
}

/* The order of two connections is not defined: numbers tell which came later. */
Test(link, messages_are_numbered_and_said_once)
{
    link_start(the_link);
    cr_assert_eq(expect_sync().message_number.value, 1);
    answer(200, GOAL_ABSENT(5, 17));
    int64_t sync = expect_sync().message_number.value,
            report = expect_report().message_number.value;
    cr_assert((sync == 2 && report == 3) || (sync == 3 && report == 2));
    answer(200, "{}");
    turn(1500);
    cr_assert(link_is_quiet(the_link));
}

Test(link, changes_during_a_report_go_with_the_next)
{
    link_start(the_link);
    expect_sync();
    answer(200, GOAL_ABSENT(5, 17));
    expect_sync();
    expect_report();
    int report = at;
    struct node *n = nodes_find(&nodes, 17);
    link_tell(the_link, n);
    link_tell(the_link, n);
    turn(20);
    plane_read();
    answer_at(report, 200, "{}");
    cr_assert_eq(expect_report().nodes.count, 1);
}

Test(link, samples_go_with_a_report_of_their_own_until_they_are_taken)
{
    static const struct sample sample = {.at_ms = 60000, .count = 1, .items = {{"CacheHits", 2.5}}};

    link_start(the_link);
    expect_sync();
    answer(200, GOAL_ABSENT(5, 17));
    expect_sync();
    expect_report();
    answer(200, "{}");
    turn(20);
    nodes_find(&nodes, 17)->sample = &sample;
    link_tell_sample(the_link);
    struct agent_report_in in = expect_report();
    cr_assert_eq(in.nodes.count, 0);
    cr_assert_eq(in.samples.count, 1);
    cr_assert_eq(in.samples.items[0].node_id.value, 17);
    cr_assert_eq(in.samples.items[0].at.value, 60000);
    cr_assert_str_eq(in.samples.items[0].numbers.items[0].name, "CacheHits");
    cr_assert_eq(in.samples.items[0].numbers.items[0].value.value, 2.5);
    answer(500, "{}");
    cr_assert_eq(expect_report().samples.count, 1);
    answer(200, "{}");
    turn(20);
    cr_assert_null(nodes_find(&nodes, 17)->sample);
    cr_assert(link_is_quiet(the_link));
}

Test(link, a_report_that_was_not_taken_is_sent_again)
{
    link_start(the_link);
    expect_sync();
    answer(200, GOAL_ABSENT(5, 17));
    expect_sync();
    expect_report();
    answer(500, "oops");
    cr_assert_eq(expect_report().nodes.count, 1);
    answer(200, "{}");
}

Test(link, a_control_plane_that_has_forgotten_the_host_is_synced_with_first)
{
    link_start(the_link);
    expect_sync();
    answer(200, GOAL_ABSENT(5, 17));
    expect_sync(); /* held; it belongs to the control plane's past life */
    expect_report();
    answer(404, "{\"Code\":\"HostUnknown\",\"Message\":\"sync first\"}");
    expect_sync();
    answer(200, "{\"Generation\":5,\"IsChanged\":false}");
    expect_report();
    answer(200, "{}");
}

Test(link, refusals_for_good_are_told_with_their_reason)
{
    link_start(the_link);
    expect_sync();
    answer(409, "{\"Code\":\"HostNameTaken\",\"Message\":\"choose another name\"}");
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS; !refused && loop_now_ms(loop) < end_ms;)
        loop_turn(loop, 5);
    cr_assert_not_null(refused);
    cr_assert_not_null(strstr(refused, "choose another name"));
    cr_assert_eq(first_answers, 0);
}

Test(link, other_trouble_is_tried_again)
{
    link_start(the_link);
    expect_sync();
    answer(403, "{\"Code\":\"AccessDenied\",\"Message\":\"no token\"}");
    expect_sync();
    answer(503, "<html>not json</html>");
    expect_sync();
    answer(200, "not json");
    expect_sync();
    answer(200, "{\"Generation\":1,\"IsChanged\":true}"); /* and no goals: nothing may be removed */
    expect_sync();
    close(plane[at].fd); /* it died */
    plane[at].fd = -1;
    struct agent_sync_in in = expect_sync();
    cr_assert_eq(in.seen_generation.value, 0);
    cr_assert_null(refused);
}

Test(link, answers_that_come_at_once_and_bring_nothing_do_not_make_it_spin)
{
    int count = 0;

    link_start(the_link);
    for (int64_t end_ms = loop_now_ms(loop) + 550; loop_now_ms(loop) < end_ms; count++) {
        expect_sync();
        answer(200, "{\"Generation\":0,\"IsChanged\":false}");
    }
    cr_assert_leq(count, 7);
    cr_assert_geq(count, 3);
}

Test(link, the_token_is_shown)
{
    link_start(the_link);
    for (int64_t end_ms = loop_now_ms(loop) + PATIENCE_MS;
         plane[0].in.len == 0 && loop_now_ms(loop) < end_ms;) {
        loop_turn(loop, 5);
        plane_read();
    }
    cr_assert_not_null(strstr(buf_cstr(&plane[0].in), "\r\nAuthorization: Bearer tok\r\n"));
}

/* ---- several control planes ---- */

/* With both, from the beginning. */
static void begin_with_two(void)
{
    close_link();
    open_link(2);
    link_start(the_link);
}

static void expect_sync_at(bool is_other)
{
    (void)expect_sync();
    cr_assert_eq(plane[at].is_other, is_other);
}

#define ANSWER_OF(epoch, leader) \
    "{\"Generation\":5,\"IsChanged\":false,\"Epoch\":" #epoch ",\"Leader\":" #leader "}"

Test(link, one_that_stands_by_is_left_for_the_next)
{
    begin_with_two();
    struct agent_sync_in in = expect_sync();
    cr_assert_not(in.epoch.has);
    cr_assert_eq(in.wait_ms.value, 1000, "short polls tell soon who stands still");
    answer(503, "{\"Code\":\"ServiceUnavailable\",\"Message\":\"stands by\"}");
    in = expect_sync();
    cr_assert(plane[at].is_other);
    cr_assert_eq(in.wait_ms.value, 0);
    cr_assert_eq(turns, 1);
    answer(200, ANSWER_OF(4, 77));
    in = expect_sync();
    cr_assert(plane[at].is_other, "it stays with the one that answers");
    cr_assert_eq(in.epoch.value, 4);
    cr_assert_eq(in.leader.value, 77);
    cr_assert(in.leader_heard_ms.has);
    cr_assert_eq(in.wait_ms.value, 1000);
}

Test(link, one_that_stands_still_is_left_and_what_it_was_told_is_told_to_the_next)
{
    begin_with_two();
    expect_sync_at(false);
    answer(200, GOAL_ABSENT(5, 17));
    expect_report(); /* of node 17, and it is not answered any more */
    expect_sync_at(false);
    expect_sync_at(true);
    answer(200, ANSWER_OF(4, 77));
    struct agent_report_in in = expect_report();
    cr_assert(plane[at].is_other);
    cr_assert_eq(in.nodes.count, 1);
    cr_assert_eq(in.epoch.value, 4);
}

Test(link, goals_of_one_that_was_succeeded_are_not_taken)
{
    begin_with_two();
    expect_sync_at(false);
    answer(200, ANSWER_OF(4, 77));
    expect_sync_at(false);
    answer(200, "{\"Generation\":9,\"IsChanged\":true,\"Epoch\":3,\"Leader\":66,\"Goals\":["
                "{\"NodeId\":17,\"State\":\"absent\"}]}");
    struct agent_sync_in in = expect_sync();
    cr_assert(plane[at].is_other, "the next one is asked");
    cr_assert_eq(in.nodes.count, 0, "the goal was not taken");
    cr_assert_eq(in.epoch.value, 4);
    answer(200, ANSWER_OF(5, 88));
    cr_assert_eq(expect_sync().epoch.value, 5);
}

Test(link, one_alone_is_asked_on_whatever_it_answers)
{
    link_start(the_link);
    expect_sync();
    answer(200, ANSWER_OF(4, 77));
    expect_sync();
    answer(200, ANSWER_OF(3, 66));
    struct agent_sync_in in = expect_sync();
    cr_assert_eq(in.epoch.value, 4, "so it learns of the other one");
    answer(200, ANSWER_OF(5, 66));
    cr_assert_eq(expect_sync().epoch.value, 5);
    cr_assert_eq(turns, 0);
}

Test(link, a_report_that_is_refused_finds_the_next_one)
{
    begin_with_two();
    expect_sync_at(false);
    answer(200, GOAL_ABSENT(5, 17));
    expect_report();
    answer(503, "{\"Code\":\"ServiceUnavailable\",\"Message\":\"leads no longer\"}");
    do
        (void)expect_sync();
    while (!plane[at].is_other);
    answer(200, ANSWER_OF(4, 77));
    cr_assert_eq(expect_report().nodes.count, 1);
}
