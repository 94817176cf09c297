/*
 * Another server's zone, kept by dynamic updates (RFC 2136) over TCP, signed where a key is given.
 * One message has several names; the server makes all its changes or none, and in one step, so that
 * a name that moves is never without an address.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "controlplane/dns/backend.h"
#include "controlplane/dns/follower.h"
#include "controlplane/dns/tsig_key.h"

#include <ldns/ldns.h>
#include <netinet/in.h>
#include <stdlib.h>

#define KEY_MAX_BYTES 4096
#define NAMES_MAX     100  /* of one message, with 3 names' worth of records each: below 64 KB */
#define ADDRESSES_MAX 1000 /* of 28 bytes at most, as repeated names are compressed */
#define ANSWER_WAIT_S 3
#define REFRESH_MS    (60 * (int64_t)1000)
#define MEMORY_NAME   "dns-names"

struct update {
    struct following following;
    struct arena arena; /* what follows */
    const char *zone, *what;
    struct net_addr server;
    struct tsig_key key;
    bool has_key;
};

/* --- messages --- */

static ldns_rdf *address_rdf(const struct net_addr *address)
{
    if (address->storage.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;
        return ldns_rdf_new_frm_data(LDNS_RDF_TYPE_AAAA, sizeof(in6->sin6_addr), &in6->sin6_addr);
    }
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address->storage;
    return ldns_rdf_new_frm_data(LDNS_RDF_TYPE_A, sizeof(in->sin_addr), &in->sin_addr);
}

static ldns_rr *record_new(const char *name, ldns_rr_class class, ldns_rr_type type, int ttl_s)
{
    ldns_rr *rr = ldns_rr_new();
    ldns_rdf *owner = ldns_dname_new_frm_str(name);

    check(rr != NULL && owner != NULL);
    ldns_rr_set_owner(rr, owner);
    ldns_rr_set_class(rr, class);
    ldns_rr_set_type(rr, type);
    ldns_rr_set_ttl(rr, (uint32_t)ttl_s);
    return rr;
}

/* All the name's addresses go, and then come those that it has now (RFC 2136, section 2.5). */
static void add_changes(ldns_rr_list *list, const struct follower_name *n)
{
    ldns_rr_list_push_rr(list, record_new(n->name, LDNS_RR_CLASS_ANY, LDNS_RR_TYPE_A, 0));
    ldns_rr_list_push_rr(list, record_new(n->name, LDNS_RR_CLASS_ANY, LDNS_RR_TYPE_AAAA, 0));
    for (size_t i = 0; i < n->count; i++) {
        bool is_ipv6 = n->addresses[i].storage.ss_family == AF_INET6;
        ldns_rr *rr = record_new(n->name, LDNS_RR_CLASS_IN,
                                 is_ipv6 ? LDNS_RR_TYPE_AAAA : LDNS_RR_TYPE_A, n->ttl_s);
        ldns_rr_push_rdf(rr, address_rdf(&n->addresses[i]));
        ldns_rr_list_push_rr(list, rr);
    }
}

static ldns_pkt *message_new(const struct update *u, const struct follower_name *names,
                             size_t count)
{
    ldns_rr_list *changes = ldns_rr_list_new();
    ldns_rdf *zone = ldns_dname_new_frm_str(u->zone);

    check(changes != NULL && zone != NULL);
    for (size_t i = 0; i < count; i++)
        add_changes(changes, &names[i]);
    ldns_pkt *message = ldns_update_pkt_new(zone, LDNS_RR_CLASS_IN, NULL, changes, NULL);
    check(message != NULL);
    ldns_pkt_set_random_id(message);
    ldns_rr_list_deep_free(changes); /* the message has a copy */
    return message;
}

/* --- the way to the server --- */

static ldns_resolver *resolver_new(const struct update *u)
{
    ldns_resolver *r = ldns_resolver_new();
    ldns_rdf *address = address_rdf(&u->server);

    check(r != NULL && address != NULL);
    check(ldns_resolver_push_nameserver(r, address) == LDNS_STATUS_OK);
    ldns_rdf_deep_free(address);
    ldns_resolver_set_port(r, (uint16_t)net_addr_port(&u->server));
    ldns_resolver_set_usevc(r, true);
    ldns_resolver_set_retry(r, 1);
    ldns_resolver_set_timeout(r, (struct timeval){.tv_sec = ANSWER_WAIT_S});
    if (u->has_key) {
        ldns_resolver_set_tsig_keyname(r, u->key.name);
        ldns_resolver_set_tsig_algorithm(r, u->key.algorithm);
        ldns_resolver_set_tsig_keydata(r, u->key.secret);
    }
    return r;
}

