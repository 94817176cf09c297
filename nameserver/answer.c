/*
 * ldns takes messages apart and puts them together; what stands between is the table of RFC 1034:
 * the name is in the zone or not, exists or not, and has the type that was asked for or not.
 */
#include "nameserver/answer.h"

#include "base/arena.h"
#include "nameserver/name.h"
#include "nameserver/zone.h"

#include <ldns/ldns.h>
#include <netinet/in.h>
#include <string.h>

#define HEADER_BYTES     12
#define PLAIN_UDP_MAX    512 /* without EDNS (RFC 1035, section 4.2.1) */
#define ZONE_TTL_S       60
#define NEGATIVE_TTL_S   5 /* a name that is not there yet may be there in a moment */
#define SOA_REFRESH_S    60
#define SOA_RETRY_S      30
#define SOA_EXPIRE_S     86400
#define QUERY_BIT        0x80
#define OPCODE_BITS      0x78
#define RECURSION_BIT    0x01
#define EXTENDED_BADVERS 1 /* the upper bits of BADVERS, 16 (RFC 6891) */

struct exchange {
    struct zone *zone;
    const struct answer_call *call;
    struct arena arena;
    ldns_pkt *query;
    ldns_pkt *reply;
    const ldns_rdf *owner; /* the name as it was asked, case and all */
    ldns_rr_type type;
};

static void exchange_fini(struct exchange *x)
{
    if (x->query)
        ldns_pkt_free(x->query);
    if (x->reply)
        ldns_pkt_free(x->reply);
    arena_fini(&x->arena);
}

/* A name from the wire as text in lower case. What no host name may contain becomes '?', which none
 * of ours has; so such a name keeps its place in the tree and is never found. */
static void name_text(const ldns_rdf *name, char out[DNS_NAME_MAX + 2])
{
    const uint8_t *wire = ldns_rdf_data(name);
    size_t size = ldns_rdf_size(name), len = 0;

    for (size_t at = 0; at < size && wire[at] != 0;) {
        size_t label = wire[at++];
        if (len > 0 && len < DNS_NAME_MAX)
            out[len++] = '.';
        for (; label > 0 && at < size && len < DNS_NAME_MAX; label--, at++) {
            char c = dns_label_char((char)wire[at]);
            out[len++] = c ? c : '?';
        }
    }
    out[len] = '\0';
}

static ldns_rr *rr_new(ldns_rdf *owner, ldns_rr_type type, int ttl_s)
{
    ldns_rr *rr = ldns_rr_new();

    check(rr != NULL && owner != NULL);
    ldns_rr_set_owner(rr, owner);
    ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
    ldns_rr_set_type(rr, type);
    ldns_rr_set_ttl(rr, (uint32_t)ttl_s);
    return rr;
}

/* "<prefix><zone>" as a name of the wire. */
static ldns_rdf *zone_name(struct exchange *x, const char *prefix)
{
    const char *text = arena_printf(&x->arena, "%s%s.", prefix, zone_origin(x->zone));
    ldns_rdf *name = ldns_dname_new_frm_str(text);

    check(name != NULL);
    return name;
}

static ldns_rr *soa_rr(struct exchange *x)
{
    ldns_rr *rr = rr_new(zone_name(x, ""), LDNS_RR_TYPE_SOA, NEGATIVE_TTL_S);

    ldns_rr_push_rdf(rr, zone_name(x, "ns."));
    ldns_rr_push_rdf(rr, zone_name(x, "hostmaster."));
    ldns_rr_push_rdf(rr, ldns_native2rdf_int32(LDNS_RDF_TYPE_INT32, zone_serial(x->zone)));
    ldns_rr_push_rdf(rr, ldns_native2rdf_int32(LDNS_RDF_TYPE_PERIOD, SOA_REFRESH_S));
    ldns_rr_push_rdf(rr, ldns_native2rdf_int32(LDNS_RDF_TYPE_PERIOD, SOA_RETRY_S));
    ldns_rr_push_rdf(rr, ldns_native2rdf_int32(LDNS_RDF_TYPE_PERIOD, SOA_EXPIRE_S));
    ldns_rr_push_rdf(rr, ldns_native2rdf_int32(LDNS_RDF_TYPE_PERIOD, NEGATIVE_TTL_S));
    return rr;
}

static ldns_rr *ns_rr(struct exchange *x)
{
    ldns_rr *rr = rr_new(zone_name(x, ""), LDNS_RR_TYPE_NS, ZONE_TTL_S);

    ldns_rr_push_rdf(rr, zone_name(x, "ns."));
    return rr;
}

