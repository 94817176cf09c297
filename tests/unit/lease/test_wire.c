/* Datagrams there and back, and none that is not whole or of another key. */
#include "base/err.h"
#include "lease/wire.h"

#include <criterion/criterion.h>

#include <string.h>

static const unsigned char key[LEASE_KEY_BYTES] = "0123456789abcdef0123456789abcde";

static struct lease_datagram renewals(size_t count)
{
    struct lease_datagram d = {.kind = LEASE_RENEW,
                               .voter = lease_voter_number("a"),
                               .sequence = UINT64_MAX - 1,
                               .count = count};

    for (size_t i = 0; i < count; i++)
        d.entries[i] = (struct lease_entry){(int64_t)i + 1, INT64_MAX, 7, LEASE_MS};
    return d;
}

Test(wire, what_is_written_is_read_again)
{
    for (size_t count = 1; count <= LEASE_ENTRIES_MAX; count++) {
        struct lease_datagram d = renewals(count), back = {0};
        unsigned char bytes[LEASE_DATAGRAM_MAX];
        size_t len = lease_wire_write(&d, key, bytes);

        cr_assert(lease_wire_read(bytes, len, key, &back));
        cr_expect(back.kind == d.kind && back.voter == d.voter && back.sequence == d.sequence);
        cr_expect_eq(back.count, count);
        for (size_t i = 0; i < count; i++) {
            cr_expect_eq(back.entries[i].shard, d.entries[i].shard);
            cr_expect_eq(back.entries[i].term, d.entries[i].term);
            cr_expect_eq(back.entries[i].holder, d.entries[i].holder);
            cr_expect_eq(back.entries[i].ms, d.entries[i].ms);
        }
    }
}

Test(wire, a_byte_that_differs_or_is_missing_makes_it_none)
{
    struct lease_datagram d = renewals(2), back;
    unsigned char bytes[LEASE_DATAGRAM_MAX];
    size_t len = lease_wire_write(&d, key, bytes);

    for (size_t i = 0; i < len; i++) {
        bytes[i] ^= 1;
        cr_expect_not(lease_wire_read(bytes, len, key, &back), "byte %zu", i);
        bytes[i] ^= 1;
        cr_expect_not(lease_wire_read(bytes, i, key, &back), "%zu bytes", i);
    }
    cr_expect(lease_wire_read(bytes, len, key, &back));
}

Test(wire, another_key_reads_nothing)
{
    struct lease_datagram d = renewals(1), back;
    unsigned char bytes[LEASE_DATAGRAM_MAX], other[LEASE_KEY_BYTES];
    size_t len = lease_wire_write(&d, key, bytes);

    memcpy(other, key, sizeof(other));
    other[LEASE_KEY_BYTES - 1] ^= 1;
    cr_expect_not(lease_wire_read(bytes, len, other, &back));
}

Test(wire, what_none_may_say_is_no_datagram)
{
    static const struct {
        enum lease_kind kind;
        struct lease_entry entry;
        bool is_good;
    } rows[] = {
        {LEASE_RENEW,        {1, 1, 1, 1},                true },
        {LEASE_RENEW,        {1, 1, 1, LEASE_MS_MAX},     true },
        {LEASE_RENEW,        {1, 1, 1, LEASE_MS_MAX + 1}, false},
        {LEASE_RENEW,        {1, 1, 1, -1},               false},
        {LEASE_RENEW,        {1, 1, 1, 0},                false},
        {LEASE_ANSWER,       {1, 1, 1, 0},                true },
        {LEASE_ANSWER,       {0, 1, 1, 1},                false},
        {LEASE_ANSWER,       {1, 0, 1, 1},                false},
        {LEASE_ANSWER,       {1, 1, -1, 1},               false},
        {(enum lease_kind)3, {1, 1, 1, 1},                false},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct lease_datagram d = {.kind = rows[i].kind, .count = 1, .entries = {rows[i].entry}};
        struct lease_datagram back;
        unsigned char bytes[LEASE_DATAGRAM_MAX];
        size_t len = lease_wire_write(&d, key, bytes);
        cr_expect_eq(lease_wire_read(bytes, len, key, &back), rows[i].is_good, "row %zu", i);
    }
}

Test(wire, hosts_have_numbers_of_their_own)
{
    cr_expect_neq(lease_voter_number("a"), lease_voter_number("b"));
    cr_expect_eq(lease_voter_number("a"), lease_voter_number("a"));
    cr_expect_neq(lease_voter_number(""), 0);
}
