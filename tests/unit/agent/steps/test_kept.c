/* What was in memory, between a stop and the next start. */
#include "agent/steps/machine.h"
#include "base/arena.h"
#include "base/clock.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static struct arena arena;
static char folder[64];
static struct nodes nodes;
static struct driver_host host;
static struct steps steps = {
    .conf = {.host = &host, .nodes = &nodes}
};
static struct node *n;
static struct agent_node_goal goal = {
    .node_id = {true, 1   },
      .state = "running", .engine = "redis", .keeps_data = {true, true}
};

static void begin(void)
{
    strcpy(folder, "/tmp/larder-kept-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    nodes_init(&nodes, folder, "boot-1");
    n = nodes_add(&nodes, 1);
    cr_assert_not(err_failed(fs_make_dirs(n->dir, 0700)));
    cr_assert(node_set_goal(n, &goal));
}

static void end(void)
{
    nodes_fini(&nodes);
    cr_assert_not(err_failed(fs_remove_tree(folder)));
}

TestSuite(kept, .init = begin, .fini = end);

static void write_kept(void)
{
    cr_assert_not(err_failed(
        fs_write_atomic(fs_join(&arena, n->dir, DRIVER_KEPT), STR("data"), 0600, FS_NO_SYNC)));
}

static bool is_there(const char *name)
{
    return fs_exists(fs_join(&arena, n->dir, name));
}

Test(kept, it_waits_for_a_start_that_wants_it)
{
    write_kept();
    kept_before_start(&steps, n);
    cr_assert(is_there(DRIVER_KEPT));
    host.forgets_data = true;
    kept_before_start(&steps, n);
    cr_assert_not(is_there(DRIVER_KEPT));
    host.forgets_data = false;
    write_kept();
    goal.keeps_data = BOOL_OF(false);
    node_set_goal(n, &goal);
    kept_before_start(&steps, n);
    cr_assert_not(is_there(DRIVER_KEPT));
}

Test(kept, once_in_memory_it_is_of_the_past)
{
    write_kept();
    kept_in_force(n);
    cr_assert_not(is_there(DRIVER_KEPT));
    kept_in_force(n); /* and nothing happens without it */
    kept_after_crash(n);
}

Test(kept, what_a_process_wrote_at_its_end_is_told_from_what_it_found)
{
    int64_t now_ms = clock_wall_ms(&clock_system);

    n->run.started_ms = now_ms - 60000;
    cr_assert_not(kept_is_of_last_run(n), "there is nothing");
    write_kept();
    cr_assert(kept_is_of_last_run(n));
    n->run.started_ms = now_ms + 60000;
    cr_assert_not(kept_is_of_last_run(n));
}

Test(kept, a_replica_that_cannot_start_with_it_does_so_without)
{
    struct agent_node_role role = {
        .term = {true, 1   },
          .is_primary = {true, true}
    };

    write_kept();
    kept_after_failure(n);
    cr_assert(is_there(DRIVER_KEPT), "who stands alone loses nothing silently");
    goal.role = &role;
    node_set_goal(n, &goal);
    kept_after_failure(n);
    cr_assert(is_there(DRIVER_KEPT), "nor does a primary");
    role.is_primary = BOOL_OF(false);
    node_set_goal(n, &goal);
    kept_after_failure(n);
    cr_assert_not(is_there(DRIVER_KEPT));
    cr_assert(is_there(DRIVER_KEPT ".damaged"));
}

Test(kept, much_of_it_takes_longer)
{
    cr_assert_eq(kept_start_ms(n), 0);
    n->used_memory_bytes = 4000000000;
    cr_assert_eq(kept_stop_ms(&steps, n), 200000);
    n->used_memory_bytes = -1;
    cr_assert_eq(kept_stop_ms(&steps, n), 0);
}
