#include "base/err.h"
#include "base/rng.h"
#include "cacheengine/cluster/outbox.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct outbox *o, const char *text)
{
    outbox_add(o, str_of(text));
}

/* What is sent, with "|" behind each part that ends with a command. */
static const char *send_all(struct outbox *o, size_t max, struct buf *sent)
{
    bool ends;

    buf_clear(sent);
    for (struct str part; (part = outbox_next(o, max, &ends)).len > 0;) {
        cr_assert_leq(part.len, max);
        buf_add_str(sent, part);
        if (ends)
            buf_putc(sent, '|');
    }
    return buf_cstr(sent);
}

Test(outbox, parts_end_with_commands_where_they_can)
{
    scoped(buf_fini) struct buf sent = BUF_EMPTY;
    struct outbox o = {0};

    add(&o, "aaa");
    add(&o, "bbb");
    add(&o, "0123456789abcdef");
    add(&o, "c");
    cr_expect_str_eq(send_all(&o, 7, &sent), "aaabbb|0123456789abcdefc|");
    cr_expect_str_eq(send_all(&o, 7, &sent), "");
    add(&o, "d");
    cr_expect_str_eq(send_all(&o, 7, &sent), "d|");
    outbox_fini(&o);
}

Test(outbox, what_is_not_acknowledged_is_sent_again)
{
    scoped(buf_fini) struct buf sent = BUF_EMPTY;
    struct outbox o = {0};
    bool ends;

    add(&o, "aa");
    add(&o, "0123456789");
    add(&o, "cc");
    (void)send_all(&o, 100, &sent);
    outbox_ack(&o, 1);
    cr_expect_eq(o.bytes, 12);
    outbox_resend(&o);
    cr_expect(str_is(outbox_next(&o, 4, &ends), "0123"));
    cr_expect_not(ends);
    outbox_resend(&o);
    cr_expect_str_eq(send_all(&o, 100, &sent), "0123456789cc|");
    outbox_ack(&o, 3);
    cr_expect_eq(o.bytes, 0);
    cr_expect_eq(o.held, 0);
    cr_expect_str_eq(send_all(&o, 100, &sent), "");
    add(&o, "e");
    cr_expect_str_eq(send_all(&o, 100, &sent), "e|");
    outbox_fini(&o);
}

Test(outbox, what_was_run_without_being_sent_is_not_sent)
{
    scoped(buf_fini) struct buf sent = BUF_EMPTY;
    struct outbox o = {0};
    bool ends;

    add(&o, "0123456789");
    add(&o, "bb");
    add(&o, "cc");
    cr_expect(str_is(outbox_next(&o, 4, &ends), "0123"));
    outbox_ack(&o, 2);
    cr_expect_str_eq(send_all(&o, 100, &sent), "cc|");
    outbox_fini(&o);
}

/* Any course over many blocks: what was sent and not sent again is what was added. */
Test(outbox, nothing_is_lost_over_many_blocks)
{
    static char text[300000];
    scoped(buf_fini) struct buf sent = BUF_EMPTY, all = BUF_EMPTY;
    struct outbox o = {0};
    size_t ends_at[400] = {0};
    struct rng rng;

    rng_seed(&rng, 5);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)('a' + rng_below(&rng, 26));
    for (size_t n = 1; n < 400; n++) {
        size_t len = 1 + rng_below(&rng, rng_below(&rng, 20) ? 3000 : sizeof(text) - 1);
        bool ends;

        outbox_add(&o, (struct str){text, len});
        buf_add(&all, text, len);
        ends_at[n] = all.len;
        for (int i = 0; i < 3; i++)
            buf_add_str(&sent, outbox_next(&o, 1 + rng_below(&rng, 50000), &ends));
        cr_assert_eq(o.bytes, all.len - ends_at[o.acked]);
        if (rng_below(&rng, 10) == 0) {
            while (ends_at[o.acked + 1] <= sent.len && o.acked + 1 <= n)
                outbox_ack(&o, o.acked + 1);
        } else if (rng_below(&rng, 30) == 0) {
            outbox_resend(&o);
            sent.len = ends_at[o.acked];
        }
    }
    bool ends;
    for (struct str part; (part = outbox_next(&o, 100000, &ends)).len > 0;)
        buf_add_str(&sent, part);
    cr_assert(str_eq(buf_str(&sent), buf_str(&all)));
    outbox_ack(&o, o.appended);
    cr_assert_eq(o.held, 0);
    outbox_fini(&o);
}
