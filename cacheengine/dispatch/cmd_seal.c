/*
 * LARDER.KEY: the data key of files at rest. It comes over the admin socket only, is kept in memory
 * that is neither swapped nor dumped, and overwritten wherever else it stood. An engine whose files
 * are to be sealed loads them when it has the key, and answers nobody before.
 */
#include "base/command.h"
#include "base/log.h"
#include "base/seal.h"
#include "cacheengine/dispatch/cmd_persist.h"
#include "cacheengine/dispatch/guard.h"
#include "contract/command_procs.h"

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool parse_key(struct str text, uint8_t out[SEAL_KEY_BYTES])
{
    if (text.len != 2 * SEAL_KEY_BYTES)
        return false;
    for (size_t i = 0; i < SEAL_KEY_BYTES; i++) {
        int high = digit_of(text.ptr[2 * i]), low = digit_of(text.ptr[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* Loads what waited for the key. */
static void load(struct cmd_call *c)
{
    /* The call's own is of those who have their turns meanwhile. */
    scoped(arena_fini) struct arena arena = {0};
    struct engine *e = c->engine;

    guard_set(e, GUARD_KEYLESS, false);
    struct err failed = engine_load_data(e, c->client, &arena);
    if (!err_failed(failed)) {
        log_info("the data key was given, and files are loaded");
        reply_ok(c->reply);
        return;
    }
    /* Another key may be the right one; nothing of what was read stays. */
    log_error("files cannot be loaded with the key that was given", f_err(failed));
    keyspace_flush(c->ks, -1, false);
    seal_key_free(e->seal);
    e->seal = NULL;
    guard_set(e, GUARD_KEYLESS, true);
    reply_errorf(c->reply, "ERR %s", err_text(&arena, failed));
}

static void take(struct cmd_call *c, const uint8_t *bytes)
{
    struct engine *e = c->engine;

    if (e->seal) {
        if (seal_key_is(e->seal, bytes))
            reply_ok(c->reply);
        else
            reply_error(c->reply, "ERR the engine has another data key already");
        return;
    }
    e->seal = seal_key_new(bytes);
    if (e->guards & GUARD_KEYLESS)
        load(c);
    else
        reply_ok(c->reply);
}

void cmd_larder_key(struct cmd_call *c)
{
    uint8_t bytes[SEAL_KEY_BYTES];

    if (parse_key(c->argv[1], bytes))
        take(c, bytes);
    else
        reply_error(c->reply, "ERR the data key is 64 hexadecimal digits");
    seal_wipe(bytes, sizeof(bytes));
    /* It stands in a buffer that others' requests will be read into. */
    seal_wipe((char *)c->argv[1].ptr, c->argv[1].len);
}
