/*
 * How late what leases need is at this host: rounds of renewals that begin late, answers that come
 * late. Of each minute the worst counts, and of the last ten minutes the third worst: what happens
 * once, as when the whole host stands still, says nothing of how late things are. It has no clock.
 */
#ifndef LARDER_AGENT_PEERS_LATENESS_H
#define LARDER_AGENT_PEERS_LATENESS_H

#include <stdint.h>

#define LATENESS_MINUTES 10
#define LATENESS_RANK    3    /* in so many minutes something was as late as is told, or later */
#define LATENESS_MOST_MS 5000 /* what is later is not late: no lease lasts so long */
#define LATENESS_STEP_MS 100  /* it is told in such steps, so that it is seldom news */

struct lateness {
    int64_t minutes[LATENESS_MINUTES]; /* numbers of them; a minute's place is by its number */
    int64_t worst_ms[LATENESS_MINUTES];
};

/* Something was so late. */
void lateness_add(struct lateness *l, int64_t late_ms, int64_t now_ms);

/* What is told, rounded up; 0 when nothing was late. */
int64_t lateness_ms(const struct lateness *l, int64_t now_ms);

#endif
