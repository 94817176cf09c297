/* Arguments of commands. */
#include "cacheengine/keyspace/call.h"

#include "base/command.h"
#include "cacheengine/keyspace/number.h"

#include <ctype.h>

bool call_is(const struct cmd_call *c, uint32_t arg, const char *word)
{
    return str_is_nocase(c->argv[arg], word);
}

bool call_int(struct cmd_call *c, uint32_t arg, int64_t *out)
{
    if (number_parse_i64(c->argv[arg].ptr, c->argv[arg].len, out))
        return true;
    reply_not_integer(c->reply);
    return false;
}

bool call_int_within(struct cmd_call *c, uint32_t arg, int64_t min, int64_t max,
                     const char *sentence, int64_t *out)
{
    int64_t v;

    if (!call_int(c, arg, &v))
        return false;
    if (v < min || v > max) {
        if (sentence)
            reply_error(c->reply, sentence);
        else
            reply_errorf(c->reply, "ERR value is out of range, value must between %lld and %lld",
                         (long long)min, (long long)max);
        return false;
    }
    *out = v;
    return true;
}

bool call_int_or(struct cmd_call *c, uint32_t arg, int64_t min, int64_t max, const char *sentence,
                 int64_t *out)
{
    int64_t v;

    if (sentence && !number_parse_i64(c->argv[arg].ptr, c->argv[arg].len, &v)) {
        reply_error(c->reply, sentence);
        return false;
    }
    return call_int_within(c, arg, min, max, sentence, out);
}

bool call_double(struct cmd_call *c, uint32_t arg, double *out)
{
    if (number_parse_double(c->argv[arg], out))
        return true;
    reply_not_float(c->reply);
    return false;
}

static struct entry *typed(struct cmd_call *c, struct entry *e, enum entry_type type, bool *ok)
{
    *ok = !e || entry_type(e) == type;
    if (*ok)
        return e;
    reply_wrong_type(c->reply);
    return NULL;
}

struct entry *call_read(struct cmd_call *c, struct key k, enum entry_type type, bool *ok)
{
    return typed(c, db_read(c->db, k), type, ok);
}

struct entry *call_find(struct cmd_call *c, struct key k, enum entry_type type, bool *ok)
{
    return typed(c, db_find(c->db, k), type, ok);
}

struct blob *call_take(struct cmd_call *c, uint32_t arg)
{
    struct blob *b = c->backing;
    struct str s = c->argv[arg];

    /* Only worth it, and only right, when the argument is nearly all there is in the buffer. */
    if (!b || s.len < REPLY_BIG || s.ptr < b->bytes || s.ptr + s.len > b->bytes + b->room)
        return NULL;
    if (blob_is_shared(b) || s.len + s.len / 8 + 4096 < b->room)
        return NULL;
    b->skip = (uint32_t)(s.ptr - b->bytes);
    b->len = s.len;
    return blob_share(b);
}

void call_tell_words(struct cmd_call *c, const struct str *argv, uint32_t argc)
{
    c->tells_other = true;
    effect_tell(c->ks, c->db->id, argv, argc, EFFECT_FOR_ALL);
}

void call_tell_own(struct cmd_call *c)
{
    unsigned audience = c->dirty > 0 ? EFFECT_FOR_ALL : 0;

    if (c->tells_other || !(c->cmd->flags & (CMD_WRITE | CMD_MAY_REPLICATE)))
        return;
    audience |= c->tells_always;
    if (audience)
        effect_tell(c->ks, c->db->id, c->argv, c->argc, audience);
}

bool call_reads_all(const struct cmd_call *c)
{
    return !c->ks->hooks.reads_all || c->ks->hooks.reads_all(c);
}

void call_bad_arity(struct cmd_call *c)
{
    reply_errorf(c->reply, "ERR wrong number of arguments for '%s' command", c->cmd->name);
}

void call_bad_subcommand(struct cmd_call *c)
{
    size_t shown = strnlen(c->argv[1].ptr, c->argv[1].len < 128 ? c->argv[1].len : 128);
    const char *parent = c->cmd->parent->name;
    char name[32];
    size_t i = 0;

    for (; parent[i] && i < sizeof(name) - 1; i++)
        name[i] = (char)toupper((unsigned char)parent[i]);
    name[i] = 0;
    reply_errorf(c->reply,
                 "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try %s HELP.",
                 (int)shown, c->argv[1].ptr, name);
}
