/*
 * When which cluster or group is to be looked at though nothing touches it: what a look waited for
 * has its deadline here. Times are of the boot clock. Private
 * to reconcile/.
 */
#ifndef LARDER_CONTROLPLANE_RECONCILE_ALARMS_H
#define LARDER_CONTROLPLANE_RECONCILE_ALARMS_H

#include "base/map.h"

#include <stdbool.h>
#include <stdint.h>

/* A group with all its members, or a cluster outside of groups. */
struct subject {
    bool is_group;
    int64_t id;
};

struct alarm {
    int64_t at_ms;
    struct subject subject;
};

struct alarms {
    struct alarm *heap; /* the earliest first; some may have been outrun by earlier ones */
    size_t count, capacity;
    struct map earliest; /* of each subject: its alarm's at_ms, on the heap */
};

void alarms_init(struct alarms *all);
void alarms_fini(struct alarms *all);

/* The subject is to be looked at no later than that. One that is set for earlier stays. */
void alarms_set(struct alarms *all, struct subject subject, int64_t at_ms);

/* When the first is due; INT64_MAX when there is none. */
int64_t alarms_next_ms(const struct alarms *all);

/* Takes one that is due; false when none is. */
bool alarms_take(struct alarms *all, int64_t now_ms, struct subject *out);

#endif
