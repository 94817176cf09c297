/*
 * Hashes of places, distances, and the cells of a search. The one idea: a cell and its eight
 * neighbours, of the smallest size at which they cover the area, are nine ranges of scores.
 *
 * What comes out is compared with other servers' digit by digit, so the order of the operations on
 * doubles is part of the format. What only saves work must not depend on their last bits.
 */
#include "cacheengine/types/geohash.h"

#include <math.h>
#include <string.h>

#define EARTH_RADIUS 6372797.560856 /* metres, the quadratic mean */
#define MERCATOR_MAX 20037726.37    /* metres from the middle of the map to its edge */
#define DEGREE       (M_PI / 180.0)
#define SPARE        1e-6 /* degrees: far more than rounding, far less than matters */

/* ---- bits ---- */

/* Puts a clear bit in front of every bit. */
static uint64_t spread(uint64_t v)
{
    v = (v | v << 16) & UINT64_C(0x0000ffff0000ffff);
    v = (v | v << 8) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v | v << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    v = (v | v << 2) & UINT64_C(0x3333333333333333);
    return (v | v << 1) & UINT64_C(0x5555555555555555);
}

static uint32_t gather(uint64_t v)
{
    v &= UINT64_C(0x5555555555555555);
    v = (v | v >> 1) & UINT64_C(0x3333333333333333);
    v = (v | v >> 2) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    v = (v | v >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    v = (v | v >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (uint32_t)(v | v >> 16);
}

/* Where a degree stands between -max and max, in 2^steps parts. */
static uint32_t part_of(double degree, double max, unsigned steps)
{
    double part = (degree + max) / (max + max);

    return (uint32_t)(part * (double)(UINT64_C(1) << steps));
}

/* The degree at which a part begins. */
static double begin_of(uint32_t part, double max, unsigned steps)
{
    return -max + (part * 1.0 / (double)(UINT64_C(1) << steps)) * (max + max);
}

/* Scores are any numbers where a sorted set was not made by GEOADD: the bits of those that are no
 * whole number of 64 bits are what x86 makes of them. */
static uint64_t bits_of(double score)
{
    const double half = 0x1p63;

    if (score >= 0x1p64)
        return 0;
    if (score >= half)
        return (uint64_t)score;
    if (score < -half)
        return UINT64_C(1) << 63;
    return (uint64_t)(int64_t)score;
}

/* ---- places ---- */

double geo_score_of(const struct geo_point *p)
{
    return (double)(spread(part_of(p->longitude, GEO_LONGITUDE_MAX, GEO_STEPS)) << 1 |
                    spread(part_of(p->latitude, GEO_LATITUDE_MAX, GEO_STEPS)));
}

static double middle_of(uint32_t part, double max)
{
    double middle = (begin_of(part, max, GEO_STEPS) + begin_of(part + 1, max, GEO_STEPS)) / 2;

    return middle > max ? max : middle < -max ? -max : middle;
}

struct geo_point geo_point_of(double score)
{
    uint64_t bits = bits_of(score);

    return (struct geo_point){.longitude = middle_of(gather(bits >> 1), GEO_LONGITUDE_MAX),
                              .latitude = middle_of(gather(bits), GEO_LATITUDE_MAX)};
}

void geo_text_of(double score, char out[GEO_TEXT_BYTES])
{
    static const char letters[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    struct geo_point p = geo_point_of(score);
    /* The letters are of a map that goes to the poles. */
    uint64_t bits = spread(part_of(p.longitude, 180, GEO_STEPS)) << 1 |
                    spread(part_of(p.latitude, 90, GEO_STEPS));

    /* 52 bits are ten letters and two bits, for which clients have always been told 0. */
    for (int i = 0; i < GEO_TEXT_BYTES - 1; i++)
        out[i] = letters[bits >> (47 - 5 * i) & 31];
    out[GEO_TEXT_BYTES - 1] = letters[0];
}

/* ---- distances ---- */

static double distance_of_latitudes(double a, double b)
{
    return EARTH_RADIUS * fabs(b * DEGREE - a * DEGREE);
}

/* The haversine formula, from a place whose radians and cosine are known. */
static double distance_from(const struct geo_point *a, double a_longitude, double a_latitude,
                            double a_cosine, const struct geo_point *b)
{
    double v = sin((b->longitude * DEGREE - a_longitude) / 2), b_latitude = b->latitude * DEGREE;

    if (v == 0)
        return distance_of_latitudes(a->latitude, b->latitude);
    double u = sin((b_latitude - a_latitude) / 2);
    return 2.0 * EARTH_RADIUS * asin(sqrt(u * u + a_cosine * cos(b_latitude) * v * v));
}

double geo_distance(const struct geo_point *a, const struct geo_point *b)
{
    double latitude = a->latitude * DEGREE;

    return distance_from(a, a->longitude * DEGREE, latitude, cos(latitude), b);
}

/* ---- areas ---- */

/* Degrees of longitude that a circle reaches to either side at most: all where it has a pole in it.
 */
static double longitude_reach_of(double radius, double latitude)
{
    double angle = radius / EARTH_RADIUS;

    if (!(fabs(latitude) * DEGREE + angle < M_PI / 2))
        return 180;
    return asin(fmin(1, sin(angle) / cos(latitude * DEGREE))) / DEGREE + SPARE;
}

void geo_filter_begin(const struct geo_area *area, struct geo_filter *out)
{
    *out = (struct geo_filter){
        .middle = area->middle,
        .is_box = area->is_box,
        .radius = area->radius * area->unit,
        .width = area->width * area->unit,
        .height = area->height * area->unit,
        .latitude_r = area->middle.latitude * DEGREE,
        .longitude_r = area->middle.longitude * DEGREE,
        .cosine = cos(area->middle.latitude * DEGREE),
    };
    double up = area->is_box ? out->height / 2 : out->radius;
    out->latitude_reach = up / EARTH_RADIUS / DEGREE + SPARE;
    /* What a box leaves out is not the same at each latitude. */
    out->longitude_reach =
        area->is_box ? 180 : longitude_reach_of(out->radius, area->middle.latitude);
}

/* What most places outside fail, and is cheap. */
static bool is_near(const struct geo_filter *f, const struct geo_point *p)
{
    double aside = fabs(p->longitude - f->middle.longitude);

    return fabs(p->latitude - f->middle.latitude) <= f->latitude_reach &&
           (aside <= f->longitude_reach || 360 - aside <= f->longitude_reach);
}

static bool is_in_box(const struct geo_filter *f, const struct geo_point *p)
{
    struct geo_point level = {f->middle.longitude, p->latitude};

    return !(distance_of_latitudes(p->latitude, f->middle.latitude) > f->height / 2) &&
           !(geo_distance(p, &level) > f->width / 2);
}

bool geo_filter_takes(const struct geo_filter *f, double score, struct geo_point *point,
                      double *distance)
{
    *point = geo_point_of(score);
    if (!is_near(f, point) || (f->is_box && !is_in_box(f, point)))
        return false;
    *distance = distance_from(&f->middle, f->longitude_r, f->latitude_r, f->cosine, point);
    return f->is_box || !(*distance > f->radius);
}

/* ---- cells ---- */

/* A cell by its parts, which end with the map and begin again on its other side. */
struct cell {
    uint32_t x, y;
    unsigned steps;
};

struct bounds {
    double west, east, south, north;
};

static struct bounds bounds_of_cell(const struct cell *c)
{
    return (struct bounds){
        .west = begin_of(c->x, GEO_LONGITUDE_MAX, c->steps),
        .east = begin_of(c->x + 1, GEO_LONGITUDE_MAX, c->steps),
        .south = begin_of(c->y, GEO_LATITUDE_MAX, c->steps),
        .north = begin_of(c->y + 1, GEO_LATITUDE_MAX, c->steps),
    };
}

/* The rectangle in degrees around an area: as wide as it is at the latitude where that is most. */
static struct bounds bounds_of_area(const struct geo_area *area)
{
    double height = area->unit * (area->is_box ? area->height / 2 : area->radius);
    double width = area->unit * (area->is_box ? area->width / 2 : area->radius);
    const struct geo_point *m = &area->middle;
    double up = height / EARTH_RADIUS / DEGREE;
    double widest = m->latitude < 0 ? m->latitude - up : m->latitude + up;
    double aside = width / EARTH_RADIUS / cos(widest * DEGREE) / DEGREE;

    return (struct bounds){.west = m->longitude - aside,
                           .east = m->longitude + aside,
                           .south = m->latitude - up,
                           .north = m->latitude + up};
}

/* Steps at which nine cells cover so many metres around a place, most often. */
static unsigned steps_for(double metres, double latitude)
{
    int steps = -1;

    if (metres == 0)
        return GEO_STEPS;
    for (; metres < MERCATOR_MAX; metres *= 2)
        steps++;
    /* Cells are narrow near the poles. */
    if (fabs(latitude) > 66)
        steps -= fabs(latitude) > 80 ? 2 : 1;
    return steps < 1 ? 1 : steps > GEO_STEPS ? GEO_STEPS : (unsigned)steps;
}

static struct cell cell_at(const struct geo_point *p, unsigned steps)
{
    return (struct cell){.x = part_of(p->longitude, GEO_LONGITUDE_MAX, steps),
                         .y = part_of(p->latitude, GEO_LATITUDE_MAX, steps),
                         .steps = steps};
}

static struct cell neighbour(const struct cell *c, int right, int up)
{
    uint32_t mask = (UINT32_C(1) << c->steps) - 1;

    /* A place on the very edge of the map is in a cell behind the last, and stays so. */
    return (struct cell){.x = right ? (c->x + (uint32_t)right) & mask : c->x,
                         .y = up ? (c->y + (uint32_t)up) & mask : c->y,
                         .steps = c->steps};
}

/* True when the cells next to this one reach as far as the area does. */
static bool covers(const struct cell *c, const struct bounds *area)
{
    struct cell north = neighbour(c, 0, 1), south = neighbour(c, 0, -1);
    struct cell east = neighbour(c, 1, 0), west = neighbour(c, -1, 0);

    return !(bounds_of_cell(&north).north < area->north) &&
           !(bounds_of_cell(&south).south > area->south) &&
           !(bounds_of_cell(&east).east < area->east) && !(bounds_of_cell(&west).west > area->west);
}

static struct geo_cell scores_of(const struct cell *c)
{
    uint64_t bits = spread(c->x) << 1 | spread(c->y);
    unsigned rest = 2 * (GEO_STEPS - c->steps);

    return (struct geo_cell){(double)(bits << rest), (double)((bits + 1) << rest)};
}

unsigned geo_cells_of(const struct geo_area *area, struct geo_cell out[GEO_CELLS])
{
    /* In the order in which members are told where none is asked for. */
    static const struct {
        int8_t right, up;
    } around[GEO_CELLS] = {
        {0,  0 },
        {0,  1 },
        {0,  -1},
        {1,  0 },
        {-1, 0 },
        {1,  1 },
        {-1, 1 },
        {1,  -1},
        {-1, -1}
    };
    double reach =
        area->is_box
            ? sqrt(area->width / 2 * (area->width / 2) + area->height / 2 * (area->height / 2))
            : area->radius;
    struct bounds whole = bounds_of_area(area);
    unsigned steps = steps_for(reach * area->unit, area->middle.latitude), count = 0;
    struct cell middle = cell_at(&area->middle, steps);

    if (steps > 1 && !covers(&middle, &whole))
        middle = cell_at(&area->middle, --steps);
    struct bounds inner = bounds_of_cell(&middle);
    for (unsigned i = 0; i < GEO_CELLS; i++) {
        /* Cells on a side on which the area does not leave the middle one are of no use. */
        bool is_beyond = (around[i].up < 0 && inner.south < whole.south) ||
                         (around[i].up > 0 && inner.north > whole.north) ||
                         (around[i].right < 0 && inner.west < whole.west) ||
                         (around[i].right > 0 && inner.east > whole.east);
        struct cell c = neighbour(&middle, around[i].right, around[i].up);
        struct geo_cell scores = scores_of(&c);

        if (steps >= 2 && is_beyond)
            continue;
        /* Large cells meet themselves on the other side. */
        if (count > 1 && out[count - 1].first == scores.first)
            continue;
        out[count++] = scores;
    }
    return count;
}
