/* The zone in memory, of which copies are told, and the authoritative server inside larderd, which
 * answers from it over UDP and TCP where it is asked to. */
#include "base/clock.h"
#include "controlplane/dns/backend.h"
#include "nameserver/server.h"
#include "nameserver/zone.h"

#include <stdlib.h>

struct embedded {
    struct dns_publisher publisher;
    struct zone *records;
    struct server *server; /* NULL: only copies answer */
};

static struct embedded *embedded_of(struct dns_publisher *p)
{
    return container_of(p, struct embedded, publisher);
}

static struct err embedded_open(struct arena *a, const struct dns_conf *conf, const char *zone,
                                struct dns_publisher **out)
{
    struct net_addr address;
    struct server *server = NULL;

    if (conf->listen && !net_addr_parse(str_of(conf->listen), &address))
        return err_format(a, ERR_INVALID, "\"%s\" is not an address to listen on (HOST:PORT)",
                          conf->listen);

    /* Seconds since 1970 keep serials growing over a restart. */
    struct zone *records = zone_new(zone, (uint32_t)(clock_wall_ms(conf->clock) / 1000));
    struct err e = conf->listen ? server_start(a, &address, records, conf->clock, &server) : OK;
    if (err_failed(e)) {
        zone_free(records);
        return e;
    }
    struct embedded *made = calloc(1, sizeof(*made));
    check(made != NULL);
    made->records = records;
    made->server = server;
    *out = &made->publisher;
    return OK;
}

static struct err embedded_upsert(struct dns_publisher *p, const char *name,
                                  const struct net_addr *addresses, size_t count, int ttl_s)
{
    return zone_upsert(embedded_of(p)->records, name, addresses, count, ttl_s);
}

static struct err embedded_remove(struct dns_publisher *p, const char *name)
{
    zone_remove(embedded_of(p)->records, name);
    return OK;
}

static int embedded_port(const struct dns_publisher *p)
{
    const struct embedded *e = container_of(p, struct embedded, publisher);

    return e->server ? server_port(e->server) : 0;
}

static struct zone *embedded_records(const struct dns_publisher *p)
{
    return container_of(p, struct embedded, publisher)->records;
}

static void embedded_close(struct dns_publisher *p)
{
    struct embedded *e = embedded_of(p);

    server_stop(e->server);
    zone_free(e->records);
    free(e);
}

const struct dns_backend dns_embedded = {
    .name = "embedded",
    .open = embedded_open,
    .upsert = embedded_upsert,
    .remove = embedded_remove,
    .port = embedded_port,
    .records = embedded_records,
    .close = embedded_close,
};
