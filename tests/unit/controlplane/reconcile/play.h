/*
 * A whole shard in a box: the rules of groups as they are, and around them agents, engines and a
 * network that are played. One seed is one schedule: crashes, hosts that are cut off, switchovers,
 * a control plane that restarts, messages that come late, twice, out of order or not at all; then
 * calm. Time is a number, so ten thousand schedules take seconds.
 *
 *     rules (real) -- goal --> agent (played) -- orders --> engine (played)
 *          ^--------- report -----/                          writes, streams, crashes
 *
 * What is checked after each step of 10 ms is in play_step; `broken` says what did not hold.
 */
#ifndef LARDER_TESTS_UNIT_RECONCILE_PLAY_H
#define LARDER_TESTS_UNIT_RECONCILE_PLAY_H

#include "base/rng.h"
#include "base/vec.h"
#include "controlplane/model/settings.h"
#include "group_scene.h"

#define PLAY_MEMBERS 3
#define PLAY_LOG     8192

enum play_plant { /* mistakes that are made on purpose */
                  PLANT_NONE,
                  PLANT_OLD_ORDERS,  /* agents and engines obey orders of any term */
                  PLANT_OLD_REPORTS, /* what was overtaken on its way counts */
                  PLANT_EARLY_START, /* a crashed primary comes back at once, empty, and goes on */
                  PLANT_NO_WAIT,     /* a successor does not wait for what its predecessor had */
                  PLANT_FORGETFUL,   /* how many primaries have ended is not kept */
                  PLANT_HASTY,       /* silence is taken for an end */
                  PLANT_FEW,         /* who tells first is promoted, whoever else may know more */
                  PLANT_NO_QUESTION, /* what was said before a primary's end is good enough */
};

struct play_faults {
    bool crashes, cuts, switches, restarts, delays;
    bool keeps;   /* no replica is promoted by itself */
    bool outages; /* restarts that take their time */
    bool loops;   /* whoever is the primary ends while the shard is not whole */
    bool syncs;   /* writes wait for replicas, whose links come and go */
    bool changes; /* and are told not to, and to do so again */
    enum play_plant plant;
};

/* What a node is to do, as its agent is told. */
struct play_goal {
    bool has, is_primary, is_fenced, may_restart;
    int64_t term, after_offset, life, boot_count;
    int follows; /* member; -1: nobody */
    struct settings_version version;
};

/* What an agent tells of its node. */
struct play_sight {
    int64_t number;
    enum node_state state;
    int64_t boot_count, crashes, term, offset, lineage;
    bool is_primary, is_link_up, has_role;
    struct settings_version applied;
};

struct play_node {
    /* the agent's */
    struct play_goal goal;
    struct settings_version applied;
    int64_t goal_number; /* goals are answers of one poll: in order */
    int64_t highest_term, number, crashes, restart_at_ms, beat_at_ms, cut_until_ms;
    int64_t boot_count; /* of the process */
    bool is_held;
    /* the engine's */
    bool is_up, has_started, is_primary, has_role;
    bool has_address; /* of the primary's endpoint */
    int64_t term, role_term, fence_term;
    int follows;
    bool is_link_up;
    int64_t link_at_ms, unlinked_until_ms;
    int64_t lineage;       /* of its log: see repl/stream.h */
    int64_t acks;          /* so many replicas have a write before it is acknowledged */
    int64_t log[PLAY_LOG]; /* its writes, one after the other */
    size_t len;
    /* the control plane's */
    struct play_goal told;
    int64_t told_at_ms, told_number, taken_number, heard_ms;
};

struct play_message {
    int64_t due_ms;
    int member;
    int64_t number; /* of a goal */
    bool is_report;
    struct play_goal goal;
    struct play_sight sight;
};

struct play {
    struct group_scene scene;
    struct rng rng;
    struct play_faults faults;
    int64_t now_ms;
    int64_t away_until_ms; /* nobody decides, and what is sent to whoever should is lost */
    bool is_calm;          /* no faults any more */
    bool has_news;
    bool has_crashed;
    struct play_node nodes[PLAY_MEMBERS];
    struct play_message messages[512];
    size_t message_count;
    int64_t writes; /* acknowledged; each has the number of its own */
    /* Those that were acknowledged while promotions counted on that, and that anybody has still. */
    bool is_sure[4 * PLAY_LOG];
    int64_t term; /* the highest goal so far */
    int64_t ends; /* of the primary's engine, as they were known when it was chosen */
    unsigned switches, failovers, held, sure;
    int64_t falls, fell_ms,
        last_fell_ms;   /* failovers one upon another, with nobody asking for another primary */
    const char *broken; /* what did not hold; NULL: all did */
};

/* Plays one schedule to its end. */
void play_schedule(struct play *p, uint64_t seed, const struct play_faults *faults);
void play_close(struct play *p);

#endif
