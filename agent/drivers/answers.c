/* What engines answer, in the two protocols. Nothing here trusts an answer: it may be cut anywhere
 * or be no answer at all. */
#include "agent/drivers/conf.h"
#include "agent/drivers/driver.h"

#include <string.h>

#define RESP_MAX_COUNT (1 << 20)

/* The redis family's answers. */

static enum driver_reply read_pong(struct str reply, struct driver_stats *out)
{
    (void)out;
    if (str_find(reply, '\n') == SIZE_MAX)
        return DRIVER_PARTIAL;
    return str_starts(reply, "+PONG\r") ? DRIVER_GOOD : DRIVER_BAD;
}

/* A whole reply of any kind. */

static enum driver_reply cut_line(struct str *rest, struct str *line)
{
    if (str_find(*rest, '\n') == SIZE_MAX)
        return DRIVER_PARTIAL;
    *line = str_cut(rest, '\n');
    if (!str_ends(*line, "\r") || line->len == 1)
        return DRIVER_BAD;
    line->len--;
    return DRIVER_GOOD;
}

enum driver_reply resp_cut(struct str *reply, struct str *out_first)
{
    struct str rest = *reply;
    int64_t left = 1; /* replies that are still to come, one inside the other */

    for (bool is_first = true; left > 0; left--, is_first = false) {
        struct str line;
        int64_t count = 0;

        enum driver_reply result = cut_line(&rest, &line);
        if (result != DRIVER_GOOD)
            return result;
        if (is_first)
            *out_first = line;
        char kind = line.ptr[0];
        bool has_count = kind == '$' || kind == '*';
        if (!has_count && kind != '+' && kind != '-' && kind != ':')
            return DRIVER_BAD;
        if (has_count && (!str_to_i64((struct str){line.ptr + 1, line.len - 1}, &count) ||
                          count < -1 || count > RESP_MAX_COUNT))
            return DRIVER_BAD;
        if (kind == '*' && count > 0)
            left += count;
        if (kind != '$' || count < 0)
            continue;
        if (rest.len < (size_t)count + 2)
            return DRIVER_PARTIAL;
        if (memcmp(rest.ptr + count, "\r\n", 2) != 0)
            return DRIVER_BAD;
        rest = (struct str){rest.ptr + count + 2, rest.len - (size_t)count - 2};
    }
    *reply = rest;
    return DRIVER_GOOD;
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
    if (result == DRIVER_GOOD) {
        *out = DRIVER_STATS_UNKNOWN;
        out->used_memory_bytes = number_of(memory, "used_memory", ':');
        out->connected_clients = number_of(clients, "connected_clients", ':');
    }
    return result;
}

/* What stands behind "name:" at the beginning of a line; empty when there is none. */
static struct str text_of(struct str lines, const char *name)
{
    while (lines.len > 0) {
        struct str line = str_trim(str_cut(&lines, '\n'));
        if (str_is(str_cut(&line, ':'), name))
            return line;
    }
    return (struct str){0};
}

static enum driver_reply read_role(struct str reply, struct driver_stats *out)
{
    struct str info;

    enum driver_reply result = cut_bulk(&reply, &info);
    if (result != DRIVER_GOOD)
        return result;
    struct str role = text_of(info, "role");
    *out = DRIVER_STATS_UNKNOWN;
    out->role = str_is(role, "master")  ? DRIVER_PRIMARY
                : str_is(role, "slave") ? DRIVER_REPLICA
                                        : DRIVER_ROLE_UNKNOWN;
    out->is_link_up = str_is(text_of(info, "master_link_status"), "up");
    /* The replica's own comes first where there is one: what it has, not what it was told of. */
    out->replication_offset = number_of(info, "slave_repl_offset", ':');
    if (out->role == DRIVER_PRIMARY || out->replication_offset < 0)
        out->replication_offset = number_of(info, "master_repl_offset", ':');
    out->lineage = number_of(info, "larder_lineage", ':');
    return DRIVER_GOOD;
}

static enum driver_reply read_all(struct str reply, struct driver_stats *out)
{
    struct str info;

    (void)out;
    return cut_bulk(&reply, &info);
}

static enum driver_reply read_greeted(struct str reply, struct driver_stats *out)
{
    (void)out;
    if (str_find(reply, '\n') == SIZE_MAX)
        return DRIVER_PARTIAL;
    return str_starts(reply, "+OK\r") ? DRIVER_GOOD : DRIVER_BAD;
}

static enum driver_reply read_any(struct str reply, struct driver_stats *out)
{
    struct str first;

    (void)out;
    return resp_cut(&reply, &first);
}

const struct driver_question resp_probe = {"PING\r\n", read_pong};
const struct driver_question resp_stats = {"INFO memory\r\nINFO clients\r\n", read_info};
const struct driver_question resp_numbers = {"INFO all\r\n", read_all};
const struct driver_question resp_role = {"INFO replication\r\n", read_role};
const struct driver_question resp_listen = {"LARDER.LISTEN\r\n", read_any};
const struct driver_question driver_greeted = {NULL, read_greeted};

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
    *out = DRIVER_STATS_UNKNOWN;
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
const struct driver_question memcached_numbers = {"stats\r\n", read_stats};
