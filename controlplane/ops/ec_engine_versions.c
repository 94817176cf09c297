/* DescribeCacheEngineVersions: the catalogue, filtered and in pages. */
#include "base/arena.h"
#include "contract/elasticache_handlers.h"
#include "controlplane/model/catalog.h"
#include "controlplane/ops/page.h"

#include <string.h>

static bool is_match(const char *filter, const char *value)
{
    return !filter || !*filter || strcmp(filter, value) == 0;
}

/* The default of its engine; with a family asked for, the newest of that family. */
static bool is_default(const struct engine_version *v, const char *family)
{
    const struct engine_version *all;
    size_t count;

    if (!family || !*family)
        return v == engine_version_default(v->engine);
    all = engine_versions(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].family, v->family) == 0 &&
            version_compare(all[i].reported, v->reported) > 0)
            return false;
    return true;
}

static bool is_asked_for(const struct ec_describe_cache_engine_versions_in *in,
                         const struct engine_version *v)
{
    return is_match(in->engine, v->engine) && is_match(in->engine_version, v->version) &&
           is_match(in->cache_parameter_group_family, v->family) &&
           (!in->default_only.value || is_default(v, in->cache_parameter_group_family));
}

static const char *row_name(struct call *c, const struct engine_version *v)
{
    return arena_printf(c->arena, "%s/%s", v->engine, v->version);
}

/* The row behind the one that a marker names; the first without a marker. */
static struct err row_of_marker(struct call *c, const struct page *page, const char *marker,
                                size_t *out)
{
    size_t count;
    const struct engine_version *all = engine_versions(&count);

    *out = 0;
    if (*page->after == '\0')
        return OK;
    for (size_t i = 0; i < count; i++)
        if (strcmp(row_name(c, &all[i]), page->after) == 0) {
            *out = i + 1;
            return OK;
        }
    return page_bad_marker(c, marker);
}

static void version_to_wire(const struct engine_version *v, struct ec_cache_engine_version *out)
{
    *out = (struct ec_cache_engine_version){
        .engine = v->engine,
        .engine_version = v->version,
        .cache_parameter_group_family = v->family,
        .cache_engine_description = v->engine_doc,
        .cache_engine_version_description = v->version_doc,
    };
}

struct err ec_describe_cache_engine_versions(struct call *c,
                                             const struct ec_describe_cache_engine_versions_in *in,
                                             struct ec_describe_cache_engine_versions_out *out)
{
    struct ec_cache_engine_version_list *list = &out->cache_engine_versions;
    size_t count, i, last = 0;
    const struct engine_version *all = engine_versions(&count);
    struct page page;

    TRY(page_open(c, in->max_records, in->marker, &page));
    TRY(row_of_marker(c, &page, in->marker, &i));
    list->has = true;
    list->items = arena_array(c->arena, (size_t)page.limit, sizeof(*list->items));
    for (; i < count; i++) {
        if (!is_asked_for(in, &all[i]))
            continue;
        if (list->count == (size_t)page.limit) {
            out->marker = page_marker(c, row_name(c, &all[last]));
            return OK;
        }
        version_to_wire(&all[i], &list->items[list->count++]);
        last = i;
    }
    return OK;
}
