/*
 * Tells topics of events: one thread that posts what the store has for them to the webhooks of
 * topics.h, in the form in which Amazon SNS tells HTTP endpoints (see: SNS guide, "HTTP/HTTPS
 * notification JSON format"), without its signature, which only the hosted service can make.
 *
 * Each topic is told in order, at least once, also over a restart. A webhook that does not answer
 * with 2xx is asked again after 1 s, then twice as long each time up to 5 minutes; after a day the
 * notice is given up, with a line in the log. A topic without a webhook has no listeners: what it
 * is told is forgotten.
 */
#ifndef LARDER_CONTROLPLANE_NOTIFY_H
#define LARDER_CONTROLPLANE_NOTIFY_H

#include "base/err.h"
#include "controlplane/notify/topics.h"

struct clock;
struct notifier;
struct store;

struct notify_conf {
    const struct clock *clock;
    struct topics topics; /* borrowed */
    int timeout_ms;       /* of one attempt; 0: 3 s */
};

/* Starts the thread. */
must_use struct err notify_start(struct store *store, const struct notify_conf *conf,
                                 struct notifier **out);

/* Ends it, after the attempt under way. NULL-safe. */
void notify_stop(struct notifier *n);

#endif
