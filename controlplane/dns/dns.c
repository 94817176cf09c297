/* The common half of every backend: choosing one, and checking names and addresses before it sees
 * them. */
#include "controlplane/dns/dns.h"

#include "base/arena.h"
#include "controlplane/dns/backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX 63

const struct dns_backend *const dns_backends[] = {&dns_embedded, &dns_none, NULL};

static const struct dns_backend *backend_find(const char *name)
{
    for (const struct dns_backend *const *b = dns_backends; *b; b++)
        if (str_is(str_of(name), (*b)->name))
            return *b;
    return NULL;
}

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

struct err dns_open(struct arena *a, const struct dns_conf *conf, struct dns **out)
{
    char zone[DNS_NAME_MAX];
    const struct dns_backend *backend = backend_find(conf->backend);
    struct dns *made;

    if (!backend)
        return err_format(a, ERR_INVALID, "there is no DNS backend \"%s\"", conf->backend);
    if (!dns_name_clean(conf->zone, zone))
        return err_format(a, ERR_INVALID, "\"%s\" is not a domain name", conf->zone);
    TRY(backend->open(a, conf, zone, &made));
    made->backend = backend;
    snprintf(made->zone, sizeof(made->zone), "%s", zone);
    *out = made;
    return OK;
}

void dns_close(struct dns *d)
{
    if (d)
        d->backend->close(d);
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
    return d->backend->upsert(d, clean, parsed, count, ttl_s);
}

struct err dns_remove(struct dns *d, const char *name)
{
    char clean[DNS_NAME_MAX];

    TRY(name_check(d, name, clean));
    return d->backend->remove(d, clean);
}

const char *dns_zone(const struct dns *d)
{
    return d->zone;
}

int dns_port(const struct dns *d)
{
    return d->backend->port ? d->backend->port(d) : 0;
}
