/* OBJECT: how values are stored and when they were used. */
#include "base/command.h"
#include "cacheengine/keyspace/call.h"
#include "contract/command_procs.h"

#define SHARED_NUMBERS 10000

#define LFU_NOTE                                                                               \
    " Please note that when switching between policies at runtime LRU and LFU data will take " \
    "some time to adjust."

/* The key of an OBJECT subcommand; NULL after null was sent. */
static const struct entry *subject(struct cmd_call *c)
{
    const struct entry *e = db_peek(c->db, call_key(c, 2));

    if (!e)
        reply_null(c->reply);
    return e;
}

void cmd_object_encoding(struct cmd_call *c)
{
    const struct entry *e = subject(c);

    if (e)
        reply_bulk_text(c->reply, db_encoding(c->db, e));
}

/* Values are never shared here; Redis shares small numbers, where eviction does not need each one's
 * age, and says INT32_MAX of them. */
void cmd_object_refcount(struct cmd_call *c)
{
    const struct settings *s = c->ks->settings;
    const struct entry *e = subject(c);
    bool needs_age =
        s->max_memory && s->evict_policy != EVICT_NONE && s->evict_policy != EVICT_ALLKEYS_RANDOM &&
        s->evict_policy != EVICT_VOLATILE_RANDOM && s->evict_policy != EVICT_VOLATILE_TTL;

    if (!e)
        return;
    bool is_shared = entry_type(e) == TYPE_STRING && entry_form(e) == FORM_NUMBER && !needs_age &&
                     entry_number(e) >= 0 && entry_number(e) < SHARED_NUMBERS;
    reply_int(c->reply, is_shared ? INT32_MAX : 1);
}

void cmd_object_idletime(struct cmd_call *c)
{
    const struct entry *e = subject(c);

    if (!e)
        return;
    if (c->ks->counts_frequency)
        reply_error(c->reply, "ERR An LFU maxmemory policy is selected, idle time not "
                              "tracked." LFU_NOTE);
    else
        reply_int(c->reply, db_idle_s(c->db, e));
}

void cmd_object_freq(struct cmd_call *c)
{
    const struct entry *e = subject(c);

    if (!e)
        return;
    if (c->ks->counts_frequency)
        reply_int(c->reply, db_frequency(c->db, e));
    else
        reply_error(c->reply, "ERR An LFU maxmemory policy is not selected, access frequency not "
                              "tracked." LFU_NOTE);
}

void cmd_object_help(struct cmd_call *c)
{
    static const char *const lines[] = {
        "ENCODING <key>",
        "    Say how the value of the key is stored.",
        "FREQ <key>",
        "    Say how often the key was used lately, as the logarithmic counter that the",
        "    LFU policies work with.",
        "IDLETIME <key>",
        "    Say for how many seconds the key was not used.",
        "REFCOUNT <key>",
        "    Say how many references the value has.",
        NULL,
    };

    reply_help(c->reply, "OBJECT", lines);
}
