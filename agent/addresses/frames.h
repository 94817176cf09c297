/*
 * What is said about an address, byte for byte: to the kernel, which gives it to an interface or
 * takes it away (rtnetlink), and to the neighbours, who have its last owner in their caches still.
 * Pure.
 */
#ifndef LARDER_AGENT_ADDRESSES_FRAMES_H
#define LARDER_AGENT_ADDRESSES_FRAMES_H

#include "base/ip.h"

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAC_BYTES 6
#define FRAME_BYTES     128 /* the longest is shorter */

struct frame {
    _Alignas(8) unsigned char bytes[FRAME_BYTES];
    size_t len;
};

/* Where an address is, or is to be. */
struct frame_place {
    struct ip address;
    int interface; /* its index */
    int prefix;    /* length of the network's part */
};

/* "This address is here now", as a question for it and as an answer to nobody (RFC 5227, RFC 5944):
 * there are neighbours who believe one of them alone. `address` is of IPv4. */
void frame_arp_request(struct frame *f, const unsigned char mac[FRAME_MAC_BYTES],
                       const struct ip *address);
void frame_arp_reply(struct frame *f, const unsigned char mac[FRAME_MAC_BYTES],
                     const struct ip *address);

/* The same of an address of IPv6: an unsolicited neighbour advertisement to all nodes, which
 * overrides what they have (RFC 4861). */
void frame_advertisement(struct frame *f, const unsigned char mac[FRAME_MAC_BYTES],
                         const struct ip *address);

/*
 * Gives the address to the interface, for so many seconds (0: for ever), or gives it new ones. No
 * route to its network comes with it, nobody is asked whether he has it, and an address of IPv6 is
 * none that connections begin from.
 */
void frame_add_address(struct frame *f, const struct frame_place *at, uint32_t seconds,
                       uint32_t sequence);

void frame_remove_address(struct frame *f, const struct frame_place *at, uint32_t sequence);

#endif
