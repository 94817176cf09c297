/*
 * What runs the nodes of a cache: the bundled engine, or a program that hosts have. Pure.
 *
 * Hosts report programs as words with spaces between: "bundled=0.1.0 redis=7.0.15
 * memcached=1.6.18".
 */
#ifndef LARDER_CONTROLPLANE_MODEL_ENGINE_DRIVER_H
#define LARDER_CONTROLPLANE_MODEL_ENGINE_DRIVER_H

#include "base/str.h"

#include <stdbool.h>

struct arena;
struct cluster;

#define DRIVER_BUNDLED   "bundled"
#define DRIVER_REDIS     "redis"     /* redis-server and valkey-server */
#define DRIVER_MEMCACHED "memcached" /* memcached itself */

/* The tag by which a request chooses. */
#define DRIVER_TAG "larder:engine-driver"

bool driver_is_known(const char *driver);
bool driver_runs(const char *driver, const char *engine);

/* NULL and "" are the bundled one. */
bool driver_is_bundled(const char *driver);
const char *driver_name(const char *driver);

/* The one for an engine where hosts do without the bundled one. */
const char *driver_of_hosts(const char *engine);

/* What a host must report to take a node of the cluster: "bundled", or "redis=7.0", which stands
 * for every patch of it; in `a`. */
const char *cluster_program(struct arena *a, const struct cluster *c);

/* Whether one of the words is that program. */
bool programs_have(const char *programs, const char *program);

/* Cuts the next program off: "redis" and "7.0.15"; false when none is left. */
bool programs_next(struct str *programs, struct str *out_name, struct str *out_version);

/* Whether a version is what was asked for: "" is any, "7.0" every patch of it, "6.x" every minor.
 */
bool program_version_fits(struct str version, const char *asked);

#endif
