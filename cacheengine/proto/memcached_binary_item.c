/*
 * Items by memcached's binary protocol: get and touch in all their forms, set, add, replace,
 * append, prepend, delete, increment, decrement. Each reply has the item's cas, so an item that is
 * met this way gets one and keeps it until it is written again.
 */
#include "cacheengine/keyspace/number.h"
#include "cacheengine/proto/memcached_binary.h"
#include "cacheengine/proto/memcached_watch.h"

#define FLAGS_BYTES 4
#define NOT_MADE    0xffffffff /* the end that says that a missing number is not made */

/* ---- get, touch ---- */

/* Everything but the value, which may stand outside. */
static char *put_item_head(struct cmd_call *c, const struct mcb_command *cmd, char *to,
                           const struct item *it, uint64_t cas)
{
    bool is_keyed = cmd->traits & MCB_KEYED;
    uint32_t flags = htobe32(it->flags);
    struct mcb_answer a = {.extras_len = FLAGS_BYTES,
                           .key_len = is_keyed ? (uint16_t)c->argv[1].len : 0,
                           .value_len = cmd->traits & MCB_VALUELESS ? 0 : it->value.len,
                           .cas = cas};

    to = mcb_head(to, c, &a);
    memcpy(to, &flags, sizeof(flags));
    memcpy(to + FLAGS_BYTES, c->argv[1].ptr, a.key_len);
    return to + FLAGS_BYTES + a.key_len;
}

static void send_item(struct cmd_call *c, const struct mcb_command *cmd, const struct item *it,
                      uint64_t cas)
{
    bool has_value = !(cmd->traits & MCB_VALUELESS);
    size_t inline_len = has_value && it->value.len < REPLY_BIG ? it->value.len : 0;
    char *to = reply_room(c->reply, MCB_HEAD + FLAGS_BYTES + MC_KEY_MAX + inline_len);

    to = put_item_head(c, cmd, to, it, cas);
    memcpy(to, it->value.ptr, inline_len);
    c->reply->next = to + inline_len;
    if (has_value && it->value.len >= REPLY_BIG)
        reply_raw_blob(c->reply, it->blob, it->blob_from, it->value.len);
}

static void send_miss(struct cmd_call *c, const struct mcb_command *cmd)
{
    struct str key = c->argv[1];
    struct mcb_answer miss = {.status = MCB_NOT_FOUND, .key_len = (uint16_t)key.len};

    if (cmd->traits & MCB_QUIET)
        return;
    if (!(cmd->traits & MCB_KEYED)) {
        mcb_fail(c, MCB_NOT_FOUND);
        return;
    }
    char *to = mcb_head(reply_room(c->reply, MCB_HEAD + MC_KEY_MAX), c, &miss);
    memcpy(to, key.ptr, key.len);
    c->reply->next = to + key.len;
}

static void count(struct cmd_call *c, bool is_touch, bool is_hit)
{
    struct mc_counters *n = &mc_state(c)->counters;

    *(is_touch ? &n->cmd_touch : &n->cmd_get) += 1;
    if (is_touch)
        *(is_hit ? &n->touch_hits : &n->touch_misses) += 1;
    else
        *(is_hit ? &n->get_hits : &n->get_misses) += 1;
}

/* Giving out a cas takes 8 bytes: room is made, by which the item itself may go; but a read is
 * never refused for want of it. */
static struct entry *find_with_cas(struct cmd_call *c, struct key k, struct item *it)
{
    struct entry *e = db_read(c->db, k);

    if (!e)
        return NULL;
    item_read(e, it);
    if (__builtin_expect(it->cas != 0, 1) || !c->engine->settings.memcached_has_cas)
        return e;
    (void)engine_make_room(c->engine);
    e = db_peek(c->db, k);
    if (!e)
        return NULL;
    item_read(e, it);
    mc_item_cas(c, k, it);
    return it->entry;
}

void mcb_get(struct cmd_call *c, const struct mcb_command *cmd)
{
    bool is_touch = cmd->traits & MCB_TOUCHES;
    struct key k = call_key(c, 1);
    struct item it;

    if (is_touch ? !mcb_may_write(c) : !mcb_may_read(c))
        return;
    mc_watch_fetch(c, k);
    struct entry *e = find_with_cas(c, k, &it);
    count(c, is_touch, e != NULL);
    mc_prefix_count(c, c->argv[1], e ? MC_DEED_HIT : MC_DEED_GET);
    if (!e) {
        send_miss(c, cmd);
        return;
    }
    db_note_read(c->db, e);
    send_item(c, cmd, &it, it.cas);
    if (is_touch)
        mc_item_touch(c, k, &it.entry,
                      mc_deadline(mcb_u32(c->argv[0].ptr + MCB_HEAD), c->ks->now_ms));
}

/* ---- set, add, replace, append, prepend ---- */

static enum mcb_status status_of(enum mc_stored stored, enum mc_mode mode)
{
    if (stored == MC_EXISTS)
        return MCB_EXISTS;
    if (stored == MC_NOT_FOUND)
        return MCB_NOT_FOUND;
    if (mode == MC_ADD)
        return MCB_EXISTS;
    return mode == MC_REPLACE ? MCB_NOT_FOUND : MCB_NOT_STORED;
}

static void say_stored(struct cmd_call *c, const struct mcb_command *cmd, enum mc_mode mode,
                       enum mc_stored stored, uint64_t cas)
{
    if (stored == MC_STORED)
        mcb_done(c, cmd, cas);
    else if (stored == MC_NO_MEMORY)
        mcb_text(c, MCB_NO_MEMORY, "Out of memory allocating item");
    else
        mcb_fail(c, status_of(stored, mode));
}

