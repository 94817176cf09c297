/*
 * The binary protocol of memcached: what its parts share.
 *
 * A request is a head of 24 bytes, extras, a key and a value. As a call it has the head with its
 * extras as argument 0, the key as argument 1 and the value, if it has one, as argument 2. A reply
 * has the same form. Numbers are big-endian.
 */
#ifndef LARDER_PROTO_MEMCACHED_BINARY_H
#define LARDER_PROTO_MEMCACHED_BINARY_H

#include "cacheengine/proto/memcached.h"
#include "cacheengine/proto/protocol.h"

#include <endian.h>

#define MCB_REQUEST  0x80 /* the first byte */
#define MCB_REPLY    0x81
#define MCB_HEAD     24
#define MCB_SASL_MAX 4096 /* bytes of a SASL message */

enum mcb_status {
    MCB_OK = 0x00,
    MCB_NOT_FOUND = 0x01,
    MCB_EXISTS = 0x02,
    MCB_TOO_LARGE = 0x03,
    MCB_INVALID = 0x04,
    MCB_NOT_STORED = 0x05,
    MCB_NO_NUMBER = 0x06,
    MCB_AUTH_ERROR = 0x20,
    MCB_AUTH_CONTINUE = 0x21,
    MCB_UNKNOWN = 0x81,
    MCB_NO_MEMORY = 0x82,
    MCB_REFUSED_NOW = 0x86, /* by the node's state, which memcached does not have */
};

/* What the rows of the table of commands say to their `run`. */
enum mcb_trait {
    MCB_QUIET = 1,        /* success (of a get: a miss) is not told */
    MCB_KEYED = 2,        /* a get: the key is told too */
    MCB_TOUCHES = 4,      /* a get: it sets an end */
    MCB_VALUELESS = 8,    /* a get: without the value */
    MCB_DOWN = 16,        /* counts down */
    MCB_UNCHECKED = 32,   /* is there before SASL, too */
    MCB_TAKES_VALUE = 64, /* what stands behind extras and key belongs to it */
    MCB_LIMITED = 128,    /* and has an item's size at most */
};

struct mcb_command {
    void (*run)(struct cmd_call *c, const struct mcb_command *cmd);
    uint8_t extras; /* bytes */
    bool may_lack_extras;
    enum mcb_key { MCB_NO_KEY, MCB_ANY_KEY, MCB_KEY } key;
    bool is_exact; /* nothing follows; else more bytes are the next request, or the value */
    unsigned traits;
    enum mc_mode mode;
};

/* The command of that opcode, or NULL (memcached_binary.c). */
const struct mcb_command *mcb_command_of(uint8_t opcode);

/* The protocol's parse (protocol.h) for a connection that has begun so. */
enum parse_result mcb_parse(struct client *c, struct engine *e, struct parse_state *state,
                            struct str in, struct parse_room *room, struct cmd_call *out,
                            size_t *used);

/* ---- numbers of a request ---- */

static inline uint32_t mcb_u32(const char *at)
{
    uint32_t v;

    memcpy(&v, at, sizeof(v));
    return be32toh(v);
}

static inline uint64_t mcb_u64(const char *at)
{
    uint64_t v;

    memcpy(&v, at, sizeof(v));
    return be64toh(v);
}

static inline uint8_t mcb_opcode(const struct cmd_call *c)
{
    return (uint8_t)c->argv[0].ptr[1];
}

static inline uint64_t mcb_cas(const struct cmd_call *c)
{
    return mcb_u64(c->argv[0].ptr + 16);
}

/* ---- replies (memcached_binary_reply.c) ---- */

struct mcb_answer {
    enum mcb_status status;
    uint8_t extras_len;
    uint16_t key_len;
    size_t value_len;
    uint64_t cas;
};

/* Writes the head to `to`, which has room for it; returns its end. */
char *mcb_head(char *to, const struct cmd_call *c, const struct mcb_answer *a);

/* Without a body, and with text as one. */
void mcb_done(struct cmd_call *c, const struct mcb_command *cmd, uint64_t cas);
void mcb_text(struct cmd_call *c, enum mcb_status status, const char *text);

/* An error, in memcached's words for its status. */
void mcb_fail(struct cmd_call *c, enum mcb_status status);

/* One of the packets of a stat request; name NULL: the last. */
void mcb_stat(struct cmd_call *c, const char *name, const char *value);

/* True when the node's state lets the client write, or read; else it was told why not. */
bool mcb_may_write(struct cmd_call *c);
bool mcb_may_read(struct cmd_call *c);

/* ---- commands: rows of the table ---- */

void mcb_get(struct cmd_call *c, const struct mcb_command *cmd);
void mcb_store(struct cmd_call *c, const struct mcb_command *cmd);
void mcb_extend(struct cmd_call *c, const struct mcb_command *cmd); /* append, prepend */
void mcb_delete(struct cmd_call *c, const struct mcb_command *cmd);
void mcb_change(struct cmd_call *c, const struct mcb_command *cmd); /* increment, decrement */

void mcb_version(struct cmd_call *c, const struct mcb_command *cmd);
void mcb_noop(struct cmd_call *c, const struct mcb_command *cmd);
void mcb_quit(struct cmd_call *c, const struct mcb_command *cmd);
void mcb_flush(struct cmd_call *c, const struct mcb_command *cmd);
void mcb_stats(struct cmd_call *c, const struct mcb_command *cmd);
void mcb_config_get(struct cmd_call *c, const struct mcb_command *cmd);
void mcb_config_set(struct cmd_call *c, const struct mcb_command *cmd);
void mcb_config_delete(struct cmd_call *c, const struct mcb_command *cmd);

void mcb_list_mechanisms(struct cmd_call *c, const struct mcb_command *cmd);
void mcb_authenticate(struct cmd_call *c, const struct mcb_command *cmd); /* auth, step */

/* ---- SASL (memcached_sasl.c) ---- */

/* True for a PLAIN message ("authzid NUL user NUL password") of a user that the file lists. */
bool mc_sasl_plain_is_right(const char *users_file, struct str message);

#endif
