/*
 * The scripts that EVAL and SCRIPT LOAD made known, by the SHA-1 of their texts.
 *
 * Those that only EVAL brought are forgotten again, the longest unused first, when there are more
 * than EVAL_CACHE_MAX of them; those that were loaded stay until a flush.
 */
#ifndef LARDER_SCRIPT_EVAL_CACHE_H
#define LARDER_SCRIPT_EVAL_CACHE_H

#include "cacheengine/script/machine.h"

#define EVAL_CACHE_MAX 500
#define SCRIPT_SHA_HEX 40

struct eval_cache;

struct eval_script {
    struct eval_script *newer, *older; /* among those that may be forgotten */
    char sha[SCRIPT_SHA_HEX + 1];
    uint32_t flags; /* enum script_flag */
    int ref;
    bool is_kept; /* loaded: stays until a flush */
    size_t bytes; /* that it is booked with */
    struct str text;
    char room[]; /* of the text */
};

/* `account` and the host must outlive it. */
struct eval_cache *eval_cache_new(const struct script_host *host, struct account *account,
                                  size_t limit_bytes);
void eval_cache_free(struct eval_cache *c);

/* The script of that fingerprint, in any case; NULL: there is none. */
struct eval_script *eval_cache_find(const struct eval_cache *c, struct str sha);

/* The script of that text, or NULL; quicker than by its fingerprint when it was asked for lately.
 */
struct eval_script *eval_cache_find_text(struct eval_cache *c, uint64_t hash, struct str text);

/* Compiles a script that is not known yet. NULL with *wrong set, in `a`, when it is none. */
struct eval_script *eval_cache_add(struct eval_cache *c, struct arena *a, uint64_t hash,
                                   struct str text, const char **wrong);

/* From now on it stays. */
void eval_cache_keep(struct eval_cache *c, struct eval_script *s);

/* Runs a script, and notes that it was used. It stays valid until the end of the run. */
void eval_cache_run(struct eval_cache *c, struct eval_script *s, struct script_run *run,
                    const struct machine_words *w);

/* Forgets all, the machine too. */
void eval_cache_flush(struct eval_cache *c);

struct eval_cache_facts {
    uint64_t scripts, evicted;
    size_t script_bytes, machine_bytes;
};
struct eval_cache_facts eval_cache_facts(const struct eval_cache *c);

/* Counts anew what is evicted. */
void eval_cache_reset_stats(struct eval_cache *c);

#endif
