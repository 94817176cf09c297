#include "types_play.h"

static void fill(struct harness *h, int count)
{
    char line[64];

    for (int i = 0; i < count; i++) {
        snprintf(line, sizeof(line), "ZADD z %d.5 m%d", i, i);
        play_line(h, line);
    }
}

/* Notes the members of a reply; returns how many different ones there are. */
static int different(const char *reply, bool *seen, int count)
{
    int n = 0;

    memset(seen, 0, (size_t)count);
    for (const char *at = strchr(reply, 'm'); at; at = strchr(at + 1, 'm')) {
        long i = strtol(at + 1, NULL, 10);

        cr_assert(i >= 0 && i < count);
        n += !seen[i];
        seen[i] = true;
    }
    return n;
}

Test(t_zset_random, members_of_a_positive_count_are_different)
{
    static const int sizes[] = {1, 10, 128, 129, 1000};
    static const int counts[] = {1, 2, 5, 60, 64, 65, 128, 500, 501, 999, 1000, 2000};
    bool seen[1000];
    char line[64];

    for (size_t i = 0; i < countof(sizes); i++) {
        struct harness h;

        harness_begin(&h);
        fill(&h, sizes[i]);
        for (size_t j = 0; j < countof(counts); j++) {
            int wants = counts[j] < sizes[i] ? counts[j] : sizes[i];

            snprintf(line, sizeof(line), "ZRANDMEMBER z %d", counts[j]);
            cr_expect_eq(different(play_line(&h, line), seen, sizes[i]), wants);
            cr_expect_eq(strtol(buf_cstr(&h.said) + 1, NULL, 10), wants);
        }
        harness_end(&h);
    }
}

Test(t_zset_random, a_negative_count_draws_again_and_again)
{
    struct harness h;

    harness_begin(&h);
    fill(&h, 1);
    cr_expect_str_eq(play_line(&h, "ZRANDMEMBER z"), "$2\r\nm0\r\n");
    cr_expect_str_eq(play_line(&h, "ZRANDMEMBER z -2"), "*2\r\n$2\r\nm0\r\n$2\r\nm0\r\n");
    cr_expect_str_eq(play_line(&h, "ZRANDMEMBER z -1 WITHSCORES"),
                     "*2\r\n$2\r\nm0\r\n$3\r\n0.5\r\n");
    cr_expect_str_eq(play_line(&h, "ZRANDMEMBER z 0"), "*0\r\n");
    cr_expect_str_eq(play_line(&h, "ZRANDMEMBER none"), "$-1\r\n");
    cr_expect_str_eq(play_line(&h, "ZRANDMEMBER none 5"), "*0\r\n");
    cr_expect_str_eq(play_line(&h, "ZRANDMEMBER z 1 x"), "-ERR syntax error\r\n");
    cr_expect_str_eq(play_line(&h, "ZRANDMEMBER z x"),
                     "-ERR value is not an integer or out of range\r\n");
    cr_expect_str_eq(play_line(&h, "ZRANDMEMBER z 9223372036854775807 WITHSCORES"),
                     "-ERR value is out of range\r\n");
    cr_expect_str_eq(play_line(&h, "ZRANDMEMBER z -9223372036854775808"),
                     "-ERR value is out of range, value must between -9223372036854775807 and "
                     "9223372036854775807\r\n");
    harness_end(&h);
}

Test(t_zset_random, every_member_is_drawn_about_as_often)
{
    struct harness h;
    int drawn[200] = {0};

    harness_begin(&h);
    fill(&h, 200);
    for (int i = 0; i < 20000; i++)
        drawn[strtol(strchr(play_line(&h, "ZRANDMEMBER z"), 'm') + 1, NULL, 10)]++;
    for (int i = 0; i < 200; i++)
        cr_expect(drawn[i] > 40 && drawn[i] < 180, "m%d was drawn %d times", i, drawn[i]);
    harness_end(&h);
}

Test(t_zset_random, a_scan_in_steps_meets_every_member)
{
    struct harness h;
    bool seen[1000], all[1000] = {false};
    char line[64];
    unsigned long cursor = 0;
    int steps = 0, found = 0;

    harness_begin(&h);
    fill(&h, 1000);
    do {
        snprintf(line, sizeof(line), "ZSCAN z %lu COUNT 20", cursor);
        const char *reply = play_line(&h, line);
        cursor = strtoul(strchr(reply + 4, '\n') + 1, NULL, 10);
        different(reply, seen, 1000);
        for (int i = 0; i < 1000; i++)
            all[i] |= seen[i];
        steps++;
    } while (cursor);
    for (int i = 0; i < 1000; i++)
        found += all[i];
    cr_expect_eq(found, 1000);
    cr_expect_gt(steps, 10);
    harness_end(&h);
}

Test(t_zset_random, a_scan_says_scores_as_its_form_has_them)
{
    struct harness h;

    harness_begin(&h);
    play_line(&h, "ZADD z 0.1 a inf b -0 c 3 d");
    cr_expect_str_eq(play_line(&h, "ZSCAN z 0"),
                     "*2\r\n$1\r\n0\r\n*8\r\n$1\r\nc\r\n$1\r\n0\r\n$1\r\na\r\n$3\r\n0.1\r\n$1\r\nd"
                     "\r\n$1\r\n3\r\n$1\r\nb\r\n$3\r\ninf\r\n");
    h.settings.zset_packed_entries = 0;
    play_line(&h, "ZADD y 0.1 a");
    cr_expect_str_eq(play_line(&h, "ZSCAN y 0"),
                     "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$19\r\n0.10000000000000001\r\n");
    cr_expect_str_eq(play_line(&h, "ZSCAN y 0 MATCH b*"), "*2\r\n$1\r\n0\r\n*0\r\n");
    cr_expect_str_eq(play_line(&h, "ZSCAN y x"), "-ERR invalid cursor\r\n");
    cr_expect_str_eq(play_line(&h, "ZSCAN y 0 COUNT 0"), "-ERR syntax error\r\n");
    cr_expect_str_eq(play_line(&h, "ZSCAN none 0 COUNT x"), "*2\r\n$1\r\n0\r\n*0\r\n");
    harness_end(&h);
}

Test(t_zset_random, endless_draws_end_at_the_output_limit)
{
    struct harness h;

    harness_begin(&h);
    fill(&h, 300);
    h.settings.output_limits[OUTPUT_NORMAL].hard_bytes = 1 << 20;
    play_line(&h, "ZRANDMEMBER z -4000000000000000000");
    cr_expect(h.said.len > 1 << 20 && h.said.len < 2 << 20);
    harness_end(&h);
}
