/* As much of IAM as clients ask for to learn their account: its owner, and the role that the
 * service itself acts by. */
#include "base/arena.h"
#include "contract/iam_handlers.h"
#include "controlplane/model/naming.h"
#include "controlplane/ops/call.h"

#include <string.h>

#define SERVICE_ROLE      "AWSServiceRoleForElastiCache"
#define SERVICE_ROLE_PATH "/aws-service-role/elasticache.amazonaws.com/"

/* What is there from the start has no day of its own: that of the API's version stands for it. */
#define FROM_THE_START_MS 1422835200000

static const char *arn(struct call *c, const char *what)
{
    return arena_printf(c->arena, "arn:%s:iam::%s:%s", arn_partition(c->caller->region),
                        c->caller->account, what);
}

struct err iam_get_user(struct call *c, const struct iam_get_user_in *in,
                        struct iam_get_user_out *out)
{
    if (in->user_name)
        return fault(c, FAULT_NO_SUCH_ENTITY, "The user with name %s cannot be found.",
                     in->user_name);
    out->user = arena_new(c->arena, struct iam_user);
    *out->user = (struct iam_user){
        .path = "/",
        .user_name = "root",
        .user_id = c->caller->account,
        .arn = arn(c, "root"),
        .create_date = TIME_OF(FROM_THE_START_MS),
    };
    return OK;
}

struct err iam_list_roles(struct call *c, const struct iam_list_roles_in *in,
                          struct iam_list_roles_out *out)
{
    const char *prefix = in->path_prefix ? in->path_prefix : "/";
    bool is_shown = strncmp(SERVICE_ROLE_PATH, prefix, strlen(prefix)) == 0 && !in->marker;
    struct iam_role *role = arena_new(c->arena, struct iam_role);

    *role = (struct iam_role){
        .path = SERVICE_ROLE_PATH,
        .role_name = SERVICE_ROLE,
        .role_id = arena_printf(c->arena, "AROA%s00000", c->caller->account),
        .arn = arn(c, "role" SERVICE_ROLE_PATH SERVICE_ROLE),
        .create_date = TIME_OF(FROM_THE_START_MS),
        .description = "What the service does in the account, it does by this role.",
    };
    out->roles = (struct iam_role_list_type){true, is_shown, role};
    out->is_truncated = BOOL_OF(false);
    return OK;
}
