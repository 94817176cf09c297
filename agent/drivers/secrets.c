/* Passwords are made of the host's secret and never kept; what is handed on of them are digests. */
#include "agent/drivers/secrets.h"

#include "agent/drivers/driver.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/vec.h"
#include "contract/agent.h"

#include <string.h>

static const char *sha256_of(struct arena *a, const char *text)
{
    unsigned char sum[DIGEST_SHA256_BYTES];
    char *hex = arena_alloc(a, 2 * sizeof(sum) + 1);

    digest_sha256(text, strlen(text), sum);
    digest_hex(sum, sizeof(sum), hex);
    return hex;
}

const char *secret_word(struct arena *a, const struct driver_host *host, int64_t node_id,
                        const char *n)
{
    return sha256_of(
        a, arena_printf(a, "%s %lld %s", host->secret ? host->secret : "", (long long)node_id, n));
}

const char *password_rule(struct arena *a, const char *password)
{
    return arena_printf(a, "#%s", sha256_of(a, password));
}

struct err users_check(struct arena *a, const struct agent_node_goal *goal)
{
    bool has_default = !goal->users;

    for (size_t i = 0; goal->users && i < goal->users->rules.count; i++) {
        const char *line = goal->users->rules.items[i];
        if (!line || !*line || strpbrk(line, "\r\n"))
            return err_format(a, ERR_INVALID, "user %zu of the goal is no line", i + 1);
        has_default |= strncmp(line, "default ", strlen("default ")) == 0;
    }
    return has_default ? OK : err_make(ERR_INVALID, "the goal's users lack the default user");
}

void users_of_goal(struct arena *a, const struct agent_node_goal *goal, const char *suffix,
                   const char *replica_rules, const char *const **out, size_t *out_count)
{
    const struct agent_node_role *role = goal->role;
    vec_of(const char *) lines = VEC_EMPTY;

    for (size_t i = 0; goal->users && i < goal->users->rules.count; i++)
        *vec_add(a, &lines) = arena_printf(a, "user %s%s", goal->users->rules.items[i], suffix);
    if (!goal->users)
        *vec_add(a, &lines) =
            arena_printf(a, "user default on nopass sanitize-payload ~* &* +@all%s", suffix);
    if (role && role->user && role->password)
        *vec_add(a, &lines) = arena_printf(a, "user %s on %s %s", role->user,
                                           password_rule(a, role->password), replica_rules);
    *out = lines.items;
    *out_count = lines.count;
}
