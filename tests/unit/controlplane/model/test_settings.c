#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/settings.h"

#include <criterion/criterion.h>

static const struct shard_endpoints nowhere = {.address = "", .reader_address = ""};

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
                                        "p1.u0.r0.t0.d5",    "p0.u2.r7f.t9.m2.c1.l4.d1024",
                                        "p0.u2.r7.t0.e1",    "p0.u2.r7.t0.n3.e3.d5",

                                        "p1.u0.r2.t0.a1",    "p0.u0.r2.t0.a0b",
                                        "p0.u0.r2f.t0.y4",   "p0.u0.r2.t0.a1.v3.y4x"};

    for (size_t i = 0; i < countof(texts); i++) {
        struct settings_version v = parse(texts[i]);
        cr_assert_str_eq(settings_version_text(&a, &v), texts[i]);
    }
    cr_assert(parse("p1.u0.r7f.t9").is_fenced);
    cr_assert_eq(parse("p1.u0.r7f.t9").term, 7);
    cr_assert(parse("p1.u0.r7.t9o").opens_replicas);
    cr_assert_eq(parse("p1.u0.r7.t9o").epoch, 9);
    cr_assert_not(parse("p1.u0.r7.t9").opens_replicas);
    cr_assert_eq(parse("p1.u0.r7.t9.a2").acks, 2);
    cr_assert_not(parse("p1.u0.r7.t9.a2").is_bounded);
    cr_assert(parse("p1.u0.r7.t9.a0b").is_bounded);
    cr_assert_eq(parse("p1.u0.r7f.t9.y3").yield, 3);
    cr_assert_not(parse("p1.u0.r7f.t9.y3").has_declined);
    cr_assert(parse("p1.u0.r7.t9.y3x").has_declined);
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
                                      "p1.u2.r3.t4.a",
                                      "p1.u2.r3.t4.yx",
                                      "p1.u2.r3.t4.v",

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

    settings_take_role(&v, &goal, &nowhere, 1);
    cr_assert(v.is_fenced);
    cr_assert_eq(v.term, 4);
    settings_take_role(&v, &goal, &nowhere, 2);
    cr_assert_not(v.is_fenced);
    cr_assert_eq(v.term, 5);
}

Test(settings, a_node_outside_of_groups_has_no_term)
{
    struct settings_version v = {0};

    settings_take_role(&v, &(struct shard_goal){0}, &nowhere, 0);
    cr_assert_eq(v.term, 0);
    cr_assert_not(v.is_fenced);
}

Test(settings, addresses_of_endpoints_go_with_the_role_and_not_with_a_fence)
{
    struct shard_endpoints endpoints = {"127.0.9.1", "127.0.9.2", 2, 4};
    struct shard_goal goal = {.has = true, .term = 5, .primary_id = 1};
    struct settings_version v = {0};

    settings_take_role(&v, &goal, &endpoints, 1);
    cr_assert_eq(v.endpoints, ENDPOINT_PRIMARY);
    settings_take_role(&v, &goal, &endpoints, 2);
    cr_assert_eq(v.endpoints, 4 * 4 + ENDPOINT_READER);
    endpoints.reader_turn = 5;
    settings_take_role(&v, &goal, &endpoints, 2);
    cr_assert_eq(v.endpoints, 4 * 5, "it is to let go of it");
    endpoints.reader_turn = 6;
    settings_take_role(&v, &goal, &endpoints, 3);
    cr_assert_eq(v.endpoints, 0);
    goal.fenced_id = 1;
    settings_take_role(&v, &goal, &endpoints, 1);
    cr_assert_eq(v.endpoints, 0);
    goal.fenced_id = 0;
    endpoints.reader_id = 1;
    settings_take_role(&v, &goal, &endpoints, 1);
    cr_assert_eq(v.endpoints, 4 * 6 + (ENDPOINT_PRIMARY | ENDPOINT_READER));
}

Test(settings, an_epoch_is_told_apart_from_all_else)
{
    cr_assert(settings_differ_in_epoch("p1.u2.r3.t4", "p1.u2.r3.t5"));
    cr_assert_not(settings_differ_in_epoch("p1.u2.r3.t4", "p1.u2.r4.t5"));
    cr_assert_not(settings_differ_in_epoch("p1.u2.r3.t4", "p1.u2.r3f.t5"));
    cr_assert_not(settings_differ_in_epoch("p1.u2.r3.t4", "p1.u2.r3.t5.v1"));
    cr_assert_not(settings_differ_in_epoch("p1.u2.r3.t4", "p1.u2.r3.t5o"));
    cr_assert_not(settings_differ_in_epoch("", "p1.u2.r3.t5"));
    cr_assert_not(settings_differ_in_epoch("p1.u2.r3.t4", ""));
}
