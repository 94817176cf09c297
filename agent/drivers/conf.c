/* What drivers share. Every value of a goal passes through conf_add, which is where a hostile one
 * ends. */
#include "agent/drivers/conf.h"

#include "base/arena.h"
#include "base/proc.h"
#include "contract/agent.h"

#include <string.h>

#define VERSION_TIMEOUT_MS 5000
#define VERSION_MAX_BYTES  4096
#define VERSION_MAJOR      100

static bool is_plain(const char *value)
{
    for (const char *c = value; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == '"' || *c == '\'' || *c == '\\' || *c == '#' ||
            (unsigned char)*c >= 0x7f)
            return false;
    return *value != '\0';
}

void conf_add(struct buf *conf, const char *name, const char *value)
{
    if (is_plain(value)) {
        buf_printf(conf, "%s %s\n", name, value);
        return;
    }
    buf_printf(conf, "%s \"", name);
    for (const char *c = value; *c; c++)
        if (*c == '"' || *c == '\\')
            buf_printf(conf, "\\%c", *c);
        else if ((unsigned char)*c < ' ' || *c == 0x7f)
            buf_printf(conf, "\\x%02x", (unsigned char)*c);
        else
            buf_putc(conf, *c);
    buf_puts(conf, "\"\n");
}

void conf_add_int(struct buf *conf, const char *name, int64_t value)
{
    buf_printf(conf, "%s %lld\n", name, (long long)value);
}

const char *goal_parameter(const struct agent_node_goal *goal, const char *name)
{
    for (size_t i = 0; i < goal->parameters.count; i++) {
        const struct agent_parameter *p = &goal->parameters.items[i];
        if (strcmp(p->name, name) == 0)
            return p->value && *p->value ? p->value : NULL;
    }
    return NULL;
}

void conf_add_parameters(struct buf *conf, const struct agent_node_goal *goal,
                         const struct conf_parameter *table, size_t count, int version)
{
    for (const struct conf_parameter *row = table; row < table + count; row++) {
        const char *value = goal_parameter(goal, row->name);
        if (value && version >= row->since)
            conf_add(conf, row->directive ? row->directive : row->name, value);
    }
}

void conf_add_output_limits(struct buf *conf, const struct agent_node_goal *goal)
{
    static const struct {
        const char *who, *hard, *soft, *seconds;
    } rows[] = {
        {"normal", "client-output-buffer-limit-normal-hard-limit",
         "client-output-buffer-limit-normal-soft-limit", "client-output-buffer-limit-normal-soft-seconds"},
        {"pubsub", "client-output-buffer-limit-pubsub-hard-limit",
         "client-output-buffer-limit-pubsub-soft-limit", "client-output-buffer-limit-pubsub-soft-seconds"},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        const char *hard = goal_parameter(goal, rows[i].hard);
        const char *soft = goal_parameter(goal, rows[i].soft);
        const char *seconds = goal_parameter(goal, rows[i].seconds);
        if (hard && soft && seconds && is_plain(hard) && is_plain(soft) && is_plain(seconds))
            buf_printf(conf, "client-output-buffer-limit %s %s %s %s\n", rows[i].who, hard, soft,
                       seconds);
    }
}

static bool is_version_byte(char c)
{
    return (c >= '0' && c <= '9') || c == '.';
}

/* The first run of digits and dots with a dot between digits. */
static struct str version_in(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        size_t end = i;
        while (end < text.len && is_version_byte(text.ptr[end]))
            end++;
        struct str run = {text.ptr + i, end - i};
        size_t dot = str_find(run, '.');
        if (dot != SIZE_MAX && dot > 0 && dot + 1 < run.len)
            return run;
        i = end;
    }
    return (struct str){0};
}

const char *program_version(struct arena *a, const char *program)
{
    scoped(buf_fini) struct buf said = BUF_EMPTY;
    const char *const argv[] = {program, "--version", NULL};
    struct proc_exit exit;

    if (err_failed(proc_run(a, argv, VERSION_TIMEOUT_MS, VERSION_MAX_BYTES, &said, &exit)))
        return NULL;
    struct str version = version_in(buf_str(&said));
    return version.len > 0 ? str_dup(a, version) : NULL;
}

