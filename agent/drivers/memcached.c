/* memcached as found on the host: all of its configuration is its command line, and it says nothing
 * when it is ready, so only an answer to `version` tells. */
#include "agent/drivers/conf.h"
#include "agent/drivers/driver.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"
#include "contract/agent.h"

#include <string.h>
#include <unistd.h>

#define MEGABYTE      (1 << 20)
#define MIN_MEGABYTES 1

static const char *const names[] = {"memcached", NULL};

/* How a parameter becomes part of the command line. */
enum memcached_form {
    FORM_VALUE,    /* -I VALUE */
    FORM_IF_ONE,   /* -C when the value is 1 */
    FORM_EXTENDED, /* -o name=VALUE */
};

static const struct {
    const char *parameter;
    enum memcached_form form;
    const char *option;
    int since;
} parameters[] = {
    {"backlog_queue_limit",          FORM_VALUE,    "-b",             0  },
    {"binding_protocol",             FORM_VALUE,    "-B",             0  },
    {"cas_disabled",                 FORM_IF_ONE,   "-C",             0  },
    {"chunk_size",                   FORM_VALUE,    "-n",             0  },
    {"chunk_size_growth_factor",     FORM_VALUE,    "-f",             0  },
    {"disable_flush_all",            FORM_IF_ONE,   "-F",             0  },
    {"error_on_memory_exhausted",    FORM_IF_ONE,   "-M",             0  },
    {"hash_algorithm",               FORM_EXTENDED, "hash_algorithm", 104},
    {"idle_timeout",                 FORM_EXTENDED, "idle_timeout",   105},
    {"max_item_size",                FORM_VALUE,    "-I",             0  },
    {"max_simultaneous_connections", FORM_VALUE,    "-c",             0  },
    {"requests_per_event",           FORM_VALUE,    "-R",             0  },
    {"slab_automove",                FORM_EXTENDED, "slab_automove",  105},
};

struct words {
    const char **items;
    size_t count;
    size_t capacity;
};

static void add_option(struct arena *a, struct words *argv, const char *option, const char *value)
{
    *vec_add(a, argv) = option;
    *vec_add(a, argv) = value;
}

static void add_parameters(struct arena *a, struct words *argv, const struct agent_node_goal *goal,
                           int version)
{
    for (size_t i = 0; i < countof(parameters); i++) {
        const char *value = goal_parameter(goal, parameters[i].parameter);
        if (!value || version < parameters[i].since)
            continue;
        switch (parameters[i].form) {
        case FORM_VALUE: add_option(a, argv, parameters[i].option, value); break;
        case FORM_IF_ONE:
            if (strcmp(value, "1") == 0)
                *vec_add(a, argv) = parameters[i].option;
            break;
        case FORM_EXTENDED:
            add_option(a, argv, "-o", arena_printf(a, "%s=%s", parameters[i].option, value));
            break;
        }
    }
}

/* It refuses to run as root without being told to stay root. */
static void add_user(struct arena *a, struct words *argv)
{
    if (geteuid() == 0)
        add_option(a, argv, "-u", "root");
}

/* What cannot be had is refused rather than left out. */
static struct err check_wishes(const struct agent_node_goal *goal)
{
    if (!goal->engine || strcmp(goal->engine, "memcached") != 0)
        return err_make(ERR_INVALID, "the memcached driver runs memcached only");
    if (goal->tls || goal->users || goal->role || goal->topology)
        return err_make(ERR_INVALID,
                        "the memcached driver has neither TLS nor users, roles or topologies");
    return OK;
}

/* All of its command line. */
static const char *statics_of(struct arena *a, const char *const *argv)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    for (; *argv; argv++)
        buf_printf(&text, "%s\n", *argv);
    return str_dup(a, buf_str(&text));
}

static struct err memcached_prepare(struct arena *a, const struct driver_host *host,
                                    const struct agent_node_goal *goal, struct driver_launch *out)
{
    const struct driver_program *program;
    struct words argv = VEC_EMPTY;

    TRY(check_wishes(goal));
    TRY(driver_program(a, host, &driver_memcached, NULL, &program));

    int64_t megabytes = goal->maxmemory_bytes.value / MEGABYTE;
    *vec_add(a, &argv) = program->path;
    add_option(a, &argv, "-l",
               goal->second_address ? arena_printf(a, "%s,%s", goal->address, goal->second_address)
                                    : goal->address);
    add_option(a, &argv, "-p", arena_printf(a, "%lld", (long long)goal->port.value));
    add_option(a, &argv, "-U", "0");
    add_option(a, &argv, "-m",
               arena_printf(a, "%lld", (long long)(megabytes > 0 ? megabytes : MIN_MEGABYTES)));
    add_user(a, &argv);
    add_parameters(a, &argv, goal, version_number(program->version));
    *vec_add(a, &argv) = NULL;
    *out = (struct driver_launch){.argv = argv.items, .statics = statics_of(a, argv.items)};
    return OK;
}

/* Nothing changes while it runs. */
static struct err memcached_orders(struct arena *a, const struct driver_host *host,
                                   const struct agent_node_goal *goal, const struct driver_now *now,
                                   struct driver_orders *out)
{
    (void)a, (void)host, (void)now;
    *out = (struct driver_orders){0};
    return check_wishes(goal);
}

static void memcached_contact(const struct driver_host *host, const struct agent_node_goal *goal,
                              struct driver_contact *out)
{
    (void)host, (void)goal;
    *out = (struct driver_contact){
        .probe = &memcached_probe, .stats = &memcached_stats, .numbers = &memcached_numbers};
}

static struct str memcached_plain(struct str line)
{
    return line;
}

const struct driver driver_memcached = {
    .name = "memcached",
    .names = names,
    .prepare = memcached_prepare,
    .contact = memcached_contact,
    .orders = memcached_orders,
    .plain = memcached_plain,
};
