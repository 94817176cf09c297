/*
 * Meta commands of memcached (mg, ms, md, ma, me): their flags, and the parts of their replies.
 *
 * A flag is a word whose first byte says what it is; the rest is its value. Most of them ask for
 * something to be returned, in the order in which they came. What a request says is first read as
 * a whole (`struct mc_meta`), then the command goes over its words once more, for some take effect
 * in their order, too.
 */
#ifndef LARDER_PROTO_MEMCACHED_META_H
#define LARDER_PROTO_MEMCACHED_META_H

#include "cacheengine/proto/memcached.h"

#define MC_META_WORDS 19  /* of a request, name and key included */
#define MC_OPAQUE_MAX 32  /* bytes of an O flag */
#define MC_META_LINE  768 /* more than the longest line of a reply */

#define MC_OPAQUE_TOO_LONG "CLIENT_ERROR opaque token too long"

struct mc_meta {
    bool is_quiet;           /* q: what is expected is not told */
    bool has_encoded_key;    /* b */
    bool wants_value;        /* v */
    bool wants_last_use;     /* l, h: as it was before this request */
    bool leaves_age;         /* u */
    bool vivifies;           /* N */
    bool has_ttl;            /* T */
    bool has_cas;            /* C */
    bool spoils;             /* I */
    char mode;               /* M; 0 = none was given */
    uint32_t flags;          /* F */
    uint64_t cas;            /* C */
    uint64_t delta, initial; /* D, J */
    int64_t deadline_ms;     /* T */
    int64_t vivify_ms;       /* N */
    int64_t recache_ms;      /* R: an item that ends before is to be made anew */
};

/* Where the first argument is a key in base64, its bytes take its place; none if it is not valid.
 */
void mc_meta_decode_key(struct cmd_call *c, struct arena *a);

/* Reads the flags from argument `first` to before `end`. Returns the line that says what is wrong,
 * or NULL. */
const char *mc_meta_read(const struct cmd_call *c, uint32_t first, uint32_t end,
                         struct mc_meta *out);

/* The same for ms, whose flags end at `end`, with all that can be said before the block is there.
 */
const char *mc_meta_read_store(const struct cmd_call *c, uint32_t end, struct mc_meta *out,
                               enum mc_mode *out_mode);

/* ---- parts of a reply: each writes to `to` and returns the end ---- */

char *mc_meta_text(char *to, const char *text);
char *mc_meta_number(char *to, char flag, uint64_t v);

/* " t" and the seconds that are left; -1 without an end. */
char *mc_meta_ttl(char *to, int64_t deadline_ms, int64_t now_ms);

/* " k" and the key. What cannot stand in a line is encoded, whatever was asked for. */
char *mc_meta_key(char *to, struct str key, bool is_encoded);

/* The key alone; true in *was_encoded when it was. */
char *mc_meta_key_bytes(char *to, struct str key, bool *was_encoded);

/* What a request gets back of itself: opaque and key. False when the opaque is too long. */
bool mc_meta_echo(char **to, const struct cmd_call *c, uint32_t end, struct str key,
                  const struct mc_meta *m);
char *mc_meta_opaque(char *to, struct str word);

/* Seconds until a deadline, begun ones counted whole. */
int64_t mc_seconds_left(int64_t deadline_ms, int64_t now_ms);

#endif
