/*
 * Keys that changed, gathered for clients that track whole prefixes: each prefix hears of its keys
 * once a round, in one message.
 */
#ifndef LARDER_DISPATCH_BROADCAST_H
#define LARDER_DISPATCH_BROADCAST_H

#include "base/buf.h"
#include "cacheengine/keyspace/account.h"

#include <stdbool.h>
#include <stdint.h>

struct tracker;

/* A prefix with those who track it. */
struct broadcast_prefix {
    char *text; /* owned */
    size_t len;
    struct tracker **listeners;
    uint32_t count, room;
    bool has_news; /* of what was gathered; set by broadcast_settle */
};

/* A key that changed. */
struct broadcast_key {
    size_t at;           /* where its name stands in the texts */
    uint32_t len, order; /* order: the later, the higher */
    uint64_t changer;    /* the client that changed it last; 0: nobody did */
};

struct broadcast {
    struct account *account;
    struct broadcast_prefix *prefixes; /* in the order of their texts */
    uint32_t prefix_count, prefix_room;
    struct broadcast_key *keys;
    uint32_t key_count, key_room;
    struct buf names;
    size_t names_room; /* of it, as booked */
};

/* So many keys are gathered at most before they are told. */
#define BROADCAST_KEYS 4096

/* And so many bytes of names. */
#define BROADCAST_BYTES 1048576

/* The order of texts by their bytes. */
int broadcast_order(struct str a, struct str b);

/* Who tracks a prefix, and no more. */
void broadcast_join(struct broadcast *b, struct str prefix, struct tracker *who);
void broadcast_leave(struct broadcast *b, struct str prefix, struct tracker *who);

/* Notes a change of a key. True when it is time to tell what was gathered. */
bool broadcast_note(struct broadcast *b, struct str key, uint64_t changer);

/* Sorts what was gathered and lets every key stand once, with who changed it last; marks the
 * prefixes that have some. */
void broadcast_settle(struct broadcast *b);

/* The names under a prefix as a RESP array, but for those that this client (0: none) changed last.
 * False when there are none. Call it after broadcast_settle. */
bool broadcast_list(const struct broadcast *b, const struct broadcast_prefix *p, uint64_t without,
                    struct buf *out);

/* Forgets what was gathered. */
void broadcast_clear(struct broadcast *b);

void broadcast_fini(struct broadcast *b);

#endif
