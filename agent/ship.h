/*
 * Sends on what engines write to their logs, as goals ask: to a file of the host or to a webhook. A
 * line may come twice after a crash; none is lost unless its destination is out of reach for so
 * long that the backlog grows beyond its limit.
 */
#ifndef LARDER_AGENT_SHIP_H
#define LARDER_AGENT_SHIP_H

#include "base/err.h"

struct loop;
struct node;
struct nodes;
struct ship;

/* All borrowed for the life of the part. */
struct ship_conf {
    struct loop *loop;
    struct nodes *nodes;
    /* What cannot be sent on is another than before (n->log_errors). */
    void (*on_news)(void *context, struct node *n);
    void *context;
};

/* ERR_IO when the system has no descriptors left. */
must_use struct err ship_open(const struct ship_conf *conf, struct ship **out);

/* All nodes have been let go of by ship_forget. */
void ship_close(struct ship *s);

/* Drops what is known of the node; its files stay as they are. */
void ship_forget(struct node *n);

#endif
