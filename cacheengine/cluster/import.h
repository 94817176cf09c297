/*
 * Slot migration, the side that gets (migration.h has the whole): which slots are expected, from
 * whom, and how far their keys have come. Their keys stand among all others but are hidden, as the
 * slots are another's, until they are taken.
 */
#ifndef LARDER_CLUSTER_IMPORT_H
#define LARDER_CLUSTER_IMPORT_H

#include "cacheengine/cluster/cluster.h"

struct client;

#define IMPORTS_MAX 16

enum import_state {
    IMPORT_EXPECTED, /* nobody has come, or what was there before is being forgotten */
    IMPORT_RECEIVES,
    IMPORT_TAKEN,
    IMPORT_FAILED,
};
extern const char *const import_state_names[];

struct import {
    char id[CLUSTER_ID_LEN + 1], token[CLUSTER_ID_LEN + 1], from_shard[CLUSTER_ID_LEN + 1];
    struct slot_set slots;
    enum import_state state;
    struct client *client; /* the source's connection; NULL: there is none at present */
    uint64_t applied;      /* commands */
    char failure[160];
};

struct imports {
    struct import *items[IMPORTS_MAX]; /* owned */
    size_t count;
};

void imports_fini(struct imports *im);

/* Expects slots, and puts that on record; the same again changes nothing. ERR_CONFLICT with a
 * sentence in `a` when they are this node's already, not of that shard, or expected by another id;
 * ERR_LIMIT. */
must_use struct err import_expect(struct imports *im, struct cluster *c, struct arena *a,
                                  const struct import *wanted);

/* One that a record tells of, which another process has left; NULL when there are too many. */
struct import *import_add(struct imports *im, const struct handover *one);

struct import *import_find(const struct imports *im, struct str id);
struct import *import_of(const struct imports *im, const struct client *c);

/* The one whose token this is, whatever else is wrong with it; NULL: none. Takes as long for any.
 */
struct import *import_by_token(const struct imports *im, struct str token);

/* Forgets one; its keys are another's then, and go. */
void import_drop(struct imports *im, struct cluster *c, struct import *i);

/* Makes the slots this node's, and its record "taken"; false when there is no record any more. */
bool import_take(struct cluster *c, struct import *i);

/* Notes that it can not go on. */
void import_fail(struct import *i, const char *why);

/* Makes cluster->importing anew; call after a state has changed. */
void imports_settle(const struct imports *im, struct cluster *c);

#endif
