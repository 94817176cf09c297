/*
 * get, gets, gat, gats, touch. All values of a request go into one reply, headers and values behind
 * one another; big values by reference.
 */
#include "cacheengine/keyspace/number.h"
#include "cacheengine/proto/memcached_watch.h"

/* "VALUE " key " " flags " " length " " cas CRLF. */
#define HEAD_MAX (6 + MC_KEY_MAX + 1 + 10 + 1 + 20 + 1 + 20 + 2)

/* The name under which engines before 1.4.14 gave their cluster's configuration. */
#define OLD_CONFIG_KEY "AmazonElastiCache:cluster"

static char *put_u64(char *to, char before, uint64_t v)
{
    *to++ = before;
    if (v < 10) {
        *to++ = (char)('0' + v);
        return to;
    }
    return to + number_write_u64(to, v);
}

static void send_value(struct cmd_call *c, struct str key, const struct item *it,
                       const uint64_t *cas)
{
    size_t inline_len = it->value.len < REPLY_BIG ? it->value.len : 0;
    char *to = reply_room(c->reply, HEAD_MAX + inline_len + 2);

    memcpy(to, "VALUE ", 6);
    memcpy(to + 6, key.ptr, key.len);
    to = put_u64(to + 6 + key.len, ' ', it->flags);
    to = put_u64(to, ' ', it->value.len);
    if (cas)
        to = put_u64(to, ' ', *cas);
    memcpy(to, "\r\n", 2);
    to += 2;
    if (it->value.len < REPLY_BIG) {
        memcpy(to, it->value.ptr, it->value.len);
        memcpy(to + it->value.len, "\r\n", 2);
        c->reply->next = to + it->value.len + 2;
        return;
    }
    c->reply->next = to;
    reply_raw_blob(c->reply, it->blob, it->blob_from, it->value.len);
    reply_literal(c->reply, "\r\n");
}

/* The configuration under its old name; false when there is none, and the key is one like any. */
static bool send_old_config(struct cmd_call *c, struct str key)
{
    char head[64];
    struct str data;
    uint32_t flags;

    if (key.len != sizeof(OLD_CONFIG_KEY) - 1 || !str_is(key, OLD_CONFIG_KEY))
        return false;
    if (!mc_config_read(c, STR("cluster"), &data, &flags))
        return false;
    int len = snprintf(head, sizeof(head), "VALUE " OLD_CONFIG_KEY " %u %zu\r\n", flags, data.len);
    reply_raw(c->reply, head, (size_t)len);
    reply_raw(c->reply, data.ptr, data.len);
    reply_literal(c->reply, "\r\n");
    return true;
}

static bool keys_are_short(const struct cmd_call *c, uint32_t first)
{
    for (uint32_t i = first; i < c->argc; i++)
        if (c->argv[i].len > MC_KEY_MAX)
            return false;
    return true;
}

static void get_one(struct cmd_call *c, uint32_t arg, bool with_cas)
{
    struct mc_counters *n = &mc_state(c)->counters;
    struct key k = call_key(c, arg);
    struct item it;

    mc_watch_fetch(c, k);
    struct entry *e = db_read(c->db, k);
    n->cmd_get++;
    mc_prefix_count(c, c->argv[arg], e ? MC_DEED_HIT : MC_DEED_GET);
    if (!e) {
        if (!send_old_config(c, c->argv[arg]))
            n->get_misses++;
        return;
    }
    n->get_hits++;
    db_note_read(c->db, e);
    item_read(e, &it);
    if (with_cas) {
        uint64_t cas = mc_item_cas(c, k, &it);
        send_value(c, c->argv[arg], &it, &cas);
        return;
    }
    send_value(c, c->argv[arg], &it, NULL);
}

static void get_all(struct cmd_call *c, bool with_cas)
{
    mc_begin(c);
    if (!mc_may_read(c)) {
        mc_end(c);
        return;
    }
    if (keys_are_short(c, 1)) {
        for (uint32_t i = 1; i < c->argc; i++)
            get_one(c, i, with_cas);
        reply_literal(c->reply, "END\r\n");
    } else {
        mc_line(c, MC_BAD_FORMAT);
    }
    mc_end(c);
}

void mc_run_get(struct cmd_call *c)
{
    get_all(c, false);
}

void mc_run_gets(struct cmd_call *c)
{
    /* Giving out a cas takes 8 bytes: room is made, but a read is never refused for want of it. */
    (void)engine_make_room(c->engine);
    get_all(c, true);
}

/* Counted as a touch alone, as memcached does. The value goes out before the deadline is set, for
 * an item may be gone by that. */
static void gat_one(struct cmd_call *c, uint32_t arg, bool with_cas, int64_t deadline_ms)
{
    struct mc_counters *n = &mc_state(c)->counters;
    struct key k = call_key(c, arg);
    struct item it;

    mc_watch_fetch(c, k);
    struct entry *e = db_read(c->db, k);
    n->cmd_touch++;
    mc_prefix_count(c, c->argv[arg], e ? MC_DEED_HIT : MC_DEED_GET);
    if (!e) {
        n->touch_misses++;
        return;
    }
    n->touch_hits++;
    db_note_read(c->db, e);
    item_read(e, &it);
    uint64_t cas = with_cas ? mc_item_cas(c, k, &it) : 0;
    send_value(c, c->argv[arg], &it, with_cas ? &cas : NULL);
    mc_item_touch(c, k, &it.entry, deadline_ms);
}

static void gat_keys(struct cmd_call *c, bool with_cas)
{
    int32_t exptime;

    if (!mc_read_i32(c->argv[1], &exptime)) {
        mc_line(c, "CLIENT_ERROR invalid exptime argument");
    } else if (!keys_are_short(c, 2)) {
        mc_line(c, MC_BAD_FORMAT);
    } else {
        for (uint32_t i = 2; i < c->argc; i++)
            gat_one(c, i, with_cas, mc_deadline(exptime, c->ks->now_ms));
        reply_literal(c->reply, "END\r\n");
    }
}

static void gat_all(struct cmd_call *c, bool with_cas)
{
    mc_begin(c);
    if (mc_may_write(c, false))
        gat_keys(c, with_cas);
    mc_end(c);
}

void mc_run_gat(struct cmd_call *c)
{
    gat_all(c, false);
}

void mc_run_gats(struct cmd_call *c)
{
    (void)engine_make_room(c->engine);
    gat_all(c, true);
}

static const char *touch(struct cmd_call *c)
{
    struct mc_counters *n = &mc_state(c)->counters;
    int32_t exptime;

    if (c->argv[1].len > MC_KEY_MAX)
        return MC_BAD_FORMAT;
    if (!mc_read_i32(c->argv[2], &exptime))
        return "CLIENT_ERROR invalid exptime argument";
    struct key k = call_key(c, 1);
    mc_watch_fetch(c, k);
    struct entry *e = db_find(c->db, k);
    n->cmd_touch++;
    if (!e) {
        n->touch_misses++;
        return "NOT_FOUND";
    }
    n->touch_hits++;
    db_note_read(c->db, e);
    mc_item_touch(c, k, &e, mc_deadline(exptime, c->ks->now_ms));
    return "TOUCHED";
}

void mc_run_touch(struct cmd_call *c)
{
    mc_begin(c);
    if (mc_may_write(c, false))
        mc_say(c, touch(c), false);
    mc_end(c);
}
