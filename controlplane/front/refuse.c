/* The interface knows the two forms and tells them apart by the path. */
#include "controlplane/front/refuse.h"

void refuse(struct api *api, struct arena *a, const struct api_request *request, int fault,
            const char *why, struct api_response *out)
{
    struct api_request as_said = *request;

    if (!str_is(request->path, "/") && !api_owns_path(request->path))
        as_said.path = STR("/v1/");
    api_refuse(api, a, &as_said, fault, why, out);
}
