#include "cacheengine/repl/payload.h"

#include <criterion/criterion.h>

#include <string.h>

#define MARK "0123456789abcdef0123456789abcdef01234567"

/* Feeds `raw` in steps and gathers what is passed on. Returns how many raw bytes were taken. */
static size_t pass(struct payload *p, const char *raw, size_t step, char *out)
{
    size_t at = 0, len = strlen(raw), total = 0;

    while (at < len && payload_wants(p, step) > 0) {
        char bytes[512];
        size_t want = payload_wants(p, step);
        size_t part = want < len - at ? want : len - at;

        memcpy(bytes, raw + at, part);
        at += part;
        size_t got = payload_pass(p, bytes, part);
        memcpy(out + total, bytes, got);
        total += got;
    }
    out[total] = 0;
    cr_assert_eq(p->passed, total);
    return at;
}

static struct payload begin(int64_t length)
{
    struct greeting h = {.length = length};
    struct payload p;

    memcpy(h.mark, MARK, sizeof(h.mark));
    payload_begin(&p, &h);
    return p;
}

Test(payload, a_counted_one_takes_no_byte_more)
{
    for (size_t step = 1; step < 20; step++) {
        struct payload p = begin(10);
        char out[512];

        cr_assert_eq(pass(&p, "0123456789*1\r\n", step, out), 10);
        cr_assert_str_eq(out, "0123456789");
        cr_assert(payload_is_whole(&p));
    }
}

Test(payload, a_marked_one_ends_with_its_mark)
{
    for (size_t step = 1; step < 100; step++) {
        struct payload p = begin(-1);
        char out[512];

        pass(&p, "a snapshot that holds 0123456789abcdef itself" MARK, step, out);
        cr_assert_str_eq(out, "a snapshot that holds 0123456789abcdef itself");
        cr_assert(payload_is_whole(&p));
        cr_assert_eq(payload_wants(&p, 100), 0);
    }
}

Test(payload, an_empty_one_is_whole)
{
    struct payload p = begin(0);
    char out[512];

    cr_assert(payload_is_whole(&p));
    p = begin(-1);
    pass(&p, MARK, 7, out);
    cr_assert_str_eq(out, "");
    cr_assert(payload_is_whole(&p));
}

Test(payload, one_that_is_cut_is_not_whole)
{
    struct payload p = begin(-1);
    char out[512];

    pass(&p, "some bytes 0123456789abcdef0123456789abcdef0123456", 9, out);
    cr_assert_not(payload_is_whole(&p));
    p = begin(100);
    pass(&p, "some bytes", 9, out);
    cr_assert_not(payload_is_whole(&p));
}
