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

static void add_word(struct buf *conf, const char *value)
{
    if (is_plain(value)) {
        buf_printf(conf, " %s", value);
        return;
    }
    buf_puts(conf, " \"");
    for (const char *c = value; *c; c++)
        if (*c == '"' || *c == '\\')
            buf_printf(conf, "\\%c", *c);
        else if ((unsigned char)*c < ' ' || *c == 0x7f)
            buf_printf(conf, "\\x%02x", (unsigned char)*c);
        else
            buf_putc(conf, *c);
    buf_putc(conf, '"');
}

void conf_add(struct buf *conf, const char *name, const char *value)
{
    buf_puts(conf, name);
    add_word(conf, value);
    buf_putc(conf, '\n');
}

void conf_add_words(struct buf *conf, const char *name, const char *first, const char *second)
{
    buf_puts(conf, name);
    add_word(conf, first);
    add_word(conf, second);
    buf_putc(conf, '\n');
}

void conf_add_bind(struct buf *conf, const struct agent_node_goal *goal)
{
    if (goal->second_address)
        conf_add_words(conf, "bind", goal->address, goal->second_address);
    else
        conf_add(conf, "bind", goal->address);
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
