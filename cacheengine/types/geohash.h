/*
 * Places on earth as numbers. A place is a pair of degrees; its hash is 26 bits of longitude and 26
 * of latitude, interleaved, longitude first: 52 bits, which a double holds and a sorted set has as
 * a score. Places that share the first 2n bits share a cell, a rectangle in degrees.
 *
 * Hashes, distances and the cells that a search looks into are those of Redis, to the last bit, so
 * that the same places are found in the same order.
 */
#ifndef LARDER_TYPES_GEOHASH_H
#define LARDER_TYPES_GEOHASH_H

#include <stdbool.h>
#include <stdint.h>

#define GEO_LONGITUDE_MAX 180.0
#define GEO_LATITUDE_MAX  85.05112878 /* of Mercator's map, which ends before the poles */
#define GEO_STEPS         26          /* bits of each */
#define GEO_TEXT_BYTES    11

struct geo_point {
    double longitude, latitude;
};

static inline bool geo_point_is_valid(const struct geo_point *p)
{
    return p->longitude >= -GEO_LONGITUDE_MAX && p->longitude <= GEO_LONGITUDE_MAX &&
           p->latitude >= -GEO_LATITUDE_MAX && p->latitude <= GEO_LATITUDE_MAX;
}

/* The score of a valid place, and the place of any score: the middle of its cell. */
double geo_score_of(const struct geo_point *p);
struct geo_point geo_point_of(double score);

/* The place in the letters of geohash.org. */
void geo_text_of(double score, char out[GEO_TEXT_BYTES]);

/* Metres on the sphere. */
double geo_distance(const struct geo_point *a, const struct geo_point *b);

/* A circle or a rectangle around a place. */
struct geo_area {
    struct geo_point middle;
    double unit; /* of the lengths, in metres */
    bool is_box;
    double radius;        /* of a circle */
    double width, height; /* of a box */
};

/* What is the same for every place that is asked about. */
struct geo_filter {
    struct geo_point middle;
    bool is_box;
    double radius, width, height;           /* in metres */
    double latitude_r, longitude_r, cosine; /* of the middle, in radians */
    double latitude_reach, longitude_reach; /* in degrees, with some to spare */
};

void geo_filter_begin(const struct geo_area *area, struct geo_filter *out);

/* True when the place of this score is inside; how far it is from the middle, then. */
bool geo_filter_takes(const struct geo_filter *f, double score, struct geo_point *point,
                      double *distance);

/* Cells that cover an area, each once unless two that are not neighbours here are the same on
 * earth: scores from `first` up to `end`, which is not in it. */
#define GEO_CELLS 9
struct geo_cell {
    double first, end;
};

unsigned geo_cells_of(const struct geo_area *area, struct geo_cell out[GEO_CELLS]);

#endif
