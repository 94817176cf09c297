/* Words, and what they mean. */
#include "controlplane/model/reach.h"

#include "base/err.h"

#include <string.h>

static const char *const type_names[] = {
    [NETWORK_IPV4] = "ipv4",
    [NETWORK_IPV6] = "ipv6",
    [NETWORK_DUAL_STACK] = "dual_stack",
};

const char *network_type_name(enum network_type type)
{
    check((size_t)type < countof(type_names));
    return type_names[type];
}

bool network_type_parse(const char *name, enum network_type *out)
{
    for (size_t i = 0; i < countof(type_names); i++)
        if (strcmp(type_names[i], name) == 0) {
            *out = (enum network_type)i;
            return true;
        }
    return false;
}

const char *ip_family_name(enum ip_family family)
{
    return family == FAMILY_IPV6 ? "ipv6" : "ipv4";
}

bool ip_family_parse(const char *name, enum ip_family *out)
{
    *out = strcmp(name, "ipv6") == 0 ? FAMILY_IPV6 : FAMILY_IPV4;
    return strcmp(name, ip_family_name(*out)) == 0;
}

bool network_type_has(enum network_type type, enum ip_family family)
{
    return type == NETWORK_DUAL_STACK || (type == NETWORK_IPV6) == (family == FAMILY_IPV6);
}
