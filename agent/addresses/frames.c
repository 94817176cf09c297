/* The kernel's structures where it has some; numbers of the RFCs where it has not. */
#include "agent/addresses/frames.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <string.h>

#define V4_BYTES     4
#define V6_BYTES     16
#define IP6_VERSION  0x60000000U
#define HOPS         255 /* less, and it came from elsewhere */
#define OPTION_UNITS 1   /* of 8 bytes */
#define FOR_EVER     UINT32_MAX

static const unsigned char everybody[FRAME_MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const unsigned char nobody[FRAME_MAC_BYTES];
static const unsigned char all_nodes_mac[FRAME_MAC_BYTES] = {0x33, 0x33, 0, 0, 0, 1};
static const struct in6_addr all_nodes = {
    .s6_addr = {0xff, 0x02, [V6_BYTES - 1] = 1}
};

static void put(struct frame *f, const void *bytes, size_t len)
{
    check(f->len + len <= sizeof(f->bytes));
    memcpy(f->bytes + f->len, bytes, len);
    f->len += len;
}

/* The address as it is on the wire; how long that is. */
static size_t raw_address(const struct ip *address, unsigned char out[V6_BYTES])
{
    const uint64_t halves[] = {htobe64(address->high), htobe64(address->low)};
    const uint32_t four = htonl((uint32_t)address->low);

    if (ip_is_v6(address))
        memcpy(out, halves, V6_BYTES);
    else
        memcpy(out, &four, V4_BYTES);
    return ip_is_v6(address) ? V6_BYTES : V4_BYTES;
}

/* ---- to neighbours ---- */

static void put_ethernet(struct frame *f, const unsigned char *to, const unsigned char *from,
                         uint16_t type)
{
    struct ether_header head = {.ether_type = htons(type)};

    memcpy(head.ether_dhost, to, FRAME_MAC_BYTES);
    memcpy(head.ether_shost, from, FRAME_MAC_BYTES);
    f->len = 0;
    put(f, &head, sizeof(head));
}

static void arp(struct frame *f, uint16_t operation, const unsigned char *mac,
                const unsigned char *target, const struct ip *address)
{
    const struct arphdr head = {.ar_hrd = htons(ARPHRD_ETHER),
                                .ar_pro = htons(ETHERTYPE_IP),
                                .ar_hln = FRAME_MAC_BYTES,
                                .ar_pln = V4_BYTES,
                                .ar_op = htons(operation)};
    unsigned char raw[V6_BYTES];

    check(!ip_is_v6(address));
    raw_address(address, raw);
    put_ethernet(f, everybody, mac, ETHERTYPE_ARP);
    put(f, &head, sizeof(head));
    put(f, mac, FRAME_MAC_BYTES);
    put(f, raw, V4_BYTES);
    put(f, target, FRAME_MAC_BYTES);
    put(f, raw, V4_BYTES);
}

void frame_arp_request(struct frame *f, const unsigned char mac[FRAME_MAC_BYTES],
                       const struct ip *address)
{
    arp(f, ARPOP_REQUEST, mac, nobody, address);
}

void frame_arp_reply(struct frame *f, const unsigned char mac[FRAME_MAC_BYTES],
                     const struct ip *address)
{
    arp(f, ARPOP_REPLY, mac, mac, address);
}

static uint32_t add_words(uint32_t sum, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i + 1 < len; i += 2)
        sum += (uint32_t)at[i] << 8 | at[i + 1];
    return sum;
}

/* Of the message and what RFC 8200 puts in front of it for this. */
static uint16_t checksum(const struct ip6_hdr *head, const void *message, size_t len)
{
    uint32_t sum = add_words(0, &head->ip6_src, 2 * V6_BYTES);

    sum = add_words(sum + (uint32_t)len + IPPROTO_ICMPV6, message, len);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

void frame_advertisement(struct frame *f, const unsigned char mac[FRAME_MAC_BYTES],
                         const struct ip *address)
{
    struct {
        struct nd_neighbor_advert advert;
        struct nd_opt_hdr option;
        unsigned char mac[FRAME_MAC_BYTES];
    } message = {
        .advert = {.nd_na_type = ND_NEIGHBOR_ADVERT,      .nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE},
        .option = {.nd_opt_type = ND_OPT_TARGET_LINKADDR, .nd_opt_len = OPTION_UNITS                 },
    };
    struct ip6_hdr head = {.ip6_dst = all_nodes};

    check(ip_is_v6(address));
    raw_address(address, head.ip6_src.s6_addr);
    head.ip6_flow = htonl(IP6_VERSION);
    head.ip6_plen = htons(sizeof(message));
    head.ip6_nxt = IPPROTO_ICMPV6;
    head.ip6_hlim = HOPS;
    message.advert.nd_na_target = head.ip6_src;
    memcpy(message.mac, mac, FRAME_MAC_BYTES);
    message.advert.nd_na_cksum = checksum(&head, &message, sizeof(message));
    put_ethernet(f, all_nodes_mac, mac, ETHERTYPE_IPV6);
    put(f, &head, sizeof(head));
    put(f, &message, sizeof(message));
}

/* ---- to the kernel ---- */

static void put_attribute(struct frame *f, uint16_t type, const void *value, size_t len)
{
    static const unsigned char zeroes[NLMSG_ALIGNTO];
    const struct nlattr head = {.nla_len = (uint16_t)(sizeof(head) + len), .nla_type = type};

    put(f, &head, sizeof(head));
    put(f, value, len);
    put(f, zeroes, NLMSG_ALIGN(f->len) - f->len);
}

static void begin_request(struct frame *f, uint16_t type, uint16_t flags, uint32_t sequence,
                          const struct frame_place *at)
{
    const struct nlmsghdr head = {.nlmsg_type = type,
                                  .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags),
                                  .nlmsg_seq = sequence};
    const struct ifaddrmsg body = {.ifa_family = ip_is_v6(&at->address) ? AF_INET6 : AF_INET,
                                   .ifa_prefixlen = (unsigned char)at->prefix,
                                   .ifa_scope = RT_SCOPE_UNIVERSE,
                                   .ifa_index = (unsigned)at->interface};
    unsigned char raw[V6_BYTES];
    size_t len = raw_address(&at->address, raw);

    f->len = 0;
    put(f, &head, sizeof(head));
    put(f, &body, sizeof(body));
    put_attribute(f, IFA_LOCAL, raw, len);
    put_attribute(f, IFA_ADDRESS, raw, len);
}

static void end_request(struct frame *f)
{
    const uint32_t len = (uint32_t)f->len;
    memcpy(f->bytes + offsetof(struct nlmsghdr, nlmsg_len), &len, sizeof(len));
}

void frame_add_address(struct frame *f, const struct frame_place *at, uint32_t seconds,
                       uint32_t sequence)
{
    bool is_v6 = ip_is_v6(&at->address);
    const uint32_t flags = IFA_F_NOPREFIXROUTE | (is_v6 ? IFA_F_NODAD : 0);
    struct ifa_cacheinfo life = {.ifa_valid = seconds ? seconds : FOR_EVER};

    life.ifa_prefered = is_v6 ? 0 : life.ifa_valid;
    begin_request(f, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sequence, at);
    put_attribute(f, IFA_CACHEINFO, &life, sizeof(life));
    put_attribute(f, IFA_FLAGS, &flags, sizeof(flags));
    end_request(f);
}

void frame_remove_address(struct frame *f, const struct frame_place *at, uint32_t sequence)
{
    begin_request(f, RTM_DELADDR, 0, sequence, at);
    end_request(f);
}
