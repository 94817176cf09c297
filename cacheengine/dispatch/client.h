/*
 * A client's session: what is known of it above the socket and below the protocol. The connection
 * (net) embeds it and owns it.
 */
#ifndef LARDER_DISPATCH_CLIENT_H
#define LARDER_DISPATCH_CLIENT_H

#include "cacheengine/acl/acl.h"
#include "cacheengine/keyspace/reply.h"

#include <stdbool.h>
#include <stdint.h>

struct client;
struct follower;
struct iovec;
struct command;
struct iam_question;
struct subscriber;
struct tracker;
struct transaction;
struct waiting;

/* What the connection knows, for CLIENT LIST and INFO. */
struct client_facts {
    int fd;
    char peer[128], local[128]; /* "127.0.0.1:6379" or "/path:0" */
    size_t input_bytes, input_room;
    char events[3]; /* "r", "rw" */
    bool is_unix;
};

/* What can be asked of the connection behind a session. */
struct client_host {
    void (*facts)(const struct client *c, struct client_facts *out);
    /* Closes it soon: after the present round, unsent replies are lost. */
    void (*kill)(struct client *c);
    /* Replies were added outside its own turn: send them. */
    void (*wake)(struct client *c);
    /* It waits no more: run what it has sent meanwhile, after the present round. */
    void (*resume)(struct client *c);
    /* Memory that the connection takes, with what it has read; NULL: none to speak of. */
    size_t (*bytes)(const struct client *c);
    /* As wake, but it is enough before the loop waits again: for what comes often. NULL: as wake.
     */
    void (*post)(struct client *c);
};

/* What a connection sends in place of replies: a replica's snapshot and stream. */
struct client_feed {
    /* Fills up to `max` vectors with what is to be sent next; 0: nothing now. */
    int (*gather)(struct client_feed *f, struct iovec *out, int max);
    /* So many bytes of that were sent. */
    void (*sent)(struct client_feed *f, size_t bytes);
    /* Memory that is held for what it is still to be sent. */
    size_t (*held_bytes)(const struct client_feed *f);
};

enum client_reply_mode {
    CLIENT_REPLY_ON,
    CLIENT_REPLY_OFF,
    CLIENT_REPLY_SKIP,     /* the next command is not answered */
    CLIENT_REPLY_SKIPPING, /* nor is the one that runs */
    CLIENT_REPLY_ERRORS,   /* nothing but errors is said */
};

struct client {
    uint64_t id;
    struct reply reply;
    const struct client_host *host;
    struct client *newer, *older; /* the list of all, by age */
    const struct command *last_cmd;
    struct acl_user *user;               /* whose permissions count; NULL: all are given */
    struct acl_credential credential;    /* how it came to be that user */
    int64_t login_until_ms;              /* on the clock of passed_ms: its end; 0: none is set */
    struct iam_question *question;       /* its token is being verified */
    struct client *next_asking;          /* with the same token */
    char *name, *lib_name, *lib_version; /* owned, NULL = none */
    struct transaction *transaction;     /* MULTI and WATCH; NULL while unused */
    struct subscriber *subscriber;       /* channels it listens to (pubsub.h); NULL: none */
    struct tracker *tracker;             /* CLIENT TRACKING (tracking.h); NULL: off */
    struct waiting *waiting;             /* for keys; NULL: it does not */
    struct follower *follower;           /* what is known of it as a replica; NULL: nothing */
    struct client_feed *feed;            /* NULL: it is sent replies */
    uint64_t written_mark;               /* in what the append-only file was told, likewise */
    int64_t written_offset;              /* in the stream, behind the last of its writes */
    void *protocol_state;                /* the protocol's own; freed with free() */
    uint64_t held_first, held_last;      /* replies that replicas must confirm: numbers in acks.c */
    uint64_t held_place;                 /* where the first of them begins */
    uint32_t held_count;                 /* how many they are */
    int64_t created_ms, active_ms;       /* on the clock of passed_ms */
    uint64_t commands;                   /* that it was answered */
    uint64_t bytes_in, bytes_out;
    int db;
    enum client_reply_mode reply_mode;
    bool is_file;    /* its requests are those of the append-only file */
    bool is_primary; /* its requests are the stream that this replica follows */
    bool is_admin;   /* of the admin socket: never restricted, always permitted */
    bool is_authenticated;
    bool was_asking;        /* it had said ASKING in front of the command that runs */
    bool is_closing;        /* no further command runs; closed once the replies are sent */
    bool is_killed;         /* closed at once */
    bool acknowledges;      /* what is not sent yet says that something was written */
    bool is_tls;            /* it speaks TLS */
    bool is_unevictable;    /* CLIENT NO-EVICT */
    bool is_untouching;     /* CLIENT NO-TOUCH */
    bool is_monitor;        /* MONITOR */
    bool is_redirected_to;  /* some that track have said REDIRECT with its id */
    bool reads_replicas;    /* READONLY: of a cluster's replica it reads what its shard has */
    bool follows_redirects; /* CLIENT CAPA REDIRECT: it goes where a replica sends it */
    bool is_reader;         /* it came by the port for those who do so from the beginning */
    bool is_importer;  /* a shard that gives slots to this one: it may what they need (moving.h) */
    bool is_postponed; /* its present call was not run: it is to run later */
    bool is_asking;    /* ASKING: for the next command, or transaction */
    bool goes_on;      /* its present call is to run again when what it said was sent */
};

/* What it sends is done whatever the node's state forbids others. */
static inline bool client_is_obeyed(const struct client *c)
{
    return c->is_primary || c->is_importer;
}

#endif
