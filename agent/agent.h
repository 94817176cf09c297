/* The agent as a whole: its parts built from the options, wired together, run in one loop. */
#ifndef LARDER_AGENT_AGENT_H
#define LARDER_AGENT_AGENT_H

#include "agent/host.h"
#include "base/err.h"
#include "base/ip.h"

#include <stdbool.h>

struct arena;
struct net_addr;

#define AGENT_EXIT_REFUSED 3 /* the control plane will not have this host */

struct agent_options {
    struct host_options host;
    struct ip_block pool, pool6; /* the second one may be empty */
    const char *const *urls;     /* of control planes, without slashes at their ends */
    size_t url_count;
    const char *token;           /* NULL for none */
    const char *engine_dir;      /* of larder-engine and larder-shim */
    const struct net_addr *dns;  /* where endpoints' names are answered; NULL: nowhere */
    const struct net_addr *peer; /* where the host votes on leases */
    const char *interface;       /* where endpoints' addresses come and go; NULL: they are there */
    int interface_prefix;
    bool must_vote;      /* else it goes without when it cannot listen there */
    const char *drivers; /* that may run, see driver_host; NULL: all */
    bool stops_engines;  /* when it ends */
    bool forgets_data;   /* what is in memory is not kept over a stop */
};

/*
 * Runs until SIGTERM or SIGINT, or until the control plane refuses the host for good; `*out_status`
 * is then what the program exits with. Errors, with sentences in `a`, are those of starting:
 * ERR_CONFLICT for a state directory in use, ERR_NOT_FOUND without larder-shim or the interface,
 * ERR_DENIED without the right to change its addresses, ERR_CORRUPT, ERR_IO.
 */
must_use struct err agent_run(struct arena *a, const struct agent_options *options,
                              int *out_status);

#endif
