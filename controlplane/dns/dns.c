/* The common half of every backend: opening those that are asked for, and checking names and
 * addresses before they see them. */
#include "controlplane/dns/dns.h"

#include "base/arena.h"
#include "base/rng.h"
#include "controlplane/dns/backend.h"
#include "nameserver/zone.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

const struct dns_backend *const dns_backends[] = {&dns_embedded, &dns_update, &dns_hosts, NULL};

#define LIFE_MAX       (1ULL << 52)
#define PUBLISHERS_MAX (countof(dns_backends) - 1)

struct dns {
    char zone[DNS_NAME_MAX]; /* lower case, no dot at the end */
    int64_t life;
    atomic_bool is_settled;
    struct dns_publisher *publishers[PUBLISHERS_MAX];
    size_t count;
};

static struct err open_all(struct arena *a, const struct dns_conf *conf, struct dns *d)
{
    for (const struct dns_backend *const *b = dns_backends; *b; b++) {
        struct dns_publisher *made = NULL;
        TRY((*b)->open(a, conf, d->zone, &made));
        if (!made)
            continue;
        made->backend = *b;
        d->publishers[d->count++] = made;
    }
    return OK;
}

/* A number that JSON readers of every kind take as it is. */
static int64_t new_life(void)
{
    struct rng rng;

    rng_seed_system(&rng);
    return 1 + (int64_t)rng_below(&rng, LIFE_MAX);
}

struct err dns_open(struct arena *a, const struct dns_conf *conf, struct dns **out)
{
    struct dns *made = calloc(1, sizeof(*made));

    check(made != NULL);
    made->life = new_life();
    struct err e = dns_name_clean(conf->zone, made->zone)
                       ? open_all(a, conf, made)
                       : err_format(a, ERR_INVALID, "\"%s\" is not a domain name", conf->zone);
    if (err_failed(e)) {
        dns_close(made);
        return e;
    }
    *out = made;
    return OK;
}

void dns_close(struct dns *d)
{
    if (!d)
        return;
    while (d->count > 0) {
        struct dns_publisher *last = d->publishers[--d->count];
        last->backend->close(last);
    }
    free(d);
}

static struct err name_check(const struct dns *d, const char *text, char out[DNS_NAME_MAX])
{
    if (!dns_name_clean(text, out))
        return err_make(ERR_INVALID, "not a host name");
    if (!dns_name_is_within(out, d->zone) || strlen(out) == strlen(d->zone))
        return err_make(ERR_INVALID, "the name is not inside the zone");
    return OK;
}

struct err dns_upsert(struct dns *d, const char *name, const char *const *addresses, size_t count,
                      int ttl_s)
{
    scoped(arena_fini) struct arena a = {0};
    char clean[DNS_NAME_MAX];

    TRY(name_check(d, name, clean));
    if (count == 0 || ttl_s < 0)
        return err_make(ERR_INVALID, "a name needs an address and a lifetime");
    if (count > DNS_ADDRESSES_MAX)
        return err_make(ERR_LIMIT, "too many addresses for one name");
    struct net_addr *parsed = arena_array(&a, count, sizeof(*parsed));
    for (size_t i = 0; i < count; i++)
        if (!net_addr_parse_host(str_of(addresses[i]), &parsed[i]))
            return err_make(ERR_INVALID, "not an IP address");
    for (size_t i = 0; i < d->count; i++) {
        struct dns_publisher *p = d->publishers[i];
        TRY(p->backend->upsert(p, clean, parsed, count, ttl_s));
    }
    return OK;
}

struct err dns_remove(struct dns *d, const char *name)
{
    char clean[DNS_NAME_MAX];

    TRY(name_check(d, name, clean));
    for (size_t i = 0; i < d->count; i++) {
        struct dns_publisher *p = d->publishers[i];
        TRY(p->backend->remove(p, clean));
    }
    return OK;
}

void dns_settle(struct dns *d)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->publishers[i]->backend->settle)
            d->publishers[i]->backend->settle(d->publishers[i]);
    atomic_store(&d->is_settled, true);
}

static struct zone *records_of(const struct dns *d)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->publishers[i]->backend->records)
            return d->publishers[i]->backend->records(d->publishers[i]);
    return NULL;
}

uint32_t dns_serial(const struct dns *d)
{
    struct zone *records = records_of(d);

    return records && atomic_load(&d->is_settled) ? zone_serial(records) : 0;
}

bool dns_changes(struct dns *d, struct arena *a, int64_t life, uint32_t serial,
                 struct zone_changes *out)
{
    struct zone *records = records_of(d);
    bool is_ours = life == d->life;

    if (!records || !atomic_load(&d->is_settled))
        return false;
    if (is_ours && serial == zone_serial(records))
        return false;
    if (!is_ours && serial != 0)
        zone_pass_serial(records, serial);
    zone_changes(records, a, is_ours ? &serial : NULL, out);
    return true;
}

int64_t dns_life(const struct dns *d)
{
    return d->life;
}

const char *dns_zone(const struct dns *d)
{
    return d->zone;
}

int dns_port(const struct dns *d)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->publishers[i]->backend->port)
            return d->publishers[i]->backend->port(d->publishers[i]);
    return 0;
}
