/*
 * Keys and effects as commands. The one idea: for every key it is known whether the walk is past it
 * (slot_walk_is_past), and that decides alone what is sent of a change: the change, or nothing, or,
 * where a command has keys of both kinds, what has become of those that were sent.
 *
 * A key that the walk is past can become one that it will come to (segments of the index join): so
 * that no removal is lost, one is sent even of keys that are not past.
 */
#include "cacheengine/cluster/migration_feed.h"

#include "base/command.h"
#include "cacheengine/cluster/migration_pieces.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/keyspace/value.h"

#include <stdlib.h>

#define RESTS_BYTES (4 << 20) /* a longer buffer does not keep its room when it is empty */

/* ---- what is kept ---- */

static void rebook(struct migration *m)
{
    size_t bytes = m->out.held + m->group.cap + m->group_keys.cap + m->payload.cap +
                   m->group_lengths.cap + m->pieces.queue.cap + m->pieces.words.cap +
                   m->pieces.place.cap;

    account_add(&m->ks->account, bytes);
    account_sub(&m->ks->account, m->booked);
    m->booked = bytes;
}

static void append_length(struct buf *lengths, size_t len)
{
    uint32_t length = (uint32_t)len;

    buf_add(lengths, &length, sizeof(length));
}

void migration_feed_acked(struct migration *m, uint64_t count)
{
    outbox_ack(&m->out, count);
    rebook(m);
}

/* ---- commands ---- */

static void put_head(struct buf *b, char letter, uint64_t count)
{
    char digits[24];
    unsigned len = number_write_u64(digits, count);

    char *to = buf_reserve(b, len + 3);
    *to++ = letter;
    memcpy(to, digits, len);
    memcpy(to + len, "\r\n", 2);
    b->len += len + 3;
}

void migration_put_word(struct buf *b, struct str word)
{
    put_head(b, '$', word.len);
    char *to = buf_reserve(b, word.len + 2);
    memcpy(to, word.ptr, word.len);
    memcpy(to + word.len, "\r\n", 2);
    b->len += word.len + 2;
}

static void put_number(struct buf *b, int64_t v)
{
    char digits[24];

    migration_put_word(b, (struct str){digits, number_write_i64(digits, v)});
}

struct buf *migration_command_begin(struct migration *m, uint32_t words)
{
    struct buf *to = outbox_begin(&m->out);

    put_head(to, '*', words);
    return to;
}

void migration_command_end(struct migration *m)
{
    outbox_end(&m->out);
}

void migration_put_removal(struct migration *m, struct str key)
{
    struct buf *to = migration_command_begin(m, 2);

    migration_put_word(to, STR("UNLINK"));
    migration_put_word(to, key);
    migration_command_end(m);
}

/* ---- keys ---- */

static struct err payload_write(struct sink *s, const void *bytes, size_t len)
{
    buf_add(&container_of(s, struct migration, payload_sink)->payload, bytes, len);
    return OK;
}

static bool keeps_age(const struct migration *m)
{
    int64_t policy = m->ks->settings->evict_policy;

    return policy == EVICT_ALLKEYS_LRU || policy == EVICT_VOLATILE_LRU || m->ks->counts_frequency;
}

static void put_string(struct migration *m, const struct entry *e)
{
    struct number_text digits;
    int64_t deadline_ms = entry_deadline(e);
    bool has_deadline = deadline_ms != NO_DEADLINE;

    struct buf *to = migration_command_begin(m, has_deadline ? 5 : 3);
    migration_put_word(to, STR("SET"));
    migration_put_word(to, entry_key(e));
    migration_put_word(to, db_string(e, &digits));
    if (has_deadline) {
        migration_put_word(to, STR("PXAT"));
        put_number(to, deadline_ms);
    }
    migration_command_end(m);
}

