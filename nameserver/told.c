/* A message is believed as a whole or not at all: half of a change may be a name without a home. */
#include "nameserver/told.h"

#include "base/arena.h"
#include "base/net.h"
#include "nameserver/zone.h"

static void write_name(struct arena *a, const struct zone_name *from,
                       struct agent_endpoint_name *to)
{
    const struct zone_addresses *addresses = &from->addresses;

    *to = (struct agent_endpoint_name){.name = from->name};
    if (addresses->count == 0)
        return;
    to->ttl_seconds = INT_OF(addresses->ttl_s);
    to->addresses.has = true;
    to->addresses.items = arena_array(a, addresses->count, sizeof(*to->addresses.items));
    for (size_t i = 0; i < addresses->count; i++)
        to->addresses.items[to->addresses.count++] = net_addr_host_text(a, &addresses->items[i]);
}

void told_write(struct arena *a, const char *zone, int64_t life, const struct zone_changes *changes,
                struct agent_follow_names_out *out)
{
    *out = (struct agent_follow_names_out){
        .is_changed = BOOL_OF(true),
        .zone = zone,
        .life = INT_OF(life),
        .serial = INT_OF(changes->serial),
        .is_whole = BOOL_OF(changes->is_whole),
        .names = {.has = true, .count = changes->count},
    };
    out->names.items = arena_array(a, changes->count, sizeof(*out->names.items));
    for (size_t i = 0; i < changes->count; i++)
        write_name(a, &changes->names[i], &out->names.items[i]);
}

static struct err read_name(struct arena *a, const char *zone, const struct agent_endpoint_name *in,
                            struct zone_name *out)
{
    char clean[DNS_NAME_MAX];
    size_t count = in->addresses.count;

    if (!in->name || !dns_name_clean(in->name, clean) || !dns_name_may_be_published(clean, zone))
        return err_make(ERR_INVALID, "a name is not one of the zone");
    *out = (struct zone_name){.name = str_dup(a, str_of(clean))};
    if (count == 0)
        return OK;
    if (count > DNS_ADDRESSES_MAX || in->ttl_seconds.value < 0 || in->ttl_seconds.value > INT32_MAX)
        return err_make(ERR_INVALID, "a name has too many addresses, or no lifetime");
    struct net_addr *items = arena_array(a, count, sizeof(*items));
    for (size_t i = 0; i < count; i++)
        if (!in->addresses.items[i] ||
            !net_addr_parse_host(str_of(in->addresses.items[i]), &items[i]))
            return err_make(ERR_INVALID, "a name's address is none");
    out->addresses = (struct zone_addresses){
        .items = items, .count = count, .ttl_s = (int)in->ttl_seconds.value};
    return OK;
}

struct err told_read(struct arena *a, const struct agent_follow_names_out *in,
                     char out_zone[DNS_NAME_MAX], struct zone_changes *out)
{
    if (!in->zone || !dns_name_clean(in->zone, out_zone))
        return err_make(ERR_INVALID, "there is no zone");
    if (in->serial.value < 0 || in->serial.value > UINT32_MAX || in->life.value <= 0)
        return err_make(ERR_INVALID, "there is no serial, or not whose it is");
    *out = (struct zone_changes){.serial = (uint32_t)in->serial.value,
                                 .is_whole = in->is_whole.value,
                                 .count = in->names.count};
    out->names = arena_array(a, out->count, sizeof(*out->names));
    for (size_t i = 0; i < out->count; i++)
        TRY(read_name(a, out_zone, &in->names.items[i], &out->names[i]));
    return OK;
}
