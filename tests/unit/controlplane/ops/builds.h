/* Hosts that offer a newer build of the engine than nodes run. */
#ifndef LARDER_TESTS_UNIT_OPS_BUILDS_H
#define LARDER_TESTS_UNIT_OPS_BUILDS_H

#include "world.h"

/* The update from 0.1.0 to 0.1.1. */
#define BUILDS_UPDATE "elc-20231114-002"

/* A cluster c1 and a group rg of two run 0.1.0, and 0.1.1 is offered. */
void builds_open(void);

/* All nodes run it; all hosts offer it. */
void builds_report(const char *build);
void builds_offer(const char *build);

/* Describes so many update actions. */
struct ec_update_action *builds_actions(struct ec_describe_update_actions_in in, size_t count);

#endif
