/* `larder up`: a whole service on one machine, in the foreground. */
#ifndef LARDER_CLI_UP_UP_H
#define LARDER_CLI_UP_UP_H

/*
 * Runs until SIGTERM or SIGINT, and ends everything that it started before it returns. `argv[0]` is
 * "up". The exit status: 0 after a signal, 1 when the service cannot start or be kept up, 2 for a
 * bad command line.
 */
int up_main(int argc, char **argv);

#endif
