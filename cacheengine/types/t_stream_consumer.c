/*
 * LARDER.CONSUMER, by which one engine tells another of a consumer what XCLAIM does not say: when
 * it was seen, and what waits for it though it is not in the stream any more.
 *
 *     LARDER.CONSUMER key group consumer seen active [id delivered deliveries] ...
 *
 * Times are those of the clock, in ms, active -1 where it never got anything. The consumer is made
 * if it is not there; the entries wait for it from now on, whoever they waited for before.
 */
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/t_stream.h"
#include "contract/command_procs.h"

#define FIRST_ENTRY 6

void stream_tell_consumer(struct cmd_call *c, struct str key, const struct stream_group *g,
                          const struct stream_consumer *of, const struct stream_pending *p,
                          unsigned audience)
{
    struct number_text seen, active, delivered;
    char times[NUMBER_I64_MAX];

    if (!call_is_told_to(c, audience))
        return;
    struct str words[] = {
        STR("LARDER.CONSUMER"),
        key,
        g->name,
        of->name,
        number_digits(&seen, of->seen_ms),
        number_digits(&active, of->active_ms),
        {NULL, 0},
        {NULL, 0},
        {NULL, 0}
    };
    if (p) {
        words[6] = stream_id_text(c, p->id);
        words[7] = number_digits(&delivered, p->delivered_ms);
        words[8] = (struct str){times, number_write_u64(times, p->deliveries)};
    }
    effect_tell(c->ks, c->db->id, words, p ? 9 : 6, audience);
}

/* One entry as its words say; false after the error was sent. */
static bool parse_pending(struct cmd_call *c, uint32_t arg, struct stream_pending *out)
{
    if (!stream_call_id(c, arg, &out->id) || !call_int(c, arg + 1, &out->delivered_ms))
        return false;
    if (str_to_u64(c->argv[arg + 2], &out->deliveries))
        return true;
    reply_error(c->reply, "ERR value is not an integer or out of range");
    return false;
}

static bool parse_all(struct cmd_call *c, int64_t *seen_ms, int64_t *active_ms)
{
    struct stream_pending p;

    if ((c->argc - FIRST_ENTRY) % 3 != 0) {
        call_bad_arity(c);
        return false;
    }
    if (!call_int(c, 4, seen_ms) || !call_int(c, 5, active_ms))
        return false;
    for (uint32_t arg = FIRST_ENTRY; arg < c->argc; arg += 3)
        if (!parse_pending(c, arg, &p))
            return false;
    return true;
}

/* Others are told in words that any of them knows, but for what these do not say. */
static void put_pending(struct cmd_call *c, const struct stream *s, struct stream_group *g,
                        struct stream_consumer *to, uint32_t arg)
{
    struct stream_pending said;
    bool is_new;

    check(parse_pending(c, arg, &said));
    struct stream_pending *p = stream_pending_give(c->db->heap.account, g, said.id, to, &is_new);
    p->delivered_ms = said.delivered_ms;
    p->deliveries = said.deliveries;
    if (stream_has(s, p->id))
        stream_tell_claim(c, c->argv[1], g, p);
    else
        stream_tell_consumer(c, c->argv[1], g, to, p, EFFECT_FOR_COPIES);
}

void cmd_larder_consumer(struct cmd_call *c)
{
    int64_t seen_ms, active_ms;
    bool ok;

    if (!parse_all(c, &seen_ms, &active_ms))
        return;
    struct stream *s = stream_write(c, 1, &ok);
    if (!ok)
        return;
    struct stream_group *g = stream_call_group(c, s, 2);
    if (!g) {
        reply_errorf(c->reply, "NOGROUP No such key '%.*s' or consumer group '%.*s'",
                     STR_ARG(c->argv[1]), STR_ARG(c->argv[2]));
        return;
    }
    struct stream_consumer *to = stream_consumer_find(g, c->argv[3]);
    call_tell_nothing(c);
    effect_tell(c->ks, c->db->id, c->argv, c->argc, EFFECT_FOR_SLOTS);
    if (!to) {
        to = stream_consumer_add(c->db->heap.account, g, c->argv[3], seen_ms);
        call_tell_to(c, EFFECT_FOR_COPIES, STR("XGROUP"), STR("CREATECONSUMER"), c->argv[1],
                     g->name, to->name);
    }
    to->seen_ms = seen_ms;
    to->active_ms = active_ms;
    for (uint32_t arg = FIRST_ENTRY; arg < c->argc; arg += 3)
        put_pending(c, s, g, to, arg);
    c->dirty++;
    reply_ok(c->reply);
}
