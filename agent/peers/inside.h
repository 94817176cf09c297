/* What the parts of peers share. */
#ifndef LARDER_AGENT_PEERS_INSIDE_H
#define LARDER_AGENT_PEERS_INSIDE_H

#include "agent/peers/lateness.h"
#include "agent/peers/peers.h"
#include "lease/voter.h"

#include <pthread.h>

/* A lease of a node of this host. */
struct held {
    struct peers_lease lease; /* its texts are owned */
    struct lease_holder holder;
    struct peers_voter voters[LEASE_VOTERS_MAX];
    int fd;            /* to whom it is told; -1 while nobody is there */
    int64_t told_ms;   /* until when, as was told last; INT64_MIN for nothing */
    bool is_renewed;   /* else it is only kept until it is taken over or dropped */
    bool is_known_won; /* as the agent was told */
    struct held *next;
};

struct peers {
    pthread_mutex_t lock; /* of all below */
    pthread_t thread;
    bool has_thread, is_ending;
    bool has_key;
    unsigned char key[LEASE_KEY_BYTES];
    uint64_t number; /* of this host's voter */
    char *key_path;
    int socket_fd, timer_fd, wake_fd, news_fd;
    struct lease_voter *voter;
    struct lease_rounds rounds;
    int64_t round_ms; /* when the timer's last round began; 0: none did */
    struct lateness late;
    struct held *held;
};

/* Sends one round of renewals, votes on them here, and tells what came of it. */
void rounds_send(struct peers *p, int64_t now_ms);

/* Takes all datagrams that have come. */
void rounds_receive(struct peers *p);

/* Looks whether leases were won or lost since the agent was told; true when one was. */
bool rounds_look(struct peers *p, int64_t now_ms);

/* Tells the engine or shim until when, where that was not said yet. */
void tell_until(struct held *h);

/* Says to the shim that there is nothing to be watched any more. */
void tell_none(struct held *h);

/* Reads what came over the connection, which says nothing that matters, and notices its end. */
void tell_drain(struct held *h);

#endif
