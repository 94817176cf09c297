/* A node whose engine the test plays, over the socket in the node's folder. */
#ifndef LARDER_TESTS_UNIT_AGENT_TASKS_SCENE_H
#define LARDER_TESTS_UNIT_AGENT_TASKS_SCENE_H

#include "agent/drivers/driver.h"
#include "agent/supervise/node.h"
#include "base/arena.h"
#include "base/buf.h"
#include "contract/agent.h"

#define PATIENCE_MS 10000

struct scene {
    struct arena arena;
    char folder[64];
    struct loop *loop;
    struct nodes nodes;
    struct node *n;
    int listener, fd; /* of the engine; fd is -1 before scene_accept */
    struct driver_program program;
    struct driver_host host;
    struct agent_node_goal goal;
};

void scene_open(struct scene *s);
void scene_close(struct scene *s);

/* Turns until somebody called the engine. */
void scene_accept(struct scene *s);
void scene_say(struct scene *s, const char *text);

/* Turns until the engine heard this, no more and no less. */
void scene_hear(struct scene *s, const char *expected);

/* Turns the loop once; fails the test when `end_ms` (of scene_patience) has passed. */
int64_t scene_patience(struct scene *s);
void scene_turn(struct scene *s, int64_t end_ms, const char *missing);

#endif
