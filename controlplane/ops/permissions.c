/* A rule is stored alone, with an id of its own; answers put rules of one protocol and range
 * together again, as old clients know them. */
#include "controlplane/ops/permissions.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/vec.h"
#include "contract/faults.h"

#include <ctype.h>
#include <string.h>

struct err group_find(struct call *c, const struct network *n, const char *id, const char *name,
                      struct security_group **out)
{
    const struct vpc *v = network_default_vpc(n);

    for (size_t i = 0; i < n->group_count; i++) {
        struct security_group *g = &n->groups[i];
        bool is_it = id ? strcmp(g->id, id) == 0
                        : name && v && strcmp(g->name, name) == 0 && strcmp(g->vpc_id, v->id) == 0;
        if (!is_it)
            continue;
        *out = g;
        return OK;
    }
    if (!id && !name)
        return fault(c, FAULT_MISSING_PARAMETER, "The request must contain the parameter GroupId");
    return fault(c, FAULT_INVALID_GROUP_NOT_FOUND, "The security group '%s' does not exist",
                 id ? id : name);
}

/* --- protocols and ports --- */

static const struct {
    const char *name, *number;
    bool has_ports;
    int least, most;
} protocols[] = {
    {"tcp",    "6",   true,  0,  65535},
    {"udp",    "17",  true,  0,  65535},
    {"icmp",   "1",   true,  -1, 255  },
    {"icmpv6", "58",  true,  -1, 255  },
    {"-1",     "all", false, 0,  0    },
};

static bool is_protocol_number(const char *text)
{
    uint64_t number;

    return str_to_u64(str_of(text), &number) && number <= 255;
}

static struct err take_ports(struct call *c, size_t kind, struct opt_int from, struct opt_int to,
                             struct security_rule *r)
{
    bool is_icmp = protocols[kind].least < 0;
    int64_t first = from.has ? from.value : is_icmp ? -1 : 0;
    int64_t last = to.has ? to.value : is_icmp ? -1 : first;

    if ((!from.has && !is_icmp) || first < protocols[kind].least || first > protocols[kind].most ||
        last < protocols[kind].least || last > protocols[kind].most || (!is_icmp && first > last))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid value '%lld-%lld' for the ports of the protocol %s.",
                     (long long)first, (long long)last, protocols[kind].name);
    r->from_port = (int)first;
    r->to_port = (int)last;
    return OK;
}

struct err rule_normalize(struct call *c, const char *protocol, struct opt_int from,
                          struct opt_int to, struct security_rule *r)
{
    const char *text = protocol && *protocol ? str_lower(c->arena, str_of(protocol)) : "";

    r->from_port = r->to_port = -1;
    for (size_t i = 0; i < countof(protocols); i++) {
        if (strcmp(protocols[i].name, text) != 0 && strcmp(protocols[i].number, text) != 0)
            continue;
        r->protocol = protocols[i].name;
        return protocols[i].has_ports ? take_ports(c, i, from, to, r) : OK;
    }
    if (*text == '\0')
        return fault(c, FAULT_MISSING_PARAMETER,
                     "The request must contain the parameter ipProtocol");
    if (!is_protocol_number(text))
        return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                     "Invalid value '%s' for IP protocol. Unknown protocol.", protocol);
    r->protocol = text;
    return OK;
}

/* --- sources --- */

static struct err check_cidr(struct call *c, struct security_rule *r)
{
    struct cidr four;
    struct cidr6 six;

    if (*r->cidr) {
        if (!strchr(r->cidr, '/') || !cidr_parse(str_of(r->cidr), &four))
            return fault(c, FAULT_INVALID_PARAMETER_VALUE, "CIDR block %s is malformed", r->cidr);
        r->cidr = cidr_text(c->arena, &four);
    }
    if (*r->ipv6_cidr) {
        if (!cidr6_parse(str_of(r->ipv6_cidr), &six))
            return fault(c, FAULT_INVALID_PARAMETER_VALUE, "CIDR block %s is malformed",
                         r->ipv6_cidr);
        r->ipv6_cidr = cidr6_text(c->arena, &six);
    }
    return OK;
}

struct err rule_check_source(struct call *c, const struct network *n, struct security_rule *r)
{
    int sources = (*r->cidr != '\0') + (*r->ipv6_cidr != '\0') + (*r->prefix_list != '\0') +
                  (*r->peer_group != '\0');

