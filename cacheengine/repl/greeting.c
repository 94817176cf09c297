/* Introducing oneself to a primary. The one idea: each stage knows what its answer may be and what
 * is said next, so the whole is a table of stages. */
#include "cacheengine/repl/greeting.h"

#include "base/err.h"

#include <string.h>

/* ---- what is said ---- */

static void say(struct buf *out, const struct str *words, size_t count)
{
    buf_printf(out, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++) {
        buf_printf(out, "$%zu\r\n", words[i].len);
        buf_add_str(out, words[i]);
        buf_puts(out, "\r\n");
    }
}

static void say_auth(const struct greeting *h, struct buf *out)
{
    bool has_user = *h->self.user;
    const struct str words[] = {STR("AUTH"), str_of(has_user ? h->self.user : h->self.password),
                                str_of(h->self.password)};

    say(out, words, has_user ? 3 : 2);
}

static void say_conf(struct greeting *h, const char *what, const char *value, struct buf *out)
{
    const struct str words[] = {STR("REPLCONF"), str_of(what), str_of(value)};

    say(out, words, 3);
    h->awaited++;
}

static void say_all_conf(struct greeting *h, struct buf *out)
{
    static const struct str abilities[] = {STR("REPLCONF"), STR("capa"), STR("eof"), STR("capa"),
                                           STR("psync2")};
    char port[16];

    h->stage = GREETING_CONF;
    snprintf(port, sizeof(port), "%d", h->self.port);
    say_conf(h, "listening-port", port, out);
    if (*h->self.address)
        say_conf(h, "ip-address", h->self.address, out);
    say(out, abilities, 5);
    h->awaited++;
    say_conf(h, "version", h->self.version, out);
}

static void say_psync(struct greeting *h, struct buf *out)
{
    char offset[32] = "-1";

    if (h->self.id)
        snprintf(offset, sizeof(offset), "%lld", (long long)h->self.offset + 1);
    const struct str words[] = {STR("PSYNC"), str_of(h->self.id ? h->self.id : "?"), str_of(offset),
                                STR("FAILOVER")};
    say(out, words, h->self.takes_over ? 4 : 3);
    h->stage = GREETING_PSYNC;
}

/* ---- what is answered ---- */

static enum greeting_step end(struct greeting *h, enum greeting_step how, struct str line)
{
    struct str shown = str_shorten(line, sizeof(h->why) - 1);

    h->stage = GREETING_OVER;
    snprintf(h->why, sizeof(h->why), "%.*s", STR_ARG(shown));
    return how;
}

static struct str behind(struct str s, size_t count)
{
    return (struct str){s.ptr + count, s.len - count};
}

static bool is_error(struct str line)
{
    return line.len > 0 && line.ptr[0] == '-';
}

static enum greeting_step take_pong(struct greeting *h, struct str line, struct buf *out)
{
    bool may_go_on = str_starts(line, "+") || str_starts(line, "-NOAUTH") ||
                     str_starts(line, "-NOPERM") ||
                     str_starts(line, "-ERR operation not permitted");

    if (!may_go_on)
        return end(h, GREETING_FAILED, line);
    h->awaited = 0;
    if (*h->self.password) {
        h->stage = GREETING_AUTH;
        say_auth(h, out);
    } else {
        say_all_conf(h, out);
    }
    return GREETING_GOES_ON;
}

static enum greeting_step take_auth(struct greeting *h, struct str line, struct buf *out)
{
    if (!str_starts(line, "+")) {
        struct str shown = str_shorten(line, 128);

        h->stage = GREETING_OVER;
        snprintf(h->why, sizeof(h->why), "Unable to AUTH to MASTER: %.*s", STR_ARG(shown));
        return GREETING_FAILED;
    }
    say_all_conf(h, out);
    return GREETING_GOES_ON;
}

/* An old primary knows no REPLCONF, or not all of it; without a password it refuses PSYNC too. */
static enum greeting_step take_conf(struct greeting *h, struct str line, struct buf *out)
{
    if (!str_starts(line, "+") && !is_error(line))
        return end(h, GREETING_FAILED, line);
    if (--h->awaited == 0)
        say_psync(h, out);
    return GREETING_GOES_ON;
}

