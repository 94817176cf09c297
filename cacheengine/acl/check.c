/* May this user do that? */
#include "base/command.h"
#include "cacheengine/acl/internal.h"
#include "cacheengine/keyspace/glob.h"

static bool has_first_arg(const struct acl_selector *s, const struct acl_request *r)
{
    if (r->argc < 2)
        return false;
    vec_each(first, &s->first_args)
        if (first->command == r->cmd->id && str_is_nocase(r->argv[1], first->word.ptr))
            return true;
    return false;
}

static bool allows_command(const struct acl_selector *s, const struct acl_request *r)
{
    return s->all_commands || (r->cmd->flags & CMD_NO_AUTH) ||
           selector_has_command(s, r->cmd->id) || has_first_arg(s, r);
}

static bool allows_key(const struct acl_selector *s, struct str key, uint32_t access)
{
    if (s->all_keys)
        return true;
    vec_each(pattern, &s->keys)
        if ((pattern->access & access) == access && glob_match(pattern->text, key))
            return true;
    return false;
}

/* A pattern to subscribe to must be one of those given, letter by letter. */
static bool allows_channel(const struct acl_selector *s, struct str channel, bool is_pattern)
{
    if (s->all_channels)
        return true;
    vec_each(pattern, &s->channels)
        if (is_pattern ? str_eq(*pattern, channel) : glob_match(*pattern, channel))
            return true;
    return false;
}

static enum acl_verdict check_selector(const struct acl_selector *s, const struct acl_request *r,
                                       uint32_t *arg)
{
    enum acl_verdict refused = ACL_ALLOWED;

    *arg = 0;
    if (!allows_command(s, r))
        return ACL_NO_COMMAND;
    /* Keys come before channels, whatever order the arguments have. */
    for (uint32_t i = 0; i < r->subject_count && refused != ACL_NO_KEY; i++) {
        const struct acl_subject *subject = &r->subjects[i];
        struct str name = r->argv[subject->arg];
        bool ok = subject->is_channel ? allows_channel(s, name, subject->is_pattern)
                                      : allows_key(s, name, subject->access);

        if (ok || (subject->is_channel && refused))
            continue;
        refused = subject->is_channel ? ACL_NO_CHANNEL : ACL_NO_KEY;
        *arg = subject->arg;
    }
    return refused;
}

enum acl_verdict acl_check(const struct acl_user *u, const struct acl_request *r, uint32_t *out_arg)
{
    enum acl_verdict worst = ACL_NO_COMMAND;

    *out_arg = 0;
    vec_each(s, &u->selectors) {
        uint32_t arg;
        enum acl_verdict verdict = check_selector(s, r, &arg);

        if (verdict == ACL_ALLOWED)
            return ACL_ALLOWED;
        if (verdict > worst || (verdict == worst && arg > *out_arg)) {
            worst = verdict;
            *out_arg = arg;
        }
    }
    return worst;
}

static bool reaches_all(const struct acl_selector *s, uint32_t access)
{
    if (s->all_keys)
        return true;
    vec_each(pattern, &s->keys)
        if ((pattern->access & access) == access && str_is(pattern->text, "*"))
            return true;
    return false;
}

bool acl_may_reach_all(const struct acl_user *u, const struct acl_request *r, uint32_t access)
{
    uint32_t arg;

    vec_each(s, &u->selectors)
        if (reaches_all(s, access) && check_selector(s, r, &arg) == ACL_ALLOWED)
            return true;
    return false;
}

bool acl_may_listen(const struct acl_user *u, struct str channel, bool is_pattern)
{
    vec_each(s, &u->selectors)
        if (allows_channel(s, channel, is_pattern))
            return true;
    return false;
}