static struct err answer_of(struct arena *a, const ldns_pkt *answer)
{
    ldns_pkt_rcode code = ldns_pkt_get_rcode(answer);

    if (code == LDNS_RCODE_NOERROR)
        return OK;
    char *word = ldns_pkt_rcode2str(code);
    struct err e = err_format(a, ERR_DENIED, "the server answers %s", word ? word : "an error");
    free(word);
    return e;
}

static struct err exchange(const struct update *u, struct arena *a, ldns_resolver *r, ldns_pkt *m)
{
    ldns_pkt *answer = NULL;
    ldns_status status = u->has_key ? ldns_update_pkt_tsig_add(m, r) : LDNS_STATUS_OK;

    if (status == LDNS_STATUS_OK)
        status = ldns_resolver_send_pkt(&answer, r, m);
    if (status != LDNS_STATUS_OK || !answer)
        return err_format(a, ERR_UNAVAILABLE, "no answer: %s", ldns_get_errorstr_by_id(status));
    struct err e = answer_of(a, answer);
    ldns_pkt_free(answer);
    return e;
}

static struct err push(void *context, struct arena *a, const struct follower_name *names,
                       size_t count)
{
    struct update *u = context;
    ldns_resolver *r = resolver_new(u);
    ldns_pkt *message = message_new(u, names, count);

    struct err e = exchange(u, a, r, message);
    ldns_pkt_free(message);
    ldns_resolver_deep_free(r);
    return e;
}

/* --- the backend --- */

static struct err read_key(struct arena *a, struct update *u, const char *path)
{
    scoped(buf_fini) struct buf content = BUF_EMPTY;

    struct err e = fs_read_all(path, KEY_MAX_BYTES, &content);
    if (!err_failed(e))
        e = tsig_key_parse(&u->arena, buf_str(&content), &u->key);
    if (err_failed(e))
        return err_format(a, e.code, "%s: %s", path, err_text(a, e));
    u->has_key = true;
    return OK;
}

static struct err update_start(struct arena *a, const struct dns_conf *conf, const char *zone,
                               struct update *u)
{
    if (!net_addr_parse(str_of(conf->update_server), &u->server) || !net_addr_port(&u->server))
        return err_format(a, ERR_INVALID, "\"%s\" is not a server's address (HOST:PORT)",
                          conf->update_server);
    u->zone = arena_strdup(&u->arena, zone);
    u->what = arena_printf(&u->arena, "name server %s", conf->update_server);
    if (conf->update_key_file)
        TRY(read_key(a, u, conf->update_key_file));
    return follower_start(
        a,
        &(struct follower_conf){
            .what = u->what,
            .context = u,
            .push = push,
            .may_push = conf->leads,
            .may_push_context = conf->leads_context,
            .names_max = NAMES_MAX,
            .addresses_max = ADDRESSES_MAX,
            .refresh_ms = REFRESH_MS,
            .memory = conf->state_dir ? fs_join(a, conf->state_dir, MEMORY_NAME) : NULL,
        },
        &u->following.follower);
}

static struct update *update_of(struct dns_publisher *p)
{
    return container_of(p, struct update, following.publisher);
}

static void update_close(struct dns_publisher *p)
{
    struct update *u = update_of(p);

    follower_stop(u->following.follower);
    arena_fini(&u->arena);
    free(u);
}

static struct err update_open(struct arena *a, const struct dns_conf *conf, const char *zone,
                              struct dns_publisher **out)
{
    if (!conf->update_server)
        return OK;
    struct update *made = calloc(1, sizeof(*made));
    check(made != NULL);
    struct err e = update_start(a, conf, zone, made);
    if (err_failed(e)) {
        update_close(&made->following.publisher);
        return e;
    }
    *out = &made->following.publisher;
    return OK;
}

const struct dns_backend dns_update = {
    .name = "update",
    .open = update_open,
    .upsert = following_upsert,
    .remove = following_remove,
    .settle = following_settle,
    .close = update_close,
};
