/* Everything of a control plane but the reconciler, so that nothing changes by itself. */
#include "world.h"

#include "base/clock.h"
#include "base/fs.h"
#include "controlplane/api/api.h"
#include "controlplane/fleet/fleet.h"
#include "controlplane/store/store.h"

#include <criterion/criterion.h>

#include <stdlib.h>

static const char *const regions[] = {"us-east-1"};

void world_open(struct world *w)
{
    *w = (struct world){.dir = "/tmp/larder-front-XXXXXX"};
    cr_assert_not_null(mkdtemp(w->dir));
    struct err e = store_open(&w->arena, fs_join(&w->arena, w->dir, "larder.db"), &w->store);
    cr_assert_eq(e.code, ERR_OK, "%s", e.why);
    w->ops_conf = (struct ops_conf){.regions = regions,
                                    .region_count = 1,
                                    .default_account = "000000000000",
                                    .dns_zone = "cache.test",
                                    .endpoint_mode = ENDPOINT_ADDRESS,
                                    .clock = &clock_system};
    w->ops = ops_new(w->store, &w->ops_conf);
    w->api = api_new(&(struct api_conf){.ops = w->ops,
                                        .auth = API_AUTH_OPEN,
                                        .regions = regions,
                                        .region_count = 1,
                                        .default_account = "000000000000"});
    e = fleet_start(
        w->store, &(struct fleet_conf){.clock = &clock_system, .beat_ms = 5000, .silent_ms = 60000},
        &w->fleet);
    cr_assert_eq(e.code, ERR_OK, "%s", e.why);
}

void world_close(struct world *w)
{
    fleet_stop(w->fleet);
    api_free(w->api);
    ops_free(w->ops);
    store_close(w->store);
    cr_assert_eq(fs_remove_tree(w->dir).code, ERR_OK);
    arena_fini(&w->arena);
}

struct front_conf world_front_conf(const struct world *w)
{
    return (struct front_conf){.api = w->api,
                               .fleet = w->fleet,
                               .store = w->store,
                               .clock = &clock_system,
                               .listen = "127.0.0.1:0"};
}
