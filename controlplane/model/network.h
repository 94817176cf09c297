/*
 * The network inventory of one account in one region, as plain data: VPCs, their subnets, security
 * groups and rules. It is small (there are limits below), so it is read whole and looked through
 * here. Text is never NULL; "" means none.
 */
#ifndef LARDER_CONTROLPLANE_MODEL_NETWORK_H
#define LARDER_CONTROLPLANE_MODEL_NETWORK_H

#include "base/cidr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define NETWORK_VPCS_MAX         50  /* of an account in a region */
#define NETWORK_SUBNETS_MAX      200 /* of a VPC */
#define NETWORK_GROUPS_MAX       500 /* of an account in a region */
#define NETWORK_RULES_MAX        60  /* of a security group, in one direction */
#define NETWORK_DEFAULT_CIDR     "172.31.0.0/16"
#define NETWORK_ZONE_PREFIX      20 /* of a default subnet */
#define NETWORK_ASSUMED_PREFIX   28 /* of a subnet that was taken without being known */
#define SUBNET_GROUP_DEFAULT     "default"
#define SUBNET_GROUPS_MAX        300 /* of an account in a region */
#define SUBNET_GROUP_SUBNETS_MAX 20
#define SUBNET_GROUP_NAME_MAX    255

/* Where a row of the inventory comes from. */
enum network_origin {
    NETWORK_DEFAULT,  /* there from the start */
    NETWORK_DECLARED, /* in the operator's file */
    NETWORK_MADE,     /* by the EC2 calls */
    NETWORK_ASSUMED,  /* an id that a client used and that nobody had named before */
};

const char *network_origin_name(enum network_origin origin);
bool network_origin_parse(const char *name, enum network_origin *out);

struct vpc {
    const char *id;
    const char *cidr, *ipv6_cidr;
    const char *tenancy; /* default, dedicated */
    bool is_default;
    bool has_dns_support, has_dns_hostnames, has_address_metrics;
    enum network_origin origin;
};

struct subnet {
    const char *id, *vpc_id, *zone;
    const char *cidr, *ipv6_cidr; /* at least one of them */
    bool is_default;              /* of its zone */
    bool maps_public_ip, assigns_ipv6, has_dns64;
    bool has_a_record, has_aaaa_record; /* of names made from resource ids */
    const char *hostname_type;          /* ip-name, resource-name */
    enum network_origin origin;
};

struct security_group {
    const char *id, *vpc_id;
    const char *name, *description;
    enum network_origin origin;
};

/* One source or destination that a security group lets through. */
struct security_rule {
    const char *id, *group_id;
    bool is_egress;
    const char *protocol;   /* tcp, udp, icmp, icmpv6, a number, or -1 for all */
    int from_port, to_port; /* -1 where the protocol has none; types and codes of ICMP */
    const char *cidr, *ipv6_cidr, *prefix_list, *peer_group; /* exactly one of them */
    const char *peer_account;
    const char *description;
};

struct network {
    struct vpc *vpcs; /* all by id */
    size_t vpc_count;
    struct subnet *subnets;
    size_t subnet_count;
    struct security_group *groups;
    size_t group_count;
};

struct security_rules {
    struct security_rule *items;
    size_t count;
};

/* A group of subnets in which caches may be placed. */
struct subnet_group {
    int64_t id;
    const char *account, *region, *name;
    const char *description, *vpc_id;
    const char **subnets; /* ids, in the order in which they were given */
    size_t subnet_count;
    int64_t created_ms;
};

/* Prefix and 17 hexadecimal digits, the same for the same text: "vpc-0a1b...". In `a`. */
char *network_id(struct arena *a, const char *prefix, const char *text);

/* By id; NULL when there is none. */
struct vpc *network_vpc(const struct network *n, const char *id);
struct subnet *network_subnet(const struct network *n, const char *id);
struct security_group *network_group(const struct network *n, const char *id);

/* The VPC that is meant where none is named, or NULL; the group of a VPC that is named "default".
 */
struct vpc *network_default_vpc(const struct network *n);
struct security_group *network_default_group(const struct network *n, const char *vpc_id);

size_t network_subnet_count(const struct network *n, const char *vpc_id);

/* True when a subnet of the VPC has some address of the block. */
bool network_is_taken(const struct network *n, const char *vpc_id, const struct cidr *block);

/* The first block of that prefix in the VPC that no subnet has, or the last one; false when there
 * is none. */
bool network_free_block(const struct network *n, const struct vpc *vpc, int prefix, bool is_last,
                        struct cidr *out);

/* The zone with the fewest assumed subnets; the first of equal ones. There must be one. */
const char *network_least_zone(const struct network *n, const char *const *zones, size_t count);

/* Network types that a subnet can carry. */
bool subnet_has_ipv4(const struct subnet *s);
bool subnet_has_ipv6(const struct subnet *s);

/* "vpc-" and letters or digits, and so on for other prefixes. */
bool network_id_is(const char *id, const char *prefix);

#endif
