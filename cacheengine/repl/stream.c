/*
 * The replication stream. The one idea: there is one list of blocks, oldest first, and backlog and
 * replicas are only places in it; a block knows how many readers stand in it, and the oldest goes
 * when none does and the backlog is long enough without it.
 */
#include "cacheengine/repl/stream.h"

#include "base/rng.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define BLOCK_MIN  ((size_t)16 * 1024)
#define BLOCK_MAX  ((size_t)1024 * 1024)
#define BLOCK_PART 64 /* of the backlog, at most, goes with one block */
#define TRIM_STEPS 64 /* blocks freed at a time */

struct repl_block {
    struct repl_block *next;
    uint32_t readers;
    int64_t first; /* number of its first byte */
    size_t used, room;
    char bytes[];
};

static const char no_id[REPL_ID_LEN + 1] = "0000000000000000000000000000000000000000";

static void take(struct effect_sink *sink, const struct effect *e);

/* Ids with a lineage begin with that, and go on with it. */
static const char lineage_mark[] = "1a4de4";
#define LINEAGE_DIGITS 14
#define LINEAGE_MAX    (((int64_t)1 << 4 * LINEAGE_DIGITS) - 1)

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int64_t repl_id_lineage(const char *id)
{
    size_t len = sizeof(lineage_mark) - 1;
    int64_t term = 0;

    if (strncmp(id, lineage_mark, len) != 0)
        return 0;
    for (size_t i = len; i < len + LINEAGE_DIGITS; i++) {
        int digit = digit_of(id[i]);
        if (digit < 0)
            return 0;
        term = term * 16 + digit;
    }
    return term;
}

static void draw_id(char out[REPL_ID_LEN + 1], int64_t lineage)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[REPL_ID_LEN / 2];

    rng_system_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[REPL_ID_LEN] = 0;
    if (lineage <= 0 || lineage > LINEAGE_MAX)
        return;
    memcpy(out, lineage_mark, sizeof(lineage_mark) - 1);
    for (size_t i = 0; i < LINEAGE_DIGITS; i++)
        out[sizeof(lineage_mark) - 1 + i] = digits[lineage >> 4 * (LINEAGE_DIGITS - 1 - i) & 15];
}

static void set_id(char to[REPL_ID_LEN + 1], const char *id)
{
    size_t len = strnlen(id, REPL_ID_LEN);

    memmove(to, id, len);
    to[len] = 0;
}

void repl_stream_init(struct repl_stream *s, struct keyspace *ks)
{
    *s = (struct repl_stream){.ks = ks, .selected = EFFECT_ANY_DB, .first = 1};
    s->sink = (struct effect_sink){take, EFFECT_FOR_REPLICAS, NULL};
    repl_stream_forget(s);
}

void repl_stream_fini(struct repl_stream *s)
{
    if (s->ks)
        repl_stream_close(s);
    *s = (struct repl_stream){0};
}

/* ---- what it is called ---- */

static void begin_id(struct repl_stream *s, int64_t lineage)
{
    draw_id(s->id, lineage);
    set_id(s->former_id, no_id);
    s->former_end = -1;
}

void repl_stream_renew(struct repl_stream *s)
{
    begin_id(s, repl_id_lineage(s->id));
}

void repl_stream_forget(struct repl_stream *s)
{
    begin_id(s, 0);
}

void repl_stream_rename(struct repl_stream *s, const char *id)
{
    set_id(s->former_id, s->id);
    s->former_end = s->offset + 1;
    set_id(s->id, id);
}

void repl_stream_branch(struct repl_stream *s, int64_t term)
{
    char id[REPL_ID_LEN + 1];

    draw_id(id, term ? term : repl_id_lineage(s->id));
    repl_stream_rename(s, id);
}

/* ---- blocks ---- */

static size_t block_bytes(const struct repl_block *b)
{
    return sizeof(*b) + b->room;
}

/* Keeps what eviction looks at in step. */
static void note_held(struct repl_stream *s)
{
    size_t excess = s->held_bytes ? repl_stream_excess(s) : 0;

    s->ks->account.exempt_bytes += excess - s->exempt_bytes;
    s->exempt_bytes = excess;
}

static struct repl_block *block_add(struct repl_stream *s)
{
    size_t room = (size_t)s->ks->settings->repl_backlog_bytes / BLOCK_PART;

    room = room < BLOCK_MIN ? BLOCK_MIN : room > BLOCK_MAX ? BLOCK_MAX : room;
    struct repl_block *b = malloc(sizeof(*b) + room);
    check(b);
    *b = (struct repl_block){.first = s->offset + 1, .room = room};
    if (s->tail)
        s->tail->next = b;
    else
        s->head = b;
    s->tail = b;
    s->held_bytes += block_bytes(b);
    account_add(&s->ks->account, block_bytes(b));
    note_held(s);
    return b;
}

static void block_drop(struct repl_stream *s)
{
    struct repl_block *b = s->head;

    s->head = b->next;
    if (!s->head)
        s->tail = NULL;
    s->held_bytes -= block_bytes(b);
    account_sub(&s->ks->account, block_bytes(b));
    note_held(s);
    free(b);
}

void repl_stream_trim(struct repl_stream *s)
{
    int64_t wanted = s->ks->settings->repl_backlog_bytes;

    for (int i = 0; i < TRIM_STEPS && s->head != s->tail; i++) {
        if (s->head->readers > 0 || s->offset - s->head->next->first + 1 < wanted)
            break;
        block_drop(s);
    }
    if (s->head)
        s->first = s->head->first;
}

