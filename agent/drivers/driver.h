/*
 * Kinds of engines. A driver knows how one kind is found on the host, configured, run and asked; it
 * starts nothing itself (steps.c does) and opens no sockets (observe.c does).
 *
 * Adding a kind: one file with one `const struct driver`, and its line in drivers[].
 */
#ifndef LARDER_AGENT_DRIVERS_DRIVER_H
#define LARDER_AGENT_DRIVERS_DRIVER_H

#include "agent/drivers/orders.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent_host_engine_list;
struct agent_node_goal;
struct agent_node_role;
struct arena;

/* Files in the node's folder, which is the engine's working directory. */
#define DRIVER_CONF "engine.conf"
#define DRIVER_BACKLOG \
    4096 /* connections that may wait: all clients come at once after a failover */
#define DRIVER_SLOW_LOG "slow.log"
#define DRIVER_KEPT     "dump.rdb" /* what was in memory at a clean end, loaded at the next start */

/* A part of what the node begins with, in its folder; `part_id` is its number. In `a`. */
char *driver_seed_name(struct arena *a, int64_t part_id);
#define DRIVER_SEED_PREFIX "seed-"

#define DRIVER_GREETING_BYTES 128
#define DRIVER_COMMAND_BYTES  40

struct driver;

/* A program that the host has. */
struct driver_program {
    const struct driver *driver;
    const char *engine; /* "redis", "valkey"; NULL: as the driver is called */
    const char *path;   /* absolute */
    const char *version;
};

/* What the host has, found once by drivers_survey: asking programs takes too long in a restart. */
struct driver_host {
    const char *engine_dir; /* of larder-engine */
    const struct driver_program *programs;
    size_t program_count;
    const char *allowed; /* names of the drivers that may run, with commas between; NULL: all */
    const char *secret;  /* of the host: where passwords of the agent's own come from */
    bool forgets_data;   /* nothing is kept over a stop, whatever goals say */
};

/* What to run for a goal. */
struct driver_launch {
    const char *const *argv; /* absolute program first, NULL-terminated */
    struct str conf;         /* content of DRIVER_CONF; empty for none */
    const struct driver_file *files;
    size_t file_count;
    const char *statics; /* all that takes effect at a start only, as text to be compared */
};

enum driver_reply {
    DRIVER_PARTIAL, /* more is to come */
    DRIVER_GOOD,
    DRIVER_BAD, /* an answer, but not the one of an engine that serves */
};

enum driver_role { DRIVER_ROLE_UNKNOWN, DRIVER_PRIMARY, DRIVER_REPLICA };

/* -1 and unknown: the answer did not say. */
struct driver_stats {
    int64_t used_memory_bytes;
    int64_t connected_clients;
    enum driver_role role;
    bool is_link_up; /* of a replica */
    int64_t replication_offset;
    int64_t lineage; /* by which term whoever writes its stream became a primary */
};

#define DRIVER_STATS_UNKNOWN                         \
    ((struct driver_stats){.used_memory_bytes = -1,  \
                           .connected_clients = -1,  \
                           .replication_offset = -1, \
                           .lineage = -1})

/* An engine at the moment of its orders. */
struct driver_now {
    int64_t epoch;         /* higher with each list of orders */
    enum driver_role role; /* as it says */
    bool is_fenced;        /* by orders that it obeyed */
    struct str record;     /* what the driver's record holds; empty when there is none */
    const char *bound;     /* orders.bound of the last that it obeyed; NULL: not known */
};

/* Something that an engine is asked over its control connection. */
struct driver_question {
    const char *request;
    /* Looks at what came so far; `out` is filled by questions about numbers. */
    enum driver_reply (*read)(struct str reply, struct driver_stats *out);
};

/* What ends and allows the writes of an engine that knows no leases, as bytes of RESP. In an arena.
 */
struct driver_fence {
    const char *fence;
    const char *unfence;
};

/* How one speaks with an engine. */
struct driver_contact {
    const char *socket; /* unix socket in the node's folder; NULL: the goal's address and port */
    const struct driver_question *probe;
    const struct driver_question *stats;
    const struct driver_question *numbers; /* its answer is for numbers.h */
    const struct driver_question *role;    /* NULL: this kind knows no roles */
    /* Said in the greeting's place where roles are watched: from then on the engine says by itself,
     * in arrays, when its role or its link changed. NULL: it cannot. */
    const struct driver_question *listen;
    char sync[DRIVER_COMMAND_BYTES];      /* what asks for all data; empty for none */
    char greeting[DRIVER_GREETING_BYTES]; /* said first on each connection; empty for none */
};

