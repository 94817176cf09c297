/* Who am I? Clients ask before anything else, to learn the account that stands in every ARN. */
#include "base/arena.h"
#include "contract/sts_handlers.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/call.h"

struct err sts_get_caller_identity(struct call *c, const struct sts_get_caller_identity_in *in,
                                   struct sts_get_caller_identity_out *out)
{
    const struct caller *who = c->caller;

    (void)in;
    out->account = who->account;
    out->user_id = *who->access_key ? who->access_key : who->account;
    out->arn =
        arena_printf(c->arena, "arn:%s:iam::%s:root", arn_partition(who->region), who->account);
    return OK;
}
