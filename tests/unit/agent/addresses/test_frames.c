/* The bytes themselves, as RFCs and rtnetlink(7) have them. */
#include "agent/addresses/frames.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <criterion/criterion.h>

#include <endian.h>
#include <stdio.h>

static const unsigned char mac[FRAME_MAC_BYTES] = {0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee};

static struct ip ip_of(const char *text)
{
    struct ip ip;

    cr_assert(ip_parse(str_of(text), &ip));
    return ip;
}

static void expect(const struct frame *f, const char *hex)
{
    scoped(buf_fini) struct buf said = BUF_EMPTY;

    for (size_t i = 0; i < f->len; i++)
        buf_printf(&said, "%02x", f->bytes[i]);
    scoped(buf_fini) struct buf wanted = BUF_EMPTY;
    for (const char *at = hex; *at; at++)
        if (*at != ' ')
            buf_add(&wanted, at, 1);
    cr_expect_str_eq(buf_cstr(&said), buf_cstr(&wanted));
}

Test(frames, an_address_is_asked_for_by_its_owner)
{
    const struct ip ip = ip_of("10.1.2.3");
    struct frame f;

    frame_arp_request(&f, mac, &ip);
    expect(&f, "ffffffffffff 02aabbccddee 0806"
               "0001 0800 06 04 0001"
               "02aabbccddee 0a010203"
               "000000000000 0a010203");
}

Test(frames, nobody_asked_and_is_answered)
{
    const struct ip ip = ip_of("10.1.2.3");
    struct frame f;

    frame_arp_reply(&f, mac, &ip);
    expect(&f, "ffffffffffff 02aabbccddee 0806"
               "0001 0800 06 04 0002"
               "02aabbccddee 0a010203"
               "02aabbccddee 0a010203");
}

/* The sum over the pseudo header and the message, with the checksum in it, is all ones. */
static bool sums_up(const unsigned char *head, const unsigned char *message, size_t len)
{
    uint32_t sum = (uint32_t)len + 58;

    for (size_t i = 8; i < 40; i += 2)
        sum += (uint32_t)head[i] << 8 | head[i + 1];
    for (size_t i = 0; i < len; i += 2)
        sum += (uint32_t)message[i] << 8 | message[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

Test(frames, an_advertisement_overrides_what_all_nodes_know)
{
    const struct ip ip = ip_of("fd00:77::5");
    struct frame f;

    frame_advertisement(&f, mac, &ip);
    cr_expect(sums_up(f.bytes + 14, f.bytes + 54, f.len - 54));
    char checksum[5];
    snprintf(checksum, sizeof(checksum), "%02x%02x", f.bytes[56], f.bytes[57]);
    scoped(arena_fini) struct arena a = {0};
    expect(&f, arena_printf(&a,
                            "333300000001 02aabbccddee 86dd"
                            "60000000 0020 3a ff"
                            "fd000077000000000000000000000005 ff020000000000000000000000000001"
                            "88 00 %s 20000000 fd000077000000000000000000000005"
                            "02 01 02aabbccddee",
                            checksum));
}

static uint32_t number_at(const struct frame *f, size_t at, bool is_short)
{
    uint32_t four;
    uint16_t two;

    memcpy(&four, f->bytes + at, sizeof(four));
    memcpy(&two, f->bytes + at, sizeof(two));
    return is_short ? two : four;
}

static void expect_order(const struct frame *f, uint32_t type, uint32_t flags)
{
    cr_expect_eq(number_at(f, 0, false), f->len);
    cr_expect_eq(number_at(f, 4, true), type);
    cr_expect_eq(number_at(f, 6, true), flags);
    cr_expect_eq(number_at(f, 8, false), 9);
    cr_expect_eq(number_at(f, 20, false), 3, "the interface");
}

/* Attributes behind the heads, one by one; those of numbers in this machine's order. */
static void expect_attribute(const struct frame *f, size_t *at, uint32_t type, const void *value,
                             uint32_t len)
{
    cr_expect_eq(number_at(f, *at, true), len + 4);
    cr_expect_eq(number_at(f, *at + 2, true), type);
    cr_expect_arr_eq(f->bytes + *at + 4, value, len);
    *at += 4 + len;
}

Test(frames, an_address_of_ipv4_is_given_for_a_while)
{
    const struct frame_place at = {ip_of("10.1.2.3"), 3, 32};
    const uint32_t life[] = {5, 5, 0, 0}, flags = 0x200;
    struct frame f;
    size_t next = 24;

    frame_add_address(&f, &at, 5, 9);
    expect_order(&f, 20, 0x0001 | 0x0004 | 0x0100 | 0x0400);
    cr_expect_arr_eq(f.bytes + 16, "\x02\x20\x00\x00", 4, "family, prefix, flags, scope");
    expect_attribute(&f, &next, 2, "\x0a\x01\x02\x03", 4);
    expect_attribute(&f, &next, 1, "\x0a\x01\x02\x03", 4);
    expect_attribute(&f, &next, 6, life, sizeof(life));
    expect_attribute(&f, &next, 8, &flags, sizeof(flags));
    cr_expect_eq(next, f.len);
}

Test(frames, one_of_ipv6_is_there_at_once_and_begins_no_connections)
{
    static const unsigned char raw[16] = {0xfd, 0x00, 0x00, 0x77, [15] = 5};
    const struct frame_place at = {ip_of("fd00:77::5"), 3, 128};
    const uint32_t life[] = {0, UINT32_MAX, 0, 0}, flags = 0x202;
    struct frame f;
    size_t next = 24;

    frame_add_address(&f, &at, 0, 9);
    expect_order(&f, 20, 0x0001 | 0x0004 | 0x0100 | 0x0400);
    cr_expect_arr_eq(f.bytes + 16, "\x0a\x80\x00\x00", 4);
    expect_attribute(&f, &next, 2, raw, 16);
    expect_attribute(&f, &next, 1, raw, 16);
    expect_attribute(&f, &next, 6, life, sizeof(life));
    expect_attribute(&f, &next, 8, &flags, sizeof(flags));
    cr_expect_eq(next, f.len);
}

Test(frames, an_address_is_taken_away)
{
    const struct frame_place at = {ip_of("10.1.2.3"), 3, 24};
    struct frame f;
    size_t next = 24;

    frame_remove_address(&f, &at, 9);
    expect_order(&f, 21, 0x0001 | 0x0004);
    cr_expect_arr_eq(f.bytes + 16, "\x02\x18\x00\x00", 4);
    expect_attribute(&f, &next, 2, "\x0a\x01\x02\x03", 4);
    expect_attribute(&f, &next, 1, "\x0a\x01\x02\x03", 4);
    cr_expect_eq(next, f.len);
}
