/*
 * lru_crawler. Items that have expired are found by themselves, so to crawl for them is to look at
 * once. A dump of all keys is told in pieces: each goes on when what was said was sent, and other
 * clients are served between them.
 */
#include "cacheengine/proto/memcached.h"

#include <inttypes.h>

#define CRAWL_US        20000 /* what one crawl may take */
#define PIECE_BYTES     65536
#define CACHEDUMP_BYTES (2 * 1024 * 1024)
#define NOTHING         "NOTSTARTED no items to crawl"
#define CLASSES         64 /* of memcached: which numbers are ones */

char *mc_escape_key(char *to, struct str key)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < key.len; i++) {
        unsigned char b = (unsigned char)key.ptr[i];
        bool is_plain = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') ||
                        (b >= '0' && b <= '9') || (b != '\0' && strchr("-._~", b));

        if (is_plain) {
            *to++ = (char)b;
        } else {
            *to++ = '%';
            *to++ = digits[b >> 4];
            *to++ = digits[b & 15];
        }
    }
    return to;
}

/* ---- metadump ---- */

static void dump_item(void *ctx, struct entry *e)
{
    struct cmd_call *c = ctx;
    char key[3 * MC_KEY_MAX + 1];
    struct str name = entry_key(e);
    int64_t end_ms = entry_deadline(e), now_s = c->ks->now_ms / 1000;
    struct item it;

    item_read(e, &it);
    *mc_escape_key(key, name) = '\0';
    char *to = reply_room(c->reply, sizeof(key) + 200);
    int len = snprintf(
        to, sizeof(key) + 200, "key=%s exp=%lld la=%lld cas=%" PRIu64 " fetch=%s cls=1 size=%zu\n",
        key, end_ms == NO_DEADLINE ? -1LL : (long long)(end_ms / 1000),
        (long long)(now_s - db_unused_s(c->db, e)), it.cas, db_was_read(c->db, e) ? "yes" : "no",
        mc_item_size(name.len, it.flags, it.value.len));
    c->reply->next = to + len;
}

/* True when it is at its end. */
static bool dump_piece(struct cmd_call *c)
{
    struct mc_session *s = mc_session(c);
    uint64_t until = reply_place(c->reply) + PIECE_BYTES;

    do
        s->dump_cursor = db_scan(c->db, s->dump_cursor, dump_item, c);
    while (s->dump_cursor != 0 && reply_place(c->reply) < until);
    return s->dump_cursor == 0;
}

static void dump(struct cmd_call *c)
{
    if (!mc_may_read(c))
        return;
    if (dump_piece(c))
        mc_line(c, "END");
    else
        c->client->goes_on = true;
}

/* ---- stats cachedump ---- */

struct cachedump {
    struct cmd_call *call;
    uint32_t left; /* items */
};

static void cachedump_item(void *ctx, struct entry *e)
{
    struct cachedump *d = ctx;
    struct str name = entry_key(e);
    int64_t end_ms = entry_deadline(e);
    struct item it;

    item_read(e, &it);
    if (d->left == 0 || it.marks & ITEM_ENCODED)
        return; /* a key that can stand in no line */
    d->left--;
    reply_literal(d->call->reply, "ITEM ");
    reply_raw(d->call->reply, name.ptr, name.len);
    char *to = reply_room(d->call->reply, 64);
    int len = snprintf(to, 64, " [%zu b; %lld s]\r\n", it.value.len,
                       end_ms == NO_DEADLINE ? 0LL : (long long)(end_ms / 1000));
    d->call->reply->next = to + len;
}

