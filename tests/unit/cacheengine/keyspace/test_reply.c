#include "cacheengine/keyspace/reply.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>

struct fixture {
    struct account account;
    struct reply_pool pool;
    struct reply r;
    char out[400000];
    size_t len;
};

static void begin(struct fixture *f, int resp)
{
    memset(f, 0, sizeof(*f));
    reply_pool_init(&f->pool, &f->account);
    reply_init(&f->r, &f->pool);
    f->r.resp = (uint8_t)resp;
}

/* "Sends" up to `most` bytes. */
static void drain(struct fixture *f, size_t most)
{
    struct iovec iov[8];

    while (most > 0 && reply_pending(&f->r) > 0) {
        int count = reply_gather(&f->r, iov, 8);
        size_t sent = 0;

        cr_assert(count > 0);
        for (int i = 0; i < count && sent < most; i++) {
            size_t take = iov[i].iov_len < most - sent ? iov[i].iov_len : most - sent;

            memcpy(f->out + f->len, iov[i].iov_base, take);
            f->len += take;
            sent += take;
        }
        reply_sent(&f->r, sent);
        most -= sent;
    }
}

static void end(struct fixture *f)
{
    reply_fini(&f->r);
    reply_pool_fini(&f->pool);
    cr_assert_eq(f->account.used_bytes, 0);
    cr_assert_eq(f->account.client_bytes, 0);
}

#define expect(f, text)                                                                            \
    do {                                                                                           \
        drain((f), SIZE_MAX);                                                                      \
        cr_assert((f)->len == strlen(text) && memcmp((f)->out, (text), (f)->len) == 0, "got %.*s", \
                  (int)(f)->len, (f)->out);                                                        \
        (f)->len = 0;                                                                              \
    } while (0)

Test(reply, every_shape_in_both_versions)
{
    struct fixture *f = malloc(sizeof(*f));

    for (int resp = 2; resp <= 3; resp++) {
        bool is3 = resp == 3;

        begin(f, resp);
        reply_ok(&f->r);
        reply_status(&f->r, "PONG");
        expect(f, "+OK\r\n+PONG\r\n");
        reply_int(&f->r, -12);
        reply_int(&f->r, INT64_MIN);
        expect(f, ":-12\r\n:-9223372036854775808\r\n");
        reply_bulk(&f->r, "", 0);
        reply_bulk_text(&f->r, "twelve bytes");
        reply_bulk_int(&f->r, 1000);
        expect(f, "$0\r\n\r\n$12\r\ntwelve bytes\r\n$4\r\n1000\r\n");
        reply_null(&f->r);
        expect(f, is3 ? "_\r\n" : "$-1\r\n");
        reply_null_array(&f->r);
        expect(f, is3 ? "_\r\n" : "*-1\r\n");
        reply_bool(&f->r, true);
        expect(f, is3 ? "#t\r\n" : ":1\r\n");
        reply_double(&f->r, 3.1);
        expect(f, is3 ? ",3.1\r\n" : "$3\r\n3.1\r\n");
        reply_double(&f->r, -INFINITY);
        expect(f, is3 ? ",-inf\r\n" : "$4\r\n-inf\r\n");
        reply_map(&f->r, 2);
        reply_set(&f->r, 3);
        reply_push(&f->r, 1);
        reply_array(&f->r, 12);
        expect(f, is3 ? "%2\r\n~3\r\n>1\r\n*12\r\n" : "*4\r\n*3\r\n*1\r\n*12\r\n");
        reply_verbatim(&f->r, STR("text"), "txt");
        expect(f, is3 ? "=8\r\ntxt:text\r\n" : "$4\r\ntext\r\n");
        reply_attribute(&f->r, 1);
        expect(f, is3 ? "|1\r\n" : "");
        end(f);
    }
    free(f);
}

Test(reply, errors_are_one_line_and_counted_by_code)
{
    struct fixture *f = malloc(sizeof(*f));

    begin(f, 2);
    reply_error(&f->r, "ERR two\r\nlines");
    expect(f, "-ERR two  lines\r\n");
    reply_errorf(&f->r, "ERR what ends with %s", "a line\r\n\n");
    expect(f, "-ERR what ends with a line\r\n");
    reply_wrong_type(&f->r);
    cr_assert_eq(f->r.errors, 3);
    cr_assert_str_eq(f->r.error_code, "WRONGTYPE");
    end(f);
    free(f);
}

