/* Users and groups for the tests of handlers, and somebody who puts their changes in force. */
#ifndef LARDER_TESTS_UNIT_OPS_PEOPLE_H
#define LARDER_TESTS_UNIT_OPS_PEOPLE_H

#include "contract/elasticache.h"

#include <stddef.h>

/* Creates a user with a password; `login` NULL: the same as the id. */
void people_user(const char *id, const char *login, const char *engine);

/* Creates a group and settles it. */
void people_group(const char *id, const char *engine, const char **members, size_t count);

/* Everything that was changed is in force everywhere. */
void people_settle(void);

struct ec_user *people_user_now(const char *id);
struct ec_user_group *people_group_now(const char *id);

/* A replication group of that engine and version that a user group is attached to. */
void people_attach(const char *replication_group, const char *engine, const char *version,
                   const char *user_group);

#endif
