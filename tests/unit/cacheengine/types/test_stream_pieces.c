#include "cacheengine/keyspace/effect.h"
#include "cacheengine/types/stream_pieces.h"
#include "cacheengine/types/t_stream.h"
#include "types_play.h"

/* A stream "k" at one place that is told to another, and followed from there on. */
struct pair {
    struct harness from, to;
    struct effect_sink sink;
    struct buf place;
    bool is_done;
    uint32_t beginnings, commands;
    struct str words[256]; /* of the command that is told, in `text` */
    uint32_t count, awaited;
    struct arena text;
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

    cr_assert_lt(p->count, countof(p->words));
    p->words[p->count++] = (struct str){arena_memdup(&p->text, word.ptr, word.len), word.len};
}

static void run_there(struct pair *p, struct str *argv, uint32_t argc)
{
    play_run(&p->to, argv, argc);
    cr_assert_neq(*buf_cstr(&p->to.said), '-', "%.*s %.*s: %s", STR_ARG(argv[0]),
                  STR_ARG(argv[argc - 1]), buf_cstr(&p->to.said));
    p->commands++;
}

static void end_words(void *ctx)
{
    struct pair *p = ctx;

    cr_assert_eq(p->count, p->awaited);
    run_there(p, p->words, p->count);
    arena_reset(&p->text);
}

static const struct entry *source(struct pair *p)
{
    return db_peek(p->from.db, keyspace_key(&p->from.ks, STR("k")));
}

static void begin_anew(struct pair *p)
{
    play_line(&p->to, "DEL k");
    buf_clear(&p->place);
    p->is_done = false;
    p->beginnings++;
}

static void on_change(struct effect_sink *s, const struct effect *e)
{
    struct pair *p = container_of(s, struct pair, sink);
    struct teller t = {p, begin_words, add_word, end_words};
    struct str argv[64];

    if (str_is(e->argv[0], "MULTI") || str_is(e->argv[0], "EXEC"))
        return;
    memcpy(argv, e->argv, e->argc * sizeof(*argv));
    if (p->is_done) {
        run_there(p, argv, e->argc);
        return;
    }
    switch (stream_tell_change(source(p), &p->place, e, &t)) {
    case CHANGE_IS_MET: break;
    case CHANGE_GOES_ALONG: run_there(p, argv, e->argc); break;
    case CHANGE_IS_UNKNOWN: begin_anew(p);
    }
}

static void begin(struct pair *p)
{
    *p = (struct pair){
        .sink = {on_change, EFFECT_FOR_SLOTS, NULL}
    };
    harness_begin(&p->from);
    harness_begin(&p->to);
    p->from.settings.stream_node_entries = p->to.settings.stream_node_entries = 10;
    p->from.settings.stream_node_bytes = p->to.settings.stream_node_bytes = 4096;
}

static void end(struct pair *p)
{
    effect_sink_remove(&p->from.ks, &p->sink);
    harness_end(&p->from);
    harness_end(&p->to);
    buf_fini(&p->place);
    arena_fini(&p->text);
}

/* Changes the source; what tells itself by its own words is told so. */
static void change(struct pair *p, const char *line)
{
    static const char *const others[] = {"XREADGROUP", "XCLAIM", "XAUTOCLAIM"};
    struct str argv[HARNESS_ARGS];
    uint32_t argc = play_words(line, argv);
    bool tells_other = false;

    for (size_t i = 0; i < countof(others); i++)
        tells_other |= str_is(argv[0], others[i]);
    effects_begin(&p->from.ks, false);
    play_run(&p->from, argv, argc);
    if (p->from.dirty > 0 && !tells_other)
        effect_tell(&p->from.ks, 0, argv, argc, EFFECT_FOR_ALL);
    effects_end(&p->from.ks);
}

static void step(struct pair *p)
{
    struct teller t = {p, begin_words, add_word, end_words};

    if (!p->is_done)
        p->is_done = stream_tell_some(source(p), &p->place, &t);
}

static void finish(struct pair *p)
{
    for (int i = 0; !p->is_done; i++) {
        step(p);
        cr_assert_lt(i, 100000);
    }
}

/* What is known of a stream, but for how its entries are packed. */
static char *describe(struct harness *h)
{
    return strdup(strstr(play_line(h, "XINFO STREAM k FULL COUNT 0"), "last-generated-id"));
}

static void expect_same(struct pair *p)
{
    char *from = describe(&p->from), *to = describe(&p->to);

    cr_expect_str_eq(from, to);
    free(from);
    free(to);
}

static void fill(struct pair *p, int entries)
{
    char line[64];

    for (int i = 1; i <= entries; i++) {
        sprintf(line, "XADD k %d-1 f %d name v%d", i, i, i);
        change(p, line);
    }
}

Test(stream_pieces, a_stream_arrives_as_it_is_in_parts)
{
    struct pair p;

    begin(&p);
    fill(&p, 1000);
    change(&p, "XGROUP CREATE k b 0");
    change(&p, "XGROUP CREATE k a 7-1 ENTRIESREAD 7");
    change(&p, "XREADGROUP GROUP b y COUNT 300 STREAMS k >");
    change(&p, "XREADGROUP GROUP b x COUNT 1 STREAMS k >");
    change(&p, "XGROUP CREATECONSUMER k a z");
    change(&p, "XDEL k 5-1 900-1");
    change(&p, "XTRIM k MINID = 3");
    step(&p);
    cr_expect_eq(p.commands, 64);
    finish(&p);
    expect_same(&p);
    cr_expect_not_null(strstr(play_line(&p.to, "XPENDING k b 1-1 1-1 9"), "1-1"),
                       "it waits though its entry is gone");
    end(&p);
}

