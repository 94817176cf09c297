/*
 * What larderd is told on its command line and in the files that it names: read, checked, and
 * refused in words before anything is opened.
 */
#ifndef LARDER_CONTROLPLANE_OPTIONS_H
#define LARDER_CONTROLPLANE_OPTIONS_H

#include "base/err.h"
#include "controlplane/fleet/fleet.h"
#include "controlplane/model/buckets.h"
#include "controlplane/model/log_delivery.h"
#include "controlplane/model/quotas.h"
#include "controlplane/notify/topics.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;

/* Texts stand as they were given; NULL where that was not and there is no default. */
struct options {
    const char *state_dir, *listen, *log_level;
    const char *vote; /* "off", or where the own vote on leases is; NULL: where `listen` is */
    int64_t replace_after_s;
    int64_t cpu_overcommit;
    const char *dns; /* "off", or where names are answered */
    const char *dns_zone, *dns_update, *dns_update_key, *hosts_file;
    const char *region, *account, *auth, *endpoints, *endpoint_pool, *network, *iam_tokens;
    const char *snapshots_dir, *log_dir;
    const char *keys_file, *token_file, *topics_file, *network_file, *buckets_file,
        *log_destinations_file;
    int64_t update_days; /* or UPDATE_DAYS_BY_SEVERITY */
    const char *quota;   /* "NAME=N,..." */
    bool dies_with_parent;
    bool stands_by, insists; /* see lead_conf */

    /* What options_check made of them; in its arena. */
    struct {
        const char **items;
        size_t count, capacity;
    } regions;
    struct {
        struct iam_key *items;
        size_t count, capacity;
    } keys;
    const char *token; /* NULL: agents need none */
    struct topics topics;
    struct buckets buckets;
    struct log_destinations logs;
    struct quotas quotas;
    struct str declared_network; /* empty where no file declares one */
};

/* Reads the command line. False when the program is to end with *out_status: what is wrong, or the
 * help that was asked for, is printed. */
bool options_read(struct arena *a, int argc, char **argv, struct options *out, int *out_status);

/* Checks all, and reads the files. ERR_INVALID with a sentence that names the flag. */
must_use struct err options_check(struct arena *a, struct options *o);

#endif
