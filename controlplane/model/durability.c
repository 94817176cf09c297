#include "controlplane/model/durability.h"

#include "base/err.h"

#include <string.h>

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
