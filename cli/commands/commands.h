/* `larder OPERATION`, `larder wait` and `larder help`: what is asked of a running service. */
#ifndef LARDER_CLI_COMMANDS_COMMANDS_H
#define LARDER_CLI_COMMANDS_COMMANDS_H

#include "base/shape.h"

/* How commands end; the numbers are aws-cli's. */
enum command_status {
    COMMAND_DONE = 0,
    COMMAND_MISUSED = 252, /* the command line makes no sense */
    COMMAND_REFUSED = 254, /* the service answered with a fault */
    COMMAND_FAILED = 255,  /* nobody answered, or a waiter gave up */
};

/* The services whose operations are commands; the first is the one that is meant without a name. */
extern const struct service_desc *const command_services[];
extern const size_t command_service_count;

/* Runs the words behind the program's name: results go to standard output, complaints to standard
 * error. Returns the exit status. */
int command_run(int argc, char **argv);

#endif
