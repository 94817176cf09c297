/* One request and its answer on a connection: headers, body, limits, the layer below, the reply. */
#ifndef LARDER_CONTROLPLANE_FRONT_EXCHANGE_H
#define LARDER_CONTROLPLANE_FRONT_EXCHANGE_H

#include "controlplane/front/conn.h"

#include <microhttpd.h>

#include <stdatomic.h>
#include <stddef.h>

struct api;
struct keeper;
struct metrics;
struct routes;

/* What exchanges share; borrowed for the life of the front. */
struct exchange_conf {
    _Atomic(struct routes *) routes; /* others, when it leads where it stood by */
    struct api *api;
    struct metrics *metrics;
    const struct clock *clock;
    struct conns *conns;
    struct keeper *keeper;
};

/* libmicrohttpd's access handler: called with the headers, with each part of the body, at its end,
 * and again each time that a held poll is resumed. MHD_NO closes the connection. */
enum MHD_Result exchange_step(struct exchange_conf *x, struct conn *c, const char *method,
                              const char *data, size_t *data_len);

/* Answers on the bare socket for a connection that cannot be answered in order any more, as far as
 * the socket takes it at once, and ends both directions. */
void exchange_break_off(struct exchange_conf *x, struct conn *c, int fault);

#endif
