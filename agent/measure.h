/*
 * Makes each minute's sample of a node: what its engine answered, and what the kernel says of its
 * process and host. The sample hangs at the node until it was told (link.c).
 */
#ifndef LARDER_AGENT_MEASURE_H
#define LARDER_AGENT_MEASURE_H

#include "base/str.h"

struct clock;
struct measure;
struct node;

/* `proc` is where the kernel's files are: "/proc"; both are borrowed. */
struct measure *measure_open(const struct clock *clock, const char *proc);

/* All nodes have been let go of by measure_forget. */
void measure_close(struct measure *m);

/* The engine of the node answered with its numbers: n->sample is that of the minute before. */
void measure_take(struct measure *m, struct node *n, struct str answer);

/* Drops what is known of the node. */
void measure_forget(struct node *n);

#endif
