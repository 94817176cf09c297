/* Messages of agents, without a socket. */
#include "base/clock.h"
#include "base/json.h"
#include "controlplane/dns/dns.h"
#include "controlplane/front/agents.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

#define SYNC                                                                                 \
    "{\"Host\":{\"HostId\":\"h1\",\"Name\":\"one\",\"Incarnation\":\"i1\",\"BootId\":\"b\"," \
    "\"Region\":\"us-east-1\",\"Zone\":\"us-east-1a\",\"MemoryBytes\":1073741824,"           \
    "\"Pool\":\"127.77.0.0/24\"},\"SeenGeneration\":%s,\"WaitMs\":1000,\"Nodes\":[],"        \
    "\"FromTheFuture\":1}"

static struct world world;
static struct dns *names;
static struct agents *agents;
static struct api_response response;
static struct agents_hold hold;

static void open_with(const char *token)
{
    world_open(&world);
    const struct dns_conf conf = {.zone = "cache.test", .clock = &clock_system};
    cr_assert_eq(dns_open(&world.arena, &conf, &names).code, ERR_OK);
    agents = agents_new(world.fleet, world.api, NULL, names, token);
}

static void close_all(void)
{
    buf_fini(&response.body);
    agents_free(agents);
    dns_close(names);
    world_close(&world);
}

static struct api_request message(const char *path, const char *body)
{
    return (struct api_request){.method = "POST", .path = str_of(path), .body = str_of(body)};
}

/* The answer's status, or 0 when the poll is held back. */
static int send_call(struct agents_call call)
{
    buf_fini(&response.body);
    response = (struct api_response){0};
    agents_handle(agents, &world.arena, &call, &response, &hold);
    return response.status;
}

static int post(const char *path, const char *body)
{
    struct api_request request = message(path, body);

    return send_call((struct agents_call){.request = &request, .is_local = true, .may_wait = true});
}

static const char *sync_seen(const char *generation)
{
    return arena_printf(&world.arena, SYNC, generation);
}

static bool answer_has(const char *text)
{
    return strstr(buf_cstr(&response.body), text) != NULL;
}

Test(agents, a_sync_is_answered_with_goals_and_then_held_back_while_nothing_is_new)
{
    open_with(NULL);
    cr_assert_eq(post("/agent/v1/sync", sync_seen("0")), 200, "%s", buf_cstr(&response.body));
    cr_expect_str_eq(response.op, "Sync");
    cr_expect(answer_has("\"Generation\":1"));
    cr_expect(answer_has("\"IsChanged\":true"));

    cr_assert_eq(post("/agent/v1/sync", sync_seen("1")), 0);
    cr_expect_eq(hold.wait_ms, 1000);
    cr_assert_not_null(hold.again);
    struct api_request request = message("/agent/v1/sync", "");
    cr_expect_eq(send_call((struct agents_call){
                     .request = &request, .is_local = true, .may_wait = true, .again = hold.again}),
                 0, "still nothing new");
    cr_expect_eq(
        send_call((struct agents_call){
            .request = &request, .is_local = true, .may_wait = false, .again = hold.again}),
        200, "the time is over");
    cr_expect(answer_has("\"IsChanged\":false"));
    close_all();
}

Test(agents, a_report_of_a_host_that_never_synced_is_refused)
{
    open_with(NULL);
    cr_expect_eq(post("/agent/v1/report", "{\"HostId\":\"h9\",\"Incarnation\":\"i\",\"Nodes\":[]}"),
                 404);
    cr_expect(answer_has("HostUnknown"));
    cr_expect_str_eq(response.op, "Report");
    cr_assert_eq(post("/agent/v1/sync", sync_seen("0")), 200);
    cr_expect_eq(
        post("/agent/v1/report", "{\"HostId\":\"h1\",\"Incarnation\":\"i1\",\"Nodes\":[]}"), 200);
    close_all();
}

Test(agents, bad_messages_are_refused_with_what_is_wrong_with_them)
{
    static const struct {
        const char *method, *path, *body;
        int status;
        const char *says;
    } rows[] = {
        {"POST", "/agent/v1/nothing", "{}",                                                       404, "UnknownPath"     },
        {"POST", "/agent/",           "{}",                                                       404, "UnknownPath"     },
        {"GET",  "/agent/v1/sync",    "",                                                         405, "MethodNotAllowed"},
        {"POST", "/agent/v1/sync",    "",                                                         400, "MalformedInput"  },
        {"POST", "/agent/v1/sync",    "{\"Host\":",                                               400, "MalformedInput"  },
        {"POST", "/agent/v1/sync",    "[]",                                                       400, "MalformedInput"  },
        {"POST", "/agent/v1/sync",    "{\"SeenGeneration\":\"x\"}",                               400, "SeenGeneration"  },
        {"POST", "/agent/v1/sync",    "{}",                                                       400, "host"            },
        {"POST", "/agent/v1/report",
         "{\"HostId\":\"h\",\"Incarnation\":\"i\",\"Nodes\":[{\"NodeId\":1,\"State\":\"odd\"}]}", 400, "odd"             },
    };

    open_with(NULL);
    for (size_t i = 0; i < countof(rows); i++) {
        struct api_request request = message(rows[i].path, rows[i].body);
        request.method = rows[i].method;
        struct agents_call call = {.request = &request, .is_local = true, .may_wait = true};
        cr_expect_eq(send_call(call), rows[i].status, "row %zu: %s", i, buf_cstr(&response.body));
        cr_expect(answer_has(rows[i].says), "row %zu: %s", i, buf_cstr(&response.body));
        struct json parsed;
        cr_expect_eq(json_parse(&world.arena, buf_str(&response.body), 8, &parsed).code, ERR_OK);
    }
    close_all();
}

