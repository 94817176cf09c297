/* Records of hand-overs, told and taken in. The one idea: always all of them, so whatever was
 * missed before does not matter. */
#include "cacheengine/dispatch/handed.h"

#include "base/log.h"
#include "cacheengine/dispatch/append.h"
#include "cacheengine/dispatch/followers.h"
#include "cacheengine/dispatch/guard.h"
#include "cacheengine/dispatch/moving.h"
#include "cacheengine/dispatch/redirect.h"
#include "cacheengine/persist/snapshot.h"
#include "contract/command_procs.h"

#include <string.h>

/* ---- telling ---- */

int64_t handed_tell(struct engine *e)
{
    scoped(arena_fini) struct arena a = {0};
    size_t count;
    const struct str *words = handovers_encode(&e->cluster->handovers, &a, &count);
    struct str *argv = arena_array(&a, count + 1, sizeof(*argv));

    argv[0] = STR(HANDOVER_COMMAND);
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = words[i];
    effect_tell(&e->keyspace, 0, argv, (uint32_t)count + 1, EFFECT_FOR_ALL);
    e->keyspace.dirty++;
    followers_ask(e);
    return e->stream.offset;
}

bool handed_is_kept(struct engine *e, int64_t place)
{
    append_flush(e->append, true);
    if (append_file_is_open(&e->append->file) && append_file_is_behind(&e->append->file))
        return false;
    if (guard_write_refusal(e) || !authority_may_acknowledge(e))
        return false;
    return followers_all_have(e, place) &&
           followers_reached(e, place) >= (uint64_t)e->settings.write_acks;
}

/* ---- taking in ---- */

static bool take(struct engine *e, struct handovers *taken, struct err failed)
{
    if (err_failed(failed))
        log_error("what was handed over is not known: the records make no sense", f_err(failed));
    cluster_take_handovers(e->cluster, taken);
    moving_follow_records(e);
    return !err_failed(failed);
}

bool handed_take(struct engine *e, const struct str *words, size_t count)
{
    scoped(arena_fini) struct arena a = {0};
    struct handovers taken = {0};

    return !e->cluster || take(e, &taken, handovers_decode(&taken, &a, words, count));
}

bool handed_take_text(struct engine *e, struct str text)
{
    scoped(arena_fini) struct arena a = {0};
    struct handovers taken = {0};

    return !e->cluster || take(e, &taken, handovers_parse(&taken, &a, text));
}

void handed_note_field(struct engine *e, struct str name, struct str value)
{
    if (str_is(name, HANDOVER_FIELD))
        (void)handed_take_text(e, value);
}

size_t handed_field(struct engine *e, struct snapshot_field *out)
{
    struct arena a = {0};

    if (!e->cluster || e->cluster->handovers.count == 0)
        return 0;
    buf_clear(&e->moving->field_text);
    buf_add_str(&e->moving->field_text, handovers_text(&e->cluster->handovers, &a));
    arena_fini(&a);
    *out = (struct snapshot_field){HANDOVER_FIELD, buf_str(&e->moving->field_text)};
    return 1;
}

/* ---- LARDER.SLOTS ---- */

static void show(struct cmd_call *c)
{
    const struct handovers *h = &c->engine->cluster->handovers;
    size_t count;
    const struct str *words = handovers_encode(h, c->scratch, &count);

    reply_array(c->reply, h->count);
    for (size_t i = 0; i < h->count; i++) {
        const struct str *w = words + i * HANDOVER_RECORD_WORDS;
        const char *line = arena_printf(c->scratch, "%.*s %.*s %.*s %.*s %.*s", STR_ARG(w[0]),
                                        STR_ARG(w[1]), STR_ARG(w[2]), STR_ARG(w[3]), STR_ARG(w[4]));

        reply_bulk_text(c->reply, line);
    }
}

/* From the primary, or the file: they are this node's, too, and go on to its own file. */
static void follow(struct cmd_call *c)
{
    if (!handed_take(c->engine, c->argv + 1, c->argc - 1)) {
        reply_error(c->reply, "ERR the records of hand-overs make no sense");
        return;
    }
    effect_tell(c->ks, c->db->id, c->argv, c->argc, EFFECT_FOR_ALL);
    c->ks->dirty++;
    reply_ok(c->reply);
}

void cmd_larder_slots(struct cmd_call *c)
{
    const struct engine *e = c->engine;

    if (c->client->is_primary || c->client->is_file)
        follow(c);
    else if (!e->cluster)
        reply_error(c->reply, "ERR This instance has cluster support disabled");
    else if (c->argc == 1)
        show(c);
    else
        reply_error(c->reply, "ERR records of hand-overs come with the data");
}
