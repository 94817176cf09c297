/* Cache security groups belong to a time before VPCs. The hosted service lets no account use them
 * any more, and neither does this one: each call says so. */
#include "contract/elasticache_handlers.h"
#include "contract/faults.h"
#include "controlplane/ops/call.h"

static struct err not_permitted(void)
{
    return err_make(FAULT_INVALID_PARAMETER_VALUE, "Use of cache security groups is not permitted "
                                                   "in this API version for your account.");
}

#define RETIRED(name)                                                     \
    struct err ec_##name(struct call *c, const struct ec_##name##_in *in, \
                         struct ec_##name##_out *out)                     \
    {                                                                     \
        (void)c, (void)in, (void)out;                                     \
        return not_permitted();                                           \
    }

RETIRED(authorize_cache_security_group_ingress)
RETIRED(create_cache_security_group)
RETIRED(delete_cache_security_group)
RETIRED(describe_cache_security_groups)
RETIRED(revoke_cache_security_group_ingress)
