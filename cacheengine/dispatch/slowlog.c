/* An entry is one run of memory: its head, its arguments, and their texts. */
#include "cacheengine/dispatch/slowlog.h"

#include "base/command.h"
#include "base/err.h"
#include "cacheengine/dispatch/engine.h"
#include "cacheengine/dispatch/secret.h"

#include <stdio.h>
#include <stdlib.h>

#define NOTE_BYTES 48 /* "... (123 more bytes)" */

/* ---- entries ---- */

/* The text of an argument as it is kept; notes are written to `room`. */
static struct str shown(const struct cmd_call *c, uint32_t arg, char room[NOTE_BYTES])
{
    if (arg == SLOWLOG_ARGS - 1 && c->argc > SLOWLOG_ARGS) {
        int len = snprintf(room, NOTE_BYTES, "... (%u more arguments)", c->argc - arg);

        return (struct str){room, (size_t)len};
    }
    if (secret_is_argument(c, arg))
        return SECRET_SHOWN;
    return c->argv[arg];
}

/* Copies a text, at most as much as is kept; returns the place behind it. */
static char *put(char *to, struct str *slot, struct str text)
{
    size_t kept = text.len < SLOWLOG_ARG_BYTES ? text.len : SLOWLOG_ARG_BYTES;

    memcpy(to, text.ptr, kept);
    slot->ptr = to;
    slot->len = kept;
    if (kept < text.len)
        slot->len +=
            (size_t)snprintf(to + kept, NOTE_BYTES, "... (%zu more bytes)", text.len - kept);
    return to + slot->len;
}

int64_t slowlog_add(struct slowlog *log, const struct cmd_call *c, int64_t us, size_t max)
{
    uint32_t argc = c->argc < SLOWLOG_ARGS ? c->argc : SLOWLOG_ARGS;
    struct client_facts f;
    struct slowlog_entry *e;
    char room[NOTE_BYTES];

    if (max == 0)
        return log->next_id++;
    c->client->host->facts(c->client, &f);
    struct str peer = str_of(f.peer), name = str_of(c->client->name);
    size_t bytes = sizeof(*e) + argc * sizeof(e->argv[0]) + peer.len + name.len;
    for (uint32_t i = 0; i < argc; i++) {
        size_t len = shown(c, i, room).len;

        bytes += (len < SLOWLOG_ARG_BYTES ? len : SLOWLOG_ARG_BYTES) + NOTE_BYTES;
    }
    e = malloc(bytes + 2 * NOTE_BYTES);
    check(e);
    *e = (struct slowlog_entry){
        .next = log->newest, .id = log->next_id++, .at_s = c->ks->now_ms / 1000, .us = us};
    e->argc = argc;
    char *to = (char *)&e->argv[argc];
    for (uint32_t i = 0; i < argc; i++)
        to = put(to, &e->argv[i], shown(c, i, room));
    to = put(to, &e->peer, peer);
    put(to, &e->name, name);
    log->newest = e;
    log->count++;
    slowlog_trim(log, max);
    return e->id;
}

void slowlog_trim(struct slowlog *log, size_t keep)
{
    struct slowlog_entry **at = &log->newest;

    if (log->count <= keep)
        return;
    for (size_t i = 0; i < keep; i++)
        at = &(*at)->next;
    while (*at) {
        struct slowlog_entry *e = *at;

        *at = e->next;
        free(e);
        log->count--;
    }
}
