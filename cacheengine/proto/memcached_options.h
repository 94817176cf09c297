/*
 * The command line of memcached 1.6, as directives of the engine: with it the engine stands in for
 * a memcached wherever one is started by its options. What has no meaning here (slabs, threads,
 * UDP) is taken and passed over; what could not do what it promises is refused.
 */
#ifndef LARDER_PROTO_MEMCACHED_OPTIONS_H
#define LARDER_PROTO_MEMCACHED_OPTIONS_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>

struct config;

/* What is asked for beside directives. */
struct mc_options {
    bool shows_help, shows_version;
    bool is_daemon;
    const char *user; /* whom to run as, NULL: nobody was named */
};

/* True when the program was called by memcached's name, or as `larder-engine --memcached`. */
bool mc_options_are_meant(int argc, char **argv);

/* Loads the command line into `config`. ERR_INVALID with the reason. */
must_use struct err mc_options_read(struct config *config, struct arena *a, int argc, char **argv,
                                    struct mc_options *out);

void mc_options_help(FILE *to);

#endif
