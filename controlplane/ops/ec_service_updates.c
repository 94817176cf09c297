/* DescribeServiceUpdates. */
#include "base/arena.h"
#include "base/str.h"
#include "contract/elasticache_handlers.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/page.h"
#include "controlplane/ops/updates.h"

#include <string.h>

static bool has_status(const struct ec_service_update_status_list *wanted, const char *status)
{
    for (size_t i = 0; i < wanted->count; i++)
        if (wanted->items[i] && strcmp(wanted->items[i], status) == 0)
            return true;
    return wanted->count == 0;
}

static void wire_update(struct call *c, const struct service_update *u,
                        struct ec_service_update *out)
{
    *out = (struct ec_service_update){
        .service_update_name = service_update_name(c->arena, u),
        .service_update_release_date = TIME_OF(u->released_ms),
        .service_update_severity = service_update_severity(u),
        .service_update_recommended_apply_by_date = TIME_OF(updates_apply_by_ms(c, u)),
        .service_update_status = service_update_status(u),
        .service_update_description =
            arena_printf(c->arena, "Engine build %s follows %s.", u->build, u->before),
        .service_update_type = "security-update",
        .engine = "redis, valkey, memcached",
        .engine_version = "all versions",
        .auto_update_after_recommended_apply_by_date = BOOL_OF(service_update_is_automatic(u)),
        .estimated_update_time = UPDATE_ESTIMATED_TIME,
    };
    if (u->replaced_ms)
        out->service_update_end_date = TIME_OF(u->replaced_ms);
}

struct err ec_describe_service_updates(struct call *c,
                                       const struct ec_describe_service_updates_in *in,
                                       struct ec_describe_service_updates_out *out)
{
    struct update_list list;
    struct service_update one;
    struct page page;
    int64_t after = 0;

    TRY(page_open(c, in->max_records, in->marker, &page));
    if (*page.after && (!str_to_i64(str_of(page.after), &after) || after < 1))
        return page_bad_marker(c, in->marker);
    if (member_has_text(in->service_update_name))
        TRY(updates_find(c, in->service_update_name, &one));
    TRY(updates_read(c, &list));
    out->service_updates.has = true;
    out->service_updates.items =
        arena_array(c->arena, list.count, sizeof(*out->service_updates.items));
    int64_t last = 0;
    for (size_t i = 0; i < list.count; i++) {
        const struct service_update *u = &list.items[i];
        if (u->id <= after || (member_has_text(in->service_update_name) && u->id != one.id) ||
            !has_status(&in->service_update_status, service_update_status(u)))
            continue;
        if (out->service_updates.count == (size_t)page.limit) {
            out->marker = page_marker(c, arena_printf(c->arena, "%lld", (long long)last));
            return OK;
        }
        wire_update(c, u, &out->service_updates.items[out->service_updates.count++]);
        last = u->id;
    }
    return OK;
}