/* Takes over `owner`. */
static ldns_rr *address_rr(ldns_rdf *owner, const struct net_addr *address, int ttl_s)
{
    if (address->storage.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->storage;
        ldns_rr *rr = rr_new(owner, LDNS_RR_TYPE_A, ttl_s);
        ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_A, 4, &v4->sin_addr));
        return rr;
    }
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->storage;
    ldns_rr *rr = rr_new(owner, LDNS_RR_TYPE_AAAA, ttl_s);
    ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_AAAA, 16, &v6->sin6_addr));
    return rr;
}

static bool asks_for(const struct exchange *x, ldns_rr_type type)
{
    return x->type == type || x->type == LDNS_RR_TYPE_ANY;
}

/* True when there was an address of the type that was asked for. */
static bool answer_addresses(struct exchange *x, const struct net_addr *items, size_t count,
                             int ttl_s)
{
    bool has_any = false;

    for (size_t i = 0; i < count; i++) {
        bool is_v4 = items[i].storage.ss_family == AF_INET;
        if (!asks_for(x, is_v4 ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA))
            continue;
        ldns_pkt_push_rr(x->reply, LDNS_SECTION_ANSWER,
                         address_rr(ldns_rdf_clone(x->owner), &items[i], ttl_s));
        has_any = true;
    }
    return has_any;
}

static bool has_here(const struct exchange *x)
{
    return x->call->here && x->call->here->len > 0 && !net_addr_is_wildcard(x->call->here);
}

static bool answer_apex(struct exchange *x)
{
    if (asks_for(x, LDNS_RR_TYPE_SOA))
        ldns_pkt_push_rr(x->reply, LDNS_SECTION_ANSWER, soa_rr(x));
    if (asks_for(x, LDNS_RR_TYPE_NS)) {
        ldns_pkt_push_rr(x->reply, LDNS_SECTION_ANSWER, ns_rr(x));
        if (has_here(x))
            ldns_pkt_push_rr(x->reply, LDNS_SECTION_ADDITIONAL,
                             address_rr(zone_name(x, "ns."), x->call->here, ZONE_TTL_S));
    }
    return ldns_pkt_ancount(x->reply) > 0;
}

static bool answer_server(struct exchange *x)
{
    return has_here(x) && answer_addresses(x, x->call->here, 1, ZONE_TTL_S);
}

/* Fills in the reply to a well-formed question. */
static void answer_question(struct exchange *x)
{
    char name[DNS_NAME_MAX + 2];
    struct zone_addresses found = {0};
    bool has_data = false;

    name_text(x->owner, name);
    enum zone_match match = zone_find(x->zone, &x->arena, name, &found);
    if (match == ZONE_OUTSIDE || x->type == LDNS_RR_TYPE_AXFR || x->type == LDNS_RR_TYPE_IXFR) {
        ldns_pkt_set_rcode(x->reply, LDNS_RCODE_REFUSED);
        return;
    }
    ldns_pkt_set_aa(x->reply, true);
    if (match == ZONE_APEX)
        has_data = answer_apex(x);
    if (match == ZONE_SERVER)
        has_data = answer_server(x);
    if (match == ZONE_NAME)
        has_data = answer_addresses(x, found.items, found.count, found.ttl_s);
    if (match == ZONE_MISSING)
        ldns_pkt_set_rcode(x->reply, LDNS_RCODE_NXDOMAIN);
    if (!has_data)
        ldns_pkt_push_rr(x->reply, LDNS_SECTION_AUTHORITY, soa_rr(x));
}

/* A second OPT record is an error (RFC 6891, section 6.1.1); ldns takes each of them out of the
 * additional section, so they show as a difference in the counts. */
static bool has_two_opts(const struct exchange *x)
{
    unsigned said = (unsigned)(x->call->query[10] << 8 | x->call->query[11]);
    unsigned left = ldns_pkt_arcount(x->query) + (ldns_pkt_tsig(x->query) ? 1 : 0);

    return said > left + 1;
}

/* The response code that the form of the query calls for; NOERROR when it may be answered. */
static ldns_pkt_rcode question_fault(const struct exchange *x)
{
    if (ldns_pkt_get_opcode(x->query) != LDNS_PACKET_QUERY)
        return LDNS_RCODE_NOTIMPL;
    if (ldns_pkt_qdcount(x->query) != 1 || has_two_opts(x))
        return LDNS_RCODE_FORMERR;
    if (ldns_rr_get_class(ldns_rr_list_rr(ldns_pkt_question(x->query), 0)) != LDNS_RR_CLASS_IN)
        return LDNS_RCODE_REFUSED;
    return LDNS_RCODE_NOERROR;
}

