/* Global datastores as plain data: replication groups in several regions of which one takes writes
 * and the others follow it. Text is never NULL. */
#ifndef LARDER_CONTROLPLANE_MODEL_GLOBAL_H
#define LARDER_CONTROLPLANE_MODEL_GLOBAL_H

#include "controlplane/model/group.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define GLOBAL_SECONDARIES_MAX 2

struct global_datastore {
    int64_t id;
    const char *account, *name, *description;
    int64_t created_ms;
};

/* What a member is, or is about to be. */
enum global_role {
    GLOBAL_PRIMARY,
    GLOBAL_SECONDARY,
    GLOBAL_SUCCESSOR, /* a secondary that is to be the primary */
    GLOBAL_LEAVING,   /* a secondary that is to stand alone */
};

const char *global_role_name(enum global_role role);
bool global_role_parse(const char *name, enum global_role *out);

/* "PRIMARY" or "SECONDARY", and "associated" or "disassociating", as members are shown. */
const char *global_role_word(enum global_role role);
const char *global_member_word(enum global_role role);

struct global_member {
    int64_t group_id, datastore_id;
    enum global_role role;
    const char *datastore;      /* its name */
    const char *group, *region; /* its group's */
};

/* The member of that role, or NULL. */
struct global_member *global_member_of_role(struct global_member *members, size_t count,
                                            enum global_role role);

/* What names of datastores that are made in the region begin with: five letters; in `a`. */
const char *global_prefix(struct arena *a, const char *region);

/* Whether members may have nodes of that type: of the families and sizes that take part. */
bool global_takes_type(const char *node_type);

#endif
