/*
 * A whole shard in a box: the rules of groups as they are, and around them agents, engines and a
 * network that are played. One seed is one schedule: crashes, hosts that are cut off, switchovers,
 * a control plane that restarts, messages that come late, twice, out of order or not at all; then
 * calm. With leases, also partitions between any two, hosts that are lost or stand still, and
 * clocks that run at different speeds. Time is a number, so ten thousand schedules take seconds.
 *
 *     rules (real) -- goal --> agent (played) -- orders --> engine (played)
 *          ^--------- report -----/    \---- renewals (real) ---> voters (real)
 *
 * What is checked after each step of 10 ms is in play_step; `broken` says what did not hold.
 */
#ifndef LARDER_TESTS_UNIT_RECONCILE_PLAY_H
#define LARDER_TESTS_UNIT_RECONCILE_PLAY_H

#include "base/rng.h"
#include "base/vec.h"
#include "controlplane/model/settings.h"
#include "group_scene.h"
#include "lease/holder.h"
#include "lease/voter.h"

#define PLAY_MEMBERS 3
#define PLAY_LOG     8192
#define PLAY_PLANE   PLAY_MEMBERS
#define PLAY_SITES   (PLAY_MEMBERS + 1)

enum play_plant { /* mistakes that are made on purpose */
                  PLANT_NONE,
                  PLANT_OLD_ORDERS,  /* agents and engines obey orders of any term */
                  PLANT_OLD_REPORTS, /* what was overtaken on its way counts */
                  PLANT_EARLY_START, /* a crashed primary comes back at once, empty, and goes on */
                  PLANT_NO_WAIT,     /* a successor does not wait for what its predecessor had */
                  PLANT_FORGETFUL,   /* how many primaries have ended is not kept */
                  PLANT_HASTY,       /* silence is taken for an end */
                  PLANT_EAGER_VOTE,  /* a voter promises before what it granted ran out */
                  PLANT_LOST_VOTE, /* a voter that was restarted knows nothing, and acts at once */
                  PLANT_NO_PROMISES, /* asking for promises is taken for having them */
                  PLANT_WILD_CLOCKS, /* clocks differ by more than voters allow for */
                  PLANT_FEW,         /* who tells first is promoted, whoever else may know more */
                  PLANT_PATIENT,     /* one that is late to become a primary is waited for */
                  PLANT_UNEVEN, /* a successor is taken for level whatever it has, and waits for
                                   nothing */
                  PLANT_SHORT,  /* a voter that was restarted takes leases for the shortest */
                  PLANT_NO_QUESTION, /* what was said before a primary's end is good enough */
};

struct play_faults {
    bool crashes, cuts, switches, restarts, delays;
    bool keeps;      /* no replica is promoted by itself */
    bool outages;    /* restarts that take their time */
    bool loops;      /* whoever is the primary ends while the shard is not whole */
    bool leases;     /* hosts vote on them; what follows is for that alone */
    bool is_pair;    /* two members, and the vote of the control plane */
    bool partitions; /* between any two, or of one host from all, in one direction or both */
    bool is_seen;    /* and the control plane hears everybody meanwhile */
    bool losses;     /* hosts go, with all that ran there, and come back; agents are restarted */
    bool pauses;     /* hosts stand still */
    bool skews;      /* clocks run at different speeds */
    bool syncs;      /* writes wait for replicas, whose links come and go */
    bool changes;    /* and are told not to, and to do so again */
    bool is_plain;   /* engines know not how to yield */
    bool hangs;      /* engines stand still, until they are ended for it */
    bool lags;       /* replicas stand still for a while, with their links up */
    bool lengths;    /* hosts get late and timely again: leases get longer and shorter */
    enum play_plant plant;
};

/* What a node is to do, as its agent is told. */
struct play_goal {
    bool has, is_primary, is_fenced, may_restart;
    int64_t term, after_offset, life, boot_count;
    int follows;     /* member; -1: nobody */
    int yields_to;   /* member; -1: nobody */
    unsigned voters; /* a bit for each site; 0: no lease is needed */
    int lease_ms, most_ms;
    int64_t asked_term; /* that the host is to promise; 0: none */
    struct settings_version version;
};

