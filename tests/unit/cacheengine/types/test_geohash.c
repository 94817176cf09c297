#include "base/rng.h"
#include "cacheengine/types/geohash.h"

#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

static const struct geo_point palermo = {13.361389, 38.115556}, catania = {15.087269, 37.502669};

static struct geo_point drawn(struct rng *rng)
{
    double x = (double)rng_below(rng, 1000001) / 1000000,
           y = (double)rng_below(rng, 1000001) / 1000000;

    return (struct geo_point){(2 * x - 1) * GEO_LONGITUDE_MAX, (2 * y - 1) * GEO_LATITUDE_MAX};
}

Test(geohash, places_have_the_scores_that_other_servers_give_them)
{
    static const struct {
        struct geo_point point;
        double score;
    } rows[] = {
        {{13.361389, 38.115556}, 3479099956230698 },
        {{15.087269, 37.502669}, 3479447370796909 },
        {{0, 0},                 3377699720527872 },
        {{-180, -85.05112878},   0                },
        {{180, 85.05112878},     13510798882111488},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(geo_score_of(&rows[i].point), rows[i].score, "row %zu: %.0f", i,
                     geo_score_of(&rows[i].point));
}

Test(geohash, a_place_is_found_again_within_a_metre)
{
    struct rng rng;

    rng_seed(&rng, 3);
    for (unsigned i = 0; i < 10000; i++) {
        struct geo_point p = drawn(&rng), q = geo_point_of(geo_score_of(&p));

        cr_assert_lt(geo_distance(&p, &q), 0.7, "%f %f", p.longitude, p.latitude);
        if (fabs(p.longitude) < 180 && fabs(p.latitude) < 85)
            cr_assert_eq(geo_score_of(&q), geo_score_of(&p));
    }
}

Test(geohash, scores_that_are_no_places_are_read_without_harm)
{
    static const double scores[] = {-1, -1e300, 1e300, INFINITY, -INFINITY, 0x1p63, 0x1p64, 0.5};

    for (size_t i = 0; i < sizeof(scores) / sizeof(scores[0]); i++) {
        struct geo_point p = geo_point_of(scores[i]);

        cr_expect(geo_point_is_valid(&p), "%g", scores[i]);
    }
}

Test(geohash, distances_and_letters_are_those_that_clients_know)
{
    char text[GEO_TEXT_BYTES];
    struct geo_point a = geo_point_of(geo_score_of(&palermo)),
                     b = geo_point_of(geo_score_of(&catania));

    cr_expect_float_eq(geo_distance(&a, &b), 166274.1516, 0.00005);
    geo_text_of(geo_score_of(&palermo), text);
    cr_expect_eq(memcmp(text, "sqc8b49rny0", GEO_TEXT_BYTES), 0);
    geo_text_of(geo_score_of(&catania), text);
    cr_expect_eq(memcmp(text, "sqdtr74hyu0", GEO_TEXT_BYTES), 0);
}

static bool is_in_a_cell(double score, const struct geo_cell *cells, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (score >= cells[i].first && score < cells[i].end)
            return true;
    return false;
}

/* Whatever is inside by its distance is in a cell, and what the filter's short ways leave out is
 * outside. */
Test(geohash, cells_and_filter_lose_nothing)
{
    static const double radii[] = {0, 1, 500, 20000, 300000, 2000000};
    struct geo_cell cells[GEO_CELLS];
    struct geo_filter filter;
    struct rng rng;
    unsigned inside = 0;

    rng_seed(&rng, 4);
    for (unsigned i = 0; i < 600; i++) {
        struct geo_area area = {.middle = drawn(&rng), .unit = 1, .radius = radii[i % 6]};

        /* Near the edges of the map areas go over it, and there the cells never did. */
        if (fabs(area.middle.latitude) > 60 || fabs(area.middle.longitude) > 150)
            continue;
        unsigned count = geo_cells_of(&area, cells);
        geo_filter_begin(&area, &filter);
        for (unsigned j = 0; j < 200; j++) {
            double reach = area.radius / 100000;
            struct geo_point p = {
                area.middle.longitude + reach * ((double)rng_below(&rng, 2001) / 1000 - 1),
                area.middle.latitude + reach * ((double)rng_below(&rng, 2001) / 1000 - 1)};

            if (!geo_point_is_valid(&p))
                continue;
            double score = geo_score_of(&p), distance, told;
            struct geo_point q = geo_point_of(score), seen;
            distance = geo_distance(&area.middle, &q);
            bool is_inside = distance <= area.radius;
            cr_assert_eq(geo_filter_takes(&filter, score, &seen, &told), is_inside);
            if (!is_inside)
                continue;
            inside++;
            cr_assert_eq(told, distance);
            cr_assert(is_in_a_cell(score, cells, count), "%f %f in %f of %f %f", q.longitude,
                      q.latitude, area.radius, area.middle.longitude, area.middle.latitude);
        }
    }
    cr_expect_gt(inside, 1000);
}

Test(geohash, a_box_is_as_wide_at_each_latitude)
{
    struct geo_area area = {
        .middle = {10, 50},
          .unit = 1000, .is_box = true, .width = 400, .height = 200
    };
    struct geo_filter filter;
    struct geo_point at, in = {12.7, 50}, out = {12.9, 50}, north = {12.9, 49.2}, high = {10, 51};
    double distance;

    geo_filter_begin(&area, &filter);
    cr_expect(geo_filter_takes(&filter, geo_score_of(&in), &at, &distance));
    cr_expect_float_eq(distance, geo_distance(&area.middle, &at), 1e-9);
    cr_expect(!geo_filter_takes(&filter, geo_score_of(&out), &at, &distance));
    cr_expect(!geo_filter_takes(&filter, geo_score_of(&north), &at, &distance));
    cr_expect(!geo_filter_takes(&filter, geo_score_of(&high), &at, &distance));
}
