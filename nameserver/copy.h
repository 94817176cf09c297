/*
 * A copy of the zone of endpoints' names, as hosts have it, and a control plane that stands by: in
 * memory, where a server answers from it, and on the disk, so that who starts while the control
 * plane is away answers as the one before. What was answered once is never answered anew: a change
 * is on the disk before it is served, and serials only grow.
 */
#ifndef LARDER_NAMESERVER_COPY_H
#define LARDER_NAMESERVER_COPY_H

#include "base/err.h"

#include <stdint.h>

struct agent_follow_names_out;
struct arena;
struct clock;
struct copy;
struct net_addr;

/*
 * Answers at `listen` from what the file `path` has, or refuses all questions while there is
 * nothing; `clock` is borrowed. Errors, in `a`, are those of server_start (nameserver/server.h).
 * The file of a copy that died in the middle of a change is read up to there.
 */
must_use struct err copy_open(struct arena *a, const char *path, const struct net_addr *listen,
                              const struct clock *clock, struct copy **out);
void copy_close(struct copy *c);

/* Makes what the control plane tells its own. ERR_INVALID for what is no later change of this copy,
 * and ERR_IO or ERR_LIMIT when another zone cannot be served: the whole is to be asked for then. A
 * disk that does not take it is told in the log. */
must_use struct err copy_take(struct copy *c, const struct agent_follow_names_out *told);

/* Where it stands; life 0: there is no copy, or one that cannot be gone on with. */
int64_t copy_life(const struct copy *c);
uint32_t copy_serial(const struct copy *c);

int copy_port(const struct copy *c);

#endif
