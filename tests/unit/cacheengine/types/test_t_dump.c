#include "cacheengine/keyspace/crc64.h"
#include "types_play.h"

/* Lines that make the key `k`, in every form that a value has. */
static const char *const fills[] = {
    "SET k text",
    "SET k 12345",
    "SADD k 1 2 300000",
    "SADD k a b 3",
    "HSET k f v n 5 g -70000",
    "ZADD k 1 a 2.5 b -inf c 7 12",
};

/* The payload of `k`; the caller frees. */
static struct buf dump(struct harness *h)
{
    struct str argv[2] = {STR("DUMP"), STR("k")};
    struct buf payload = BUF_EMPTY;

    harness_run(h, cmd_dump, argv, 2);
    struct str said = buf_str(&h->said);
    cr_assert_eq(said.ptr[0], '$');
    str_cut(&said, '\n');
    buf_add(&payload, said.ptr, said.len - 2);
    return payload;
}

static const char *restore(struct harness *h, const char *ttl, struct str payload)
{
    struct str argv[5] = {STR("RESTORE"), STR("k"), str_of(ttl), payload, STR("REPLACE")};

    harness_run(h, cmd_restore, argv, 5);
    return buf_cstr(&h->said);
}

/* Puts the right checksum at the end. */
static void seal(char *bytes, size_t len)
{
    uint64_t sum = crc64(0, bytes, len - 8);

    for (unsigned i = 0; i < 8; i++)
        bytes[len - 8 + i] = (char)(sum >> (8 * i));
}

static void fill_many(struct harness *h, const char *verb, const char *between, int count)
{
    char line[200];

    play_line(h, "DEL k");
    for (int i = 0; i < count; i++) {
        snprintf(line, sizeof(line), "%s k %s%d member-number-%d", verb, between, i, i);
        play_line(h, line);
    }
}

static void comes_back_the_same(struct harness *h)
{
    struct buf first = dump(h);

    play_line(h, "DEL k");
    cr_expect_str_eq(restore(h, "0", buf_str(&first)), "+OK\r\n");
    struct buf second = dump(h);
    cr_expect_eq(first.len, second.len);
    buf_fini(&first);
    buf_fini(&second);
}

Test(t_dump, what_was_dumped_is_restored_in_every_form)
{
    struct harness h;

    harness_begin(&h);
    for (size_t i = 0; i < countof(fills); i++) {
        play_line(&h, "DEL k");
        play_line(&h, fills[i]);
        comes_back_the_same(&h);
    }
    fill_many(&h, "SADD", "s", 500);
    comes_back_the_same(&h);
    cr_expect_str_eq(play_line(&h, "SCARD k"), ":1000\r\n");
    fill_many(&h, "HSET", "f", 500);
    comes_back_the_same(&h);
    cr_expect_str_eq(play_line(&h, "HGET k f77"), "$16\r\nmember-number-77\r\n");
    fill_many(&h, "ZADD", "", 500);
    comes_back_the_same(&h);
    cr_expect_str_eq(play_line(&h, "ZRANK k member-number-77"), ":77\r\n");
    harness_end(&h);
}

/* Whatever a value is, reading all of it must work. */
static void read_all(struct harness *h)
{
    static const char *const lines[] = {"HGETALL k",  "SMEMBERS k", "ZRANGE k 0 -1",
                                        "HSET k x y", "SADD k x",   "ZADD k 1 x"};

    for (size_t i = 0; i < countof(lines); i++)
        play_line(h, lines[i]);
}

Test(t_dump, no_change_of_a_payload_does_harm_or_leaves_a_rest)
{
    struct harness h;

    harness_begin(&h);
    for (size_t i = 0; i < countof(fills); i++) {
        play_line(&h, "DEL k");
        play_line(&h, fills[i]);
        struct buf payload = dump(&h);
        play_line(&h, "DEL k");
        size_t before = h.ks.account.used_bytes;
        for (size_t at = 0; at + 10 < payload.len; at++)
            for (int v = 0; v < 256; v += 5) {
                char kept = payload.ptr[at];

                payload.ptr[at] = (char)v;
                seal(payload.ptr, payload.len);
                if (restore(&h, "0", buf_str(&payload))[0] == '+')
                    read_all(&h);
                play_line(&h, "DEL k");
                payload.ptr[at] = kept;
            }
        cr_expect_leq(h.ks.account.used_bytes, before + 65536);
        buf_fini(&payload);
    }
    harness_end(&h);
}

Test(t_dump, a_refused_payload_leaves_the_old_value)
{
    struct harness h;

    harness_begin(&h);
    play_line(&h, "SADD k a b");
    struct buf payload = dump(&h);
    play_line(&h, "DEL k");
    play_line(&h, "SET k old");
    payload.ptr[payload.len - 1] ^= 1;
    cr_expect_str_eq(restore(&h, "0", buf_str(&payload)),
                     "-ERR DUMP payload version or checksum are wrong\r\n");
    payload.ptr[1] = 63;
    seal(payload.ptr, payload.len);
    cr_expect_str_eq(restore(&h, "0", buf_str(&payload)), "-ERR Bad data format\r\n");
    cr_expect_str_eq(play_line(&h, "EXISTS k"), ":1\r\n");
    cr_expect_eq(h.dirty, 0);
    buf_fini(&payload);
    harness_end(&h);
}

Test(t_dump, a_time_that_has_passed_removes_the_key_and_says_so)
{
    struct str argv[6] = {STR("RESTORE"), STR("k"), STR("1"), {0}, STR("ABSTTL"), STR("REPLACE")};
    struct harness h;

    harness_begin(&h);
    play_line(&h, "SET k old");
    struct buf payload = dump(&h);
    argv[3] = buf_str(&payload);
    buf_clear(&h.events);
    harness_run(&h, cmd_restore, argv, 6);
    cr_expect_str_eq(buf_cstr(&h.said), "+OK\r\n");
    cr_expect_str_eq(buf_cstr(&h.events), "del:k ");
    cr_expect_eq(h.dirty, 1);
    buf_clear(&h.events);
    harness_run(&h, cmd_restore, argv, 6);
    cr_expect_str_eq(buf_cstr(&h.said), "+OK\r\n");
    cr_expect_str_eq(buf_cstr(&h.events), "");
    cr_expect_eq(h.dirty, 0);
    cr_expect_str_eq(restore(&h, "5000", buf_str(&payload)), "+OK\r\n");
    cr_expect_str_eq(buf_cstr(&h.events), "restore:k ");
    buf_fini(&payload);
    harness_end(&h);
}
