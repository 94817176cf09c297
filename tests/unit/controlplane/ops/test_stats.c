#include "controlplane/ops/stats.h"

#include <criterion/criterion.h>

Test(stats, words_are_those_of_cloudwatch)
{
    static const struct {
        const char *text;
        bool is_one;
        double percent;
    } rows[] = {
        {"Average", true,  0    },
        {"average", false, 0    },
        {"p0",      true,  0    },
        {"p50",     true,  50   },
        {"p99.95",  true,  99.95},
        {"p100",    true,  100  },
        {"p100.1",  false, 0    },
        {"p",       false, 0    },
        {"p.5",     false, 0    },
        {"p5.",     false, 0    },
        {"p1e1",    false, 0    },
        {"p-1",     false, 0    },
        {"p1.2.3",  false, 0    },
        {"tm90",    false, 0    },
        {"",        false, 0    },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct stat s;
        cr_assert_eq(stat_parse(rows[i].text, &s), rows[i].is_one, "%s", rows[i].text);
        if (rows[i].percent > 0)
            cr_assert_float_eq(s.percent, rows[i].percent, 1e-9, "%s", rows[i].text);
    }
}

static double stat(const char *name, const struct series_bucket *b)
{
    struct stat s;
    cr_assert(stat_parse(name, &s));
    return stat_of(&s, b);
}

Test(stats, each_is_computed_of_the_samples)
{
    static const double samples[] = {1, 2, 3, 10};
    const struct series_bucket b = {4, 16, 1, 10, samples};

    cr_assert_eq(stat("SampleCount", &b), 4);
    cr_assert_eq(stat("Average", &b), 4);
    cr_assert_eq(stat("Sum", &b), 16);
    cr_assert_eq(stat("Minimum", &b), 1);
    cr_assert_eq(stat("Maximum", &b), 10);
    cr_assert_eq(stat("p0", &b), 1);
    cr_assert_float_eq(stat("p50", &b), 2.5, 1e-9);
    cr_assert_eq(stat("p100", &b), 10);
}

Test(stats, of_one_sample_every_percentile_is_that)
{
    static const double sample[] = {7};
    const struct series_bucket b = {1, 7, 7, 7, sample};

    cr_assert_eq(stat("p1", &b), 7);
    cr_assert_eq(stat("p99.9", &b), 7);
}
