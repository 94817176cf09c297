/*
 * Who is out there: each host's incarnation and when it was last heard, in memory; private to
 * fleet/. Presence is not worth a write to disk at each beat; only silence and return are facts for
 * the store.
 */
#ifndef LARDER_CONTROLPLANE_FLEET_HOSTS_H
#define LARDER_CONTROLPLANE_FLEET_HOSTS_H

#include "base/err.h"
#include "base/map.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct arena;

#define PRESENCE_PAST 8 /* earlier incarnations remembered per host */

enum presence_level {
    PRESENCE_HEARD,
    PRESENCE_QUIET,  /* not for longer than a beat should take */
    PRESENCE_SILENT, /* for much longer: the host counts as lost */
};

/* After how long without a word a host is what; 0: never quiet. */
struct presence_limits {
    int64_t quiet_ms, silent_ms;
};

struct presence {
    char *host_id;
    char *incarnation;         /* the latest */
    char *past[PRESENCE_PAST]; /* those before it, in a ring */
    unsigned past_count;
    int64_t heard_boot_ms;     /* last contact */
    int64_t message_number;    /* the highest that was taken of this incarnation */
    int64_t told_generation;   /* of the goals that it was told last; 0: none */
    int64_t late_ms;           /* as the store has it: how late renewals are */
    enum presence_level level; /* as the store has it */
    int waiting;               /* messages of it that wait for the store */
    bool has_obeyed;           /* this control plane, since it was started */
};

struct presence_table {
    pthread_mutex_t lock; /* guards all */
    struct map by_id;     /* host id -> struct presence */
};

void presence_init(struct presence_table *t);
void presence_fini(struct presence_table *t);

/* Makes an entry or gives an existing one a new incarnation; counts as heard at `now_boot_ms`. */
void presence_enrol(struct presence_table *t, const char *host_id, const char *incarnation,
                    int64_t now_boot_ms);

/* Marks a host that there is as the store has it from before. */
void presence_mark(struct presence_table *t, const char *host_id, enum presence_level level);

enum presence_answer {
    PRESENCE_CURRENT,    /* the host's latest incarnation; marked as heard */
    PRESENCE_NEW,        /* a host or an incarnation not seen before */
    PRESENCE_SUPERSEDED, /* an incarnation that another one has followed */
};

/* Who speaks. For a current one, `*out_before` tells what the host was marked as until now. */
enum presence_answer presence_hear(struct presence_table *t, const char *host_id,
                                   const char *incarnation, int64_t now_boot_ms,
                                   enum presence_level *out_before);

/* The same of a message that was heard before, and is looked at again: it marks nobody as heard. */
enum presence_answer presence_of(struct presence_table *t, const char *host_id,
                                 const char *incarnation);

/* Whether a message of the host's present incarnation is none that a later one has overtaken. One
 * without a number (0) always counts. To be asked where messages are taken one by one. */
bool presence_take_message(struct presence_table *t, const char *host_id, int64_t number);

/* How late the host says renewals of leases are: whether the store has something else, and that it
 * has this now. */
bool presence_late_is_news(struct presence_table *t, const char *host_id, int64_t late_ms);
void presence_late_is_kept(struct presence_table *t, const char *host_id, int64_t late_ms);

/* The host said that it obeys this control plane; whether it ever did. */
void presence_obeys(struct presence_table *t, const char *host_id);
bool presence_has_obeyed(struct presence_table *t, const char *host_id);

/* The host is told goals of that generation; whether those are what it was told last. */
void presence_tell(struct presence_table *t, const char *host_id, int64_t generation);
bool presence_was_told(struct presence_table *t, const char *host_id, int64_t generation);

/* A message of the host waits for the store, from the one to the other: it is for this control
 * plane that the host is not heard again meanwhile, and nobody is silent whose word was not taken.
 */
void presence_wait_begin(struct presence_table *t, const char *host_id);
void presence_wait_end(struct presence_table *t, const char *host_id, int64_t now_boot_ms);

struct presence_change {
    const char *host_id;
    enum presence_level level;
};

/* Marks the hosts that were not heard of for so long, and tells of each that was marked otherwise
 * before; in `a`. `*out_next_boot_ms` is when the next could fall silent; INT64_MAX when none can.
 */
void presence_take_unheard(struct presence_table *t, struct arena *a, int64_t now_boot_ms,
                           const struct presence_limits *limits, struct presence_change **out,
                           size_t *out_count, int64_t *out_next_boot_ms);

#endif
