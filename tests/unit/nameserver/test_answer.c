/* One message in, one out. */
#include "base/arena.h"
#include "nameserver/answer.h"
#include "nameserver/zone.h"
#include "wire.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct zone *zone;
static struct net_addr here;
static struct wire query;
static struct wire_reply reply;
static uint8_t out[ANSWER_STREAM_MAX];

static void publish(const char *name, const char *prefix, int count)
{
    struct net_addr addresses[1000];

    for (int i = 0; i < count; i++) {
        char text[64];
        snprintf(text, sizeof(text), "%s%d", prefix, i + 1);
        cr_assert(net_addr_parse_host(str_of(text), &addresses[i]), "%s", text);
    }
    cr_assert_eq(zone_upsert(zone, name, addresses, (size_t)count, 5).code, ERR_OK);
}

static void setup(void)
{
    zone = zone_new("cache.test", 42);
    cr_assert(net_addr_parse(STR("127.0.0.53:53"), &here));
    publish("one.abc.cache.test", "127.1.0.", 1);
    publish("six.cache.test", "fd00::", 1);
}

static void teardown(void)
{
    zone_free(zone);
}

TestSuite(answer, .init = setup, .fini = teardown);

static size_t ask_bytes(const void *bytes, size_t len, bool is_stream)
{
    struct answer_call call = {
        .query = bytes, .query_len = len, .is_stream = is_stream, .here = &here};

    return dns_answer(zone, &call, out);
}

static void ask_prepared(bool is_stream)
{
    size_t len = ask_bytes(query.bytes, query.len, is_stream);

    cr_assert_gt(len, 0);
    cr_assert(wire_read(out, len, &reply), "the reply is not well-formed");
    cr_assert(reply.is_reply);
    cr_assert_eq(reply.id, 0x1234);
}

static void ask(const char *name, int type)
{
    wire_query(&query, 0x1234, name, type);
    ask_prepared(false);
}

Test(answer, a_name_has_its_addresses_with_their_lifetime)
{
    ask("one.abc.cache.test", TYPE_A);
    cr_expect_eq(reply.rcode, NOERROR);
    cr_expect(reply.is_authoritative);
    cr_expect(reply.wants_recursion);
    cr_assert_eq(reply.answers, 1);
    cr_expect_eq(reply.authorities, 0);
    cr_expect_str_eq(reply.question, "one.abc.cache.test");
    cr_expect_str_eq(reply.records[0].name, "one.abc.cache.test");
    cr_expect_str_eq(reply.records[0].data, "127.1.0.1");
    cr_expect_eq(reply.records[0].ttl_s, 5);

    ask("six.cache.test", TYPE_AAAA);
    cr_assert_eq(reply.answers, 1);
    cr_expect_str_eq(reply.records[0].data, "fd00::1");
}

Test(answer, case_does_not_matter_and_comes_back_as_it_was_sent)
{
    ask("oNe.ABC.cAcHe.TeSt", TYPE_A);
    cr_assert_eq(reply.answers, 1);
    cr_expect_str_eq(reply.question, "oNe.ABC.cAcHe.TeSt");
    cr_expect_str_eq(reply.records[0].name, "oNe.ABC.cAcHe.TeSt");
}

static void expect_negative(int rcode)
{
    cr_expect_eq(reply.rcode, rcode);
    cr_expect(reply.is_authoritative);
    cr_expect_eq(reply.answers, 0);
    cr_assert_eq(reply.authorities, 1);
    cr_expect_eq(reply.records[0].type, TYPE_SOA);
    cr_expect_str_eq(reply.records[0].name, "cache.test");
    cr_expect_eq(reply.records[0].ttl_s, 5);
}

Test(answer, missing_names_and_missing_types_are_told_apart_and_carry_the_soa)
{
    ask("nobody.cache.test", TYPE_A);
    expect_negative(NXDOMAIN);
    ask("x.one.abc.cache.test", TYPE_A);
    expect_negative(NXDOMAIN);
    ask("one.abc.cache.test", TYPE_AAAA);
    expect_negative(NOERROR);
    ask("one.abc.cache.test", TYPE_TXT);
    expect_negative(NOERROR);
    ask("abc.cache.test", TYPE_A);
    expect_negative(NOERROR);
    ask("cache.test", TYPE_A);
    expect_negative(NOERROR);
}

Test(answer, the_zone_describes_itself)
{
    ask("cache.test", TYPE_SOA);
    cr_assert_eq(reply.answers, 1);
    cr_expect_str_eq(reply.records[0].data, "ns.cache.test");
    ask("cache.test", TYPE_NS);
    cr_assert_eq(reply.answers, 1);
    cr_expect_str_eq(reply.records[0].data, "ns.cache.test");
    cr_assert_eq(reply.additionals, 1);
    cr_expect_str_eq(reply.records[1].name, "ns.cache.test");
    cr_expect_str_eq(reply.records[1].data, "127.0.0.53");
    ask("ns.cache.test", TYPE_A);
    cr_assert_eq(reply.answers, 1);
    cr_expect_str_eq(reply.records[0].data, "127.0.0.53");
    ask("ns.cache.test", TYPE_AAAA);
    expect_negative(NOERROR);
    ask("one.abc.cache.test", TYPE_ANY);
    cr_expect_eq(reply.answers, 1);
}

