/* Nobody is told: for services whose endpoints are plain addresses. */
#include "base/err.h"
#include "controlplane/dns/backend.h"

#include <stdlib.h>

static struct err none_open(struct arena *a, const struct dns_conf *conf, const char *zone,
                            struct dns **out)
{
    (void)a, (void)conf, (void)zone;
    *out = calloc(1, sizeof(**out));
    check(*out != NULL);
    return OK;
}

static struct err none_upsert(struct dns *d, const char *name, const struct net_addr *addresses,
                              size_t count, int ttl_s)
{
    (void)d, (void)name, (void)addresses, (void)count, (void)ttl_s;
    return OK;
}

static struct err none_remove(struct dns *d, const char *name)
{
    (void)d, (void)name;
    return OK;
}

static void none_close(struct dns *d)
{
    free(d);
}

const struct dns_backend dns_none = {
    .name = "none",
    .open = none_open,
    .upsert = none_upsert,
    .remove = none_remove,
    .close = none_close,
};
