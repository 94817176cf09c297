/*
 * One call of a command: all that a `cmd_*` function sees.
 *
 *     void cmd_strlen(struct cmd_call *c)
 *     {
 *         struct entry *e = db_read(c->db, call_key(c, 1));
 *         ...
 *         reply_int(c->reply, (int64_t)db_string(e, &digits).len);
 *     }
 *
 * Arguments are slices of the read buffer: they hold while the command runs and must be copied to
 * be kept. Arity, permission, memory and state were checked by dispatch before.
 */
#ifndef LARDER_KEYSPACE_CALL_H
#define LARDER_KEYSPACE_CALL_H

#include "cacheengine/keyspace/db.h"
#include "cacheengine/keyspace/reply.h"

struct arena;
struct client;
struct command;
struct engine;

/* So many keys of one call are asked for before it runs; commands with more do it themselves. */
#define KEYS_AHEAD 16

struct cmd_call {
    void (*run)(struct cmd_call *c); /* set by the protocol's parser */
    const struct command *cmd;       /* NULL: unknown (RESP), or the protocol has its own */
    struct str *argv;                /* argv[0] is the command's name */
    uint32_t argc;
    uint32_t key_first; /* argument that hashes[0] belongs to; 0 = nothing was hashed */
    uint32_t key_step;  /* from one key to the next */
    uint32_t key_count; /* how many hashes there are */
    const uint64_t *hashes;
    struct reply *reply;
    struct db *db; /* the client's database, set before the command runs */
    struct keyspace *ks;
    struct client *client; /* opaque below dispatch; NULL for the engine's own calls */
    struct engine *engine; /* likewise */
    struct arena *scratch; /* forgotten after the command */
    struct blob *backing;  /* what argv points into, when that could be taken over; see call_take */
    bool is_inner;         /* run by a command (EXEC): it must not wait */
    bool tells_other;      /* its effect is not its own words */
    uint8_t tells_always;  /* of enum effect_audience: its words go to these, changes or not */
    const char *problem;   /* protocol error text for the parser's error runners */
    uint64_t dirty;        /* changes made by this command: what decides on propagation */
    size_t input_begin;    /* where in the input it began */
    size_t input_end;      /* bytes of the input that are consumed when this call is done */
};

/* The key in argument `arg`, with its hash. */
static inline struct key call_key(const struct cmd_call *c, uint32_t arg)
{
    struct str name = c->argv[arg];

    if (c->key_count && arg >= c->key_first) {
        uint32_t behind = arg - c->key_first;

        if (behind == 0)
            return (struct key){name.ptr, c->hashes[0], (uint32_t)name.len};
        if (behind % c->key_step == 0 && behind / c->key_step < c->key_count)
            return (struct key){name.ptr, c->hashes[behind / c->key_step], (uint32_t)name.len};
    }
    return keyspace_key(c->ks, name);
}

/* Says that a key was changed, created or removed by this call. `event` is the notification's name.
 */
static inline void call_changed(struct cmd_call *c, struct key k, enum key_event kind,
                                const char *event)
{
    c->dirty++;
    if (c->ks->is_observed)
        c->ks->hooks.on_change(c->ks->hooks.ctx, c->db, k, kind, event);
}

/*
 * What others are to do to get the same change (effect.h). A command that changed something is told
 * with its own words. One whose words would not do the same again, for they depend on time, chance
 * or what is there, says what would:
 *
 *     if (call_is_told(c))
 *         call_tell(c, STR("PEXPIREAT"), c->argv[1], number_digits(&digits, end_ms));
 *
 * Every call of call_tell is one effect, in the database that is the call's at that moment; where
 * several are told they become one transaction. Nothing of the strings is kept.
 */
#define call_tell(c, ...)                                   \
    call_tell_words((c), (const struct str[]){__VA_ARGS__}, \
                    (uint32_t)(sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str)))
void call_tell_words(struct cmd_call *c, const struct str *argv, uint32_t argc);

/* True when anybody listens: else there is no need to find the words. */
static inline bool call_is_told(const struct cmd_call *c)
{
    return c->ks->effects.sinks != NULL;
}

/* The same for some of those who listen, whom the command's own words do as well for. */
#define call_tell_to(c, audience, ...)                                                      \
    effect_tell((c)->ks, (c)->db->id, (const struct str[]){__VA_ARGS__},                    \
                (uint32_t)(sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str)), \
                (audience))

static inline bool call_is_told_to(const struct cmd_call *c, unsigned audience)
{
    return (c->ks->effects.wanted & audience) != 0;
}

/* A key of the call was removed and that is all: DEL, or UNLINK where keys go lazily. */
static inline void call_tell_removed(struct cmd_call *c, struct str key, bool lazily)
{
    if (call_is_told(c))
        call_tell(c, lazily ? STR("UNLINK") : STR("DEL"), key);
}

/* Tells nothing of this call: what it changed is nobody's business, or was told otherwise. */
static inline void call_tell_nothing(struct cmd_call *c)
{
    c->tells_other = true;
}

/* Tells the command's own words to these (of enum effect_audience) even where nothing changed. */
static inline void call_tell_always(struct cmd_call *c, unsigned audience)
{
    c->tells_always = (uint8_t)audience;
}

/* For dispatch, when the command has run: tells its own words where they are to be told. */
void call_tell_own(struct cmd_call *c);

/* The argument as a blob (one share) without a copy, when it stands alone in a big read buffer;
 * else NULL, and the caller copies. After this the buffer belongs to the blob; the slices go on
 * holding while the blob lives. */
struct blob *call_take(struct cmd_call *c, uint32_t arg);

/* An argument as a 64-bit integer; false after the usual error was sent. */
bool call_int(struct cmd_call *c, uint32_t arg, int64_t *out);

/* The same with a range and with the sentence for what is outside (NULL: the usual one). */
bool call_int_within(struct cmd_call *c, uint32_t arg, int64_t min, int64_t max,
                     const char *sentence, int64_t *out);

/* The same where one sentence says both that it is no integer and that it is outside (NULL: the
 * usual ones). */
bool call_int_or(struct cmd_call *c, uint32_t arg, int64_t min, int64_t max, const char *sentence,
                 int64_t *out);

bool call_double(struct cmd_call *c, uint32_t arg, double *out);

/* The error for a number of arguments that the command's arity cannot exclude. */
void call_bad_arity(struct cmd_call *c);

/* The error for a subcommand whose words do not fit it: "... Try ACL HELP." */
void call_bad_subcommand(struct cmd_call *c);

/* True when the client may read every key, whatever the arguments name. */
bool call_reads_all(const struct cmd_call *c);

/* True when the argument is this word in any case. */
bool call_is(const struct cmd_call *c, uint32_t arg, const char *word);

/* The key for reading, with the type checked: NULL with *ok true when absent, with *ok false after
 * WRONGTYPE was sent. */
struct entry *call_read(struct cmd_call *c, struct key k, enum entry_type type, bool *ok);
struct entry *call_find(struct cmd_call *c, struct key k, enum entry_type type, bool *ok);

#endif
