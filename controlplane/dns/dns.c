/* The common half of every backend: opening those that are asked for, and checking names and
 * addresses before they see them. */
#include "controlplane/dns/dns.h"

#include "base/arena.h"
#include "controlplane/dns/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX 63

const struct dns_backend *const dns_backends[] = {&dns_embedded, &dns_update, &dns_hosts, NULL};

#define PUBLISHERS_MAX (countof(dns_backends) - 1)

struct dns {
    char zone[DNS_NAME_MAX]; /* lower case, no dot at the end */
    struct dns_publisher *publishers[PUBLISHERS_MAX];
    size_t count;
};

char dns_label_char(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
        return c;
    return '\0';
}

bool dns_name_clean(const char *text, char out[DNS_NAME_MAX])
{
    struct str rest = str_of(text);
    size_t len = 0;

    if (str_ends(rest, "."))
        rest.len--;
    if (rest.len == 0 || rest.len >= DNS_NAME_MAX || rest.ptr[rest.len - 1] == '.')
        return false;
    while (rest.len > 0) {
        struct str label = str_cut(&rest, '.');
        if (label.len == 0 || label.len > LABEL_MAX)
            return false;
        if (len > 0)
            out[len++] = '.';
        for (size_t i = 0; i < label.len; i++)
            if (!(out[len++] = dns_label_char(label.ptr[i])))
                return false;
    }
    out[len] = '\0';
    return true;
}

bool dns_name_is_within(const char *name, const char *zone)
{
    size_t name_len = strlen(name), zone_len = strlen(zone);

    if (name_len < zone_len || memcmp(name + name_len - zone_len, zone, zone_len) != 0)
        return false;
    return name_len == zone_len || name[name_len - zone_len - 1] == '.';
}

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

struct err dns_open(struct arena *a, const struct dns_conf *conf, struct dns **out)
{
    struct dns *made = calloc(1, sizeof(*made));

    check(made != NULL);
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