/* A big value becomes the item where it stands, and what is in front of it is written over: head
 * and key are still needed. */
static void keep_front(struct cmd_call *c)
{
    if (c->argv[2].len < REPLY_BIG)
        return;
    for (uint32_t i = 0; i < 2; i++) {
        char *bytes = arena_alloc(c->scratch, c->argv[i].len);

        memcpy(bytes, c->argv[i].ptr, c->argv[i].len);
        c->argv[i].ptr = bytes;
    }
}

static void store(struct cmd_call *c, const struct mcb_command *cmd, struct mc_store *a,
                  enum mc_mode mode)
{
    uint64_t cas = 0;

    if (!mcb_may_write(c))
        return;
    keep_front(c);
    a->key = call_key(c, 1);
    a->body_arg = 2;
    a->body = c->argv[2];
    a->cas = mcb_cas(c);
    a->out_cas = cmd->traits & MCB_QUIET ? NULL : &cas;
    enum mc_stored stored = mc_store(c, a, mode);
    say_stored(c, cmd, mode, stored, cas);
}

void mcb_store(struct cmd_call *c, const struct mcb_command *cmd)
{
    const char *extras = c->argv[0].ptr + MCB_HEAD;
    struct mc_store a = {.flags = mcb_u32(extras)};

    a.deadline_ms = mc_deadline(mcb_u32(extras + 4), c->ks->now_ms);
    store(c, cmd, &a, mcb_cas(c) ? MC_CAS : cmd->mode);
}

void mcb_extend(struct cmd_call *c, const struct mcb_command *cmd)
{
    struct mc_store a = {.deadline_ms = NO_DEADLINE};

    store(c, cmd, &a, cmd->mode);
}

/* ---- delete ---- */

static enum mcb_status delete_item(struct cmd_call *c, struct key k)
{
    struct mc_counters *n = &mc_state(c)->counters;
    struct entry *e = db_find(c->db, k);
    struct item it;

    mc_prefix_count(c, c->argv[1], MC_DEED_DELETE);
    mc_watch_fetch(c, k);
    if (!e) {
        n->delete_misses++;
        return MCB_NOT_FOUND;
    }
    item_read(e, &it);
    if (mcb_cas(c) && mcb_cas(c) != it.cas)
        return MCB_EXISTS;
    n->delete_hits++;
    db_delete(c->db, k, c->ks->settings->lazy_user_del);
    call_changed(c, k, EVENT_GENERIC, "del");
    return MCB_OK;
}

void mcb_delete(struct cmd_call *c, const struct mcb_command *cmd)
{
    if (!mcb_may_write(c))
        return;
    enum mcb_status status = delete_item(c, call_key(c, 1));
    if (status == MCB_OK)
        mcb_done(c, cmd, 0);
    else
        mcb_fail(c, status);
}

/* ---- increment, decrement ---- */

static void say_number(struct cmd_call *c, const struct mcb_command *cmd, uint64_t v, uint64_t cas)
{
    struct mcb_answer a = {.value_len = sizeof(v), .cas = cas};

    if (cmd->traits & MCB_QUIET)
        return;
    char *to = mcb_head(reply_room(c->reply, MCB_HEAD + sizeof(v)), c, &a);
    v = htobe64(v);
    memcpy(to, &v, sizeof(v));
    c->reply->next = to + sizeof(v);
}

/* There is none of that name: it is made, unless the request says no. */
static void make_number(struct cmd_call *c, const struct mcb_command *cmd, struct key k)
{
    const char *extras = c->argv[0].ptr + MCB_HEAD;
    struct mc_counters *n = &mc_state(c)->counters;
    uint64_t initial = mcb_u64(extras + 8);
    uint32_t exptime = mcb_u32(extras + 16);
    struct item it = {.cas = mc_new_cas(c)};
    char text[NUMBER_I64_MAX + 1];

    if (exptime == NOT_MADE) {
        *(cmd->traits & MCB_DOWN ? &n->decr_misses : &n->incr_misses) += 1;
        mcb_fail(c, MCB_NOT_FOUND);
        return;
    }
    struct str words[] = {
        {text, number_write_u64(text, initial)}
    };
    struct str *argv = c->argv;
    n->total_items++;
    c->argv = words;
    mc_item_put_body(c, k, &it, 0, mc_deadline(exptime, c->ks->now_ms));
    c->argv = argv;
    say_number(c, cmd, initial, it.cas);
}

void mcb_change(struct cmd_call *c, const struct mcb_command *cmd)
{
    const char *extras = c->argv[0].ptr + MCB_HEAD;
    struct mc_change a = {.key = call_key(c, 1), .is_incr = !(cmd->traits & MCB_DOWN)};
    uint64_t v, cas = 0;

    if (!mcb_may_write(c))
        return;
    a.delta = mcb_u64(extras);
    a.cas = mcb_cas(c);
    a.out_cas = cmd->traits & MCB_QUIET ? NULL : &cas;
    switch (mc_change(c, &a, &v)) {
    case MC_CHANGED: say_number(c, cmd, v, cas); break;
    case MC_CHANGE_NOT_FOUND: make_number(c, cmd, a.key); break;
    case MC_CHANGE_EXISTS: mcb_fail(c, MCB_EXISTS); break;
    case MC_CHANGE_NO_NUMBER: mcb_fail(c, MCB_NO_NUMBER); break;
    case MC_CHANGE_NO_MEMORY: mcb_text(c, MCB_NO_MEMORY, "Out of memory incrementing value"); break;
    }
}
