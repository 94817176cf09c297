#include "cacheengine/keyspace/record.h"
#include "types_play.h"

static void dump(struct harness *h, struct buf *out)
{
    struct str argv[] = {STR("DUMP"), STR("k")};

    harness_run(h, cmd_dump, argv, 2);
    struct str said = buf_str(&h->said);
    (void)str_cut(&said, '\n');
    buf_clear(out);
    buf_add(out, said.ptr, said.len - 2);
}

static const char *restore(struct harness *h, struct str payload)
{
    struct str argv[] = {STR("RESTORE"), STR("l"), STR("0"), payload, STR("REPLACE")};

    harness_run(h, cmd_restore, argv, 5);
    return buf_cstr(&h->said);
}

static void make(struct harness *h)
{
    char line[80];

    for (int i = 1; i <= 250; i++) {
        snprintf(line, sizeof(line), "XADD k %d-%d %s %d other text", i / 7 + 1, i % 7 + 1,
                 i % 5 ? "f" : "g", i * i);
        play_line(h, line);
    }
    play_line(h, "XDEL k 3-3 4-4 20-1");
    play_line(h, "XGROUP CREATE k g 0");
    play_line(h, "XGROUP CREATE k h $ ENTRIESREAD 40");
    play_line(h, "XREADGROUP GROUP g x COUNT 70 STREAMS k >");
    play_line(h, "XREADGROUP GROUP g y COUNT 70 STREAMS k >");
    play_line(h, "XGROUP CREATECONSUMER k g z");
    play_line(h, "XACK k g 2-1 5-5");
}

/* What two keys are said to be must not differ but by their names. */
static void is_same(struct harness *h, const char *before, const char *after)
{
    char line[80];
    struct buf said = BUF_EMPTY;

    snprintf(line, sizeof(line), "%s k %s", before, after);
    buf_puts(&said, play_line(h, line));
    snprintf(line, sizeof(line), "%s l %s", before, after);
    cr_expect_str_eq(play_line(h, line), buf_cstr(&said), "%s", line);
    buf_fini(&said);
}

Test(stream_record, a_stream_comes_back_with_its_groups)
{
    struct buf payload = BUF_EMPTY;
    struct harness h;

    harness_begin(&h);
    h.settings.stream_node_bytes = 4096;
    h.settings.stream_node_entries = 100;
    make(&h);
    dump(&h, &payload);
    cr_expect_eq(payload.ptr[0], RECORD_STREAM_3);
    cr_expect_str_eq(restore(&h, buf_str(&payload)), "+OK\r\n");
    is_same(&h, "XRANGE", "- +");
    is_same(&h, "XPENDING", "g - + 500");
    is_same(&h, "XINFO STREAM", "FULL COUNT 0");
    is_same(&h, "XINFO CONSUMERS", "g");
    play_line(&h, "DEL k");
    buf_fini(&payload);
    harness_end(&h);
}

Test(stream_record, damaged_bytes_are_refused_or_of_use)
{
    struct buf payload = BUF_EMPTY;
    struct harness h;

    harness_begin(&h);
    h.settings.stream_node_bytes = 400;
    h.settings.stream_node_entries = 10;
    h.ks.skips_checksums = true;
    make(&h);
    dump(&h, &payload);
    for (size_t at = 1; at + 10 < payload.len; at += 3) {
        char had = payload.ptr[at];

        payload.ptr[at] = (char)(had + 1 + at % 200);
        bool is_taken = restore(&h, buf_str(&payload))[0] == '+';
        payload.ptr[at] = had;
        if (is_taken) {
            play_line(&h, "XRANGE l - +");
            play_line(&h, "XINFO STREAM l FULL");
            play_line(&h, "XTRIM l MAXLEN 3");
        }
    }
    /* Cut anywhere, it is no record. */
    for (size_t len = 11; len < payload.len - 11; len += 97)
        cr_expect_eq(restore(&h, (struct str){payload.ptr, len})[0], '-');
    buf_fini(&payload);
    harness_end(&h);
}
