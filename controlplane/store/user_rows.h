/* Rows of users, for the files that join them; private to store/. */
#ifndef LARDER_CONTROLPLANE_STORE_USER_ROWS_H
#define LARDER_CONTROLPLANE_STORE_USER_ROWS_H

#include "controlplane/model/users.h"
#include "controlplane/store/db.h"

/* The columns of a user under the name of its table in the query. */
#define USER_COLUMNS(t)                                                                           \
    t ".id, " t ".account, " t ".region, " t ".name, " t ".login, " t ".engine, " t ".access, " t \
      ".authentication, " t ".digests, " t ".revision, " t ".settled_revision, " t                \
      ".is_wanted, " t ".created_ms"
#define USER_COLUMN_COUNT 13

/* The default user as a row of those columns. */
#define USER_PRESET(account, region)                                                   \
    "SELECT 0 AS id, " account " AS account, " region " AS region, '" USER_DEFAULT     \
    "' AS name, '" USER_DEFAULT "' AS login, 'redis' AS engine, '" USER_DEFAULT_ACCESS \
    "' AS access, 'no-password' AS authentication, '' AS digests, 1 AS revision, "     \
    "1 AS settled_revision, 1 AS is_wanted, 0 AS created_ms"

/* All users of an account and region, the default one too. */
#define USERS_OF(account, region)                                                                \
    "SELECT id, account, region, name, login, engine, access, authentication, digests, "         \
    "revision, settled_revision, is_wanted, created_ms FROM cache_user WHERE account = " account \
    " AND region = " region " UNION ALL " USER_PRESET(account, region)

/* The user whose columns begin at column `at`. */
void row_to_user(struct query *q, int at, struct user *out);

#endif
