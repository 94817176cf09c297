/*
 * Words, numbers and lines of the memcached text protocol. Numbers are read as the C library's
 * strtol family reads them, because that is what clients have come to rely on.
 */
#include "cacheengine/proto/memcached.h"

#define MONTH_S (60 * 60 * 24 * 30)

uint32_t mc_split(struct str line, struct str *out)
{
    const char *at = line.ptr, *end = line.ptr + line.len;
    uint32_t count = 0;

    while (at < end) {
        const char *space = memchr(at, ' ', (size_t)(end - at));
        const char *stop = space ? space : end;

        if (stop > at)
            out[count++] = (struct str){at, (size_t)(stop - at)};
        at = stop + 1;
    }
    return count;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Reads a sign and digits; false without digits, beyond 64 bits, or with other bytes behind them.
 */
static bool read_digits(struct str s, bool *is_negative, uint64_t *out)
{
    size_t at = 0, first;
    uint64_t v = 0;

    while (at < s.len && is_blank(s.ptr[at]))
        at++;
    *is_negative = at < s.len && s.ptr[at] == '-';
    if (at < s.len && (s.ptr[at] == '-' || s.ptr[at] == '+'))
        at++;
    first = at;
    for (; at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9'; at++)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.ptr[at] - '0'), &v))
            return false;
    *out = v;
    return at > first && (at == s.len || is_blank(s.ptr[at]) || s.ptr[at] == '\0');
}

bool mc_read_u64(struct str s, uint64_t *out)
{
    bool is_negative;
    uint64_t v;

    if (!read_digits(s, &is_negative, &v))
        return false;
    /* A minus sign wraps around; only what then looks like a negative number is refused. */
    if (is_negative)
        v = 0 - v;
    if (is_negative && (int64_t)v < 0)
        return false;
    *out = v;
    return true;
}

bool mc_read_u32(struct str s, uint32_t *out)
{
    uint64_t v;

    if (!mc_read_u64(s, &v))
        return false;
    *out = (uint32_t)v;
    return true;
}

bool mc_read_i32(struct str s, int32_t *out)
{
    bool is_negative;
    uint64_t v;

    if (!read_digits(s, &is_negative, &v) || v > (uint64_t)INT64_MAX + is_negative)
        return false;
    *out = (int32_t)(uint32_t)(is_negative ? 0 - v : v);
    return true;
}

int64_t mc_deadline(int64_t exptime, int64_t now_ms)
{
    int64_t at_ms = exptime * 1000;

    if (exptime == 0)
        return NO_DEADLINE;
    if (exptime < 0)
        return MC_AT_ONCE;
    if (exptime <= MONTH_S)
        return now_ms + at_ms;
    return at_ms > now_ms ? at_ms : MC_AT_ONCE;
}

void mc_line(struct cmd_call *c, const char *text)
{
    reply_raw(c->reply, text, strlen(text));
    reply_literal(c->reply, "\r\n");
}

bool mc_is_silent(const struct cmd_call *c, bool has_body)
{
    return c->argc > 1U + has_body && str_is(c->argv[c->argc - 1 - has_body], "noreply");
}

void mc_say(struct cmd_call *c, const char *text, bool has_body)
{
    if (!mc_is_silent(c, has_body))
        mc_line(c, text);
}
