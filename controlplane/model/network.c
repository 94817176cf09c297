/* Looking through an inventory. Nothing is kept sorted but by id, as the store gives it. */
#include "controlplane/model/network.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "controlplane/model/naming.h"

#include <string.h>

static const char *const origins[] = {
    [NETWORK_DEFAULT] = "default",
    [NETWORK_DECLARED] = "declared",
    [NETWORK_MADE] = "made",
    [NETWORK_ASSUMED] = "assumed",
};

const char *network_origin_name(enum network_origin origin)
{
    check((size_t)origin < countof(origins));
    return origins[origin];
}

bool network_origin_parse(const char *name, enum network_origin *out)
{
    for (size_t i = 0; i < countof(origins); i++)
        if (strcmp(origins[i], name) == 0) {
            *out = (enum network_origin)i;
            return true;
        }
    return false;
}

/* --- ids --- */

char *network_id(struct arena *a, const char *prefix, const char *text)
{
    uint64_t high = name_hash(arena_printf(a, "%s%s", prefix, text));
    uint64_t low = name_hash(arena_printf(a, "%s/%s", prefix, text));

    return arena_printf(a, "%s%016llx%llx", prefix, (unsigned long long)high,
                        (unsigned long long)(low & 15));
}

bool network_id_is(const char *id, const char *prefix)
{
    size_t len = strlen(prefix);

    if (!id || strncmp(id, prefix, len) != 0 || id[len] == '\0')
        return false;
    for (id += len; *id; id++)
        if (!((*id >= 'a' && *id <= 'z') || (*id >= '0' && *id <= '9')))
            return false;
    return true;
}

struct vpc *network_vpc(const struct network *n, const char *id)
{
    for (size_t i = 0; i < n->vpc_count; i++)
        if (strcmp(n->vpcs[i].id, id) == 0)
            return &n->vpcs[i];
    return NULL;
}

struct subnet *network_subnet(const struct network *n, const char *id)
{
    for (size_t i = 0; i < n->subnet_count; i++)
        if (strcmp(n->subnets[i].id, id) == 0)
            return &n->subnets[i];
    return NULL;
}

struct security_group *network_group(const struct network *n, const char *id)
{
    for (size_t i = 0; i < n->group_count; i++)
        if (strcmp(n->groups[i].id, id) == 0)
            return &n->groups[i];
    return NULL;
}

/* --- defaults --- */

struct vpc *network_default_vpc(const struct network *n)
{
    for (size_t i = 0; i < n->vpc_count; i++)
        if (n->vpcs[i].is_default)
            return &n->vpcs[i];
    return NULL;
}

struct security_group *network_default_group(const struct network *n, const char *vpc_id)
{
    for (size_t i = 0; i < n->group_count; i++)
        if (strcmp(n->groups[i].vpc_id, vpc_id) == 0 && strcmp(n->groups[i].name, "default") == 0)
            return &n->groups[i];
    return NULL;
}

/* --- addresses --- */

size_t network_subnet_count(const struct network *n, const char *vpc_id)
{
    size_t count = 0;

    for (size_t i = 0; i < n->subnet_count; i++)
        count += strcmp(n->subnets[i].vpc_id, vpc_id) == 0;
    return count;
}

bool network_is_taken(const struct network *n, const char *vpc_id, const struct cidr *block)
{
    for (size_t i = 0; i < n->subnet_count; i++) {
        struct cidr other;
        if (strcmp(n->subnets[i].vpc_id, vpc_id) == 0 &&
            cidr_parse(str_of(n->subnets[i].cidr), &other) && cidr_overlaps(&other, block))
            return true;
    }
    return false;
}

bool network_free_block(const struct network *n, const struct vpc *vpc, int prefix, bool is_last,
                        struct cidr *out)
{
    struct cidr whole;

    if (!cidr_parse(str_of(vpc->cidr), &whole) || whole.prefix > prefix)
        return false;
    uint64_t count = 1ull << (prefix - whole.prefix);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = is_last ? count - 1 - i : i;
        struct cidr block = {whole.first + (uint32_t)(at << (32 - prefix)), prefix};
        if (network_is_taken(n, vpc->id, &block))
            continue;
        *out = block;
        return true;
    }
    return false;
}

const char *network_least_zone(const struct network *n, const char *const *zones, size_t count)
{
    const char *best = NULL;
    size_t fewest = SIZE_MAX;

    for (size_t z = 0; z < count; z++) {
        size_t here = 0;
        for (size_t i = 0; i < n->subnet_count; i++)
            here += n->subnets[i].origin == NETWORK_ASSUMED &&
                    strcmp(n->subnets[i].zone, zones[z]) == 0;
        if (here < fewest) {
            fewest = here;
            best = zones[z];
        }
    }
    check(best != NULL);
    return best;
}

bool subnet_has_ipv4(const struct subnet *s)
{
    return *s->cidr != '\0';
}

bool subnet_has_ipv6(const struct subnet *s)
{
    return *s->ipv6_cidr != '\0';
}
