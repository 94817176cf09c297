/*
 * A stream that is told in parts to another place while it changes (types/stream_pieces.h): in the
 * end both must be the same. Each step is four bytes: a change and what it is about, or that a part
 * is told. What is told must never be refused.
 */
#include "base/err.h"
#include "cacheengine/keyspace/effect.h"
#include "cacheengine/types/stream_pieces.h"
#include "contract/command_procs.h"
#include "tests/unit/cacheengine/types/types_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *name, *sub;
    void (*run)(struct cmd_call *c);
    bool tells_other; /* than its own words */
} procs[] = {
    {"xadd",            NULL,             cmd_xadd,                  false},
    {"xdel",            NULL,             cmd_xdel,                  false},
    {"xtrim",           NULL,             cmd_xtrim,                 false},
    {"xsetid",          NULL,             cmd_xsetid,                false},
    {"xack",            NULL,             cmd_xack,                  false},
    {"xreadgroup",      NULL,             cmd_xreadgroup,            true },
    {"xclaim",          NULL,             cmd_xclaim,                true },
    {"xautoclaim",      NULL,             cmd_xautoclaim,            true },
    {"xgroup",          "create",         cmd_xgroup_create,         false},
    {"xgroup",          "setid",          cmd_xgroup_setid,          false},
    {"xgroup",          "destroy",        cmd_xgroup_destroy,        false},
    {"xgroup",          "createconsumer", cmd_xgroup_createconsumer, false},
    {"xgroup",          "delconsumer",    cmd_xgroup_delconsumer,    false},
    {"xinfo",           "stream",         cmd_xinfo_stream,          true },
    {"larder.consumer", NULL,             cmd_larder_consumer,       true },
    {"del",             NULL,             cmd_del,                   false},
};

/* Runs a command; true when others are to be told of it by its own words. */
static bool run(struct harness *h, struct str *argv, uint32_t argc)
{
    for (size_t i = 0; i < countof(procs); i++) {
        if (!str_is_nocase(argv[0], procs[i].name) ||
            (procs[i].sub && !str_is_nocase(argv[1], procs[i].sub)))
            continue;
        harness_run(h, procs[i].run, argv, argc);
        return h->dirty > 0 && !procs[i].tells_other;
    }
    check(false);
    return false;
}

static uint32_t words_of(char *line, struct str argv[HARNESS_ARGS])
{
    struct str rest = str_of(line);
    uint32_t argc = 0;

    while (rest.len > 0)
        argv[argc++] = str_cut(&rest, ' ');
    return argc;
}

struct pair {
    struct harness from, to;
    struct effect_sink sink;
    struct buf place;
    bool is_done;
    struct str words[256]; /* of the command that is told, in `text` */
    uint32_t count, awaited;
    struct arena text;
    unsigned top; /* the highest name */
};

static void begin_words(void *ctx, uint32_t words)
{
    struct pair *p = ctx;

    p->count = 0;
    p->awaited = words;
}

static void add_word(void *ctx, struct str word)
{
    struct pair *p = ctx;

    check(p->count < countof(p->words));
    p->words[p->count++] = (struct str){arena_memdup(&p->text, word.ptr, word.len), word.len};
}

static void run_there(struct pair *p, struct str *argv, uint32_t argc)
{
    run(&p->to, argv, argc);
    check(p->to.said.len > 0 && *p->to.said.ptr != '-');
}

static void end_words(void *ctx)
{
    struct pair *p = ctx;

    check(p->count == p->awaited);
    run_there(p, p->words, p->count);
    arena_reset(&p->text);
}

static const struct entry *source(struct pair *p)
{
    return db_peek(p->from.db, keyspace_key(&p->from.ks, STR("k")));
}

static void begin_anew(struct pair *p)
{
    struct str words[] = {STR("DEL"), STR("k")};

    run(&p->to, words, 2);
    buf_clear(&p->place);
    p->is_done = false;
}

static void on_change(struct effect_sink *s, const struct effect *e)
{
    struct pair *p = container_of(s, struct pair, sink);
    struct teller t = {p, begin_words, add_word, end_words};
    struct str argv[HARNESS_ARGS];

    if (str_is(e->argv[0], "MULTI") || str_is(e->argv[0], "EXEC"))
        return;
    check(e->argc <= HARNESS_ARGS);
    memcpy(argv, e->argv, e->argc * sizeof(*argv));
    enum change_meaning meaning =
        p->is_done ? CHANGE_GOES_ALONG : stream_tell_change(source(p), &p->place, e, &t);
    if (meaning == CHANGE_GOES_ALONG)
        run_there(p, argv, e->argc);
    else if (meaning == CHANGE_IS_UNKNOWN)
        begin_anew(p);
}