static void reply_begin(struct exchange *x)
{
    x->reply = ldns_pkt_new();
    check(x->reply != NULL);
    ldns_pkt_set_id(x->reply, ldns_pkt_id(x->query));
    ldns_pkt_set_qr(x->reply, true);
    ldns_pkt_set_opcode(x->reply, ldns_pkt_get_opcode(x->query));
    ldns_pkt_set_rd(x->reply, ldns_pkt_rd(x->query));
    if (!ldns_pkt_edns(x->query))
        return;
    ldns_pkt_set_edns_udp_size(x->reply, ANSWER_UDP_MAX);
    ldns_pkt_set_edns_do(x->reply, ldns_pkt_edns_do(x->query));
}

static void reply_fill(struct exchange *x)
{
    ldns_pkt_rcode fault = question_fault(x);

    ldns_pkt_set_rcode(x->reply, fault);
    if (ldns_pkt_qdcount(x->query) != 1)
        return;
    const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(x->query), 0);
    ldns_pkt_push_rr(x->reply, LDNS_SECTION_QUESTION, ldns_rr_clone(question));
    if (fault != LDNS_RCODE_NOERROR)
        return;
    if (ldns_pkt_edns(x->query) && ldns_pkt_edns_version(x->query) != 0) {
        ldns_pkt_set_edns_extended_rcode(x->reply, EXTENDED_BADVERS);
        return;
    }
    x->owner = ldns_rr_owner(question);
    x->type = ldns_rr_get_type(question);
    answer_question(x);
}

static size_t reply_limit(const struct exchange *x)
{
    if (x->call->is_stream)
        return ANSWER_STREAM_MAX;
    size_t said = ldns_pkt_edns(x->query) ? ldns_pkt_edns_udp_size(x->query) : PLAIN_UDP_MAX;
    if (said < PLAIN_UDP_MAX)
        return PLAIN_UDP_MAX;
    return said > ANSWER_UDP_MAX ? ANSWER_UDP_MAX : said;
}

static void section_clear(ldns_pkt *p, ldns_pkt_section section)
{
    ldns_rr_list *empty = ldns_rr_list_new();

    check(empty != NULL);
    switch (section) {
    case LDNS_SECTION_ANSWER:
        ldns_rr_list_deep_free(ldns_pkt_answer(p));
        ldns_pkt_set_answer(p, empty);
        break;
    case LDNS_SECTION_AUTHORITY:
        ldns_rr_list_deep_free(ldns_pkt_authority(p));
        ldns_pkt_set_authority(p, empty);
        break;
    default:
        ldns_rr_list_deep_free(ldns_pkt_additional(p));
        ldns_pkt_set_additional(p, empty);
        break;
    }
    ldns_pkt_set_section_count(p, section, 0);
}

/* The reply's bytes in `out`; 0 when they do not fit or cannot be made. */
static size_t reply_write(const struct exchange *x, size_t limit, uint8_t *out)
{
    uint8_t *wire = NULL;
    size_t size = 0;
    bool fits = ldns_pkt2wire(&wire, x->reply, &size) == LDNS_STATUS_OK && size <= limit;

    if (fits)
        memcpy(out, wire, size);
    LDNS_FREE(wire);
    return fits ? size : 0;
}

/* A header alone, for what could not be taken apart. */
static size_t bare_reply(const struct answer_call *call, ldns_pkt_rcode rcode, uint8_t *out)
{
    memset(out, 0, HEADER_BYTES);
    memcpy(out, call->query, 2);
    out[2] = (uint8_t)(QUERY_BIT | (call->query[2] & (OPCODE_BITS | RECURSION_BIT)));
    out[3] = (uint8_t)rcode;
    return HEADER_BYTES;
}

size_t dns_answer(struct zone *z, const struct answer_call *call, uint8_t *out)
{
    scoped(exchange_fini) struct exchange x = {.zone = z, .call = call};

    /* To answer an answer would let two servers talk for ever. */
    if (call->query_len < HEADER_BYTES || (call->query[2] & QUERY_BIT))
        return 0;
    if (ldns_wire2pkt(&x.query, call->query, call->query_len) != LDNS_STATUS_OK)
        return bare_reply(call, LDNS_RCODE_FORMERR, out);
    reply_begin(&x);
    reply_fill(&x);

    size_t limit = reply_limit(&x), size = reply_write(&x, limit, out);
    if (size > 0)
        return size;
    section_clear(x.reply, LDNS_SECTION_ANSWER);
    section_clear(x.reply, LDNS_SECTION_AUTHORITY);
    section_clear(x.reply, LDNS_SECTION_ADDITIONAL);
    ldns_pkt_set_tc(x.reply, true);
    size = reply_write(&x, limit, out);
    return size > 0 ? size : bare_reply(call, LDNS_RCODE_SERVFAIL, out);
}
