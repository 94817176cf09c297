#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/settings.h"

#include <criterion/criterion.h>

static struct settings_version parse(const char *text)
{
    struct settings_version v;

    cr_assert(settings_version_parse(text, &v), "%s", text);
    return v;
}

Test(settings, a_version_survives_the_round_trip)
{
    scoped(arena_fini) struct arena a = {0};
    static const char *const texts[] = {"p0.u0.r0.t0",       "p12.u3.r4.t5",
                                        "p1.u0.r7f.t9",      "p1.u0.r7.t9o",
                                        "p1.u0.r0.t0.m1.c4", "p0.u2.r7f.t9.m2.c1",
                                        "p1.u0.r0.t0.l4",    "p1.u0.r0.t0.m1.c4.l12",
                                        "p1.u0.r0.t0.n3",    "p0.u0.r0.t0.m2.c1.l4.n3.d1024",
                                        "p1.u0.r0.t0.d5",    "p0.u2.r7f.t9.m2.c1.l4.d1024"};

    for (size_t i = 0; i < countof(texts); i++) {
        struct settings_version v = parse(texts[i]);
        cr_assert_str_eq(settings_version_text(&a, &v), texts[i]);
    }
    cr_assert(parse("p1.u0.r7f.t9").is_fenced);
    cr_assert_eq(parse("p1.u0.r7f.t9").term, 7);
    cr_assert(parse("p1.u0.r7.t9o").opens_replicas);
    cr_assert_eq(parse("p1.u0.r7.t9o").epoch, 9);
    cr_assert_not(parse("p1.u0.r7.t9").opens_replicas);
    cr_assert_eq(parse("p1.u0.r0.t0.m1.c4").tls, TLS_PREFERRED);
    cr_assert_eq(parse("p1.u0.r0.t0.m1.c4").certificate, 4);
}

Test(settings, what_is_no_version_is_all_zero)
{
    static const char *const bad[] = {"",
                                      "p1",
                                      "p1.u2.r3",
                                      "p1.u2.r3.t4.x",
                                      "p1.u2.r3.t4.m2",
                                      "p1.u2.r3.t4.m0.c1",
                                      "p1.u2.r3.t4.m3.c1",
                                      "p1.u2.r3.t4.m2.c1.x",
                                      "p1.u2.r3.t4.d",

                                      "p1.u2.rf.t4",
                                      "u1.p2.r3.t4",
                                      "p1.u2.r3.t"};

    for (size_t i = 0; i < countof(bad); i++) {
        struct settings_version v = {.term = 9};
        cr_expect_not(settings_version_parse(bad[i], &v), "%s", bad[i]);
        cr_expect_eq(v.term, 0);
    }
}

Test(settings, a_fenced_primary_keeps_its_term_while_the_others_go_on)
{
    struct shard_goal goal = {
        .has = true, .term = 5, .primary_id = 2, .fenced_id = 1, .fence_term = 4};
    struct settings_version v = {0};

    settings_take_role(&v, &goal, 1);
    cr_assert(v.is_fenced);
    cr_assert_eq(v.term, 4);
    settings_take_role(&v, &goal, 2);
    cr_assert_not(v.is_fenced);
    cr_assert_eq(v.term, 5);
}

Test(settings, a_node_outside_of_groups_has_no_term)
{
    struct settings_version v = {0};

    settings_take_role(&v, &(struct shard_goal){0}, 0);
    cr_assert_eq(v.term, 0);
    cr_assert_not(v.is_fenced);
}
