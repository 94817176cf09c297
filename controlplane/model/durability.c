#include "controlplane/model/durability.h"

#include "base/err.h"
#include "base/str.h"

#include <string.h>

#define PROMOTE_STALE_MS    10000
#define PROMOTE_STALE_MAX_S (24 * 3600)

static const char *const names[] = {
    [DURABILITY_ASYNC] = "async",
    [DURABILITY_BOUNDED] = "bounded",
    [DURABILITY_SYNC] = "sync",
    [DURABILITY_DISABLED] = "disabled",
};

const char *durability_name(enum durability durability)
{
    return names[durability];
}

bool durability_parse(const char *name, enum durability *out)
{
    for (size_t i = 0; i < countof(names); i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum durability)i;
            return true;
        }
    return false;
}

bool durability_needs_replicas(enum durability durability)
{
    return durability == DURABILITY_BOUNDED || durability == DURABILITY_SYNC;
}

int64_t durability_acks(enum durability durability, size_t members)
{
    return durability == DURABILITY_SYNC ? (int64_t)(members / 2) : 0;
}

bool promote_stale_parse(const char *text, int64_t *out_ms)
{
    int64_t seconds;

    if (strcmp(text, "never") == 0) {
        *out_ms = INT64_MAX;
        return true;
    }
    if (!str_to_i64(str_of(text), &seconds) || seconds < 0 || seconds > PROMOTE_STALE_MAX_S)
        return false;
    *out_ms = seconds * 1000;
    return true;
}

int64_t promote_stale_ms(const char *text, bool is_counted)
{
    int64_t ms;

    if (text && promote_stale_parse(text, &ms))
        return ms;
    return is_counted ? INT64_MAX : PROMOTE_STALE_MS;
}