int version_number(const char *version)
{
    struct str rest = str_of(version);
    int64_t major = 0, minor = 0;

    if (!str_to_i64(str_cut(&rest, '.'), &major))
        return 0;
    if (!str_to_i64(str_cut(&rest, '.'), &minor) || minor >= VERSION_MAJOR)
        minor = 0;
    return (int)(major * VERSION_MAJOR + minor);
}

/* The redis family's answers. */

static enum driver_reply read_pong(struct str reply, struct driver_stats *out)
{
    (void)out;
    if (str_find(reply, '\n') == SIZE_MAX)
        return DRIVER_PARTIAL;
    return str_starts(reply, "+PONG\r") ? DRIVER_GOOD : DRIVER_BAD;
}

/* Cuts one bulk string off; DRIVER_GOOD with it in `out`. */
static enum driver_reply cut_bulk(struct str *reply, struct str *out)
{
    struct str rest = *reply;
    int64_t len;

    if (str_find(rest, '\n') == SIZE_MAX)
        return DRIVER_PARTIAL;
    struct str head = str_trim(str_cut(&rest, '\n'));
    if (head.len < 2 || head.ptr[0] != '$' ||
        !str_to_i64((struct str){head.ptr + 1, head.len - 1}, &len) || len < 0)
        return DRIVER_BAD;
    if (rest.len < (size_t)len + 2)
        return DRIVER_PARTIAL;
    *out = (struct str){rest.ptr, (size_t)len};
    *reply = (struct str){rest.ptr + len + 2, rest.len - (size_t)len - 2};
    return DRIVER_GOOD;
}

/* The number behind "name" and `separator` at the beginning of a line; -1 when there is none. */
static int64_t number_of(struct str lines, const char *name, char separator)
{
    int64_t number;

    while (lines.len > 0) {
        struct str line = str_trim(str_cut(&lines, '\n'));
        if (str_is(str_cut(&line, separator), name) && str_to_i64(line, &number))
            return number;
    }
    return -1;
}

static enum driver_reply read_info(struct str reply, struct driver_stats *out)
{
    struct str memory, clients;

    enum driver_reply result = cut_bulk(&reply, &memory);
    if (result == DRIVER_GOOD)
        result = cut_bulk(&reply, &clients);
    if (result == DRIVER_GOOD)
        *out = (struct driver_stats){number_of(memory, "used_memory", ':'),
                                     number_of(clients, "connected_clients", ':')};
    return result;
}

const struct driver_question resp_probe = {"PING\r\n", read_pong};
const struct driver_question resp_stats = {"INFO memory\r\nINFO clients\r\n", read_info};

/* The memcached family's. */

static enum driver_reply read_version(struct str reply, struct driver_stats *out)
{
    (void)out;
    if (str_find(reply, '\n') == SIZE_MAX)
        return DRIVER_PARTIAL;
    return str_starts(reply, "VERSION ") ? DRIVER_GOOD : DRIVER_BAD;
}

static enum driver_reply read_stats(struct str reply, struct driver_stats *out)
{
    if (!str_ends(reply, "END\r\n"))
        return str_starts(reply, "ERROR") ? DRIVER_BAD : DRIVER_PARTIAL;
    *out = (struct driver_stats){-1, -1};
    while (reply.len > 0) {
        struct str line = str_trim(str_cut(&reply, '\n'));
        if (!str_is(str_cut(&line, ' '), "STAT"))
            continue;
        if (number_of(line, "bytes", ' ') >= 0)
            out->used_memory_bytes = number_of(line, "bytes", ' ');
        if (number_of(line, "curr_connections", ' ') >= 0)
            out->connected_clients = number_of(line, "curr_connections", ' ');
    }
    return DRIVER_GOOD;
}

const struct driver_question memcached_probe = {"version\r\n", read_version};
const struct driver_question memcached_stats = {"stats\r\n", read_stats};