/* What an agent tells of its node. */
struct play_sight {
    int64_t number;
    enum node_state state;
    int64_t boot_count, crashes, term, offset, lineage;
    int64_t promised_term;
    bool is_primary, is_link_up, has_role, is_unleased;
    struct settings_version applied;
};

struct play_node {
    /* the agent's */
    struct play_goal goal;
    struct settings_version applied;
    int64_t goal_number; /* goals are answers of one poll: in order */
    int64_t highest_term, number, crashes, restart_at_ms, beat_at_ms;
    int64_t lost_until_ms, paused_until_ms;
    struct lease_voter *voter;
    int64_t promised_term;
    struct lease_holder holder;
    bool is_holder;
    int64_t voters_number; /* that it holds by */
    int64_t unleased_ms;   /* since when it should have a lease and has none; 0: it has */
    bool was_unleased;     /* as it said last */
    int64_t renewed_ms;    /* by the host's clock, as all that has to do with leases */
    int64_t boot_count;    /* of the process */
    bool is_held;
    /* the engine's */
    bool is_up, has_started, is_primary, has_role;
    bool has_address; /* of the primary's endpoint */
    bool is_leased;   /* it takes writes until then alone */
    int64_t lease_until_ms;
    int64_t term, role_term, fence_term;
    int follows;
    bool is_link_up;
    int64_t link_at_ms, unlinked_until_ms, stalled_until_ms;
    int64_t stuck_until_ms, still_ms; /* it does nothing; and so long it was seen to */
    struct play_yield {
        int64_t number, until_ms;
        size_t len; /* that the successor is to have */
        int to;
        enum { PLAY_YIELD_NONE, PLAY_YIELD_WAITS, PLAY_YIELD_LEVEL, PLAY_YIELD_OVER } state;
    } yield;               /* see dispatch/yield.h */
    int64_t lineage;       /* of its log: see repl/stream.h */
    int64_t acks;          /* so many replicas have a write before it is acknowledged */
    int64_t log[PLAY_LOG]; /* its writes, one after the other */
    size_t len;
    /* the control plane's */
    struct play_goal told;
    int64_t told_at_ms, told_number, taken_number, heard_ms;
};

enum play_kind { PLAY_REPORT, PLAY_GOAL, PLAY_RENEWAL, PLAY_ANSWER };

struct play_message {
    int64_t due_ms;
    int from, to;   /* sites */
    int64_t number; /* of a goal */
    enum play_kind kind;
    struct play_goal goal;
    struct play_sight sight;
    struct lease_entry entry; /* of a renewal and its answer */
    int64_t sent_ms;          /* by the clock of the one who renews */
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
    int count; /* of members, each on a host of its own; its site has its number, and the control
                * plane's is PLAY_PLANE */
    int64_t cut_until_ms[PLAY_SITES][PLAY_SITES]; /* from, to */
    int64_t rate[PLAY_SITES];  /* of the site's clock: so many thousandths faster than the time */
    struct lease_voter *voter; /* the control plane's */
    int64_t written_term;      /* of the newest primary that took a write */
    bool was_vacant;           /* a primary's lease ran out, with what it alone had */
    unsigned losses;           /* primaries that were replaced for that */
    unsigned lengths;          /* leases that were longer or shorter than those before */
    struct play_message messages[2048];
    size_t message_count;
    int64_t writes; /* acknowledged; each has the number of its own */
    /* Those that were acknowledged while promotions counted on that, and that anybody has still. */
    bool is_sure[4 * PLAY_LOG];
    int64_t term; /* the highest goal so far */
    int64_t ends; /* of the primary's engine, as they were known when it was chosen */
    unsigned switches, failovers, held, sure, declined;
    int64_t falls, fell_ms,
        last_fell_ms;   /* failovers one upon another, with nobody asking for another primary */
    const char *broken; /* what did not hold; NULL: all did */
};

/* Plays one schedule to its end. */
void play_schedule(struct play *p, uint64_t seed, const struct play_faults *faults);
void play_close(struct play *p);

#endif
