/*
 * The interface of this host on which endpoints' addresses come and go. It is looked up by its name
 * each time: one that was made anew has another number.
 */
#ifndef LARDER_AGENT_ADDRESSES_INTERFACE_H
#define LARDER_AGENT_ADDRESSES_INTERFACE_H

#include "base/err.h"
#include "base/ip.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;

/* What an interface is to those who use it, so that tests can be one. Sentences are in `a`. */
struct interface {
    /* Whether it has the address, from whomever. */
    struct err (*has)(void *context, struct arena *a, const struct ip *address, bool *out);
    /* Gives it the address for so many seconds (0: for ever), or gives it new ones. */
    struct err (*add)(void *context, struct arena *a, const struct ip *address, int64_t seconds);
    /* Takes it away; fine when it is not there, or the interface is not. */
    struct err (*remove)(void *context, struct arena *a, const struct ip *address);
    /* Tells the neighbours that the address is here; who hears it is not known. */
    void (*announce)(void *context, const struct ip *address);
    void *context;
};

/* Whether the words are "NAME" or "NAME/PREFIX", of an interface and the length of a network. */
bool interface_parse(struct arena *a, const char *words, const char **out_name, int *out_prefix);

#define INTERFACE_PREFIX 32 /* unless another one is named; with IPv6 it is always 128 */

/* ERR_NOT_FOUND without such an interface, ERR_DENIED without CAP_NET_ADMIN or CAP_NET_RAW,
 * ERR_INVALID for one that has no addresses of others around it, ERR_IO. `name` is borrowed. */
must_use struct err interface_open(struct arena *a, const char *name, int prefix,
                                   struct interface *out);

/* Addresses stay. Accepts one that was never opened. */
void interface_close(struct interface *i);

#endif
