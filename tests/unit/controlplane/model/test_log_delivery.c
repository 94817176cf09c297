#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/log_delivery.h"

#include <criterion/criterion.h>

#include <string.h>

static struct arena arena;

static struct log_destinations parse(const char *text)
{
    struct log_destinations all = {0};
    cr_assert_not(err_failed(log_destinations_parse(&arena, str_of(text), &all)));
    return all;
}

static const char *url(const struct log_destinations *all, const char *type, const char *name)
{
    const struct log_delivery d = {.destination_type = type, .destination = name};
    return log_destination_url(&arena, all, &d);
}

Test(log_delivery, names_lead_where_the_file_says)
{
    struct log_destinations all =
        parse("# comment\n\n/a/b file:/var/log/x.log\r\nhook  https://h/p\n");

    cr_assert_eq(all.count, 2);
    cr_assert_str_eq(url(&all, LOG_TO_GROUP, "/a/b"), "file:/var/log/x.log");
    cr_assert_str_eq(url(&all, LOG_TO_STREAM, "hook"), "https://h/p");
    cr_assert_str_eq(url(&all, LOG_TO_GROUP, "other"), "");
    cr_assert_str_eq(url(NULL, LOG_TO_GROUP, "other"), "");
}

Test(log_delivery, other_names_have_files_that_stay_in_the_folder)
{
    struct log_destinations all = {.dir = "/d"};

    cr_assert_str_eq(url(&all, LOG_TO_GROUP, "plain.name-1_x"),
                     "file:/d/cloudwatch-logs/plain.name-1_x.log");
    cr_assert_str_eq(url(&all, LOG_TO_STREAM, "/aws/x"), "file:/d/kinesis-firehose/%2Faws%2Fx.log");
    cr_assert_str_eq(url(&all, LOG_TO_GROUP, "../../etc"),
                     "file:/d/cloudwatch-logs/%2E.%2F..%2Fetc.log");
}

Test(log_delivery, wrong_lines_are_named)
{
    struct log_destinations all;
    static const char *const wrong[] = {"a", "a ftp://x", "a file:x", "ok file:/x\na http://x y"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct err e = log_destinations_parse(&arena, str_of(wrong[i]), &all);
        cr_assert(err_is(e, ERR_INVALID), "%s", wrong[i]);
        cr_assert_not_null(strstr(e.why, i == 3 ? "line 2" : "line 1"));
    }
}

Test(log_delivery, engines_have_logs_from_a_version_on)
{
    static const struct {
        const char *engine, *version, *log;
        bool has;
    } rows[] = {
        {"redis",     "5.0.6",  LOG_SLOW,   false},
        {"redis",     "6.2.6",  LOG_SLOW,   true },
        {"redis",     "6.2.6",  LOG_ENGINE, true },
        {"redis",     "6.0.5",  LOG_SLOW,   true },
        {"redis",     "6.0.5",  LOG_ENGINE, false},
        {"valkey",    "7.2.6",  LOG_ENGINE, true },
        {"memcached", "1.6.22", LOG_SLOW,   false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct engine_version v = {.engine = rows[i].engine, .reported = rows[i].version};
        struct err e = log_delivery_check_engine(&arena, rows[i].log, &v);
        cr_assert_eq(!err_failed(e), rows[i].has, "row %zu", i);
        cr_assert(rows[i].has || err_is(e, FAULT_INVALID_PARAMETER_COMBINATION));
    }
}