Test(reply, counts_known_at_the_end_stand_at_the_beginning)
{
    struct fixture *f = malloc(sizeof(*f));

    begin(f, 2);
    reply_int(&f->r, 1);
    struct reply_mark outer = reply_open(&f->r);
    reply_bulk_text(&f->r, "a");
    struct reply_mark inner = reply_open(&f->r);
    reply_int(&f->r, 2);
    reply_close(&f->r, inner, '%', 1);
    reply_close(&f->r, outer, '*', 2);
    reply_int(&f->r, 3);
    expect(f, ":1\r\n*2\r\n$1\r\na\r\n*2\r\n:2\r\n:3\r\n");
    end(f);
    free(f);
}

Test(reply, what_is_said_after_a_hold_can_be_taken_back)
{
    struct fixture *f = malloc(sizeof(*f));

    begin(f, 2);
    reply_int(&f->r, 1);
    struct reply_piece *held = reply_hold(&f->r);
    reply_int(&f->r, 2);
    for (int i = 0; i < 20000; i++)
        reply_bulk_text(&f->r, "much more than one buffer holds");
    reply_rewind(&f->r, held);
    reply_int(&f->r, 3);
    expect(f, ":1\r\n:3\r\n");
    end(f);
    free(f);
}

/* Whatever the socket takes at a time, the bytes come in order; between two turns nothing is
 * shared. */
Test(reply, bytes_come_in_order_however_they_are_sent)
{
    struct fixture *f = malloc(sizeof(*f));
    char *all = malloc(400000);
    struct blob *b;

    for (size_t step = 1; step < 100000; step = step * 7 + 1) {
        size_t len = 0;

        begin(f, 2);
        b = blob_new(&f->account, 50000, 50000);
        memset(b->bytes, 'b', 50000);
        for (int i = 0; len < 150000; i++) {
            if (i == 300) {
                reply_bulk_blob(&f->r, b);
                len += (size_t)snprintf(all + len, 32, "$%d\r\n", 50000);
                memset(all + len, 'b', 50000);
                len += 50000;
                memcpy(all + len, "\r\n", 2);
                len += 2;
            }
            reply_int(&f->r, i);
            len += (size_t)snprintf(all + len, 32, ":%d\r\n", i);
            if (i % 50 == 0)
                drain(f, step);
            if (i % 90 == 0)
                reply_settle(&f->r);
        }
        drain(f, SIZE_MAX);
        cr_assert_eq(f->len, len);
        cr_assert_eq(memcmp(f->out, all, len), 0);
        blob_drop(&f->account, b);
        end(f);
    }
    free(all);
    free(f);
}

/* Each row: what stands before, between and behind, as numbers of bytes; pieces are made by their
 * sizes and by blobs. */
Test(reply, bytes_are_replaced_wherever_they_stand)
{
    static const size_t sizes[] = {0, 1, 100, 9000, 70000};

    for (size_t i = 0; i < 125; i++) {
        size_t lens[3] = {sizes[i / 25], sizes[i / 5 % 5], sizes[i % 5]};
        struct fixture *f = malloc(sizeof(*f));
        uint64_t places[4];
        char *text = malloc(70000);

        begin(f, 2);
        reply_literal(&f->r, "gone");
        drain(f, 4);
        f->len = 0;
        for (int j = 0; j < 3; j++) {
            places[j] = reply_place(&f->r);
            memset(text, 'a' + j, lens[j]);
            if (lens[j] == 9000) {
                struct blob *b = blob_new(&f->account, lens[j], lens[j]);

                memcpy(b->bytes, text, lens[j]);
                reply_raw_blob(&f->r, b, 0, lens[j]);
                blob_drop(&f->account, b);
            } else {
                reply_raw(&f->r, text, lens[j]);
            }
        }
        places[3] = reply_place(&f->r);
        reply_replace(&f->r, places[1], places[2], "instead", 7);
        cr_assert_eq(reply_place(&f->r), places[3]);
        cr_assert_eq(reply_pending(&f->r), lens[0] + 7 + lens[2]);
        reply_literal(&f->r, "more");
        drain(f, SIZE_MAX);
        cr_assert_eq(f->len, lens[0] + 7 + lens[2] + 4);
        cr_assert_eq(memcmp(f->out + lens[0], "instead", 7), 0);
        cr_assert(lens[0] == 0 || (f->out[0] == 'a' && f->out[lens[0] - 1] == 'a'));
        cr_assert(lens[2] == 0 || (f->out[lens[0] + 7] == 'c' && f->out[f->len - 5] == 'c'));
        cr_assert_eq(memcmp(f->out + f->len - 4, "more", 4), 0);
        end(f);
        free(text);
        free(f);
    }
}
