/* What drivers share: configuration files in redis.conf's form, programs and their versions, and
 * the two protocols' answers. */
#ifndef LARDER_AGENT_DRIVERS_CONF_H
#define LARDER_AGENT_DRIVERS_CONF_H

#include "agent/drivers/driver.h"
#include "base/buf.h"

struct agent_node_goal;
struct arena;

/* Adds `name value`; a value that is not one plain word is quoted, so that no value can become a
 * second directive. */
void conf_add(struct buf *conf, const char *name, const char *value);
void conf_add_words(struct buf *conf, const char *name, const char *first, const char *second);
/* The addresses that the goal's node listens on. */
void conf_add_bind(struct buf *conf, const struct agent_node_goal *goal);

void conf_add_int(struct buf *conf, const char *name, int64_t value);

/* The value of a parameter of the goal, or NULL when it is absent or empty. */
const char *goal_parameter(const struct agent_node_goal *goal, const char *name);

/* The first thing like "7.0.15" that the program says when run with --version; NULL when it cannot
 * be run or says nothing of the kind. In `a`. */
const char *program_version(struct arena *a, const char *program);

/* "7.0.15" is 700, "1.6.18" is 106; 0 for NULL. */
int version_number(const char *version);

/* PING and INFO of the redis family, version and stats of the memcached family. */
extern const struct driver_question resp_probe, resp_stats, resp_numbers, resp_role,
    memcached_probe, memcached_stats, memcached_numbers;

#endif