void repl_stream_open(struct repl_stream *s)
{
    if (s->is_open)
        return;
    s->is_open = true;
    s->first = s->offset + 1;
    s->selected = EFFECT_ANY_DB;
    block_add(s);
    if (!s->is_following)
        effect_sink_add(s->ks, &s->sink);
}

void repl_stream_close(struct repl_stream *s)
{
    check(s->reader_count == 0);
    if (!s->is_open)
        return;
    effect_sink_remove(s->ks, &s->sink);
    while (s->head)
        block_drop(s);
    s->is_open = false;
}

void repl_stream_adopt(struct repl_stream *s, const char *id, int64_t offset)
{
    bool was_open = s->is_open;

    repl_stream_close(s);
    set_id(s->id, id);
    set_id(s->former_id, no_id);
    s->former_end = -1;
    s->offset = offset;
    if (was_open)
        repl_stream_open(s);
}

void repl_stream_resume(struct repl_stream *s, const char *id, int64_t offset)
{
    repl_stream_close(s);
    s->offset = offset;
    draw_id(s->id, repl_id_lineage(id));
    set_id(s->former_id, id);
    s->former_end = offset + 1;
    repl_stream_open(s);
}

void repl_stream_follow(struct repl_stream *s, bool is_following)
{
    if (is_following == s->is_following)
        return;
    s->is_following = is_following;
    s->selected = EFFECT_ANY_DB;
    if (!s->is_open)
        return;
    if (is_following)
        effect_sink_remove(s->ks, &s->sink);
    else
        effect_sink_add(s->ks, &s->sink);
}

/* ---- feeding ---- */

static void feed(struct repl_stream *s, const char *bytes, size_t len)
{
    struct repl_block *b = s->tail;

    while (len > 0) {
        size_t free_bytes = b->room - b->used;
        size_t part = len < free_bytes ? len : free_bytes;

        memcpy(b->bytes + b->used, bytes, part);
        b->used += part;
        s->offset += (int64_t)part;
        bytes += part;
        len -= part;
        if (len > 0) {
            b = block_add(s);
            repl_stream_trim(s);
        }
    }
}

void repl_stream_feed_raw(struct repl_stream *s, const char *bytes, size_t len)
{
    if (s->is_open)
        feed(s, bytes, len);
    else
        s->offset += (int64_t)len;
}

void repl_stream_say(struct repl_stream *s, struct str bytes)
{
    if (s->is_open && !s->is_following)
        feed(s, bytes.ptr, bytes.len);
}

/* The effects of a primary. */
static void take(struct effect_sink *sink, const struct effect *e)
{
    struct repl_stream *s = container_of(sink, struct repl_stream, sink);

    if (e->db != EFFECT_ANY_DB && e->db != s->selected) {
        char text[EFFECT_SELECT_MAX];

        feed(s, text, effect_select(e->db, text));
        s->selected = e->db;
    }
    feed(s, e->bytes.ptr, e->bytes.len);
}

size_t repl_stream_excess(const struct repl_stream *s)
{
    size_t backlog = (size_t)s->ks->settings->repl_backlog_bytes;

    return s->held_bytes > backlog ? s->held_bytes - backlog : 0;
}

/* ---- who goes on with it ---- */

enum repl_continue repl_stream_continues(const struct repl_stream *s, struct str id, int64_t next)
{
    if (!str_is_nocase(id, s->id)) {
        if (!str_is_nocase(id, s->former_id))
            return REPL_OTHER_ID;
        if (next > s->former_end)
            return REPL_TOO_FAR;
    }
    if (!s->is_open || next < s->first || next > s->offset + 1)
        return REPL_NOT_KEPT;
    return REPL_CONTINUES;
}

void repl_reader_open(struct repl_stream *s, struct repl_reader *r, int64_t next)
{
    struct repl_block *b = s->tail;

    check(s->is_open && next >= s->first && next <= s->offset + 1);
    if (next < b->first)
        for (b = s->head; next >= b->next->first;)
            b = b->next;
    *r = (struct repl_reader){b, (size_t)(next - b->first), next};
    b->readers++;
    s->reader_count++;
}

void repl_reader_close(struct repl_stream *s, struct repl_reader *r)
{
    if (!r->block)
        return;
    r->block->readers--;
    s->reader_count--;
    *r = (struct repl_reader){0};
    repl_stream_trim(s);
}

int repl_reader_gather(const struct repl_reader *r, struct iovec *out, int max)
{
    size_t at = r->at;
    int count = 0;

    for (struct repl_block *b = r->block; b && count < max; b = b->next, at = 0)
        if (b->used > at)
            out[count++] = (struct iovec){b->bytes + at, b->used - at};
    return count;
}

void repl_reader_move(struct repl_stream *s, struct repl_reader *r, size_t bytes)
{
    bool has_left = false;

    r->next += (int64_t)bytes;
    r->at += bytes;
    while (r->at >= r->block->used && r->block->next) {
        struct repl_block *b = r->block;

        r->at -= b->used;
        b->readers--;
        r->block = b->next;
        r->block->readers++;
        has_left = true;
    }
    check(r->at <= r->block->used);
    if (has_left)
        repl_stream_trim(s);
}