Test(stream_pieces, one_without_entries_knows_what_it_was)
{
    static const char *const rows[] = {"XADD k 5-5 f v", "XDEL k 5-5", "XGROUP CREATE k x $"};
    struct pair p;

    begin(&p);
    for (size_t i = 0; i < countof(rows); i++)
        change(&p, rows[i]);
    finish(&p);
    expect_same(&p);
    end(&p);

    begin(&p);
    change(&p, "XGROUP CREATE k g 0 MKSTREAM");
    finish(&p);
    expect_same(&p);
    end(&p);
}

Test(stream_pieces, before_the_entries_are_complete_groups_are_left_for_later)
{
    struct pair p;

    begin(&p);
    fill(&p, 200);
    change(&p, "XGROUP CREATE k g 0");
    step(&p);
    effect_sink_add(&p.from.ks, &p.sink);
    uint32_t before = p.commands;
    change(&p, "XADD k 1000-1 f v");
    change(&p, "XREADGROUP GROUP g c COUNT 3 STREAMS k >");
    change(&p, "XACK k g 1-1");
    change(&p, "XGROUP CREATE k h 0");
    cr_expect_eq(p.commands, before);
    change(&p, "XDEL k 2-1 199-1");
    change(&p, "XTRIM k MAXLEN = 150");
    cr_expect_eq(p.commands, before + 2);
    finish(&p);
    expect_same(&p);
    cr_expect_eq(p.beginnings, 0);
    end(&p);
}

Test(stream_pieces, a_last_name_that_sinks_below_what_was_told_begins_it_anew)
{
    struct pair p;

    begin(&p);
    fill(&p, 200);
    step(&p);
    effect_sink_add(&p.from.ks, &p.sink);
    change(&p, "XSETID k 500-1");
    cr_expect_eq(p.beginnings, 0);
    change(&p, "XTRIM k MAXLEN = 0");
    change(&p, "XSETID k 20-1");
    cr_expect_eq(p.beginnings, 1);
    change(&p, "XADD k 30-1 f v");
    finish(&p);
    expect_same(&p);
    end(&p);
}

Test(stream_pieces, forged_streams_are_not_told)
{
    struct account a = {0};
    struct stream *s = stream_new(&a);

    cr_expect(stream_is_tellable(s));
    s->removed = (struct stream_id){1, 1};
    cr_expect_not(stream_is_tellable(s));
    s->last = s->removed;
    cr_expect(stream_is_tellable(s));
    s->length = 1;
    cr_expect_not(stream_is_tellable(s), "0-0 is no name that XADD takes");
    s->length = 0;
    stream_free(&a, s);
}

/* ---- any changes at any time ---- */

static void draw(struct rng *r, int *top, char *line)
{
    int id = 1 + (int)rng_below(r, (uint64_t)*top + 20);
    char g = (char)('a' + rng_below(r, 4)), c = (char)('p' + rng_below(r, 4));

    switch (rng_below(r, 17)) {
    case 0:
    case 1: sprintf(line, "XADD k %d-1 f v", ++*top); break;
    case 2: sprintf(line, "XADD k MAXLEN = %d %d-1 f v", id, ++*top); break;
    case 3: sprintf(line, "XDEL k %d-1 %d-1", id, id + 1); break;
    case 4: sprintf(line, "XTRIM k MINID = %d", id / 8); break;
    case 5: sprintf(line, "XTRIM k MAXLEN = %d", *top); break;
    case 6: sprintf(line, "XREADGROUP GROUP %c %c COUNT 20 STREAMS k >", g, c); break;
    case 7: sprintf(line, "XREADGROUP GROUP %c %c COUNT 5 STREAMS k %d", g, c, id); break;
    case 8: sprintf(line, "XACK k %c %d-1 %d-1", g, id, id + 1); break;
    case 9: sprintf(line, "XCLAIM k %c %c 0 %d-1 FORCE LASTID %d-1", g, c, id, id); break;
    case 10: sprintf(line, "XAUTOCLAIM k %c %c 0 %d COUNT 5", g, c, id); break;
    case 11: sprintf(line, "XGROUP CREATE k %c %d", g, id); break;
    case 12: sprintf(line, "XGROUP SETID k %c %d ENTRIESREAD %d", g, id, id); break;
    case 13: sprintf(line, rng_below(r, 4) ? "XACK k %c 1" : "XGROUP DESTROY k %c", g); break;
    case 14: sprintf(line, "XGROUP CREATECONSUMER k %c %c", g, c); break;
    case 15: sprintf(line, "XGROUP DELCONSUMER k %c %c", g, c); break;
    default: sprintf(line, "XSETID k %d-1 ENTRIESADDED 5000 MAXDELETEDID %d-1", *top, id / 2);
    }
}

Test(stream_pieces, whatever_changes_between_the_parts_both_are_the_same_in_the_end)
{
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct pair p;
        struct rng r;
        char line[128];
        int top = 300;

        begin(&p);
        rng_seed(&r, seed);
        fill(&p, top);
        for (int i = 0; i < 100; i++) {
            draw(&r, &top, line);
            change(&p, line);
        }
        effect_sink_add(&p.from.ks, &p.sink);
        for (int i = 0; i < 100; i++) {
            draw(&r, &top, line);
            change(&p, line);
            keyspace_set_now(&p.from.ks, p.from.ks.now_ms + 7);
            if (rng_below(&r, 4) == 0)
                step(&p);
        }
        finish(&p);
        for (int i = 0; i < 20; i++) {
            draw(&r, &top, line);
            change(&p, line);
        }
        expect_same(&p);
        end(&p);
    }
}