    if (sources != 1)
        return fault(c, FAULT_INVALID_PERMISSION_MALFORMED,
                     "A rule must have exactly one source or destination.");
    if (*r->prefix_list)
        return fault(c, FAULT_UNSUPPORTED_OPERATION, "Prefix lists are not supported.");
    if (*r->peer_group && !network_group(n, r->peer_group))
        return fault(c, FAULT_INVALID_GROUP_NOT_FOUND,
                     "You have specified two resources that belong to different networks, or the "
                     "security group '%s' does not exist",
                     r->peer_group);
    if (*r->peer_group)
        r->peer_account = c->caller->account;
    return check_cidr(c, r);
}

bool rule_is_same(const struct security_rule *x, const struct security_rule *y)
{
    return strcmp(x->group_id, y->group_id) == 0 && x->is_egress == y->is_egress &&
           strcmp(x->protocol, y->protocol) == 0 && x->from_port == y->from_port &&
           x->to_port == y->to_port && strcmp(x->cidr, y->cidr) == 0 &&
           strcmp(x->ipv6_cidr, y->ipv6_cidr) == 0 && strcmp(x->peer_group, y->peer_group) == 0;
}

const char *rule_text(struct call *c, const struct security_rule *r)
{
    const char *peer = *r->cidr ? r->cidr : *r->ipv6_cidr ? r->ipv6_cidr : r->peer_group;
    char *protocol = arena_strdup(c->arena, strcmp(r->protocol, "-1") == 0 ? "ALL" : r->protocol);

    for (char *p = protocol; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    if (r->from_port < 0)
        return arena_printf(c->arena, "peer: %s, %s, ALLOW", peer, protocol);
    return arena_printf(c->arena, "peer: %s, %s, from port: %d, to port: %d, ALLOW", peer, protocol,
                        r->from_port, r->to_port);
}

/* --- from requests --- */

struct reading {
    struct call *c;
    const struct network *n;
    struct security_rule like; /* of one permission: all but the source */
    vec_of(struct security_rule) rules;
};

static const char *text_or_none(const char *text)
{
    return text ? text : "";
}

static struct err add(struct reading *r, struct security_rule rule)
{
    TRY(rule_check_source(r->c, r->n, &rule));
    *vec_add(r->c->arena, &r->rules) = rule;
    return OK;
}

static struct security_rule with(const struct reading *r, const char *description)
{
    struct security_rule rule = r->like;

    rule.description = text_or_none(description);
    return rule;
}

static struct err read_pair(struct reading *r, const struct ec2_user_id_group_pair *pair)
{
    struct security_rule rule = with(r, pair->description);
    struct security_group *g;

    TRY(group_find(r->c, r->n, pair->group_id, pair->group_name, &g));
    rule.peer_group = g->id;
    return add(r, rule);
}

static struct err read_one(struct reading *r, const struct ec2_ip_permission *p)
{
    size_t before = r->rules.count;

    TRY(rule_normalize(r->c, p->ip_protocol, p->from_port, p->to_port, &r->like));
    for (size_t i = 0; i < p->ip_ranges.count; i++) {
        struct security_rule rule = with(r, p->ip_ranges.items[i].description);
        rule.cidr = text_or_none(p->ip_ranges.items[i].cidr_ip);
        TRY(add(r, rule));
    }
    for (size_t i = 0; i < p->ipv6_ranges.count; i++) {
        struct security_rule rule = with(r, p->ipv6_ranges.items[i].description);
        rule.ipv6_cidr = text_or_none(p->ipv6_ranges.items[i].cidr_ipv6);
        TRY(add(r, rule));
    }
    for (size_t i = 0; i < p->prefix_list_ids.count; i++) {
        struct security_rule rule = with(r, p->prefix_list_ids.items[i].description);
        rule.prefix_list = text_or_none(p->prefix_list_ids.items[i].prefix_list_id);
        TRY(add(r, rule));
    }
    for (size_t i = 0; i < p->user_id_group_pairs.count; i++)
        TRY(read_pair(r, &p->user_id_group_pairs.items[i]));
    if (r->rules.count > before)
        return OK;
    return fault(r->c, FAULT_MISSING_PARAMETER, "Source group or CIDR must be given.");
}

static struct err read_flat(struct reading *r, const struct permission_flat *flat)
{
    struct ec2_ip_range range = {.cidr_ip = flat->cidr};
    struct ec2_user_id_group_pair pair = {.group_name = flat->group_name};
    struct ec2_ip_permission p = {
        .ip_protocol = flat->protocol,
        .from_port = flat->from_port,
        .to_port = flat->to_port,
        .ip_ranges = {true, flat->cidr != NULL,       &range},
        .user_id_group_pairs = {true, flat->group_name != NULL, &pair },
    };

    /* A group alone stands for everything. */
    if (flat->group_name && !flat->protocol)
        p.ip_protocol = "-1";
    return read_one(r, &p);
}

struct err permissions_read(struct call *c, const struct network *n, const struct security_group *g,
                            bool is_egress, const struct ec2_ip_permission_list *list,
                            const struct permission_flat *flat, struct security_rules *out)
{
    struct reading r = {
        .c = c,
        .n = n,
        .like = {.id = "",
                 .group_id = g->id,
                 .is_egress = is_egress,
                 .cidr = "",
                 .ipv6_cidr = "",
                 .prefix_list = "",
                 .peer_group = "",
                 .peer_account = "",
                 .description = ""},
    };

    for (size_t i = 0; i < list->count; i++)
        TRY(read_one(&r, &list->items[i]));
    if (flat && (flat->cidr || flat->group_name))
        TRY(read_flat(&r, flat));
    if (r.rules.count == 0)
        return fault(c, FAULT_MISSING_PARAMETER,
                     "The request must contain the parameter ipPermissions");
    *out = (struct security_rules){r.rules.items, r.rules.count};
    return OK;
}

/* --- for answers --- */

static struct ec2_ip_permission *permission_like(struct ec2_ip_permission_list *list,
                                                 const struct security_rule *r)
{
    for (size_t i = 0; i < list->count; i++) {
        struct ec2_ip_permission *p = &list->items[i];
        if (strcmp(p->ip_protocol, r->protocol) == 0 &&
            (p->from_port.has ? p->from_port.value : -1) == r->from_port &&
            (p->to_port.has ? p->to_port.value : -1) == r->to_port)
            return p;
    }
    return NULL;
}

/* Ports are told where the protocol has some: of ICMP, -1 stands for all. */
static struct ec2_ip_permission *permission_new(struct call *c, struct ec2_ip_permission_list *list,
                                                const struct security_rule *r, size_t most)
{
    struct ec2_ip_permission *p = &list->items[list->count++];
    bool has_ports = strcmp(r->protocol, "-1") != 0 && !is_protocol_number(r->protocol);

    *p = (struct ec2_ip_permission){.ip_protocol = r->protocol};
    if (has_ports) {
        p->from_port = INT_OF(r->from_port);
        p->to_port = INT_OF(r->to_port);
    }
    p->user_id_group_pairs.has = p->ip_ranges.has = true;
    p->ipv6_ranges.has = p->prefix_list_ids.has = true;
    p->user_id_group_pairs.items =
        arena_array(c->arena, most, sizeof(*p->user_id_group_pairs.items));
    p->ip_ranges.items = arena_array(c->arena, most, sizeof(*p->ip_ranges.items));
    p->ipv6_ranges.items = arena_array(c->arena, most, sizeof(*p->ipv6_ranges.items));
    return p;
}

static void add_source(struct ec2_ip_permission *p, const struct security_rule *r)
{
    const char *description = *r->description ? r->description : NULL;

    if (*r->cidr)
        p->ip_ranges.items[p->ip_ranges.count++] = (struct ec2_ip_range){description, r->cidr};
    else if (*r->ipv6_cidr)
        p->ipv6_ranges.items[p->ipv6_ranges.count++] =
            (struct ec2_ipv6_range){description, r->ipv6_cidr};
    else
        p->user_id_group_pairs.items[p->user_id_group_pairs.count++] =
            (struct ec2_user_id_group_pair){
                .description = description, .user_id = r->peer_account, .group_id = r->peer_group};
}

void permissions_wire(struct call *c, const struct security_rules *rules, const char *group_id,
                      bool is_egress, struct ec2_ip_permission_list *out)
{
    size_t most = 0;

    for (size_t i = 0; i < rules->count; i++)
        most += strcmp(rules->items[i].group_id, group_id) == 0 &&
                rules->items[i].is_egress == is_egress;
    *out = (struct ec2_ip_permission_list){.has = true};
    out->items = arena_array(c->arena, most, sizeof(*out->items));
    for (size_t i = 0; i < rules->count; i++) {
        const struct security_rule *r = &rules->items[i];
        if (strcmp(r->group_id, group_id) != 0 || r->is_egress != is_egress)
            continue;
        struct ec2_ip_permission *p = permission_like(out, r);
        add_source(p ? p : permission_new(c, out, r, most), r);
    }
}
