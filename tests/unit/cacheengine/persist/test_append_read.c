#include "base/buf.h"
#include "cacheengine/persist/append_read.h"

#include <criterion/criterion.h>

#include <string.h>

/* A source that gives so many bytes at a time. */
struct drip {
    struct source source;
    struct str left;
    size_t at_once;
};

static struct err drip_read(struct source *s, void *to, size_t max, size_t *got)
{
    struct drip *d = container_of(s, struct drip, source);
    size_t part = d->left.len < d->at_once ? d->left.len : d->at_once;

    *got = part < max ? part : max;
    memcpy(to, d->left.ptr, *got);
    d->left.ptr += *got;
    d->left.len -= *got;
    return OK;
}

#define SET  "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhello\r\n"
#define PING "*1\r\n$4\r\nPING\r\n"

/* Reads to the end; how many commands there were, and how it ended. */
static struct err read_all(struct str text, size_t at_once, unsigned *count,
                           enum append_read_state *state, uint64_t *where)
{
    struct drip d = {{drip_read}, text, at_once};
    struct append_reader r;
    struct err e;

    *count = 0;
    append_reader_init(&r, &d.source);
    while (!err_failed(e = append_read(&r, state)) && *state == APPEND_COMMAND) {
        if (r.argc == 3)
            cr_assert(str_is(r.argv[2], "hello"));
        ++*count;
    }
    *where = append_reader_where(&r);
    append_reader_fini(&r);
    return e;
}

Test(append_read, commands_come_whole_however_the_bytes_do)
{
    struct str text = STR(SET "#TS:1700000000\r\n" PING SET "#end\r\n");

    for (size_t at_once = 1; at_once < 80; at_once++) {
        unsigned count;
        enum append_read_state state;
        uint64_t where;

        cr_assert_not(err_failed(read_all(text, at_once, &count, &state, &where)));
        cr_assert_eq(count, 3);
        cr_assert_eq(state, APPEND_END);
        cr_assert_eq(where, text.len);
    }
}

Test(append_read, a_file_that_is_cut_anywhere_is_whole_up_to_its_last_command)
{
    struct str text = STR(SET PING);

    for (size_t len = 0; len <= text.len; len++) {
        unsigned count;
        enum append_read_state state;
        uint64_t where;
        size_t whole = len < sizeof(SET) - 1 ? 0 : len < text.len ? sizeof(SET) - 1 : text.len;

        cr_assert_not(err_failed(read_all((struct str){text.ptr, len}, 7, &count, &state, &where)));
        cr_assert_eq(state, whole == len ? APPEND_END : APPEND_CUT, "at %zu", len);
        cr_assert_eq(where, whole);
    }
}

Test(append_read, what_is_no_command_is_refused_where_it_stands)
{
    static const char *const bad[] = {
        "!!!",
        "*x\r\n",
        "*-1\r\n",
        "*0\r\n",
        "*1\r\n:4\r\n",
        "*1\r\n$-1\r\n",
        "*1\n$4\nPING\n",
        "*1\r\n$4\r\nPINGxx",
        "*1\r\n$99999999999999\r\n",
        "*000000000000000000000000000000000000001\r\n$4\r\nPING\r\n",
    };

    for (size_t i = 0; i < countof(bad); i++) {
        struct buf text = BUF_EMPTY;
        unsigned count;
        enum append_read_state state;
        uint64_t where;

        buf_puts(&text, PING);
        buf_puts(&text, bad[i]);
        for (size_t at_once = 1; at_once <= 100; at_once += 99) {
            cr_assert(
                err_is(read_all(buf_str(&text), at_once, &count, &state, &where), ERR_INVALID),
                "%s", bad[i]);
            cr_assert_eq(count, 1);
            cr_assert_eq(where, sizeof(PING) - 1);
        }
        buf_fini(&text);
    }
}

Test(append_read, long_arguments_are_gathered)
{
    struct buf text = BUF_EMPTY;
    size_t len = 5 << 20;
    unsigned count;
    enum append_read_state state;
    uint64_t where;

    for (int i = 0; i < 2; i++) {
        buf_printf(&text, "*2\r\n$4\r\nECHO\r\n$%zu\r\n", len);
        memset(buf_reserve(&text, len), 'x', len);
        text.len += len;
        buf_puts(&text, "\r\n");
    }
    cr_assert_not(err_failed(read_all(buf_str(&text), 100000, &count, &state, &where)));
    cr_assert_eq(count, 2);
    buf_fini(&text);
}
