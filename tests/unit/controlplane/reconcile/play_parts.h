/* What the files of play.c share. */
#ifndef LARDER_TESTS_UNIT_RECONCILE_PLAY_PARTS_H
#define LARDER_TESTS_UNIT_RECONCILE_PLAY_PARTS_H

#include "play.h"

#define PLAY_STEP_MS 10
#define PLAY_BEAT_MS 1000

/* --- play.c --- */

bool play_chance(struct play *p, uint64_t one_in);
int64_t play_between(struct play *p, int64_t low, int64_t high);
void play_break(struct play *p, const char *what);
void play_send(struct play *p, int from, int to, struct play_message m);

/* The site's clock. */
int64_t play_clock_ms(const struct play *p, int site);
int play_site(const struct play *p, const struct play_node *n);

/* --- play_host.c: agents and engines --- */

bool play_takes_writes(const struct play *p, const struct play_node *n);
void play_crash(struct play *p, struct play_node *n);
void play_lose_host(struct play *p, struct play_node *n, int64_t until_ms);
void play_agent_step(struct play *p, int member);
/* A primary has all that was acknowledged and that anybody has. */
void play_check_writes(struct play *p, const struct play_node *n);

/* --- play_lease.c: voters and holders --- */

void play_lease_begin(struct play *p);
void play_lease_end(struct play *p);
/* The agent of the host begins anew. */
void play_voter_restart(struct play *p, int site);
void play_lease_step(struct play *p, int member);
/* The goal's lease is granted at this moment, or none is needed. */
bool play_may_lead(const struct play *p, const struct play_node *n);
/* It has had none for a while, and its agent says so. */
bool play_is_unleased(const struct play *p, const struct play_node *n);
void play_take_datagram(struct play *p, const struct play_message *m);
/* The control plane's own vote, before and after it decides. */
void play_plane_votes(struct play *p);
void play_plane_knows(struct play *p);
/* A shard became vacant: no lease of a lower term holds. */
void play_check_leases(struct play *p);

/* --- play_plane.c: the control plane --- */

struct shard *play_shard(struct play *p);
bool play_is_whole(struct play *p);
bool play_is_away(const struct play *p);
void play_take_report(struct play *p, int member, const struct play_sight *s);
void play_begin_switch(struct play *p);
void play_restart_plane(struct play *p);
void play_plane_step(struct play *p);

#endif
