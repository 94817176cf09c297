/*
 * Refusals, newest first: ACL LOG. Equal ones within a minute are one entry with a count.
 */
#ifndef LARDER_ACL_LOG_H
#define LARDER_ACL_LOG_H

#include "cacheengine/acl/acl.h"

enum acl_context { ACL_AT_TOP, ACL_IN_MULTI, ACL_IN_SCRIPT };

/* What was refused; texts belong to the caller. */
struct acl_refusal {
    enum acl_verdict verdict;
    enum acl_context context;
    struct str object; /* the command, key or channel; of a login AUTH itself */
    struct str user;
    struct str client_info; /* a line of CLIENT LIST */
    int64_t now_ms;
};

struct acl_log_entry {
    struct acl_log_entry *next; /* the older one */
    uint64_t count;
    uint64_t id;
    enum acl_verdict verdict;
    enum acl_context context;
    int64_t created_ms, updated_ms; /* wall time */
    char *client_info;
    struct str object, user;
    char texts[]; /* of object and user */
};

struct acl_log {
    struct acl_log_entry *newest;
    size_t count;
    uint64_t next_id;
    uint64_t refused[ACL_NO_LOGIN + 1]; /* by verdict, since the start or acl_log_reset_counts */
};

/* Notes a refusal, and forgets the oldest beyond `max` entries. */
void acl_log_add(struct acl_log *log, const struct acl_refusal *r, size_t max);

/* Forgets all entries but the newest `keep`. */
void acl_log_trim(struct acl_log *log, size_t keep);

/* "command", "toplevel". */
const char *acl_verdict_name(enum acl_verdict v);
const char *acl_context_name(enum acl_context c);

#endif