static bool take_id(struct str *rest, char id[REPL_ID_LEN + 1])
{
    if (rest->len < REPL_ID_LEN)
        return false;
    for (size_t i = 0; i < REPL_ID_LEN; i++)
        if (rest->ptr[i] <= ' ' || rest->ptr[i] > '~')
            return false;
    memcpy(id, rest->ptr, REPL_ID_LEN);
    id[REPL_ID_LEN] = 0;
    rest->ptr += REPL_ID_LEN;
    rest->len -= REPL_ID_LEN;
    return true;
}

static enum greeting_step take_full(struct greeting *h, struct str line)
{
    struct str rest = behind(line, sizeof("+FULLRESYNC ") - 1);

    if (!take_id(&rest, h->id) || rest.len < 2 || rest.ptr[0] != ' ' ||
        !str_to_i64(behind(rest, 1), &h->offset) || h->offset < 0)
        return end(h, GREETING_FAILED, line);
    h->has_history = true;
    h->stage = GREETING_HEAD;
    return GREETING_GOES_ON;
}

static enum greeting_step take_continue(struct greeting *h, struct str line)
{
    struct str rest = behind(line, sizeof("+CONTINUE") - 1);

    h->id[0] = 0;
    if (rest.len > 0) {
        rest = behind(rest, 1);
        if (!take_id(&rest, h->id) || rest.len > 0)
            return end(h, GREETING_FAILED, line);
    }
    if (!h->self.id)
        return end(h, GREETING_FAILED, line);
    return end(h, GREETING_CONTINUES, line);
}

static enum greeting_step take_psync(struct greeting *h, struct str line, struct buf *out)
{
    static const char *const later[] = {"-NOMASTERLINK", "-LOADING", "-MASTERDOWN", "-BUSY"};
    static const char *const denied[] = {"-NOAUTH", "-NOPERM"};

    if (str_starts(line, "+FULLRESYNC "))
        return take_full(h, line);
    if (str_is(line, "+CONTINUE") || str_starts(line, "+CONTINUE "))
        return take_continue(h, line);
    for (size_t i = 0; i < countof(later); i++)
        if (str_starts(line, later[i]))
            return end(h, GREETING_LATER, line);
    for (size_t i = 0; i < countof(denied); i++)
        if (str_starts(line, denied[i]))
            return end(h, GREETING_FAILED, line);
    if (!is_error(line) || h->self.takes_over)
        return end(h, GREETING_FAILED, line);
    buf_puts(out, "SYNC\r\n");
    h->has_history = false;
    h->stage = GREETING_HEAD;
    return GREETING_GOES_ON;
}

static enum greeting_step take_head(struct greeting *h, struct str line)
{
    static const size_t head = sizeof("$EOF:") - 1;

    if (is_error(line))
        return end(h, GREETING_LATER, line);
    h->length = -1;
    if (str_starts(line, "$EOF:") && line.len == head + sizeof(h->mark)) {
        memcpy(h->mark, line.ptr + head, sizeof(h->mark));
        return end(h, GREETING_SENDS_ALL, line);
    }
    if (str_starts(line, "$") && str_to_i64(behind(line, 1), &h->length) && h->length >= 0)
        return end(h, GREETING_SENDS_ALL, line);
    return end(h, GREETING_FAILED, line);
}

void greeting_begin(struct greeting *h, const struct greeting_self *self, struct buf *out)
{
    static const struct str ping[] = {STR("PING")};

    *h = (struct greeting){.self = *self};
    say(out, ping, 1);
}

enum greeting_step greeting_take(struct greeting *h, struct str line, struct buf *out)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    /* A primary that takes its time sends line feeds, to show that it lives. */
    if (line.len == 0)
        return GREETING_GOES_ON;
    switch (h->stage) {
    case GREETING_PING: return take_pong(h, line, out);
    case GREETING_AUTH: return take_auth(h, line, out);
    case GREETING_CONF: return take_conf(h, line, out);
    case GREETING_PSYNC: return take_psync(h, line, out);
    case GREETING_HEAD: return take_head(h, line);
    default: return end(h, GREETING_FAILED, line);
    }
}
