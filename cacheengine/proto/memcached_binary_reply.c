/* Replies of memcached's binary protocol: heads, errors, packets of statistics. */
#include "cacheengine/proto/memcached_binary.h"

char *mcb_head(char *to, const struct cmd_call *c, const struct mcb_answer *a)
{
    uint16_t key_len = htobe16(a->key_len), status = htobe16((uint16_t)a->status);
    uint32_t body_len = htobe32((uint32_t)(a->extras_len + a->key_len + a->value_len));
    uint64_t cas = htobe64(a->cas);

    to[0] = (char)MCB_REPLY;
    to[1] = (char)mcb_opcode(c);
    memcpy(to + 2, &key_len, sizeof(key_len));
    to[4] = (char)a->extras_len;
    to[5] = 0; /* raw bytes: there is no other type */
    memcpy(to + 6, &status, sizeof(status));
    memcpy(to + 8, &body_len, sizeof(body_len));
    memcpy(to + 12, c->argv[0].ptr + 12, 4); /* the opaque comes back as it was */
    memcpy(to + 16, &cas, sizeof(cas));
    return to + MCB_HEAD;
}

void mcb_done(struct cmd_call *c, const struct mcb_command *cmd, uint64_t cas)
{
    struct mcb_answer done = {.cas = cas};

    if (!(cmd->traits & MCB_QUIET))
        c->reply->next = mcb_head(reply_room(c->reply, MCB_HEAD), c, &done);
}

void mcb_text(struct cmd_call *c, enum mcb_status status, const char *text)
{
    struct mcb_answer a = {.status = status, .value_len = strlen(text)};
    char *to = mcb_head(reply_room(c->reply, MCB_HEAD + a.value_len), c, &a);

    memcpy(to, text, a.value_len);
    c->reply->next = to + a.value_len;
}

void mcb_fail(struct cmd_call *c, enum mcb_status status)
{
    static const struct {
        enum mcb_status status;
        const char *text;
    } texts[] = {
        {MCB_NOT_FOUND,  "Not found"                                     },
        {MCB_EXISTS,     "Data exists for key."                          },
        {MCB_TOO_LARGE,  "Too large."                                    },
        {MCB_INVALID,    "Invalid arguments"                             },
        {MCB_NOT_STORED, "Not stored."                                   },
        {MCB_NO_NUMBER,  "Non-numeric server-side value for incr or decr"},
        {MCB_AUTH_ERROR, "Auth failure."                                 },
        {MCB_UNKNOWN,    "Unknown command"                               },
        {MCB_NO_MEMORY,  "Out of memory"                                 },
    };

    for (size_t i = 0; i < countof(texts); i++)
        if (texts[i].status == status)
            mcb_text(c, status, texts[i].text);
}

void mcb_stat(struct cmd_call *c, const char *name, const char *value)
{
    size_t name_len = name ? strlen(name) : 0, value_len = name ? strlen(value) : 0;
    struct mcb_answer a = {.key_len = (uint16_t)name_len, .value_len = value_len};
    char *to = mcb_head(reply_room(c->reply, MCB_HEAD + name_len + value_len), c, &a);

    if (name) {
        memcpy(to, name, name_len);
        memcpy(to + name_len, value, value_len);
    }
    c->reply->next = to + name_len + value_len;
}

static bool may(struct cmd_call *c, const char *why)
{
    if (__builtin_expect(!why, 1))
        return true;
    mcb_text(c, MCB_REFUSED_NOW, why);
    engine_count_error(c->engine, "SERVER_ERROR");
    return false;
}

bool mcb_may_write(struct cmd_call *c)
{
    return may(c, mc_write_refusal(c));
}

bool mcb_may_read(struct cmd_call *c)
{
    return may(c, mc_read_refusal(c));
}
