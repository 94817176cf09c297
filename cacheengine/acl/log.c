/* The log of refusals: a short list, searched from its head. */
#include "cacheengine/acl/log.h"

#include <stdlib.h>
#include <string.h>

#define SAME_WITHIN_MS 60000
#define SEARCH_DEPTH   10

const char *acl_verdict_name(enum acl_verdict v)
{
    static const char *const names[] = {
        [ACL_ALLOWED] = "allowed",    [ACL_NO_COMMAND] = "command", [ACL_NO_KEY] = "key",
        [ACL_NO_CHANNEL] = "channel", [ACL_NO_LOGIN] = "auth",
    };

    return names[v];
}

const char *acl_context_name(enum acl_context c)
{
    static const char *const names[] = {
        [ACL_AT_TOP] = "toplevel",
        [ACL_IN_MULTI] = "multi",
        [ACL_IN_SCRIPT] = "lua",
    };

    return names[c];
}

static bool is_same(const struct acl_log_entry *e, const struct acl_refusal *r)
{
    return e->verdict == r->verdict && e->context == r->context &&
           llabs(e->updated_ms - r->now_ms) <= SAME_WITHIN_MS && str_eq(e->object, r->object) &&
           str_eq(e->user, r->user);
}

/* Takes the entry for the same refusal out of the list. */
static struct acl_log_entry *take_same(struct acl_log *log, const struct acl_refusal *r)
{
    struct acl_log_entry **at = &log->newest;

    for (int i = 0; i < SEARCH_DEPTH && *at; i++, at = &(*at)->next) {
        struct acl_log_entry *e = *at;

        if (!is_same(e, r))
            continue;
        *at = e->next;
        log->count--;
        return e;
    }
    return NULL;
}

static struct acl_log_entry *entry_new(struct acl_log *log, const struct acl_refusal *r)
{
    struct acl_log_entry *e = malloc(sizeof(*e) + r->object.len + r->user.len);

    check(e);
    *e = (struct acl_log_entry){
        .id = log->next_id++,
        .verdict = r->verdict,
        .context = r->context,
        .created_ms = r->now_ms,
        .object = {e->texts,                 r->object.len},
        .user = {e->texts + r->object.len, r->user.len  }
    };
    memcpy(e->texts, r->object.ptr, r->object.len);
    memcpy(e->texts + r->object.len, r->user.ptr, r->user.len);
    return e;
}

void acl_log_add(struct acl_log *log, const struct acl_refusal *r, size_t max)
{
    log->refused[r->verdict]++;
    if (max > 0) {
        struct acl_log_entry *e = take_same(log, r);

        if (!e)
            e = entry_new(log, r);
        free(e->client_info);
        e->client_info = strndup(r->client_info.ptr, r->client_info.len);
        check(e->client_info);
        e->updated_ms = r->now_ms;
        e->count++;
        e->next = log->newest;
        log->newest = e;
        log->count++;
    }
    acl_log_trim(log, max);
}

void acl_log_trim(struct acl_log *log, size_t keep)
{
    struct acl_log_entry **at = &log->newest;

    for (size_t i = 0; i < keep && *at; i++)
        at = &(*at)->next;
    while (*at) {
        struct acl_log_entry *e = *at;

        *at = e->next;
        log->count--;
        free(e->client_info);
        free(e);
    }
}
