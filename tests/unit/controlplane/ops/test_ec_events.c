#include "world.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

TestSuite(events_of_callers, .init = world_open, .fini = world_close, .timeout = 60);

#define MINUTE ((int64_t)60000)

static void add(const char *source, const char *message, int64_t ago_minutes)
{
    struct event e = {
        .account = "000000000000",
        .region = "us-east-1",
        .source_type = "cache-cluster",
        .source = source,
        .message = message,
        .at_ms = WORLD_NOW_MS - ago_minutes * MINUTE,
    };
    fixture_begin(&world.f, STORE_WRITE);
    must(store_event_add(world.f.tx, &e));
    fixture_commit(&world.f);
}

Test(events_of_callers, a_span_is_two_of_start_end_and_duration)
{
    static const struct {
        struct ec_describe_events_in in;
        const char *messages; /* newest first */
    } rows[] = {
        {{0},                                                                           "now half "          },
        {{.duration = INT_OF(30)},                                                      "now half "          },
        {{.duration = INT_OF(29)},                                                      "now "               },
        {{.duration = INT_OF(24 * 60)},                                                 "now half hours "    },
        {{.start_time = TIME_OF(WORLD_NOW_MS - 300 * MINUTE)},                          "now half hours "    },
        {{.start_time = TIME_OF(WORLD_NOW_MS - 300 * MINUTE), .duration = INT_OF(200)}, "hours "             },
        {{.start_time = TIME_OF(WORLD_NOW_MS - 300 * MINUTE),
          .end_time = TIME_OF(WORLD_NOW_MS - 10 * MINUTE)},
         "half hours "                                                                                       },
        {{.end_time = TIME_OF(WORLD_NOW_MS - 10 * MINUTE)},                             "half "              },
        {{.end_time = TIME_OF(WORLD_NOW_MS - 10 * MINUTE), .duration = INT_OF(500)},    "half hours "        },
        {{.start_time = TIME_OF(INT64_MAX)},                                            ""                   },
        {{.start_time = TIME_OF(INT64_MIN)},                                            "now half hours old "},
        {{.end_time = TIME_OF(INT64_MIN)},                                              ""                   },
    };
    add("c1", "old", 15 * 24 * 60);
    add("c1", "hours", 240);
    add("c2", "half", 30);
    add("c1", "now", 0);
    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_describe_events_out out;
        char messages[64] = "";
        must(run_ec_describe_events(&rows[i].in, &out));
        for (size_t k = 0; k < out.events.count; k++) {
            strcat(messages, out.events.items[k].message);
            strcat(messages, " ");
        }
        cr_assert_str_eq(messages, rows[i].messages, "row %zu", i);
    }
}

Test(events_of_callers, a_source_is_named_with_its_type)
{
    struct ec_describe_events_in in = {.source_type = "cache-cluster", .source_identifier = "C2"};
    struct ec_describe_events_out out;

    add("c1", "one", 1);
    add("c2", "two", 1);
    must(run_ec_describe_events(&in, &out));
    cr_assert_eq(out.events.count, 1);
    cr_assert_str_eq(out.events.items[0].message, "two");
    cr_assert_str_eq(out.events.items[0].source_identifier, "c2");
    cr_assert_str_eq(out.events.items[0].source_type, "cache-cluster");
    cr_assert_eq(out.events.items[0].date.value, WORLD_NOW_MS - MINUTE);

    in = (struct ec_describe_events_in){.source_type = "user"};
    must(run_ec_describe_events(&in, &out));
    cr_assert_eq(out.events.count, 0);
    in = (struct ec_describe_events_in){.source_identifier = "c1"};
    expect(run_ec_describe_events(&in, &out), FAULT_INVALID_PARAMETER_COMBINATION, NULL);
}

Test(events_of_callers, spans_that_make_no_sense_are_refused)
{
    static const struct {
        struct ec_describe_events_in in;
        int code;
    } rows[] = {
        {{.duration = INT_OF(0)},                                                   FAULT_INVALID_PARAMETER_VALUE      },
        {{.duration = INT_OF(-5)},                                                  FAULT_INVALID_PARAMETER_VALUE      },
        {{.duration = INT_OF(14 * 24 * 60 + 1)},                                    FAULT_INVALID_PARAMETER_VALUE      },
        {{.start_time = TIME_OF(2), .end_time = TIME_OF(1)},                        FAULT_INVALID_PARAMETER_COMBINATION},
        {{.start_time = TIME_OF(1), .end_time = TIME_OF(2), .duration = INT_OF(1)},
         FAULT_INVALID_PARAMETER_COMBINATION                                                                           },
        {{.marker = "bm90aGluZw=="},                                                FAULT_INVALID_PARAMETER_VALUE      },
        {{.max_records = INT_OF(10)},                                               FAULT_INVALID_PARAMETER_VALUE      },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct ec_describe_events_out out;
        cr_assert_eq(run_ec_describe_events(&rows[i].in, &out).code, rows[i].code, "row %zu", i);
    }
}

Test(events_of_callers, pages_go_from_the_newest_to_the_oldest)
{
    struct ec_describe_events_in in = {.max_records = INT_OF(20)};
    struct ec_describe_events_out out;
    int next = 45;

    for (int i = 1; i <= 45; i++)
        add("c1", arena_printf(&world.f.arena, "%d", i), 1);
    do {
        must(run_ec_describe_events(&in, &out));
        for (size_t i = 0; i < out.events.count; i++, next--) {
            char message[16];
            snprintf(message, sizeof(message), "%d", next);
            cr_assert_str_eq(out.events.items[i].message, message);
        }
        in.marker = out.marker;
    } while (out.marker);
    cr_assert_eq(next, 0);
}

Test(events_of_callers, other_accounts_see_nothing)
{
    struct ec_describe_events_in in = {0};
    struct ec_describe_events_out out;

    add("c1", "mine", 1);
    world.caller.account = "111111111111";
    must(run_ec_describe_events(&in, &out));
    cr_assert_eq(out.events.count, 0);
}
