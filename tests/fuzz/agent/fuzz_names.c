/* Any bytes as what agents are told of names: understood and applied, it is what it is when told
 * again. */
#include "base/arena.h"
#include "base/shape_json.h"
#include "contract/agent.h"
#include "nameserver/told.h"
#include "nameserver/zone.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t count_names(struct zone *z, struct arena *a, struct zone_changes *out)
{
    zone_changes(z, a, NULL, out);
    return out->count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    scoped(arena_fini) struct arena a = {0};
    struct agent_follow_names_out told = {0}, again;
    struct zone_changes changes, all, back;
    char origin[DNS_NAME_MAX], same[DNS_NAME_MAX];

    struct err e =
        shape_json_parse(&a, service_op(&service_agent, "FollowNames")->out,
                         (struct str){(const char *)data, len}, SHAPE_UNKNOWN_IGNORE, &told);
    if (err_failed(e) || err_failed(told_read(&a, &told, origin, &changes)))
        return 0;
    struct zone *z = zone_new(origin, 1), *copy = zone_new(origin, 1);
    zone_apply(z, &changes);
    check(zone_serial(z) == changes.serial);
    count_names(z, &a, &all);
    told_write(&a, origin, told.life.value, &all, &again);
    check(!err_failed(told_read(&a, &again, same, &back)) && strcmp(origin, same) == 0);
    zone_apply(copy, &back);
    check(count_names(copy, &a, &back) == all.count && back.serial == changes.serial);
    for (size_t i = 0; i < all.count; i++) {
        struct zone_addresses found;
        check(zone_find(copy, &a, all.names[i].name, &found) == ZONE_NAME);
        check(found.count == all.names[i].addresses.count);
    }
    zone_free(copy);
    zone_free(z);
    return 0;
}
