/*
 * A whole control plane in a box: handlers, store, reconciler and fleet as they are, in one thread,
 * on a clock that a test moves; only hosts are played. A played agent obeys its goals at once and
 * tells what became of them; what it has outlives the control plane, which can be closed and opened
 * anew at any moment.
 *
 *     API call -> ops (real) -> store (real) <- reconcile (real)
 *                                 ^  goals |
 *                       reports --+        v
 *                                 hosts (played)
 */
#ifndef LARDER_TESTS_UNIT_RECONCILE_BOX_H
#define LARDER_TESTS_UNIT_RECONCILE_BOX_H

#include "../store/fixture.h"
#include "base/clock.h"
#include "contract/agent.h"
#include "contract/elasticache_handlers.h"
#include "controlplane/model/certificate.h"
#include "controlplane/ops/ops.h"
#include "controlplane/reconcile/failpoint.h"

#include <stdatomic.h>

#define BOX_HERE     "us-east-1"
#define BOX_THERE    "eu-west-1"
#define BOX_HOSTS    5 /* three zones here, two there */
#define BOX_NODES    24
#define BOX_TASKS    8
#define BOX_ROUND_MS 100

struct box_task {
    int64_t id;
    bool has_failed;
};

struct box_node {
    int64_t id, boot_count, crashes, term, offset;
    bool is_running, is_primary, has_role, is_link_up, is_outside;
    const char *cluster, *address, *applied;
    const char *version, *build; /* of the process */
    bool is_reboot_pending;
    int port;
    struct box_task tasks[BOX_TASKS]; /* that it has done */
    size_t task_count;
};

struct box_host {
    const char *name, *region, *zone, *pool;
    struct box_node nodes[BOX_NODES];
    size_t node_count;
    int64_t generation, message_number;
    const char *incarnation;
    struct agent_node_goal_list goals;
    struct arena goals_arena;
    bool has_news;
};

struct box {
    struct fixture f;
    struct clock clock;
    atomic_llong wall_ms, boot_ms;
    struct ops_conf ops_conf;
    struct ops *ops;
    struct fleet *fleet;
    struct reconciler *reconciler;
    struct caller caller;
    struct authority authority;
    struct failpoint failpoint; /* operation NULL: none */
    struct arena lasting;       /* what hosts know */
    struct box_host hosts[BOX_HOSTS];
    const char *build;      /* of the engine that hosts offer */
    const char *fails_kind; /* tasks of this kind fail so often */
    int fails_left;
    uint64_t revision;
    bool is_patient;   /* the control plane goes on after a fault, and does not end */
    int lives, rounds; /* of the control plane; since it was gone back to */
    int ends_after;    /* that many rounds; 0: never */
};

extern struct box box; /* one per test: each runs in a process of its own */

void box_open(void);
void box_close(void);

/* The wall clock is set, and no other one. */
void box_set_clock(int64_t by_ms);

/* The control plane ends, at once, and another one begins on what the store has. */
void box_restart(void);

/* What is there can be gone back to as often as wanted, if the control plane is closed in between.
 */
void box_keep(void);
void box_go_back(void);

/* Hosts offer another build of the engine from now on; the name of the service update to it. */
const char *box_offer(const char *build);

/* One beat of every host, one pass, a tenth of a second; false when nothing changed. */
bool box_round(void);

/* Rounds until nothing changes any more, with as much time in between as operations wait for; all
 * of them must end. */
void box_settle(void);

/* The same, but for no longer than the patience of most operations; false when one still runs. */
bool box_wait(void);

/* Every group has its members, who do what they should, one of each shard as its primary; nothing
 * is left of what was on its way. */
void box_check_whole(void);

/* Deletes all groups and clusters, and settles; fails the test where anything is left. */
void box_clear(void);

/* The engine of the member that is the primary of its shard ends by itself. */
void box_kill_primary(const char *group);
bool box_has_primary(const char *group);

/* Everything that is wanted, decided and there, but times, as text in the fixture's arena. */
const char *box_text(void);

/* Whether any operation runs. */
bool box_is_busy(void);

/* run_ec_create_cache_cluster(&in, &out) and so on; `out` is zeroed first. */
must_use struct err box_run(const char *op, const void *in, void *out);

#define OP(handler, name)                                                          \
    must_use static inline struct err run_##handler(const struct handler##_in *in, \
                                                    struct handler##_out *out)     \
    {                                                                              \
        *out = (struct handler##_out){0};                                          \
        return box_run(name, in, out);                                             \
    }
#include "contract/elasticache_served.def"
#undef OP

#endif
