/*
 * What `larder up` starts: one control plane and, for each region, its hosts, as command lines.
 * Pure: options in, plan out.
 */
#ifndef LARDER_CLI_UP_PLAN_H
#define LARDER_CLI_UP_PLAN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* The command line of `larder up`, with its fallbacks filled in. */
struct up_options {
    const char *state_dir;
    const char *listen;           /* HOST:PORT */
    const char *standby;          /* HOST:PORT of a second control plane; NULL: there is none */
    const char *dns;              /* HOST:PORT or "off" */
    const char *host_dns;         /* HOST:PORT of the first host; NULL: hosts answer no names */
    const char *regions;          /* comma-separated */
    const char *account;          /* twelve digits */
    const char *pool;             /* CIDR block */
    const char *pool6;            /* the same of IPv6; NULL: caches have none */
    const char *drivers;          /* of the hosts' engines; NULL: all */
    const char *auth;             /* "open", "scoped", or NULL: open on loopback only */
    const char *endpoints;        /* "address" or "dns" */
    const char *dns_zone;         /* NULL: larderd's own default */
    const char *dns_update;       /* HOST:PORT; NULL: no other name server */
    const char *dns_update_key;   /* NULL: updates are not signed */
    const char *hosts_file;       /* NULL: none */
    const char *network;          /* "open" or "declared" */
    const char *network_file;     /* NULL: nothing is declared */
    const char *snapshots;        /* where larderd keeps snapshots; NULL: in its state directory */
    const char *buckets;          /* larderd's file of buckets; NULL: none */
    const char *topics;           /* larderd's file of webhooks; NULL: none */
    const char *keys;             /* larderd's file of access keys; NULL: none */
    const char *log_destinations; /* larderd's file of where logs lead; NULL: none */
    const char *log_level;
    bool forgets_data; /* hosts keep nothing of what is in memory over a stop */
    int64_t
        replace_after_s;  /* until members of a lost host are made anew; below 0: larderd's own */
    const char *quota;    /* of accounts, where they are not as usual; NULL: all are */
    int64_t update_days;  /* that service updates may wait; below 0: larderd's own default */
    int64_t agents;       /* hosts in each region */
    int64_t memory_bytes; /* that each host offers; 0: what the machine has */
};

/* One program to start and keep running. */
struct up_child {
    const char *name;     /* "larderd", "us-east-1a-1": for people and for the log's name */
    const char *log_path; /* where its standard error goes */
    const char **argv;    /* ended by NULL; argv[0] is the program's path */
};

enum { UP_PLANES = 2 };

struct up_plan {
    const char *token_path;                    /* the secret that hosts and control plane share */
    struct up_child control_planes[UP_PLANES]; /* of which one leads */
    size_t plane_count;
    struct up_child *hosts; /* without --control-plane, whose address is known only later */
    size_t host_count;
};

/* `program_dir` is where larderd and larder-agent are. ERR_INVALID or ERR_LIMIT with a sentence
 * that names the flag to change. The plan lives in `a` and borrows from the options. */
must_use struct err up_plan_make(struct arena *a, const struct up_options *o,
                                 const char *program_dir, struct up_plan *out);

#endif