static void change(struct pair *p, char *line)
{
    struct str argv[HARNESS_ARGS];
    uint32_t argc = words_of(line, argv);

    effects_begin(&p->from.ks, false);
    if (run(&p->from, argv, argc))
        effect_tell(&p->from.ks, 0, argv, argc, EFFECT_FOR_ALL);
    effects_end(&p->from.ks);
}

static void tell_some(struct pair *p)
{
    struct teller t = {p, begin_words, add_word, end_words};

    if (!p->is_done)
        p->is_done = stream_tell_some(source(p), &p->place, &t);
}

static void step(struct pair *p, const uint8_t *s)
{
    unsigned id = 1 + (s[1] | (unsigned)(s[2] & 1) << 8) % (p->top + 10);
    char line[128] = "", g = (char)('a' + (s[2] >> 1) % 3), c = (char)('p' + (s[2] >> 3) % 3);
    unsigned n = s[3];

    keyspace_set_now(&p->from.ks, p->from.ks.now_ms + 3);
    switch (s[0] % 19) {
    case 0: sprintf(line, "XADD k %u-1 f v", ++p->top); break;
    case 1: sprintf(line, "XADD k MAXLEN = %u %u-1 f v", n, ++p->top); break;
    case 2: sprintf(line, "XADD k MINID = %u %u-1 g w h x", n, ++p->top); break;
    case 3: sprintf(line, "XDEL k %u-1 %u-1", id, n); break;
    case 4: sprintf(line, "XTRIM k MINID = %u", n); break;
    case 5: sprintf(line, "XTRIM k MAXLEN = %u", id); break;
    case 6: sprintf(line, "XREADGROUP GROUP %c %c COUNT %u STREAMS k >", g, c, n % 20); break;
    case 7: sprintf(line, "XREADGROUP GROUP %c %c COUNT 5 STREAMS k %u", g, c, n); break;
    case 8: sprintf(line, "XREADGROUP GROUP %c %c NOACK STREAMS k >", g, c); break;
    case 9: sprintf(line, "XACK k %c %u-1 %u-1", g, id, n); break;
    case 10: sprintf(line, "XCLAIM k %c %c 0 %u-1 FORCE LASTID %u-1", g, c, id, n); break;
    case 11: sprintf(line, "XAUTOCLAIM k %c %c 0 %u COUNT %u", g, c, n, 1 + id % 8); break;
    case 12: sprintf(line, "XGROUP CREATE k %c %u", g, id); break;
    case 13: sprintf(line, "XGROUP SETID k %c %u ENTRIESREAD %u", g, id, n); break;
    case 14: sprintf(line, "XGROUP DESTROY k %c", g); break;
    case 15: sprintf(line, "XGROUP CREATECONSUMER k %c %c", g, c); break;
    case 16: sprintf(line, "XGROUP DELCONSUMER k %c %c", g, c); break;
    case 17: sprintf(line, "XSETID k %u-1 ENTRIESADDED 5000 MAXDELETEDID %u-1", id, n); break;
    default: tell_some(p);
    }
    if (*line)
        change(p, line);
}

/* What is known of the stream, but for how its entries are packed. */
static char *describe(struct harness *h)
{
    char line[] = "XINFO STREAM k FULL COUNT 0";
    struct str argv[HARNESS_ARGS];

    run(h, argv, words_of(line, argv));
    const char *text = strstr(buf_cstr(&h->said), "last-generated-id");
    check(text);
    char *copy = strdup(text);
    check(copy);
    return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pair *p = calloc(1, sizeof(*p));
    char line[64];

    if (!p)
        return 0;
    p->sink = (struct effect_sink){on_change, EFFECT_FOR_SLOTS, NULL};
    harness_begin(&p->from);
    harness_begin(&p->to);
    p->from.settings.stream_node_entries = p->to.settings.stream_node_entries = 7;
    p->from.settings.stream_node_bytes = p->to.settings.stream_node_bytes = 4096;
    while (p->top < 150) {
        sprintf(line, "XADD k %u-1 f v", ++p->top);
        change(p, line);
    }
    effect_sink_add(&p->from.ks, &p->sink);
    for (size_t at = 0; at + 4 <= size && at < 2000; at += 4)
        step(p, data + at);
    while (!p->is_done)
        tell_some(p);
    char *from = describe(&p->from), *to = describe(&p->to);
    check(strcmp(from, to) == 0);
    free(from);
    free(to);
    effect_sink_remove(&p->from.ks, &p->sink);
    harness_end(&p->from);
    harness_end(&p->to);
    buf_fini(&p->place);
    arena_fini(&p->text);
    free(p);
    return 0;
}
