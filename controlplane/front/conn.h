/*
 * The connections of the front: what each is doing, since when, and which polls are held back. The
 * rules of patience are here; the sockets are behind a few hooks.
 */
#ifndef LARDER_CONTROLPLANE_FRONT_CONN_H
#define LARDER_CONTROLPLANE_FRONT_CONN_H

#include "base/arena.h"
#include "base/buf.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct clock;
struct conns;
struct MHD_Connection;

/* Who may do what: in IDLE, RECEIVING and REPLYING the keeper may take the socket away; it marks
 * that by EXPIRED, and from then on the connection's thread only closes. */
enum conn_phase {
    CONN_IDLE,      /* between requests */
    CONN_RECEIVING, /* the request line is here */
    CONN_WORKING,   /* the request is complete: ours to answer */
    CONN_WAITING,   /* a poll is held back */
    CONN_REPLYING,  /* the answer is on its way */
    CONN_EXPIRED,   /* given up */
};

struct conn {
    struct conns *conns;
    struct conn *next, *prev; /* of all; guarded by conns->lock */
    struct MHD_Connection *mhd;
    int fd;
    char peer[64]; /* for logs */
    bool is_local;

    _Atomic(enum conn_phase) phase;
    atomic_llong since_ms;    /* boot time at which the phase began */
    atomic_llong progress_ms; /* RECEIVING: when the last bytes came */
    atomic_bool had_request;

    /* The request under way, for the connection's own thread, and for the keeper once EXPIRED. */
    struct arena arena;
    struct buf target; /* as in the request line */
    struct buf body;
    bool has_headers;    /* they were looked at */
    bool is_too_large;   /* the body is read and dropped */
    size_t dropped;      /* bytes of it */
    int64_t begun_us;    /* when the current round of work began */
    int64_t worked_us;   /* in rounds before */
    const void *again;   /* a held poll's decoded message */
    int64_t poll_end_ms; /* boot time at which a held poll is answered, 0 before it is first held */

    int64_t wait_until_ms; /* WAITING; guarded by conns->lock */
    uint64_t wait_key;     /* the same: what it waits for */
};

struct conns_conf {
    const struct clock *clock;
    int max; /* beyond three quarters of it, patience is short */
    int stall_ms, idle_ms;

    /* Called with the lock held, so that the socket exists. */
    void (*suspend)(struct conn *c);
    void (*resume)(struct conn *c);
    void (*expire)(struct conn *c, enum conn_phase was, void *context);
    void *context;
};

struct conns {
    struct conns_conf conf;
    atomic_uint_fast64_t wakes; /* grows with each conns_wake */
    atomic_int count;
    atomic_llong next_ms; /* boot time of the next tick, as of the last one */
    pthread_mutex_t lock; /* guards the list, WAITING and is_stopping */
    struct conn *head;
    bool is_stopping;
};

void conns_init(struct conns *all, const struct conns_conf *conf);
void conns_fini(struct conns *all); /* every conn must be closed */

/* A connection came, or is gone (its socket not yet closed). */
struct conn *conn_open(struct conns *all, struct MHD_Connection *mhd, int fd);
void conn_close(struct conn *c);

/* The request line is here; `target` is copied. */
void conn_request_begin(struct conn *c, const char *target);

/* Bytes of the body came. */
void conn_progress(struct conn *c);

/* The request is complete, or the reply begins. False when the keeper was quicker: close. */
bool conn_work_begin(struct conn *c);
bool conn_reply_begin(struct conn *c);

/* The reply is out (or the request broken off): gives the memory back and is idle again. */
void conn_request_end(struct conn *c);

/* Holds the poll back until `until_ms` or a wake by its key. False, doing nothing, when there was
 * any wake since `seen_wakes` was read from `wakes`, or when the front is stopping. */
bool conn_wait(struct conn *c, uint64_t seen_wakes, uint64_t key, int64_t until_ms);

/* Resumes held polls that wait for one of the keys, which are in ascending order; all with NULL. */
void conns_wake(struct conns *all, const uint64_t *keys, size_t count);

/* The boot time at which conns_tick is called next, if nobody asks for that sooner. */
int64_t conns_next_ms(struct conns *all);

/* Resumes polls whose time is over, gives up connections beyond patience, and returns the boot time
 * at which to call again at the latest. */
int64_t conns_tick(struct conns *all);

/* No poll is held back from now on. */
void conns_stop(struct conns *all);

bool conns_is_stopping(struct conns *all);

/* True when no further connection should be accepted. */
bool conns_is_full(struct conns *all);

#endif
