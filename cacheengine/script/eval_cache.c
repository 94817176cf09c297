/*
 * Scripts by their fingerprint. The one idea: whoever sends EVAL sends the same text again, so the
 * text's hash, which the keyspace computes in no time, leads to the script, and SHA-1 is asked for
 * only when it does not.
 */
#include "cacheengine/script/eval_cache.h"

#include "base/arena.h"
#include "base/digest.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#define RECENT 256 /* texts that are found by their hash */

struct eval_cache {
    const struct script_host *host;
    struct account *account;
    size_t limit_bytes;
    struct machine *machine; /* NULL until the first script */
    struct map by_sha;
    struct eval_script *newest, *oldest; /* of those that may be forgotten */
    uint64_t passing;                    /* how many those are */
    uint64_t evicted;
    size_t script_bytes;
    struct eval_script *recent[RECENT];
};

struct eval_cache *eval_cache_new(const struct script_host *host, struct account *account,
                                  size_t limit_bytes)
{
    struct eval_cache *c = calloc(1, sizeof(*c));

    check(c);
    *c = (struct eval_cache){.host = host, .account = account, .limit_bytes = limit_bytes};
    map_init(&c->by_sha);
    return c;
}

void eval_cache_free(struct eval_cache *c)
{
    if (!c)
        return;
    eval_cache_flush(c);
    free(c);
}

/* ---- those that may be forgotten ---- */

static void unlink_passing(struct eval_cache *c, struct eval_script *s)
{
    if (s->newer)
        s->newer->older = s->older;
    else
        c->newest = s->older;
    if (s->older)
        s->older->newer = s->newer;
    else
        c->oldest = s->newer;
    c->passing--;
}

static void link_passing(struct eval_cache *c, struct eval_script *s)
{
    s->newer = NULL;
    s->older = c->newest;
    if (c->newest)
        c->newest->newer = s;
    else
        c->oldest = s;
    c->newest = s;
    c->passing++;
}

static void script_free(struct eval_cache *c, struct eval_script *s)
{
    for (size_t i = 0; i < RECENT; i++)
        if (c->recent[i] == s)
            c->recent[i] = NULL;
    account_sub(c->account, s->bytes);
    c->script_bytes -= s->bytes;
    free(s);
}

static void evict_oldest(struct eval_cache *c)
{
    struct eval_script *s = c->oldest;

    unlink_passing(c, s);
    (void)map_take(&c->by_sha, (struct str){s->sha, SCRIPT_SHA_HEX});
    machine_forget(c->machine, s->ref);
    script_free(c, s);
    c->evicted++;
}

/* ---- finding ---- */

struct eval_script *eval_cache_find(const struct eval_cache *c, struct str sha)
{
    char lower[SCRIPT_SHA_HEX];

    if (sha.len != SCRIPT_SHA_HEX)
        return NULL;
    for (size_t i = 0; i < sha.len; i++)
        lower[i] = (char)(sha.ptr[i] >= 'A' && sha.ptr[i] <= 'Z' ? sha.ptr[i] + 32 : sha.ptr[i]);
    return map_get(&c->by_sha, (struct str){lower, sizeof(lower)});
}

static void sha_of(struct str text, char out[SCRIPT_SHA_HEX + 1])
{
    unsigned char digest[DIGEST_SHA1_BYTES];

    digest_sha1(text.ptr, text.len, digest);
    digest_hex(digest, sizeof(digest), out);
}

struct eval_script *eval_cache_find_text(struct eval_cache *c, uint64_t hash, struct str text)
{
    struct eval_script *s = c->recent[hash % RECENT];
    char sha[SCRIPT_SHA_HEX + 1];

    if (s && str_eq(s->text, text))
        return s;
    sha_of(text, sha);
    s = map_get(&c->by_sha, (struct str){sha, SCRIPT_SHA_HEX});
    if (s)
        c->recent[hash % RECENT] = s;
    return s;
}

/* ---- adding ---- */

struct eval_script *eval_cache_add(struct eval_cache *c, struct arena *a, uint64_t hash,
                                   struct str text, const char **wrong)
{
    struct script_header header;
    int ref;

    *wrong = script_header_read(a, text, &header);
    if (*wrong)
        return NULL;
    if (!c->machine)
        c->machine = machine_new(MACHINE_EVAL, c->host, c->account, c->limit_bytes);
    if (!c->machine) {
        *wrong = "scripts may not have enough memory to run at all";
        return NULL;
    }
    while (c->passing >= EVAL_CACHE_MAX)
        evict_oldest(c);
    /* Without its header, but with the end of that line, so that lines keep their numbers. */
    struct str code = {text.ptr + header.bytes, text.len - header.bytes};
    const char *failed = machine_compile(c->machine, a, code, &ref);
    if (failed) {
        *wrong = arena_printf(a, "Error compiling script (new function): %s", failed);
        return NULL;
    }
    struct eval_script *s = malloc(sizeof(*s) + text.len);
    check(s);
    *s = (struct eval_script){.flags = header.flags, .ref = ref, .bytes = sizeof(*s) + text.len};
    memcpy(s->room, text.ptr, text.len);
    s->text = (struct str){s->room, text.len};
    sha_of(text, s->sha);
    account_add(c->account, s->bytes);
    c->script_bytes += s->bytes;
    (void)map_put(&c->by_sha, (struct str){s->sha, SCRIPT_SHA_HEX}, s);
    link_passing(c, s);
    c->recent[hash % RECENT] = s;
    return s;
}

void eval_cache_keep(struct eval_cache *c, struct eval_script *s)
{
    if (s->is_kept)
        return;
    unlink_passing(c, s);
    s->is_kept = true;
}

void eval_cache_run(struct eval_cache *c, struct eval_script *s, struct script_run *run,
                    const struct machine_words *w)
{
    if (!s->is_kept && c->newest != s) {
        unlink_passing(c, s);
        link_passing(c, s);
    }
    machine_run(c->machine, s->ref, run, w);
}

void eval_cache_flush(struct eval_cache *c)
{
    map_each(slot, &c->by_sha)
        script_free(c, slot->value);
    map_fini(&c->by_sha);
    map_init(&c->by_sha);
    machine_free(c->machine);
    c->machine = NULL;
    c->newest = c->oldest = NULL;
    c->passing = 0;
}

struct eval_cache_facts eval_cache_facts(const struct eval_cache *c)
{
    if (!c)
        return (struct eval_cache_facts){0};
    return (struct eval_cache_facts){.scripts = c->by_sha.count,
                                     .evicted = c->evicted,
                                     .script_bytes = c->script_bytes,
                                     .machine_bytes = machine_bytes(c->machine)};
}

void eval_cache_reset_stats(struct eval_cache *c)
{
    c->evicted = 0;
}
