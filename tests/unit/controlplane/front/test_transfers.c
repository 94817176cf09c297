#include "base/clock.h"
#include "contract/faults.h"
#include "controlplane/front/transfers.h"
#include "controlplane/store/snapshots.h"
#include "controlplane/vault/vault.h"
#include "world.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

static struct world world;
static struct vault *v;

static void begin(void)
{
    char dir[80];

    world_open(&world);
    snprintf(dir, sizeof(dir), "%s/snapshots", world.dir);
    cr_assert_not(err_failed(vault_open(&world.arena, world.store, &clock_system, dir, &v)));
}

static void end(void)
{
    vault_close(v);
    world_close(&world);
}

TestSuite(transfers, .init = begin, .fini = end);

static struct err call(const char *method, const char *path, const char *query, const char *body,
                       struct api_response *out)
{
    struct api_request request = {
        .method = method, .path = str_of(path), .query = str_of(query), .body = str_of(body)};

    *out = (struct api_response){0};
    return transfers_handle(v, &world.arena, &request, out);
}

static int code(const char *method, const char *path, const char *query)
{
    struct api_response out;
    struct err e = call(method, path, query, "abc", &out);

    buf_fini(&out.body);
    return e.code;
}

Test(transfers, only_two_folders_are_theirs)
{
    cr_assert(transfers_own_path(STR("/agent/v1/snapshots/7")));
    cr_assert(transfers_own_path(STR("/agent/v1/parts/7")));
    cr_assert_not(transfers_own_path(STR("/agent/v1/sync")));
}

Test(transfers, what_makes_no_sense_is_told_apart_from_what_is_not_there)
{
    cr_assert_eq(code("POST", "/agent/v1/snapshots/7", "from=0"), FAULT_METHOD_NOT_ALLOWED);
    cr_assert_eq(code("PUT", "/agent/v1/snapshots/x", "from=0"), FAULT_MALFORMED_INPUT);
    cr_assert_eq(code("PUT", "/agent/v1/snapshots/7", ""), FAULT_MALFORMED_INPUT);
    cr_assert_eq(code("PUT", "/agent/v1/snapshots/7", "from=-1"), FAULT_MALFORMED_INPUT);
    cr_assert_eq(code("PUT", "/agent/v1/snapshots/7", "from=0"), FAULT_TRANSFER_UNKNOWN);
    cr_assert_eq(code("PUT", "/agent/v1/snapshots/7", "from=5"), FAULT_TRANSFER_BROKEN);
    cr_assert_eq(code("PUT", "/agent/v1/snapshots/7", "bytes=5&sha256=ff"), FAULT_TRANSFER_UNKNOWN);
    cr_assert_eq(code("PUT", "/agent/v1/parts/7", "from=0"), FAULT_METHOD_NOT_ALLOWED);
    cr_assert_eq(code("GET", "/agent/v1/parts/7", "from=0"), FAULT_TRANSFER_UNKNOWN);
    cr_assert_eq(code("GET", "/agent/v1/parts/7", "from=x"), FAULT_MALFORMED_INPUT);
}

Test(transfers, a_part_comes_and_goes_in_pieces)
{
    struct snapshot_order o = {.name = "s1", .owner = "", .member_name = "", .now_ms = 1};
    struct cluster c = {.account = "000000000000",
                        .region = "us-east-1",
                        .name = "c",
                        .engine = "redis",
                        .engine_version = "7.1.0",
                        .node_type = "cache.t4g.micro",
                        .az_mode = "",
                        .preferred_zone = "",
                        .parameter_group = "",
                        .subnet_group = "",
                        .security_groups = "",
                        .maintenance_window = "",
                        .snapshot_window = "",
                        .notification_topic = "",
                        .notification_status = ""};
    struct snapshot_part_list parts;
    struct api_response out;
    struct snapshot s;
    struct store_tx *tx;

    cr_assert_not(err_failed(store_begin(world.store, STORE_WRITE, &world.arena, &tx)));
    cr_assert_not(err_failed(store_cluster_insert(tx, &c)));
    cr_assert_not(err_failed(store_snapshot_take_cluster(tx, &c, &o, &s)));
    cr_assert_not(err_failed(store_part_list(tx, &s.id, 1, &parts)));
    parts.items[0].task_id = 7;
    cr_assert_not(err_failed(store_part_assign(tx, &parts.items[0])));
    cr_assert_not(err_failed(store_commit(&tx)));

    cr_assert_not(err_failed(call("PUT", "/agent/v1/snapshots/7", "from=0", "abc", &out)));
    cr_assert_eq(out.status, 200);
    buf_fini(&out.body);
    cr_assert_not(err_failed(call("PUT", "/agent/v1/snapshots/7",
                                  "bytes=3&sha256=ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb"
                                  "410ff61f20015ad",
                                  "", &out)));
    buf_fini(&out.body);
    const char *path =
        arena_printf(&world.arena, "/agent/v1/parts/%lld", (long long)parts.items[0].id);
    cr_assert_not(err_failed(call("GET", path, "from=1", "", &out)));
    cr_assert(str_is(buf_str(&out.body), "bc"));
    buf_fini(&out.body);
    cr_assert_not(err_failed(call("GET", path, "from=3", "", &out)));
    cr_assert_eq(out.body.len, 0);
    buf_fini(&out.body);
}
