/*
 * The configuration family: `config get|set|delete NAME`, by which clients of a cluster find its
 * nodes (NAME is "cluster"). The owner has the engine say it by a directive, or sets it through the
 * admin socket; on a restricted engine nobody else can.
 */
#include "cacheengine/proto/memcached.h"

#include <stdlib.h>

#define CLUSTER "cluster" /* the name under which nodes are found */

const struct mc_config *mc_config_find(const struct mc_state *s, struct str name)
{
    for (size_t i = 0; i < MC_CONFIGS; i++)
        if (s->configs[i].name && str_is(name, s->configs[i].name))
            return &s->configs[i];
    return NULL;
}

void mc_config_clear(struct mc_config *config)
{
    free(config->name);
    buf_fini(&config->data);
    *config = (struct mc_config){0};
}

static struct mc_config *find_mutable(struct mc_state *s, struct str name)
{
    const struct mc_config *found = mc_config_find(s, name);

    return found ? &s->configs[found - s->configs] : NULL;
}

bool mc_config_read(const struct cmd_call *c, struct str name, struct str *out, uint32_t *out_flags)
{
    const struct mc_config *config = mc_config_find(mc_state(c), name);
    const char *cluster = c->engine->settings.memcached_cluster;

    if (!config && (!str_is(name, CLUSTER) || *cluster == '\0'))
        return false;
    *out = config ? buf_str(&config->data) : str_of(cluster);
    *out_flags = config ? config->flags : 0;
    return true;
}

bool mc_config_may_change(const struct cmd_call *c)
{
    return !c->engine->settings.is_restricted || (c->client && c->client->is_admin);
}

bool mc_config_remove(struct cmd_call *c, struct str name)
{
    struct mc_config *config = find_mutable(mc_state(c), name);

    if (config)
        mc_config_clear(config);
    return config != NULL;
}

static void get(struct cmd_call *c, struct str name)
{
    char head[MC_KEY_MAX + 64];
    struct str data;
    uint32_t flags;

    if (mc_config_read(c, name, &data, &flags)) {
        int len =
            snprintf(head, sizeof(head), "CONFIG %.*s %u %zu\r\n", STR_ARG(name), flags, data.len);

        reply_raw(c->reply, head, (size_t)len);
        reply_raw(c->reply, data.ptr, data.len);
        reply_literal(c->reply, "\r\n");
    }
    reply_literal(c->reply, "END\r\n");
}

void mc_run_config(struct cmd_call *c)
{
    mc_begin(c);
    if (c->argv[2].len > MC_KEY_MAX) {
        mc_line(c, MC_BAD_FORMAT);
    } else if (str_is(c->argv[1], "get")) {
        get(c, c->argv[2]);
    } else if (!str_is(c->argv[1], "delete") || !mc_config_may_change(c)) {
        mc_line(c, "ERROR");
    } else {
        mc_say(c, mc_config_remove(c, c->argv[2]) ? "DELETED" : "NOT_FOUND", false);
    }
    mc_end(c);
}

/* The entry of that name, or a free one under it; NULL when there are too many. */
static struct mc_config *config_place(struct mc_state *s, struct str name)
{
    struct mc_config *found = find_mutable(s, name);

    for (size_t i = 0; !found && i < MC_CONFIGS; i++)
        if (!s->configs[i].name)
            found = &s->configs[i];
    if (found && !found->name) {
        found->name = strndup(name.ptr, name.len);
        check(found->name);
    }
    return found;
}

bool mc_config_put(struct cmd_call *c, struct str name, uint32_t flags, struct str data)
{
    struct mc_config *config = config_place(mc_state(c), name);

    if (!config)
        return false;
    buf_clear(&config->data);
    buf_add_str(&config->data, data);
    config->flags = flags;
    return true;
}

static const char *set(struct cmd_call *c)
{
    uint32_t flags = 0;

    if (!mc_config_may_change(c))
        return "ERROR";
    (void)mc_read_u32(c->argv[3], &flags);
    return mc_config_put(c, c->argv[2], flags, c->argv[c->argc - 1])
               ? "STORED"
               : "SERVER_ERROR too many configuration entries";
}

void mc_run_config_set(struct cmd_call *c)
{
    mc_begin(c);
    mc_say(c, set(c), true);
    mc_end(c);
}
