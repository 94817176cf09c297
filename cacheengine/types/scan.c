/* Cursors and options of scans over a collection. */
#include "cacheengine/types/scan.h"

#include "cacheengine/keyspace/glob.h"
#include "cacheengine/keyspace/number.h"

#include <errno.h>
#include <stdlib.h>

bool scan_cursor(struct cmd_call *c, struct scan *s)
{
    struct str text = c->argv[2];
    char digits[24];
    char *end;

    *s = (struct scan){.count = 10};
    if (text.len > 0 && text.len < sizeof(digits) && text.ptr[0] > ' ') {
        memcpy(digits, text.ptr, text.len);
        digits[text.len] = 0;
        errno = 0;
        s->cursor = strtoull(digits, &end, 10);
        if (end == digits + text.len && errno == 0)
            return true;
    }
    reply_error(c->reply, "ERR invalid cursor");
    return false;
}

/* NOVALUES and NOSCORES belong to one command each, and others name it. */
static bool bare_option(struct cmd_call *c, uint32_t arg, enum entry_type type, struct scan *s,
                        bool *ok)
{
    static const struct {
        const char *word, *error;
        enum entry_type type;
    } rows[] = {
        {"novalues", "ERR NOVALUES option can only be used in HSCAN", TYPE_HASH},
        {"noscores", "ERR NOSCORES option can only be used in ZSCAN", TYPE_ZSET},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        if (!call_is(c, arg, rows[i].word))
            continue;
        *ok = type == rows[i].type;
        if (!*ok)
            reply_error(c->reply, rows[i].error);
        s->is_bare = true;
        return true;
    }
    return false;
}

bool scan_options(struct cmd_call *c, enum entry_type type, struct scan *s)
{
    for (uint32_t i = 3; i < c->argc; i++) {
        bool has_value = i + 1 < c->argc, ok;

        if (call_is(c, i, "count") && has_value) {
            if (!call_int(c, ++i, &s->count))
                return false;
            if (s->count >= 1)
                continue;
        } else if (call_is(c, i, "match") && has_value) {
            s->pattern = c->argv[++i];
            continue;
        } else if (bare_option(c, i, type, s, &ok)) {
            if (!ok)
                return false;
            continue;
        }
        reply_syntax_error(c->reply);
        return false;
    }
    if (s->pattern.ptr && str_is(s->pattern, "*"))
        s->pattern.ptr = NULL;
    return true;
}

void scan_reply_empty(struct cmd_call *c)
{
    reply_literal(c->reply, "*2\r\n$1\r\n0\r\n*0\r\n");
}

void scan_begin(struct cmd_call *c, struct scan *s)
{
    s->reply = c->reply;
    /* The cursor is said before the members but known after them. */
    s->head = reply_open(c->reply);
    s->list = reply_open(c->reply);
}

void scan_end(struct scan *s)
{
    char text[REPLY_MARK_BYTES], digits[NUMBER_I64_MAX];
    unsigned len = number_write_u64(digits, s->cursor);

    reply_close(s->reply, s->list, '*', s->sent);
    int all = snprintf(text, sizeof(text), "*2\r\n$%u\r\n%.*s\r\n", len, (int)len, digits);
    reply_close_raw(s->reply, s->head, text, (size_t)all);
}

bool scan_says(struct scan *s, const struct packed_item *member)
{
    struct packed_digits digits;

    s->met++;
    if (s->pattern.ptr && !glob_match(s->pattern, packed_text(member, &digits)))
        return false;
    packed_reply_item(s->reply, member);
    s->sent += s->is_bare ? 1 : 2;
    return !s->is_bare;
}

bool scan_goes_on(struct scan *s, uint64_t step)
{
    return s->cursor && s->met < (uint64_t)s->count && step / 10 < (uint64_t)s->count;
}
