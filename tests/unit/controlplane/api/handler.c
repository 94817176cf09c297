#include "handler.h"

#include "base/arena.h"

struct err ops_run(struct ops *o, struct arena *a, const struct caller *who,
                   const struct service_desc *service, const struct op_desc *op, const void *in,
                   void *out)
{
    (void)service;
    o->calls++;
    o->op = op->name;
    o->who = *who;
    if (o->fill)
        o->fill(a, in, out);
    return o->answer;
}

uint64_t ops_revision(const struct ops *o, const struct service_desc *service,
                      const struct op_desc *op)
{
    (void)service, (void)op;
    return o->revision;
}

struct api *api_of(struct ops *o, enum api_auth auth)
{
    static const char *const regions[] = {"us-east-1", "eu-west-1"};
    struct api_conf conf = {.ops = o,
                            .auth = auth,
                            .regions = regions,
                            .region_count = 2,
                            .default_account = "000000000000"};

    return api_new(&conf);
}

const char *handle(struct api *api, struct arena *a, struct api_request request,
                   struct api_response *out)
{
    const char *text;

    api_handle(api, a, &request, out);
    text = arena_strdup(a, buf_cstr(&out->body));
    buf_fini(&out->body);
    return text;
}
