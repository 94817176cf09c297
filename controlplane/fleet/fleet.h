/*
 * The hosts: what they report comes in, their goals go out. The only writer of what was seen.
 */
#ifndef LARDER_CONTROLPLANE_FLEET_FLEET_H
#define LARDER_CONTROLPLANE_FLEET_FLEET_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct clock;
struct store;
struct fleet;
struct agent_sync_in;
struct agent_sync_out;
struct agent_report_in;
struct agent_report_out;
struct agent_verify_token_in;
struct agent_verify_token_out;

/* Access keys whose secrets are known: what IAM users' tokens are signed with. */
struct iam_key {
    const char *access_key, *secret;
};

struct iam_keys {
    const struct iam_key *items;
    size_t count;
    bool trusts_unknown; /* tokens of other keys are taken at their word */
};

struct fleet_conf {
    const struct clock *clock;
    int64_t beat_ms;   /* a poll is held no longer than this */
    int64_t quiet_ms;  /* a host unheard of for longer may be lost: voters are asked; 0: none is */
    int64_t silent_ms; /* one unheard of for longer gets no new nodes */
    const char *lease_key;    /* of the datagrams of leases, in base64; NULL: none is told */
    const char *vote_address; /* where the control plane's own vote is, by UDP; NULL: nowhere */
    int vote_port;
    struct iam_keys keys;
};

/* Starts with every known host counted as heard just now. Starts the thread that notices silence.
 */
must_use struct err fleet_start(struct store *store, const struct fleet_conf *conf,
                                struct fleet **out);
void fleet_stop(struct fleet *f);

/*
 * Records the report and answers with the host's goals. With `may_wait`, and nothing new for the
 * host, sets `*out_wait_ms` to how long the caller may hold the request before it calls again with
 * the same input and `is_again` (which then records nothing twice); else `*out_wait_ms` is 0 and
 * `out` is filled. Errors: FAULT_HOST_NAME_TAKEN, FAULT_HOST_SUPERSEDED,
 * FAULT_INVALID_PARAMETER_VALUE for a report that makes no sense, ERR_IO from the store.
 */
must_use struct err fleet_sync(struct fleet *f, struct arena *a, const struct agent_sync_in *in,
                               bool is_again, bool may_wait, struct agent_sync_out *out,
                               int64_t *out_wait_ms);

/* Records changes of some nodes. Errors: FAULT_HOST_UNKNOWN (sync first), FAULT_HOST_SUPERSEDED. */
must_use struct err fleet_report(struct fleet *f, struct arena *a, const struct agent_report_in *in,
                                 struct agent_report_out *out);

/* Judges the token of an IAM user. Errors: FAULT_HOST_UNKNOWN (sync first), FAULT_HOST_SUPERSEDED.
 */
must_use struct err fleet_verify_token(struct fleet *f, struct arena *a,
                                       const struct agent_verify_token_in *in,
                                       struct agent_verify_token_out *out);

#endif
