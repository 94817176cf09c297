/* Members by chance: SPOP, SRANDMEMBER. */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/changed.h"
#include "cacheengine/types/sample.h"
#include "cacheengine/types/t_set.h"
#include "contract/command_procs.h"

/* ---- SPOP ---- */

/* Members that were popped and are to be told: as SREM, so many at a time. */
#define TELL_BATCH 1024

struct popped {
    uint32_t argc;
    struct str *argv; /* NULL: nobody is told */
};

static void popped_begin(struct cmd_call *c, struct popped *p, uint64_t count)
{
    uint64_t most = count < TELL_BATCH ? count : TELL_BATCH;

    *p = (struct popped){.argc = 2};
    if (!call_is_told(c))
        return;
    p->argv = arena_array(c->scratch, 2 + most, sizeof(*p->argv));
    p->argv[0] = STR("SREM");
    p->argv[1] = c->argv[1];
}

static void popped_tell(struct cmd_call *c, struct popped *p)
{
    if (p->argv && p->argc > 2)
        call_tell_words(c, p->argv, p->argc);
    p->argc = 2;
}

static void popped_add(struct cmd_call *c, struct popped *p, const struct packed_item *member)
{
    struct packed_digits digits;

    if (!p->argv)
        return;
    if (p->argc == 2 + TELL_BATCH)
        popped_tell(c, p);
    struct str text = packed_text(member, &digits);
    text.ptr = arena_memdup(c->scratch, text.ptr, text.len);
    p->argv[p->argc++] = text;
}

/* Says a member of any chance and removes it. */
static void pop_one(struct cmd_call *c, struct collection *s, struct popped *p)
{
    struct packed_item member;
    struct collection_place place;

    collection_random(s, &c->ks->rng, &member, NULL);
    packed_reply_item(c->reply, &member);
    popped_add(c, p, &member);
    check(collection_find(s, &member, &place));
    collection_remove(s, &place);
}

static void pop_all(struct cmd_call *c, struct collection *s)
{
    uint64_t count = collection_count(s);

    set_reply(c, s);
    db_delete_entry(c->db, s->k, s->e, c->ks->settings->lazy_server_del);
    changed_by(c, s->k, EVENT_SET, "spop", count);
    changed_by(c, s->k, EVENT_GENERIC, "del", 0);
    call_tell_removed(c, c->argv[1], c->ks->settings->lazy_server_del);
}

static void pop_some(struct cmd_call *c)
{
    struct collection s;
    struct popped popped;
    int64_t count;
    bool ok;

    if (!number_parse_i64(c->argv[2].ptr, c->argv[2].len, &count) || count < 0) {
        reply_error(c->reply, "ERR value is out of range, must be positive");
        return;
    }
    bool is_there = set_find(c, 1, &s, &ok);
    if (!ok)
        return;
    if (!is_there || count == 0) {
        reply_set(c->reply, 0);
        return;
    }
    if ((uint64_t)count >= collection_count(&s)) {
        pop_all(c, &s);
        return;
    }
    reply_set(c->reply, (size_t)count);
    popped_begin(c, &popped, (uint64_t)count);
    for (int64_t i = 0; i < count; i++)
        pop_one(c, &s, &popped);
    popped_tell(c, &popped);
    changed_by(c, s.k, EVENT_SET, "spop", (uint64_t)count);
}

void cmd_spop(struct cmd_call *c)
{
    struct collection s;
    struct popped popped;
    bool ok;

    if (c->argc > 3) {
        reply_syntax_error(c->reply);
        return;
    }
    if (c->argc == 3) {
        pop_some(c);
        return;
    }
    if (!set_find(c, 1, &s, &ok)) {
        if (ok)
            reply_null(c->reply);
        return;
    }
    popped_begin(c, &popped, 1);
    pop_one(c, &s, &popped);
    popped_tell(c, &popped);
    call_changed(c, s.k, EVENT_SET, "spop");
    set_end_if_empty(c, &s);
}

/* ---- SRANDMEMBER ---- */

static void say(void *ctx, const struct packed_item *member, const uint8_t *rest)
{
    struct cmd_call *c = ctx;

    (void)rest;
    packed_reply_item(c->reply, member);
}

/* Each draw is from all members. */
static void pick_any(struct cmd_call *c, const struct collection *s, uint64_t count)
{
    struct sample sample = {&c->ks->rng, c->scratch, say, c};

    reply_array(c->reply, count);
    sample_any(s, &sample, count, c->reply);
}

static void pick_different(struct cmd_call *c, const struct collection *s, uint64_t count)
{
    struct sample sample = {&c->ks->rng, c->scratch, say, c};
    uint64_t all = collection_count(s);

    if (count > all)
        count = all;
    reply_array(c->reply, count);
    sample_draw(s, &sample, count);
}

static void pick_one(struct cmd_call *c)
{
    struct collection s;
    bool ok;

    if (set_read(c, 1, &s, &ok)) {
        struct packed_item member;

        collection_random(&s, &c->ks->rng, &member, NULL);
        packed_reply_item(c->reply, &member);
    } else if (ok) {
        reply_null(c->reply);
    }
}

/* The count in argument 2; false after an error was sent. */
static bool pick_count(struct cmd_call *c, int64_t *out)
{
    if (!call_int(c, 2, out))
        return false;
    if (*out != INT64_MIN)
        return true;
    reply_errorf(c->reply, "ERR value is out of range, value must between %lld and %lld",
                 -(long long)INT64_MAX, (long long)INT64_MAX);
    return false;
}

void cmd_srandmember(struct cmd_call *c)
{
    struct collection s;
    int64_t count;
    bool ok;

    if (c->argc > 3) {
        reply_syntax_error(c->reply);
        return;
    }
    if (c->argc == 2) {
        pick_one(c);
        return;
    }
    if (!pick_count(c, &count))
        return;
    bool is_there = set_read(c, 1, &s, &ok);
    if (!ok)
        return;
    if (!is_there || count == 0)
        reply_array(c->reply, 0);
    else if (count < 0)
        pick_any(c, &s, (uint64_t)-count);
    else
        pick_different(c, &s, (uint64_t)count);
}