Test(answer, what_is_not_ours_is_refused)
{
    static const char *const names[] = {"example.com", "test", "", "mycache.test"};

    for (size_t i = 0; i < countof(names); i++) {
        ask(names[i], TYPE_A);
        cr_expect_eq(reply.rcode, REFUSED, "%s", names[i]);
        cr_expect_not(reply.is_authoritative);
        cr_expect_eq(reply.answers + reply.authorities, 0);
    }
    ask("cache.test", TYPE_AXFR);
    cr_expect_eq(reply.rcode, REFUSED);
    wire_query(&query, 0x1234, "one.abc.cache.test", TYPE_A);
    query.bytes[query.len - 1] = 3; /* class CH */
    ask_prepared(false);
    cr_expect_eq(reply.rcode, REFUSED);
}

Test(answer, other_opcodes_are_not_implemented)
{
    wire_query(&query, 0x1234, "cache.test", TYPE_SOA);
    query.bytes[2] = 4 << 3; /* NOTIFY */
    ask_prepared(false);
    cr_expect_eq(reply.rcode, NOTIMP);
    cr_expect_eq(reply.opcode, 4);
}

Test(answer, without_edns_a_long_answer_is_cut_at_512_bytes_and_tcp_has_it_all)
{
    publish("many.cache.test", "127.2.0.", 200);
    ask("many.cache.test", TYPE_A);
    cr_expect(reply.is_truncated);
    cr_expect_eq(reply.answers, 0);
    cr_expect_eq(reply.rcode, NOERROR);
    cr_expect_str_eq(reply.question, "many.cache.test");

    ask_prepared(true);
    cr_expect_not(reply.is_truncated);
    cr_assert_eq(reply.answers, 200);
}

Test(answer, edns_gives_more_room_up_to_what_travels_unfragmented)
{
    publish("some.cache.test", "127.2.0.", 60);
    wire_query(&query, 0x1234, "some.cache.test", TYPE_A);
    wire_add_opt(&query, 4096, 0);
    ask_prepared(false);
    cr_expect_eq(reply.answers, 60);
    cr_expect(reply.has_opt);
    cr_expect_eq(reply.opt_udp_size, ANSWER_UDP_MAX);

    publish("many.cache.test", "127.2.0.", 200);
    wire_query(&query, 0x1234, "many.cache.test", TYPE_A);
    wire_add_opt(&query, 65535, 0);
    ask_prepared(false);
    cr_expect(reply.is_truncated);
    cr_expect(reply.has_opt);

    wire_query(&query, 0x1234, "some.cache.test", TYPE_A);
    wire_add_opt(&query, 1, 0);
    ask_prepared(false);
    cr_expect(reply.is_truncated);
}

Test(answer, edns_of_the_future_is_answered_with_badvers)
{
    wire_query(&query, 0x1234, "one.abc.cache.test", TYPE_A);
    wire_add_opt(&query, 1232, 1);
    ask_prepared(false);
    cr_expect(reply.has_opt);
    cr_expect_eq(reply.opt_extended_rcode, 1);
    cr_expect_eq(reply.rcode, NOERROR);
    cr_expect_eq(reply.answers, 0);
}

Test(answer, two_opt_records_are_a_format_error)
{
    wire_query(&query, 0x1234, "one.abc.cache.test", TYPE_A);
    wire_add_opt(&query, 1232, 0);
    wire_add_opt(&query, 1232, 0);
    ask_prepared(false);
    cr_expect_eq(reply.rcode, FORMERR);
}

Test(answer, what_cannot_be_taken_apart_is_a_format_error_with_its_id)
{
    wire_query(&query, 0x1234, "one.abc.cache.test", TYPE_A);
    for (size_t len = 12; len < query.len; len++) {
        size_t got = ask_bytes(query.bytes, len, false);
        cr_assert_gt(got, 0, "cut at %zu", len);
        cr_assert(wire_read(out, got, &reply));
        cr_expect_eq(reply.id, 0x1234);
        cr_expect_eq(reply.rcode, FORMERR, "cut at %zu", len);
    }
    query.bytes[5] = 0;
    query.len = 12;
    ask_prepared(false);
    cr_expect_eq(reply.rcode, FORMERR, "no question");
}

Test(answer, fragments_of_a_header_and_answers_meet_silence)
{
    wire_query(&query, 0x1234, "one.abc.cache.test", TYPE_A);
    for (size_t len = 0; len < 12; len++)
        cr_expect_eq(ask_bytes(query.bytes, len, false), 0);
    query.bytes[2] |= 0x80;
    cr_expect_eq(ask_bytes(query.bytes, query.len, false), 0);
}

Test(answer, labels_with_odd_bytes_are_missing_names_not_other_names)
{
    wire_query(&query, 0x1234, "one.abc.cache.test", TYPE_A);
    query.bytes[12 + 1 + 3] = '\x07'; /* the length of "abc" and 4 more: "one" + "abc.cac" */
    size_t got = ask_bytes(query.bytes, query.len, false);
    cr_assert_gt(got, 0);
    wire_query(&query, 0x1234,
               "o\x01"
               "e.cache.test",
               TYPE_A);
    ask_prepared(false);
    cr_expect_eq(reply.rcode, NXDOMAIN);
    wire_query(&query, 0x1234, "one?abc.cache.test", TYPE_A);
    query.bytes[12 + 4] = '.'; /* one label "one.abc" */
    ask_prepared(false);
    cr_expect_eq(reply.rcode, NXDOMAIN);
}

Test(answer, random_bytes_never_do_harm)
{
    unsigned seed = 7;

    for (int round = 0; round < 20000; round++) {
        wire_query(&query, 0x1234, "one.abc.cache.test", TYPE_A);
        wire_add_opt(&query, 1232, 0);
        for (int n = 0; n < 4; n++)
            query.bytes[rand_r(&seed) % query.len] = (uint8_t)rand_r(&seed);
        size_t got = ask_bytes(query.bytes, query.len, round & 1);
        cr_assert(got == 0 || (got >= 12 && (out[2] & 0x80)));
    }
}
