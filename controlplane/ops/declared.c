/*
 * The operator's file: VPCs with their subnets and security groups that exist whatever clients do.
 *
 *     {"Vpcs": [{"VpcId": "vpc-office", "CidrBlock": "10.0.0.0/16",
 *                "Subnets": [{"SubnetId": "subnet-office-a", "AvailabilityZone": "us-east-1a",
 *                             "CidrBlock": "10.0.0.0/24"}],
 *                "SecurityGroups": [{"GroupId": "sg-office", "GroupName": "office"}]}]}
 *
 * It is applied at each start. What a file no longer names stays, as if clients had made it: caches
 * may stand in it, and the EC2 calls can delete it.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "controlplane/ops/network.h"
#include "controlplane/ops/ops.h"
#include "controlplane/store/network.h"
#include "controlplane/store/store.h"

#include <string.h>

#define DEPTH_MAX 8

/* What is being applied. */
struct declaring {
    struct call call;
    struct caller caller;
    struct network net;
};

static const char *text(const struct json *object, const char *name, const char *otherwise)
{
    const char *value = json_get_text(object, name);

    return value ? value : otherwise;
}

static bool is_among(const char *const *names, const char *name)
{
    for (size_t i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* An object with known members only, and an id of that prefix. */
static struct err check_object(struct declaring *d, const struct json *object,
                               const char *const *names, const char *id_name, const char *prefix)
{
    if (object->kind != JSON_OBJECT)
        return err_format(d->call.arena, ERR_INVALID, "there must be an object with %s", id_name);
    for (size_t i = 0; i < object->count; i++)
        if (!is_among(names, object->items[i].name))
            return err_format(d->call.arena, ERR_INVALID, "%s is not known beside %s",
                              object->items[i].name, id_name);
    const char *id = text(object, id_name, "");
    if (strncmp(id, prefix, strlen(prefix)) != 0 || id[strlen(prefix)] == '\0')
        return err_format(d->call.arena, ERR_INVALID, "%s \"%s\" must begin with %s", id_name, id,
                          prefix);
    return OK;
}

static struct err check_blocks(struct declaring *d, const char *id, const char *four,
                               const char *six)
{
    struct cidr block;
    struct cidr6 block6;

    if ((*four && !cidr_parse(str_of(four), &block)) ||
        (*six && !cidr6_parse(str_of(six), &block6)))
        return err_format(d->call.arena, ERR_INVALID, "%s has a malformed CIDR block", id);
    if (!*four && !*six)
        return err_format(d->call.arena, ERR_INVALID, "%s has no CIDR block", id);
    return OK;
}

/* --- subnets and groups of one VPC --- */

static struct err declare_subnet(struct declaring *d, const struct json *in, const struct vpc *v)
{
    static const char *const names[] = {"SubnetId", "AvailabilityZone", "CidrBlock",
                                        "Ipv6CidrBlock", NULL};
    struct subnet s = {
        .id = text(in, "SubnetId", ""),
        .vpc_id = v->id,
        .zone = text(in, "AvailabilityZone", ""),
        .cidr = text(in, "CidrBlock", ""),
        .ipv6_cidr = text(in, "Ipv6CidrBlock", ""),
        .is_default = v->is_default,
        .hostname_type = "ip-name",
        .origin = NETWORK_DECLARED,
    };

    TRY(check_object(d, in, names, "SubnetId", "subnet-"));
    TRY(check_blocks(d, s.id, s.cidr, s.ipv6_cidr));
    if (*s.zone == '\0')
        return err_format(d->call.arena, ERR_INVALID, "%s has no AvailabilityZone", s.id);
    return network_subnet(&d->net, s.id)
               ? store_subnet_update(d->call.tx, d->caller.account, d->caller.region, &s)
               : store_subnet_insert(d->call.tx, d->caller.account, d->caller.region, &s);
}

static struct err declare_group(struct declaring *d, const struct json *in, const struct vpc *v)
{
    static const char *const names[] = {"GroupId", "GroupName", "Description", NULL};
    struct security_group g = {
        .id = text(in, "GroupId", ""),
        .vpc_id = v->id,
        .name = text(in, "GroupName", text(in, "GroupId", "")),
        .description = text(in, "Description", "declared by the operator"),
        .origin = NETWORK_DECLARED,
    };

    TRY(check_object(d, in, names, "GroupId", "sg-"));
    struct err e =
        network_group(&d->net, g.id)
            ? store_security_group_update(d->call.tx, d->caller.account, d->caller.region, &g)
            : network_add_group(&d->call, &g);
    return err_is(e, ERR_EXISTS)
               ? err_format(d->call.arena, ERR_INVALID, "%s has another security group named %s",
                            v->id, g.name)
               : e;
}

typedef struct err (*declare_fn)(struct declaring *d, const struct json *in, const struct vpc *v);

static struct err declare_all(struct declaring *d, const struct json *in, const char *name,
                              const struct vpc *v, declare_fn declare)
{
    const struct json *list = json_get(in, name);

    if (list && list->kind != JSON_ARRAY)
        return err_format(d->call.arena, ERR_INVALID, "%s of %s must be an array", name, v->id);
    for (size_t i = 0; list && i < list->count; i++)
        TRY(declare(d, &list->items[i], v));
    return OK;
}

/* --- VPCs --- */

static struct err check_place(struct declaring *d, const char *id)
{
    const struct ops_conf *conf = d->call.conf;
    bool is_served = false;

    for (size_t i = 0; i < conf->region_count; i++)
        is_served |= strcmp(conf->regions[i], d->caller.region) == 0;
    if (!is_served)
        return err_format(d->call.arena, ERR_INVALID, "%s is in the region %s, which is not served",
                          id, d->caller.region);
    if (strlen(d->caller.account) != 12 || strspn(d->caller.account, "0123456789") != 12)
        return err_format(d->call.arena, ERR_INVALID,
                          "%s is of the account %s: an account has "
                          "twelve digits",
                          id, d->caller.account);
    return OK;
}

/* There is one default VPC: a declared one takes the place of that from the start. */
static struct err step_back(struct declaring *d, const char *id)
{
    for (size_t i = 0; i < d->net.vpc_count; i++) {
        struct vpc *other = &d->net.vpcs[i];
        if (!other->is_default || strcmp(other->id, id) == 0)
            continue;
        other->is_default = false;
        TRY(store_vpc_update(d->call.tx, d->caller.account, d->caller.region, other));
    }
    return OK;
}

static struct err put_vpc(struct declaring *d, struct vpc *v)
{
    const struct vpc *before = network_vpc(&d->net, v->id);

    if (v->is_default)
        TRY(step_back(d, v->id));
    if (!before)
        return network_add_vpc(&d->call, v);
    v->has_dns_support = before->has_dns_support;
    v->has_dns_hostnames = before->has_dns_hostnames;
    v->has_address_metrics = before->has_address_metrics;
    return store_vpc_update(d->call.tx, d->caller.account, d->caller.region, v);
}

static struct err declare_vpc(struct declaring *d, const struct json *in)
{
    static const char *const names[] = {"VpcId",     "Region",         "Account",
                                        "CidrBlock", "Ipv6CidrBlock",  "IsDefault",
                                        "Subnets",   "SecurityGroups", NULL};
    const struct json *is_default = json_get(in, "IsDefault");
    struct vpc v = {
        .id = text(in, "VpcId", ""),
        .cidr = text(in, "CidrBlock", ""),
        .ipv6_cidr = text(in, "Ipv6CidrBlock", ""),
        .tenancy = "default",
        .is_default = is_default && is_default->kind == JSON_BOOL && is_default->boolean,
        .has_dns_support = true,
        .origin = NETWORK_DECLARED,
    };

    TRY(check_object(d, in, names, "VpcId", "vpc-"));
    d->caller.region = text(in, "Region", d->call.conf->regions[0]);
    d->caller.account = text(in, "Account", d->call.conf->default_account);
    TRY(check_place(d, v.id));
    TRY(check_blocks(d, v.id, v.cidr, v.ipv6_cidr));
    TRY(network_open(&d->call, &d->net));
    TRY(put_vpc(d, &v));
    TRY(declare_all(d, in, "Subnets", &v, declare_subnet));
    return declare_all(d, in, "SecurityGroups", &v, declare_group);
}

static struct err declare_file(struct declaring *d, struct str file)
{
    struct json root = {0};
    const struct json *vpcs;

    TRY(json_parse(d->call.arena, file, DEPTH_MAX, &root));
    vpcs = root.kind == JSON_OBJECT ? json_get(&root, "Vpcs") : NULL;
    if (!vpcs || vpcs->kind != JSON_ARRAY || root.count != 1)
        return err_make(ERR_INVALID, "there must be an object with the one member \"Vpcs\", an "
                                     "array");
    for (size_t i = 0; i < vpcs->count; i++)
        TRY(declare_vpc(d, &vpcs->items[i]));
    return OK;
}

struct err ops_declare_network(struct store *store, const struct ops_conf *conf, struct arena *a,
                               struct str file)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    struct declaring d = {
        .caller = {.access_key = "", .request_id = ""}
    };

    TRY(store_begin(store, STORE_WRITE, a, &tx));
    d.call = (struct call){.arena = a,
                           .tx = tx,
                           .caller = &d.caller,
                           .conf = conf,
                           .now_ms = clock_wall_ms(conf->clock)};
    TRY(store_network_undeclare(tx));
    if (file.len > 0)
        TRY(declare_file(&d, file));
    return store_commit(&tx);
}
