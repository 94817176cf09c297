/* Literal views for tests of the rules: a cluster, its nodes, two hosts, no store. */
#ifndef LARDER_TESTS_UNIT_RECONCILE_SCENE_H
#define LARDER_TESTS_UNIT_RECONCILE_SCENE_H

#include "base/arena.h"
#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/view.h"

#define SCENE_NODES 4

struct scene {
    struct arena arena;
    struct host hosts[2];
    struct region_view region;
    struct node nodes[SCENE_NODES];
    struct view view;
    struct decisions decisions;
};

/* A wanted redis cluster with one wanted node that is nowhere yet; hosts "h1" (zone a) and "h2"
 * (zone b). */
void scene_open(struct scene *s);
void scene_close(struct scene *s);

/* One more wanted node. */
struct node *scene_add_node(struct scene *s, const char *number);

/* The node runs on h1 as wanted. */
void scene_run(struct scene *s, struct node *n);

/* Starts an operation; its deadline is at 10,000 ms, now is 1,000 ms. */
void scene_operate(struct scene *s, enum operation_kind kind, const char *data);

/* Lets the rules decide, from an empty list of decisions. */
void scene_decide(struct scene *s);

/* How many decisions of a kind there are, and the last of them (NULL for none). */
size_t scene_count(const struct scene *s, enum decision_kind kind);
const struct decision *scene_last(const struct scene *s, enum decision_kind kind);

/* Whether an event with that text was decided. */
bool scene_told(const struct scene *s, const char *text);

#endif
