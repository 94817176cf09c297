/* Policy: what each node of a view should be next. Pure; private to reconcile/. */
#ifndef LARDER_CONTROLPLANE_RECONCILE_RULES_H
#define LARDER_CONTROLPLANE_RECONCILE_RULES_H

#include "controlplane/reconcile/decide.h"
#include "controlplane/reconcile/failpoint.h"

struct rule {
    const char *name;
    bool (*when)(const struct view *v, const struct node *n);
    void (*then)(struct view *v, struct node *n, struct decisions *d, const char *why);
    const char *why;
};

/* First match wins: the order of the rows is the policy. */
extern const struct rule node_rules[];
extern const size_t node_rule_count;

/* Runs the rules over every node, until none has anything more to say, then the running operation.
 */
void rules_decide(struct view *v, struct decisions *d);

/* The names of all steps that clusters have. */
void rules_name(struct arena *a, struct failpoint_names *out);

#endif