Test(agents, the_answer_to_a_wrong_method_names_the_right_one)
{
    open_with(NULL);
    struct api_request request = message("/agent/v1/sync", "");
    request.method = "PUT";
    cr_expect_eq(send_call((struct agents_call){.request = &request, .is_local = true}), 405);
    cr_assert_not_null(response.allow);
    cr_expect_str_eq(response.allow, "POST");
    close_all();
}

Test(agents, without_a_token_only_this_machine_may_call)
{
    open_with(NULL);
    struct api_request request = message("/agent/v1/sync", sync_seen("0"));
    cr_expect_eq(send_call((struct agents_call){.request = &request, .is_local = false}), 403);
    cr_expect(answer_has("--token-file"));
    cr_expect_eq(send_call((struct agents_call){.request = &request, .is_local = true}), 200);
    close_all();
}

Test(agents, with_a_token_everybody_must_show_it)
{
    static const struct {
        const char *header;
        int status;
    } rows[] = {
        {NULL,                                              403},
        {"",                                                403},
        {"Bearer",                                          403},
        {"Bearer ",                                         403},
        {"Basic correct-horse-staple",                      403},
        {"Bearer correct-horse-stapl",                      403},
        {"Bearer correct-horse-staplf",                     403},
        {"Bearer correct-horse-staplee",                    403},
        {"Bearer correct-horse-staplecorrect-horse-staple", 403},
        {"Bearer correct-horse-staple",                     200},
        {"bearer  correct-horse-staple",                    200},
    };

    open_with("correct-horse-staple");
    for (size_t i = 0; i < countof(rows); i++) {
        struct api_request request = message("/agent/v1/sync", sync_seen("0"));
        request.authorization = rows[i].header;
        cr_expect_eq(send_call((struct agents_call){.request = &request, .is_local = true}),
                     rows[i].status, "'%s'", rows[i].header ? rows[i].header : "(none)");
    }
    close_all();
}

static void publish(const char *name, const char *where)
{
    cr_assert_eq(dns_upsert(names, name, &where, 1, DNS_TTL_S).code, ERR_OK);
}

static const char *follow(int64_t life, int64_t serial)
{
    return arena_printf(&world.arena, "{\"Life\":%lld,\"Serial\":%lld,\"WaitMs\":700}",
                        (long long)life, (long long)serial);
}

Test(agents, names_are_told_whole_once_all_are_known_and_then_as_they_change)
{
    open_with(NULL);
    publish("a.cache.test", "127.0.0.1");
    cr_assert_eq(post("/agent/v1/names", follow(0, 0)), 0, "not all are known yet");
    cr_expect_eq(hold.wait_ms, 700);
    dns_settle(names);
    struct api_request request = message("/agent/v1/names", "");
    cr_assert_eq(send_call((struct agents_call){
                     .request = &request, .is_local = true, .may_wait = true, .again = hold.again}),
                 200);
    cr_expect_str_eq(response.op, "FollowNames");
    cr_expect(answer_has("\"IsChanged\":true,\"Zone\":\"cache.test\""));
    cr_expect(answer_has("\"IsWhole\":true"));
    cr_expect(answer_has("\"Names\":[{\"Name\":\"a.cache.test\",\"Addresses\":[\"127.0.0.1\"],"
                         "\"TtlSeconds\":5}]"));

    int64_t life = dns_life(names), serial = dns_serial(names);
    cr_assert_eq(post("/agent/v1/names", follow(life, serial)), 0, "held back");
    publish("b.cache.test", "127.0.0.2");
    cr_assert_eq(dns_remove(names, "a.cache.test").code, ERR_OK);
    cr_assert_eq(post("/agent/v1/names", follow(life, serial)), 200);
    cr_expect(answer_has("\"IsWhole\":false"));
    cr_expect(answer_has("{\"Name\":\"b.cache.test\",\"Addresses\":[\"127.0.0.2\"]"));
    cr_expect(answer_has("{\"Name\":\"a.cache.test\"}"), "it is gone");

    serial = dns_serial(names);
    cr_assert_eq(send_call((struct agents_call){
                     .request = &(struct api_request){.method = "POST",
                                                      .path = STR("/agent/v1/names"),
                                                      .body = str_of(follow(life, serial))},
                     .is_local = true
    }),
                 200, "the wait ran out");
    cr_expect_str_eq(buf_cstr(&response.body), "{\"IsChanged\":false}");
    close_all();
}

Test(agents, a_copy_of_a_life_before_gets_the_whole_with_a_later_serial)
{
    open_with(NULL);
    publish("a.cache.test", "127.0.0.1");
    dns_settle(names);
    int64_t ahead = (int64_t)dns_serial(names) + 1000;
    cr_assert_eq(post("/agent/v1/names", follow(dns_life(names) + 1, ahead)), 200);
    cr_expect(answer_has("\"IsWhole\":true"));
    cr_expect_eq(dns_serial(names), ahead + 1);
    close_all();
}

Test(agents, names_are_told_to_who_has_the_token)
{
    open_with("secret");
    dns_settle(names);
    cr_expect_eq(post("/agent/v1/names", follow(0, 0)), 403);
    close_all();
}
