/*
 * One socket of each kind, kept open: an agent that has been running needs no more rights than it
 * had at its start. Each request to the kernel is answered before the call returns.
 */
#include "agent/addresses/interface.h"

#include "agent/addresses/frames.h"
#include "base/arena.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/net.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define V6_PREFIX    128
#define ANSWER_BYTES 4096
#define RIGHTS       "it needs CAP_NET_ADMIN and CAP_NET_RAW (AmbientCapabilities= of its unit)"

struct kernel_interface {
    const char *name;
    int prefix;
    int route_fd, packet_fd;
    uint32_t sequence;
};

bool interface_parse(struct arena *a, const char *words, const char **out_name, int *out_prefix)
{
    struct str rest = str_of(words), name = str_cut(&rest, '/');
    bool has_prefix = strchr(words, '/') != NULL;
    int64_t prefix = INTERFACE_PREFIX;

    if (name.len == 0 || name.len >= IFNAMSIZ || (has_prefix && !str_to_i64(rest, &prefix)) ||
        prefix < 1 || prefix > INTERFACE_PREFIX)
        return false;
    *out_name = str_dup(a, name);
    *out_prefix = (int)prefix;
    return true;
}

/* ---- the kernel's tables ---- */

/* The errno that the kernel answers with; 0 for done. */
static int ask(struct kernel_interface *k, const struct frame *request)
{
    _Alignas(struct nlmsghdr) unsigned char answer[ANSWER_BYTES];
    const struct nlmsghdr *head = (const struct nlmsghdr *)answer;
    ssize_t got;

    if (send(k->route_fd, request->bytes, request->len, 0) < 0)
        return errno;
    do
        got = recv(k->route_fd, answer, sizeof(answer), 0);
    while ((got < 0 && errno == EINTR) ||
           (got >= (ssize_t)sizeof(*head) && head->nlmsg_seq != k->sequence));
    if (got < 0)
        return errno;
    if (got < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) || head->nlmsg_type != NLMSG_ERROR)
        return EPROTO;
    return -((const struct nlmsgerr *)NLMSG_DATA(head))->error;
}

static struct frame_place place_of(const struct kernel_interface *k, const struct ip *address)
{
    return (struct frame_place){.address = *address,
                                .interface = (int)if_nametoindex(k->name),
                                .prefix = ip_is_v6(address) ? V6_PREFIX : k->prefix};
}

static struct err explain(const struct kernel_interface *k, struct arena *a,
                          const struct ip *address, const char *what, int sys)
{
    struct err e = err_format(a, sys == EPERM ? ERR_DENIED : ERR_IO,
                              "the address %s cannot be %s %s", ip_text(a, address), what, k->name);
    e.sys = sys;
    return e;
}

static struct err add(void *context, struct arena *a, const struct ip *address, int64_t seconds)
{
    struct kernel_interface *k = context;
    const struct frame_place at = place_of(k, address);
    struct frame request;

    frame_add_address(&request, &at, (uint32_t)seconds, ++k->sequence);
    int sys = at.interface > 0 ? ask(k, &request) : ENODEV;
    return sys == 0 ? OK : explain(k, a, address, "given to", sys);
}

static struct err take_away(void *context, struct arena *a, const struct ip *address)
{
    struct kernel_interface *k = context;
    const struct frame_place at = place_of(k, address);
    struct frame request;

    frame_remove_address(&request, &at, ++k->sequence);
    int sys = at.interface > 0 ? ask(k, &request) : 0;
    bool is_gone = sys == 0 || sys == EADDRNOTAVAIL || sys == ENODEV;
    return is_gone ? OK : explain(k, a, address, "taken from", sys);
}

static bool is_at(const struct ifaddrs *at, const char *name, struct arena *a,
                  const struct ip *address)
{
    struct ip number;

    if (!at->ifa_addr || strcmp(at->ifa_name, name) != 0)
        return false;
    const struct net_addr there = net_addr_of(at->ifa_addr);
    return there.len > 0 && ip_parse(str_of(net_addr_host_text(a, &there)), &number) &&
           ip_is(&number, address);
}

static struct err has(void *context, struct arena *a, const struct ip *address, bool *out)
{
    const struct kernel_interface *k = context;
    struct ifaddrs *list;
    bool is_there = false;