/* "stats cachedump CLASS LIMIT" (0: as many as there is room for). */
static const char *cachedump(struct cmd_call *c)
{
    struct cachedump d = {.call = c};
    uint64_t cursor = 0, until = reply_place(c->reply) + CACHEDUMP_BYTES;
    uint32_t class;

    if (!c->engine->settings.memcached_may_dump)
        return "CLIENT_ERROR stats cachedump not allowed";
    if (c->argc < 4)
        return "CLIENT_ERROR bad command line";
    if (!mc_read_u32(c->argv[2], &class) || !mc_read_u32(c->argv[3], &d.left))
        return MC_BAD_FORMAT;
    if (class >= CLASSES)
        return "CLIENT_ERROR Illegal slab id";
    d.left = d.left ? d.left : UINT32_MAX;
    if (class == 1)
        do
            cursor = db_scan(c->db, cursor, cachedump_item, &d);
        while (cursor != 0 && d.left > 0 && reply_place(c->reply) < until);
    return "END";
}

void mc_run_cachedump(struct cmd_call *c)
{
    mc_line(c, cachedump(c));
}

/* ---- crawl ---- */

/* "all", "hash", or numbers with commas between them. */
static bool names_classes(struct str text)
{
    uint32_t class;

    if (str_is(text, "all") || str_is(text, "hash"))
        return true;
    while (text.len > 0)
        if (!mc_read_u32(str_cut(&text, ','), &class) || class < 1 || class >= CLASSES)
            return false;
    return true;
}

static bool is_empty(const struct cmd_call *c)
{
    return keyspace_count(c->ks) == 0 && !str_is(c->argv[2], "hash");
}

static const char *crawl(struct cmd_call *c)
{
    if (!names_classes(c->argv[2]))
        return "BADCLASS invalid class id";
    if (is_empty(c))
        return NOTHING;
    if (mc_write_refusal(c))
        return "OK"; /* who may not write finds them gone, but leaves them */
    (void)keyspace_expire_some(c->ks, CRAWL_US);
    return "OK";
}

/* ---- the command ---- */

static const char *set_number(struct cmd_call *c, struct mc_tuning *t)
{
    uint32_t v;

    if (!mc_read_u32(c->argv[2], &v))
        return MC_BAD_FORMAT;
    if (str_is(c->argv[1], "tocrawl")) {
        t->crawl_most = v;
        return "OK";
    }
    if (v > 1000000)
        return "CLIENT_ERROR sleep must be one second or less";
    t->crawl_sleep_us = v;
    return "OK";
}

static const char *switch_crawler(struct cmd_call *c, struct mc_tuning *t)
{
    bool turns_on = str_is(c->argv[1], "enable");

    if (!turns_on && !str_is(c->argv[1], "disable"))
        return "ERROR";
    if (turns_on && t->has_crawler)
        return "ERROR failed to start lru crawler thread"; /* it runs */
    t->has_crawler = turns_on;
    return "OK";
}

/* What is said, or NULL when it was. */
static const char *answer(struct cmd_call *c)
{
    struct mc_tuning *t = &mc_state(c)->tuning;
    struct str verb = c->argv[1];

    if (c->argc == 2)
        return switch_crawler(c, t);
    if (c->argc != 3)
        return "ERROR";
    if (str_is(verb, "tocrawl") || str_is(verb, "sleep"))
        return set_number(c, t);
    if (!str_is(verb, "crawl") && !str_is(verb, "metadump"))
        return "ERROR";
    if (!t->has_crawler)
        return "CLIENT_ERROR lru crawler disabled";
    if (str_is(verb, "crawl"))
        return crawl(c);
    if (!c->engine->settings.memcached_may_dump)
        return "ERROR metadump not allowed";
    if (mc_session(c)->dump_cursor == 0 && reply_pending(c->reply) > 0)
        return "ERROR cannot pipeline other commands before metadump";
    if (!names_classes(c->argv[2]))
        return "BADCLASS invalid class id";
    if (is_empty(c))
        return NOTHING;
    dump(c);
    return NULL;
}

void mc_run_crawler(struct cmd_call *c)
{
    mc_begin(c);
    const char *line = answer(c);
    if (line)
        mc_line(c, line);
    mc_end(c);
}