static void put_record(struct migration *m, struct db *db, const struct entry *e)
{
    int64_t deadline_ms = entry_deadline(e);
    bool has_age = keeps_age(m);

    buf_clear(&m->payload);
    record_restart(&m->writer);
    bool is_saved = payload_save(&m->writer, db, e);
    check(is_saved);
    err_ignore(record_flush(&m->writer), "memory does not fail");
    struct buf *to = migration_command_begin(m, has_age ? 8 : 6);
    migration_put_word(to, STR("RESTORE"));
    migration_put_word(to, entry_key(e));
    put_number(to, deadline_ms == NO_DEADLINE ? 0 : deadline_ms);
    migration_put_word(to, buf_str(&m->payload));
    migration_put_word(to, STR("REPLACE"));
    migration_put_word(to, STR("ABSTTL"));
    if (has_age) {
        migration_put_word(to, m->ks->counts_frequency ? STR("FREQ") : STR("IDLETIME"));
        put_number(to, m->ks->counts_frequency ? db_frequency(db, e) : db_idle_s(db, e));
    }
    migration_command_end(m);
    if (m->payload.cap > RESTS_BYTES)
        buf_fini(&m->payload);
}

void migration_put_whole(struct migration *m, struct db *db, const struct entry *e)
{
    /* A string says the same in fewer steps, where nobody asks for how long it was unused. */
    if (entry_type(e) == TYPE_STRING && !keeps_age(m))
        put_string(m, e);
    else
        put_record(m, db, e);
    m->keys_sent++;
}

static void put_key(struct migration *m, struct db *db, const struct entry *e)
{
    if (pieces_want(m, db, e))
        pieces_add(m, entry_key(e));
    else
        migration_put_whole(m, db, e);
}

static void visit(void *ctx, struct entry *e)
{
    struct migration *m = ctx;
    struct db *db = &m->ks->dbs[0];

    if (!db_is_expired(db, e))
        put_key(m, db, e);
}

void migration_feed_step(struct migration *m)
{
    if (pieces_are_sent(m))
        slot_walk_step(&m->walk, &m->ks->dbs[0], visit, m);
    else
        pieces_step(m);
    rebook(m);
}

bool migration_feed_is_done(const struct migration *m)
{
    return slot_walk_is_done(&m->walk) && pieces_are_sent(m);
}

/* ---- effects ---- */

static void forget_group(struct migration *m)
{
    buf_clear(&m->group);
    buf_clear(&m->group_lengths);
    buf_clear(&m->group_keys);
    m->has_past = m->has_coming = false;
}

static void note_key(struct migration *m, struct str name)
{
    struct key k = keyspace_key(m->ks, name);

    if (!slot_set_has(&m->order.slots, slot_of_hash(k.hash)))
        return;
    /* At once: what more the transaction does with it is no change of what was sent. */
    pieces_changed(m, name);
    bool is_past = slot_walk_is_past(&m->walk, &m->ks->dbs[0], k.hash) && !pieces_have(m, name);
    m->has_past |= is_past;
    m->has_coming |= !is_past;
    append_length(&m->group_keys, name.len);
    buf_add_str(&m->group_keys, name);
}

/* Sends what has become of a key, unless the walk will. */
static void put_outcome(struct migration *m, struct str name)
{
    struct db *db = &m->ks->dbs[0];
    struct key k = keyspace_key(m->ks, name);
    const struct entry *e = db_peek(db, k);

    if (!e)
        migration_put_removal(m, name);
    else if (!pieces_have(m, name) && slot_walk_is_past(&m->walk, db, k.hash))
        put_key(m, db, e);
}

static void put_outcomes(struct migration *m)
{
    size_t at = 0;

    while (at < m->group_keys.len) {
        uint32_t len;

        memcpy(&len, m->group_keys.ptr + at, sizeof(len));
        at += sizeof(len);
        put_outcome(m, (struct str){m->group_keys.ptr + at, len});
        at += len;
    }
}