struct driver {
    const char *name;

    /* Where a program of this kind may be, the preferred first: names for $PATH, NULL-terminated...
     */
    const char *const *names;
    bool is_ours;               /* ...but in engine_dir, as it is part of Larder */
    const char *const *engines; /* which engine each of them is; NULL: as the driver is called */

    bool can_seal;          /* what it writes to its disk can be encrypted */
    bool asks_about_tokens; /* it has users who log in by tokens that others judge */

    /* It says itself when it is ready; till then an answer only means that it is loading. */
    bool says_ready;

    /* It loads seeds as they are, many and of some slots; others take one, as DRIVER_KEPT. */
    bool loads_seeds;

    /* What to run for the goal. ERR_INVALID for a goal that this kind cannot meet, ERR_NOT_FOUND
     * when the program is not on the host. */
    struct err (*prepare)(struct arena *a, const struct driver_host *host,
                          const struct agent_node_goal *goal, struct driver_launch *out);

    /* The file in the node's folder from which orders tell what was ordered before; NULL: they need
     * not know. */
    const char *record;

    void (*contact)(const struct driver_host *host, const struct agent_node_goal *goal,
                    struct driver_contact *out);

    /* What a running engine is told so that it has all of the goal's settings; none for a kind that
     * can be told nothing. May be given again, and changes nothing then. ERR_INVALID for what
     * this kind cannot have, ERR_NOT_FOUND. */
    struct err (*orders)(struct arena *a, const struct driver_host *host,
                         const struct agent_node_goal *goal, const struct driver_now *now,
                         struct driver_orders *out);

    /* How its shim holds a primary to its lease; NULL: the engine knows leases itself. */
    struct err (*fence)(struct arena *a, const struct driver_host *host,
                        const struct agent_node_goal *goal, struct driver_fence *out);

    /* The engine's last words without what it writes in front of each line; part of `line`. */
    struct str (*plain)(struct str line);
};

extern const struct driver driver_bundled, driver_redis, driver_memcached;

/* Cuts one whole reply of RESP off; `out_first` is its first line, of which an error begins with
 * '-'. Neither is touched while more is to come. */
enum driver_reply resp_cut(struct str *reply, struct str *out_first);

/* The answer to a greeting. */
extern const struct driver_question driver_greeted;

/* LARDER.LISTEN; an engine that knows it not is asked now and then as before. */
extern const struct driver_question resp_listen;

/* ERR_INVALID for a role that says not enough to be given. NULL, no role, is fine. */
must_use struct err role_check(const struct agent_node_role *role);

#define NOWHERE_PORT 1 /* of the node's own address, where nobody listens */

/* Whom a replica follows; one of nobody goes where nobody listens. */
void role_whom(const struct agent_node_goal *goal, const char **out_address, int *out_port);

/* By which the node goes to whom it follows; "" for nobody. */
void role_login(const struct agent_node_role *role, const char **out_user,
                const char **out_password);

/* True for a primary that takes writes only while it has a lease. NULL, no role, has none. */
bool role_is_leased(const struct agent_node_role *role);

/* True when what the goal's node holds is to be there again after a clean stop. What is to be
 * sealed is not kept by a kind that cannot. */
bool driver_keeps_data(const struct driver_host *host, const struct agent_node_goal *goal);

/* All kinds; the first is the default. */
extern const struct driver *const drivers[];
extern const size_t driver_count;

/* The kind of that name (NULL or "": the default), or NULL. */
const struct driver *driver_find(const char *name);

/* Fills out->programs, in `a`, with what is in `engine_dir` and $PATH of the allowed kinds. Runs
 * each program once to ask for its version; one that does not tell is left out, and so is a name
 * that leads to the program of another one. */
void drivers_survey(struct arena *a, const char *engine_dir, struct driver_host *out);

/* The same for the host's report. */
void drivers_report(struct arena *a, const struct driver_host *host,
                    struct agent_host_engine_list *out);

/* The version of the host's program at that path; "" when it has none there. */
const char *driver_version(const struct driver_host *host, const char *path);

/* The host's program of that kind whose file has this name, else its first of that kind;
 * ERR_NOT_FOUND. */
must_use struct err driver_program(struct arena *a, const struct driver_host *host,
                                   const struct driver *d, const char *name,
                                   const struct driver_program **out);

#endif
