/*
 * Which leases this host holds and votes on, by the goals of its nodes, and what it promises. Its
 * one rule: a lease is renewed for the process that its role is meant for, and no longer.
 */
#ifndef LARDER_AGENT_LEASES_H
#define LARDER_AGENT_LEASES_H

#include "contract/agent.h"

#include <stdbool.h>

struct arena;
struct driver_host;
struct leases;
struct loop;
struct node;
struct nodes;
struct peers;
struct steps;

/* All borrowed for the life of the part. */
struct leases_conf {
    struct loop *loop;
    struct nodes *nodes;
    struct steps *steps;
    const struct driver_host *programs;
    struct peers *peers; /* NULL: this host has no part in leases */
    /* Another term is promised, and on the disk. */
    void (*on_promised)(void *context);
    void *context;
};

struct leases *leases_open(const struct leases_conf *conf);
void leases_close(struct leases *l); /* accepts NULL */

/* The node changed, or was found to be there. */
void leases_look(struct leases *l, struct node *n);

/* Its record is dropped. */
void leases_forget(struct leases *l, const struct node *n);

/* What is to be promised from now on, nothing else; `key` (base64) is that of datagrams, NULL when
 * it stays. */
void leases_ask(struct leases *l, const struct agent_promise_list *promises, const char *key);

/* What of that is promised, and terms that are on the disk beyond the role of a node, whether they
 * are asked for any more or not; in `a`. */
struct agent_promise_list leases_promised(const struct leases *l, struct arena *a);

/* A lease was won or lost: who has had none for a while is told to be so. */
void leases_check(struct leases *l);

/* True when the node has the lease that its goal's role needs. */
bool leases_allow(const struct leases *l, const struct node *n);

#endif