static void put_as_is(struct migration *m)
{
    size_t count = m->group_lengths.len / sizeof(uint32_t), at = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t length;

        memcpy(&length, m->group_lengths.ptr + i * sizeof(length), sizeof(length));
        outbox_add(&m->out, (struct str){m->group.ptr + at, length});
        at += length;
    }
    m->effects_sent += count;
}

static void end_group(struct migration *m)
{
    if (m->group_keys.len > 0) {
        if (m->has_coming)
            put_outcomes(m);
        else
            put_as_is(m);
        rebook(m);
    }
    forget_group(m);
}

static void note_keys(struct migration *m, const struct command *cmd, const struct effect *e)
{
    uint32_t count;

    if (cmd->first_key > 0 && cmd->last_key == cmd->first_key &&
        (uint32_t)cmd->first_key < e->argc && !(cmd->flags & CMD_MOVABLEKEYS)) {
        note_key(m, e->argv[cmd->first_key]);
        return;
    }
    const struct str *keys = m->host.keys(&m->arena, cmd, e->argv, e->argc, &count);
    for (uint32_t i = 0; i < count; i++)
        note_key(m, keys[i]);
    arena_reset(&m->arena);
}

/* All keys go: the target is to forget them too, and the walk finds what comes after. */
static void note_flush(struct migration *m)
{
    forget_group(m);
    pieces_drop(m);
    slot_walk_init(&m->walk, &m->order.slots);
    struct buf *to = migration_command_begin(m, 2);
    migration_put_word(to, STR("LARDER.IMPORT"));
    migration_put_word(to, STR("FORGET"));
    migration_command_end(m);
}

static const struct command *command_of(const struct effect *e)
{
    const struct command *cmd = command_find(e->argv[0].ptr, e->argv[0].len);

    return cmd && cmd->sub_count > 0 && e->argc > 1
               ? command_find_sub(cmd, e->argv[1].ptr, e->argv[1].len)
               : cmd;
}

static void on_effect(struct effect_sink *s, const struct effect *e)
{
    struct migration *m = container_of(s, struct migration, sink);
    struct str name = e->argv[0];
    bool is_end = str_is_nocase(name, "exec");

    /* What still happens while the target takes over are removals that it will make itself. */
    if (m->state >= MIGRATION_TAKES)
        return;
    if (str_is_nocase(name, "multi")) {
        m->is_grouped = true;
        return;
    }
    const struct command *cmd = is_end ? NULL : command_of(e);
    if (str_is_nocase(name, "flushall") || str_is_nocase(name, "flushdb")) {
        note_flush(m);
    } else if (cmd && cmd->key_specs && pieces_take_effect(m, cmd, e)) {
        m->effects_sent++;
    } else if (cmd && cmd->key_specs && e->argc > 1) {
        size_t before = m->group_keys.len;

        note_keys(m, cmd, e);
        if (m->group_keys.len > before) {
            buf_add_str(&m->group, e->bytes);
            append_length(&m->group_lengths, e->bytes.len);
        }
    }
    m->is_grouped &= !is_end;
    if (!m->is_grouped)
        end_group(m);
}

/* ---- beginning and end ---- */

void migration_feed_open(struct migration *m)
{
    m->sink = (struct effect_sink){.take = on_effect, .audience = EFFECT_FOR_SLOTS};
    m->payload_sink.write = payload_write;
    record_writer_init(&m->writer, &m->payload_sink);
    m->writer.compresses = m->ks->settings->compresses_dumps;
    slot_walk_init(&m->walk, &m->order.slots);
}

void migration_feed_drop(struct migration *m)
{
    struct buf *const all[] = {&m->group, &m->group_lengths, &m->group_keys, &m->payload};

    for (size_t i = 0; i < countof(all); i++)
        buf_fini(all[i]);
    outbox_fini(&m->out);
    pieces_drop(m);
    record_writer_fini(&m->writer);
    arena_fini(&m->arena);
    rebook(m);
}
