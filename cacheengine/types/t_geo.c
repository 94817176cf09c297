/*
 * Places: GEOADD, GEOPOS, GEODIST, GEOHASH. The one idea: a place is the score of a member, so they
 * are kept, moved, replicated and removed as sorted sets are.
 */
#include "cacheengine/types/t_geo.h"

#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/number.h"
#include "contract/command_procs.h"

#include <math.h>

/* ---- shared ---- */

bool geo_point_parse(struct cmd_call *c, uint32_t arg, struct geo_point *out)
{
    if (!call_double(c, arg, &out->longitude) || !call_double(c, arg + 1, &out->latitude))
        return false;
    if (geo_point_is_valid(out))
        return true;
    reply_errorf(c->reply, "ERR invalid longitude,latitude pair %f,%f", out->longitude,
                 out->latitude);
    return false;
}

bool geo_unit_parse(struct cmd_call *c, uint32_t arg, double *out)
{
    static const struct {
        const char *word;
        double metres;
    } units[] = {
        {"m",  1      },
        {"km", 1000   },
        {"ft", 0.3048 },
        {"mi", 1609.34},
    };

    for (size_t i = 0; i < countof(units); i++)
        if (call_is(c, arg, units[i].word)) {
            *out = units[i].metres;
            return true;
        }
    reply_error(c->reply, "ERR unsupported unit provided. please use M, KM, FT, MI");
    return false;
}

void geo_say_point(struct reply *r, const struct geo_point *p)
{
    reply_array(r, 2);
    reply_plain_double(r, p->longitude);
    reply_plain_double(r, p->latitude);
}

void geo_say_distance(struct reply *r, double distance)
{
    long long scaled = llrint(distance * 10000);
    uint64_t all = scaled < 0 ? -(uint64_t)scaled : (uint64_t)scaled;
    char text[NUMBER_I64_MAX + 6];
    unsigned len = 0;

    if (scaled < 0)
        text[len++] = '-';
    len += number_write_u64(text + len, all / 10000);
    text[len++] = '.';
    for (unsigned unit = 1000; unit > 0; unit /= 10)
        text[len++] = (char)('0' + all / unit % 10);
    reply_bulk(r, text, len);
}

/* ---- GEOADD ---- */

/* Reads the options; false after an error was sent. */
static bool parse_options(struct cmd_call *c, struct zset_adding *how)
{
    uint32_t i = 2;

    for (; i < c->argc; i++) {
        if (call_is(c, i, "nx"))
            how->if_absent = true;
        else if (call_is(c, i, "xx"))
            how->if_present = true;
        else if (call_is(c, i, "ch"))
            how->counts_changes = true;
        else
            break;
    }
    how->first = i + 2;
    how->step = 3;
    how->count = (c->argc - i) / 3;
    if (how->count > 0 && (c->argc - i) % 3 == 0 && !(how->if_absent && how->if_present))
        return true;
    reply_syntax_error(c->reply);
    return false;
}

void cmd_geoadd(struct cmd_call *c)
{
    struct zset_adding how = {0};

    if (!parse_options(c, &how))
        return;
    double *scores = arena_array(c->scratch, how.count, sizeof(*scores));
    for (uint32_t i = 0; i < how.count; i++) {
        struct geo_point p;

        if (!geo_point_parse(c, how.first - 2 + how.step * i, &p))
            return;
        scores[i] = geo_score_of(&p);
    }
    zset_add_scored(c, &how, scores);
}

/* ---- single places ---- */

/* Says something of the score of each member from argument 2 on, or that there is none. */
static void say_each(struct cmd_call *c, void (*say)(struct reply *r, double score),
                     void (*say_none)(struct reply *r))
{
    struct zset_place place;
    struct zset z;
    bool ok, is_there = zset_read(c, 1, &z, &ok);

    if (!ok)
        return;
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        if (is_there && zset_find(&z, c->argv[i], &place))
            say(c->reply, place.score);
        else
            say_none(c->reply);
    }
}

static void say_place(struct reply *r, double score)
{
    struct geo_point p = geo_point_of(score);

    geo_say_point(r, &p);
}

void cmd_geopos(struct cmd_call *c)
{
    say_each(c, say_place, reply_null_array);
}

static void say_text(struct reply *r, double score)
{
    char text[GEO_TEXT_BYTES];

    geo_text_of(score, text);
    reply_bulk(r, text, sizeof(text));
}

void cmd_geohash(struct cmd_call *c)
{
    say_each(c, say_text, reply_null);
}

void cmd_geodist(struct cmd_call *c)
{
    struct zset_place a, b;
    double unit = 1;
    struct zset z;
    bool ok;

    if (c->argc > 5) {
        reply_syntax_error(c->reply);
        return;
    }
    if (c->argc == 5 && !geo_unit_parse(c, 4, &unit))
        return;
    bool is_there = zset_read(c, 1, &z, &ok);
    if (!ok)
        return;
    if (is_there && zset_find(&z, c->argv[2], &a) && zset_find(&z, c->argv[3], &b)) {
        struct geo_point from = geo_point_of(a.score), to = geo_point_of(b.score);

        geo_say_distance(c->reply, geo_distance(&from, &to) / unit);
    } else {
        reply_null(c->reply);
    }
}
