#include "../store/fixture.h"
#include "base/clock.h"
#include "contract/agent.h"
#include "controlplane/fleet/verify.h"
#include "controlplane/store/access.h"
#include "controlplane/store/groups.h"
#include "controlplane/store/users.h"

#include <criterion/criterion.h>

#include <string.h>

FIXTURE_SUITE(verify);

/* Made by botocore's query signer. */
#define KEY    "AKIDEXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define NOW_MS (1700000000000 + 60000)
#define TOKEN                                                                                  \
    "my-group/?Action=connect&User=ann&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" KEY \
    "%2F20231114%2Fus-east-1%2Felasticache%2Faws4_request&X-Amz-Date=20231114T221320Z&X-Amz-"  \
    "Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature="                                    \
    "d98a33e5b77e65f4b4fb8f3e63b3a3d3f161e55f35316b76084c3f2e20abbd22"

static const struct iam_key key = {KEY, SECRET}, other = {KEY, "another"};
static const struct iam_keys known = {&key, 1, false}, wrong = {&other, 1, true};
static const struct iam_keys nobody = {NULL, 0, false}, trusting = {NULL, 0, true};

static struct host host;
static int64_t node_id, group_id, ann_id;

/* my-group of one node, which team is attached to: ann comes by IAM, bob by a password. */
static void furnish(void)
{
    struct replication_group rg = fixture_group(&f, "my-group");
    struct cluster c = fixture_cluster(&f, "my-group-001", "redis");
    struct user_group team = {.account = "000000000000",
                              .region = "us-east-1",
                              .name = "team",
                              .engine = "redis",
                              .revision = 2,
                              .is_wanted = true};
    struct user ann = {.account = "000000000000",
                       .region = "us-east-1",
                       .name = "ann",
                       .login = "ann",
                       .engine = "redis",
                       .access = "on -@all",
                       .authentication = AUTHENTICATION_IAM,
                       .digests = "",
                       .is_wanted = true};
    struct user bob = ann;
    struct node_goal goal;

    host = fixture_host(&f, "h1", "us-east-1a", "127.77.0.0/24", 1LL << 32);
    goal = (struct node_goal){
        .host_id = host.id, .address = "127.77.0.1", .port = 6379, .state = NODE_RUNNING};
    bob.name = bob.login = "bob";
    bob.authentication = AUTHENTICATION_PASSWORD;
    c.group_id = rg.id;
    must(store_cluster_update(f.tx, &c));
    node_id = fixture_node(&f, c.id, "0001").id;
    must(store_goal_set(f.tx, node_id, &goal));
    must(store_user_group_insert(f.tx, &team));
    must(store_user_insert(f.tx, &ann));
    must(store_user_insert(f.tx, &bob));
    must(store_member_add(f.tx, team.id, ann.id, 2));
    must(store_member_add(f.tx, team.id, bob.id, 2));
    struct cache_access x = {.replication_group_id = rg.id,
                             .user_group_id = team.id,
                             .token = {.digests = ""},
                             .revision = 3};
    must(store_access_put(f.tx, &x));
    group_id = team.id;
    ann_id = ann.id;
}

static struct agent_verify_token_out ask(const struct iam_keys *keys, const char *user,
                                         const char *token, int64_t now_ms)
{
    struct agent_verify_token_in in = {.host_id = host.id,
                                       .incarnation = "first",
                                       .node_id = INT_OF(node_id),
                                       .user = user,
                                       .token = token};
    struct agent_verify_token_out out = {0};

    must(verify_token(f.tx, keys, &in, now_ms, &out));
    return out;
}

Test(verify, a_token_lets_its_user_in_for_a_while)
{
    furnish();
    struct agent_verify_token_out out = ask(&known, "ann", TOKEN, NOW_MS);
    cr_assert(out.is_allowed.value, "%s", out.why);
    cr_assert_eq(out.holds_ms.value, 60000);
    out = ask(&known, "ann", TOKEN, 1700000000000 + 899000);
    cr_assert_eq(out.holds_ms.value, 1000);
}

Test(verify, everybody_else_is_told_why_not)
{
    static const struct {
        const struct iam_keys *keys;
        const char *user, *token;
        int64_t now_ms;
        const char *why; /* NULL: allowed */
    } rows[] = {
        {&trusting, "ann",     TOKEN,               NOW_MS,          NULL                                  },
        {&nobody,   "ann",     TOKEN,               NOW_MS,          "the token's access key is not known" },
        {&wrong,    "ann",     TOKEN,               NOW_MS,          "the token's signature is not right"  },
        {&known,    "bob",     TOKEN,               NOW_MS,          "the cache has no such IAM user"      },
        {&known,    "default", TOKEN,               NOW_MS,          "the cache has no such IAM user"      },
        {&known,    "ann",     "password-of-16-ch", NOW_MS,          "the token is not a presigned request"},
        {&known,    "ann",     TOKEN,               NOW_MS + 900000, "the token has expired"               },
    };

    furnish();
    for (size_t i = 0; i < countof(rows); i++) {
        struct agent_verify_token_out out =
            ask(rows[i].keys, rows[i].user, rows[i].token, rows[i].now_ms);
        cr_assert_eq(out.is_allowed.value, rows[i].why == NULL, "row %zu", i);
        if (rows[i].why)
            cr_assert_str_eq(out.why, rows[i].why);
    }
}

Test(verify, who_was_taken_out_and_other_nodes_have_no_users)
{
    furnish();
    must(store_member_drop(f.tx, group_id, ann_id, 9));
    cr_assert_str_eq(ask(&known, "ann", TOKEN, NOW_MS).why, "the cache has no such IAM user");
    node_id++;
    cr_assert_str_eq(ask(&known, "ann", TOKEN, NOW_MS).why,
                     "the node is not of a cache with users");
    node_id--;
    host.id = "another";
    cr_assert_str_eq(ask(&known, "ann", TOKEN, NOW_MS).why,
                     "the node is not of a cache with users");
}

Test(verify, hosts_ask_through_the_fleet)
{
    struct clock_manual manual;
    struct fleet *fleet;
    struct agent_verify_token_out out = {0};

    furnish();
    fixture_commit(&f);
    clock_manual_init(&manual, NOW_MS, 1000);
    struct fleet_conf conf = {
        .clock = &manual.clock, .beat_ms = 2000, .silent_ms = 5000, .keys = known};
    must(fleet_start(f.store, &conf, &fleet));
    struct agent_verify_token_in in = {.host_id = host.id,
                                       .incarnation = "first",
                                       .node_id = INT_OF(node_id),
                                       .user = "ann",
                                       .token = TOKEN};
    must(fleet_verify_token(fleet, &f.arena, &in, &out));
    cr_assert(out.is_allowed.value);
    in.incarnation = "other";
    cr_assert_eq(fleet_verify_token(fleet, &f.arena, &in, &out).code, FAULT_HOST_UNKNOWN);
    fleet_stop(fleet);
}
