/*
 * Users, the groups that they are in, and the rules about them. Pure, as plain data; text is never
 * NULL, "" means not given.
 *
 * A change of who may do what is a revision: a number of one sequence for the whole service, so
 * that of two states of one cache the later has the higher one. What is wanted has a revision, what
 * is in force wherever it has to be is the settled one.
 */
#ifndef LARDER_CONTROLPLANE_MODEL_USERS_H
#define LARDER_CONTROLPLANE_MODEL_USERS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define USER_ID_MAX        40
#define USER_LOGIN_MAX     128
#define USER_PASSWORDS_MAX 2
#define PASSWORD_MIN       16
#define PASSWORD_MAX       128

/* The user that every account has in every region, and the name by which caches know who gives
 * none. */
#define USER_DEFAULT        "default"
#define USER_DEFAULT_ACCESS "on ~* +@all"

/* Names of users by which nodes come to each other, and agents to them, begin so. */
#define USER_OWNERS_PREFIX "larder-"

enum authentication { AUTHENTICATION_PASSWORD, AUTHENTICATION_NONE, AUTHENTICATION_IAM };

/* "password", "no-password", "iam". */
const char *authentication_name(enum authentication kind);
bool authentication_parse(const char *name, enum authentication *out);

struct user {
    int64_t id; /* 0: the built-in default user */
    const char *account, *region;
    const char *name;   /* the UserId */
    const char *login;  /* the UserName: how clients call it */
    const char *engine; /* redis, valkey */
    const char *access; /* the access string, as answered */
    enum authentication authentication;
    const char *digests; /* of its passwords: SHA-256, 64 hexadecimal digits each, with commas */
    int64_t revision, settled_revision;
    bool is_wanted;
    int64_t created_ms;
};

struct user_list {
    struct user *items;
    size_t count;
};

struct user_group {
    int64_t id;
    const char *account, *region, *name, *engine;
    int64_t revision, settled_revision; /* settled 0: it is being made */
    int64_t revised_ms;                 /* when `revision` was given */
    bool is_wanted;
    int64_t created_ms;
};

/* A user in a group. */
struct member {
    int64_t group_id;
    const char *group, *group_engine; /* its name and engine */
    int64_t added_revision;           /* of the group */
    int64_t removed_revision;         /* 0: it stays */
    struct user user;
};

struct member_list {
    struct member *items;
    size_t count;
};

/* --- status --- */

enum access_status { ACCESS_CREATING, ACCESS_ACTIVE, ACCESS_MODIFYING, ACCESS_DELETING };

enum access_status user_status(const struct user *u);
enum access_status user_group_status(const struct user_group *g);
const char *access_status_word(enum access_status status);

/* --- rules; FAULT_* with sentences in `a` --- */

/* Checks passwords (one at least, USER_PASSWORDS_MAX at most) and gives their digests, equal ones
 * once. FAULT_INVALID_PARAMETER_VALUE. */
must_use struct err user_passwords_read(struct arena *a, const char *const *passwords, size_t count,
                                        const char **out_digests);

/* Of one password, in hexadecimal digits; in `a`. */
char *password_digest(struct arena *a, const char *password);

/* How many digests there are. */
size_t digests_count(const char *digests);

/* What one user must be by itself: the name that clients give, what its engine allows. */
must_use struct err user_check(struct arena *a, const struct user *u);

/* What users must be together in a group of that engine. FAULT_DEFAULT_USER_REQUIRED,
 * FAULT_DUPLICATE_USER_NAME, FAULT_INVALID_PARAMETER_VALUE (too many),
 * FAULT_INVALID_PARAMETER_COMBINATION (another engine). */
must_use struct err user_group_check(struct arena *a, const char *engine,
                                     const struct user *const *users, size_t count);

/* The engine's word in lower case: FAULT_INVALID_PARAMETER_VALUE unless it is redis or valkey. */
must_use struct err user_engine_read(struct arena *a, const char *engine, const char **out);

/* The lowest engine version that knows all that is used: "6.0", "6.2", "7.0", "7.2". */
const char *user_minimum_version(const struct user *u);
const char *user_group_minimum_version(const char *engine, const struct user *const *users,
                                       size_t count);

#endif
