#include "cacheengine/keyspace/crc64.h"
#include "cacheengine/keyspace/record.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

/* A sink and a source in memory; the source gives `step` bytes at a time, the sink fails behind
 * `limit`. */
struct memory {
    struct sink sink;
    struct source source;
    struct buf bytes;
    size_t given, step, limit;
};

static struct err memory_write(struct sink *s, const void *bytes, size_t len)
{
    struct memory *m = container_of(s, struct memory, sink);

    if (m->limit && m->bytes.len + len > m->limit)
        return err_make(ERR_IO, "full");
    buf_add(&m->bytes, bytes, len);
    return OK;
}

static struct err memory_read(struct source *s, void *to, size_t max, size_t *got)
{
    struct memory *m = container_of(s, struct memory, source);
    size_t left = m->bytes.len - m->given;

    *got = left < max ? left : max;
    if (m->step && *got > m->step)
        *got = m->step;
    memcpy(to, m->bytes.ptr + m->given, *got);
    m->given += *got;
    return OK;
}

struct pair {
    struct memory m;
    struct record_writer w;
    struct record_reader r;
    struct record_text text;
};

static void begin(struct pair *p)
{
    *p = (struct pair){
        .m = {{memory_write}, {memory_read}}
    };
    record_writer_init(&p->w, &p->m.sink);
}

static void end(struct pair *p)
{
    record_writer_fini(&p->w);
    record_reader_fini(&p->r);
    record_text_fini(&p->text);
    buf_fini(&p->m.bytes);
}

/* Turns to reading what was written, from memory or from a source in steps. */
static void turn(struct pair *p, size_t step)
{
    cr_assert_not(err_failed(record_flush(&p->w)));
    record_reader_fini(&p->r);
    p->m.given = 0;
    p->m.step = step;
    if (step)
        record_reader_stream(&p->r, &p->m.source);
    else
        record_reader_memory(&p->r, buf_str(&p->m.bytes));
}

#define ok(expr) cr_assert_not(err_failed(expr))

static const size_t steps[] = {0, 1, 7, 100000};

Test(record, lengths_are_as_short_as_they_can_be_and_come_back)
{
    static const struct {
        uint64_t v;
        size_t bytes;
    } rows[] = {
        {0,          1},
        {63,         1},
        {64,         2},
        {16383,      2},
        {16384,      5},
        {UINT32_MAX, 5},
        {1ULL << 32, 9},
        {UINT64_MAX, 9},
    };
    struct pair p;
    uint64_t v, at = 0;

    begin(&p);
    for (size_t i = 0; i < countof(rows); i++) {
        record_put_length(&p.w, rows[i].v);
        cr_expect_eq(record_written(&p.w) - at, rows[i].bytes);
        at = record_written(&p.w);
    }
    for (size_t s = 0; s < countof(steps); s++) {
        turn(&p, steps[s]);
        for (size_t i = 0; i < countof(rows); i++) {
            ok(record_get_length(&p.r, &v));
            cr_expect_eq(v, rows[i].v);
        }
    }
    end(&p);
}

Test(record, strings_take_the_form_that_suits_them)
{
    static const struct {
        const char *text, *bytes;
        size_t len;
    } rows[] = {
        {"",                      "\0",                   1 },
        {"a",                     "\1a",                  2 },
        {"0",                     "\xc0\0",               2 },
        {"-128",                  "\xc0\x80",             2 },
        {"128",                   "\xc1\x80\0",           3 },
        {"-32769",                "\xc2\xff\x7f\xff\xff", 5 },
        {"2147483647",            "\xc2\xff\xff\xff\x7f", 5 },
        {"2147483648",
         "\x0a"
         "2147483648",                                    11},
        {"007",
         "\3"
         "007",                                           4 },
        {"aaaaaaaaaaaaaaaaaaaa",
         "\x14"
         "aaaaaaaaaaaaaaaaaaaa",                          21},
        {"aaaaaaaaaaaaaaaaaaaaa", "\xc3",                 1 },
    };
    struct pair p;

    begin(&p);
    for (size_t i = 0; i < countof(rows); i++) {
        record_put_string(&p.w, str_of(rows[i].text));
        turn(&p, 0);
        cr_expect_arr_eq(p.m.bytes.ptr, rows[i].bytes, rows[i].len, "%s", rows[i].text);
        cr_expect(p.m.bytes.len == rows[i].len || rows[i].bytes[0] == '\xc3', "%s", rows[i].text);
        for (size_t s = 0; s < countof(steps); s++) {
            turn(&p, steps[s]);
            ok(record_get_string(&p.r, &p.text));
            cr_expect(str_is(p.text.text, rows[i].text), "%s", rows[i].text);
        }
        buf_clear(&p.m.bytes);
    }
    end(&p);
}

Test(record, a_long_string_crosses_any_window_compressed_or_not)
{
    static char text[300000];
    struct pair p;

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i % 100 * (i / 1000));
    for (int compresses = 0; compresses < 2; compresses++) {
        begin(&p);
        p.w.compresses = compresses;
        record_put_byte(&p.w, 7);
        record_put_string(&p.w, (struct str){text, sizeof(text)});
        record_put_byte(&p.w, 8);
        for (size_t s = 0; s < countof(steps); s++) {
            uint8_t byte;

            turn(&p, steps[s]);
            ok(record_get_byte(&p.r, &byte));
            ok(record_get_string(&p.r, &p.text));
            cr_assert_eq(p.text.text.len, sizeof(text));
            cr_assert_arr_eq(p.text.text.ptr, text, sizeof(text));
            ok(record_get_byte(&p.r, &byte));
            cr_expect_eq(byte, 8);
        }
        cr_expect(compresses == (p.m.bytes.len < sizeof(text)));
        end(&p);
    }
}

