/*
 * Hosts and nodes that are played: an actor takes the goals that it is given at once, as an agent
 * whose engines need no time would, and says what it sees in the agent's own words
 * (api-spec/agent.json). What engines do for each other, that a replica's link is up while its
 * primary is there, is played here, too.
 */
#ifndef LARDER_TESTS_BENCH_ACTORS_H
#define LARDER_TESTS_BENCH_ACTORS_H

#include "base/arena.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/vec.h"
#include "wire.h"

enum role { ROLE_NONE, ROLE_PRIMARY, ROLE_REPLICA };

struct actor;
struct node;

/* Where a node listens: followers go to an address, whoever is there. */
struct spot {
    struct node *node;               /* NULL: nobody yet, or any more */
    vec_of(struct node *) followers; /* who followed it at some time */
};

struct node {
    int64_t id, boot_count, crashes, term, offset;
    struct actor *actor;
    char settings[256];
    enum role role;
    struct spot *spot, *follows;
    bool is_running, is_held, is_link_up, is_told;
    int64_t crashed_us; /* 0: it did not, or a successor was named */
};

struct actor {
    struct world *world;
    int number;
    struct wire sync, report;
    vec_of(struct node *) nodes;
    int64_t generation, message_number;
    int64_t sync_at_us, report_at_us; /* when the next is sent; INT64_MAX: not by time */
    int64_t sync_sent_us;
    struct buf said; /* all nodes as JSON, as long as nothing changes */
    bool is_said, was_answered, is_away, has_news;
};

struct world {
    int epoll_fd, count, zones, jitter_ms, loss_percent;
    struct sockaddr_in server;
    struct arena arena;
    struct rng rng;
    struct actor *actors;
    struct map spots; /* "10.0.0.1:6379" to what is there */
    vec_of(struct node *) nodes;
    int64_t memory_bytes, syncs, reports, surprises, failovers;
    int64_t crashed_us,
        told_us; /* when the last primary ended; when the last goal was another one */
};

int64_t now_us(void);

void world_open(struct world *w);

/* Sends what is due; when the next is. */
int64_t world_step(struct world *w, int64_t now);

/* Ends the process of a node; its followers hear of that. */
void node_crash(struct node *n);

/* A primary with a replica that could take its place. */
bool node_may_crash(const struct node *n);

/* The host is gone, with all that runs on it; or is back with nothing. */
void actor_leave(struct actor *a);
void actor_return(struct actor *a);

#endif