    if (getifaddrs(&list) != 0)
        return err_sys(errno, "the addresses of this host cannot be read");
    for (const struct ifaddrs *at = list; at && !is_there; at = at->ifa_next)
        is_there = is_at(at, k->name, a, address);
    freeifaddrs(list);
    *out = is_there;
    return OK;
}

/* ---- the neighbours ---- */

static struct ifreq request_of(const struct kernel_interface *k)
{
    struct ifreq request = {0};

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", k->name);
    return request;
}

static bool read_mac(const struct kernel_interface *k, unsigned char out[FRAME_MAC_BYTES])
{
    struct ifreq request = request_of(k);

    if (ioctl(k->packet_fd, SIOCGIFHWADDR, &request) != 0 ||
        request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
        return false;
    memcpy(out, request.ifr_hwaddr.sa_data, FRAME_MAC_BYTES);
    return true;
}

static void tell(const struct kernel_interface *k, int interface, const struct frame *f)
{
    const struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = interface};

    if (sendto(k->packet_fd, f->bytes, f->len, 0, (const struct sockaddr *)&to, sizeof(to)) < 0)
        log_warn("neighbours cannot be told of an address", f_str("interface", k->name),
                 f_str("why", strerror(errno)));
}

static void announce(void *context, const struct ip *address)
{
    const struct kernel_interface *k = context;
    const struct frame_place at = place_of(k, address);
    unsigned char mac[FRAME_MAC_BYTES];
    struct frame f;

    if (at.interface == 0 || !read_mac(k, mac))
        return; /* whoever routes to this host has no cache of such a kind */
    if (ip_is_v6(address)) {
        frame_advertisement(&f, mac, address);
        tell(k, at.interface, &f);
        return;
    }
    frame_arp_request(&f, mac, address);
    tell(k, at.interface, &f);
    frame_arp_reply(&f, mac, address);
    tell(k, at.interface, &f);
}

/* ---- beginning and end ---- */

/* An order that changes nothing: who may not give orders hears so first. */
static struct err check_rights(struct kernel_interface *k, struct arena *a)
{
    struct frame_place nowhere = {0};
    struct frame request;

    check(ip_parse(STR("0.0.0.0"), &nowhere.address));
    frame_remove_address(&request, &nowhere, ++k->sequence);
    int sys = ask(k, &request);
    if (sys == EPERM)
        return err_format(a, ERR_DENIED, "this program may not change addresses of %s: " RIGHTS,
                          k->name);
    return OK;
}

static struct err open_sockets(struct kernel_interface *k, struct arena *a)
{
    k->packet_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (k->packet_fd < 0 && errno == EPERM)
        return err_format(a, ERR_DENIED, "this program may not announce addresses on %s: " RIGHTS,
                          k->name);
    if (k->packet_fd < 0)
        return err_sys(errno, "there are no sockets for announcements of addresses");
    k->route_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (k->route_fd < 0)
        return err_sys(errno, "there are no sockets for changes of addresses");
    return check_rights(k, a);
}

static struct err check_kind(const struct kernel_interface *k, struct arena *a)
{
    struct ifreq request = request_of(k);

    if (if_nametoindex(k->name) == 0)
        return err_format(a, ERR_NOT_FOUND, "this host has no interface %s", k->name);
    if (ioctl(k->packet_fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_LOOPBACK))
        return err_format(a, ERR_INVALID,
                          "nobody else reaches addresses of %s: name the one that clients come by",
                          k->name);
    return OK;
}

struct err interface_open(struct arena *a, const char *name, int prefix, struct interface *out)
{
    struct kernel_interface *k = calloc(1, sizeof(*k));
    struct interface opened = {
        .has = has, .add = add, .remove = take_away, .announce = announce, .context = k};

    check(k != NULL);
    *k = (struct kernel_interface){.name = name, .prefix = prefix, .route_fd = -1, .packet_fd = -1};
    struct err e = open_sockets(k, a);
    if (!err_failed(e))
        e = check_kind(k, a);
    if (err_failed(e))
        interface_close(&opened);
    else
        *out = opened;
    return e;
}

void interface_close(struct interface *i)
{
    struct kernel_interface *k = i->context;

    if (!k)
        return;
    fd_close(&k->route_fd);
    fd_close(&k->packet_fd);
    free(k);
    *i = (struct interface){0};
}