Test(record, numbers_and_doubles_come_back_as_they_went)
{
    static const double doubles[] = {0, -1.5, 1e300, INFINITY, -INFINITY};
    struct pair p;
    double v;
    uint64_t bits;

    begin(&p);
    record_put_number(&p.w, INT64_MIN);
    record_put_number(&p.w, -7);
    record_put_u64(&p.w, 0x0102030405060708ULL);
    for (size_t i = 0; i < countof(doubles); i++)
        record_put_double(&p.w, doubles[i]);
    turn(&p, 3);
    ok(record_get_string(&p.r, &p.text));
    cr_expect(str_is(p.text.text, "-9223372036854775808"));
    ok(record_get_string(&p.r, &p.text));
    cr_expect(str_is(p.text.text, "-7"));
    ok(record_get_u64(&p.r, &bits));
    cr_expect_eq(bits, 0x0102030405060708ULL);
    for (size_t i = 0; i < countof(doubles); i++) {
        ok(record_get_double(&p.r, &v));
        cr_expect_eq(v, doubles[i]);
    }
    end(&p);
}

Test(record, doubles_of_old_files_are_text)
{
    struct record_reader r;
    double v;

    record_reader_memory(&r, STR("\3"
                                 "1.5"
                                 "\xfe"
                                 "\xff"
                                 "\xfd"
                                 "\1"
                                 "x"));
    ok(record_get_text_double(&r, &v));
    cr_expect_eq(v, 1.5);
    ok(record_get_text_double(&r, &v));
    cr_expect_eq(v, INFINITY);
    ok(record_get_text_double(&r, &v));
    cr_expect_eq(v, -INFINITY);
    ok(record_get_text_double(&r, &v));
    cr_expect(isnan(v));
    cr_expect_eq(record_get_text_double(&r, &v).code, ERR_CORRUPT);
}

Test(record, both_sides_have_the_same_checksum_at_every_place)
{
    struct pair p;
    uint64_t sums[50];

    begin(&p);
    for (size_t i = 0; i < countof(sums); i++) {
        record_put_length(&p.w, i * 1000);
        sums[i] = record_sum(&p.w);
    }
    turn(&p, 13);
    for (size_t i = 0; i < countof(sums); i++) {
        uint64_t v;

        ok(record_get_length(&p.r, &v));
        cr_expect_eq(record_read_sum(&p.r), sums[i]);
    }
    cr_expect_eq(crc64(0, p.m.bytes.ptr, p.m.bytes.len), sums[countof(sums) - 1]);
    end(&p);
}

Test(record, the_key_goes_behind_the_type)
{
    struct str key = STR("name");
    struct pair p;

    begin(&p);
    record_put_type(&p.w, RECORD_SET);
    p.w.key = &key;
    record_put_type(&p.w, RECORD_HASH);
    turn(&p, 0);
    cr_expect_arr_eq(p.m.bytes.ptr, "\2\4\4name", 7);
    end(&p);
}

Test(record, what_cannot_be_is_refused_and_says_where)
{
    static const struct {
        struct str bytes;
        uint64_t where;
    } rows[] = {
        {STR(""),                     0},
        {STR("\5abc"),                1},
        {STR("\x40"),                 0},
        {STR("\x80\0\0"),             0},
        {STR("\x81\xff\xff\xff\xff\xff\xff\xff\xff"
             "a"),
         9                             },
        {STR("\x82"),                 0},
        {STR("\xc4"),                 0},
        {STR("\xc2\0\0\0"),           1},
        {STR("\xc3\3\5\xe0\x00\xff"), 6},
        {STR("\xc3\3\x80\x7f\xff\xff\xff"
             "abc"),
         7                             },
        {STR("\xc3\5\5\0a"),          3},
        {STR("\xc3\xc0\5\0a"),        2},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct record_text text = {0};
        struct record_reader r;

        record_reader_memory(&r, rows[i].bytes);
        cr_expect_eq(record_get_string(&r, &text).code, ERR_CORRUPT, "row %zu", i);
        cr_expect_eq(record_where(&r), rows[i].where, "row %zu: %zu", i, (size_t)record_where(&r));
        record_text_fini(&text);
    }
}

Test(record, a_stream_that_promises_much_costs_what_it_brings)
{
    struct pair p;

    begin(&p);
    buf_add(&p.m.bytes,
            "\x80\xff\xff\x00\x00"
            "only this",
            14);
    turn(&p, 5);
    cr_expect_eq(record_get_string(&p.r, &p.text).code, ERR_CORRUPT);
    cr_expect_lt(p.text.own.cap, 3U << 20);
    end(&p);
}

Test(record, the_first_failure_of_a_sink_sticks)
{
    static char much[200000];
    struct pair p;

    begin(&p);
    p.m.limit = 10;
    record_put_bytes(&p.w, "0123456789", 10);
    cr_expect_not(err_failed(record_flush(&p.w)));
    record_put_bytes(&p.w, much, sizeof(much));
    p.m.limit = 0;
    record_put_bytes(&p.w, "behind", 6);
    cr_expect_eq(record_flush(&p.w).code, ERR_IO);
    cr_expect_eq(p.m.bytes.len, 10);
    end(&p);
}
