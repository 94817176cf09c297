/*
 * Searches for places: GEOSEARCH, GEOSEARCHSTORE, GEORADIUS, GEORADIUSBYMEMBER. The one idea: a
 * search is read into one struct, whatever the command's grammar; then the members in the cells of
 * its area are looked at, ordered and said or kept.
 */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/changed.h"
#include "cacheengine/types/t_geo.h"
#include "contract/command_procs.h"

#include <stdlib.h>

#define LOOK_AT_ONCE 64 /* members between two looks at whether there are enough */

/* What a command's arguments are. */
struct grammar {
    uint32_t source;     /* argument of the key that is searched */
    uint32_t options;    /* the first of them */
    uint32_t point;      /* GEORADIUS: of the place */
    uint32_t member;     /* GEORADIUSBYMEMBER: of the member */
    bool takes_store;    /* STORE and STOREDIST with a key */
    bool takes_shape;    /* FROM... and BY... */
    bool stores;         /* in argument 1 */
    const char *event;   /* of what is stored */
    const char *storing; /* in an error */
};

enum order { ORDER_NONE, ORDER_ASC, ORDER_DESC };

struct search {
    struct cmd_call *c;
    const struct grammar *g;
    struct zset z;
    bool is_there; /* there is a key to be searched */
    struct geo_area area;
    bool has_member, has_place, has_radius, has_box;
    bool with_distance, with_hash, with_place;
    bool is_any, keeps_distance;
    enum order order;
    int64_t count;  /* 0: all */
    uint32_t store; /* argument of a key; 0: the result is said */
};

/* A member that was found. */
struct hit {
    struct str text;
    struct geo_point point;
    double distance, score;
};

struct hits {
    struct arena *scratch;
    struct geo_filter filter;
    struct hit *all;
    uint64_t count, room;
    uint64_t enough; /* 0: never */
};

/* ---- arguments ---- */

static bool parse_length(struct cmd_call *c, uint32_t arg, const char *error, double *out)
{
    if (number_parse_double(c->argv[arg], out))
        return true;
    reply_error(c->reply, error);
    return false;
}

/* A radius and its unit. */
static bool parse_radius(struct search *s, uint32_t arg)
{
    struct geo_area *area = &s->area;

    if (!parse_length(s->c, arg, "ERR need numeric radius", &area->radius))
        return false;
    if (area->radius < 0) {
        reply_error(s->c->reply, "ERR radius cannot be negative");
        return false;
    }
    return geo_unit_parse(s->c, arg + 1, &area->unit);
}

static bool parse_box(struct search *s, uint32_t arg)
{
    struct geo_area *area = &s->area;

    area->is_box = true;
    if (!parse_length(s->c, arg, "ERR need numeric width", &area->width) ||
        !parse_length(s->c, arg + 1, "ERR need numeric height", &area->height))
        return false;
    if (area->width < 0 || area->height < 0) {
        reply_error(s->c->reply, "ERR height or width cannot be negative");
        return false;
    }
    return geo_unit_parse(s->c, arg + 2, &area->unit);
}

/* The place of a member of the key, if there is a key. */
static bool parse_member(struct search *s, uint32_t arg)
{
    struct zset_place place;

    if (!s->is_there)
        return true;
    if (!zset_find(&s->z, s->c->argv[arg], &place)) {
        reply_error(s->c->reply, "ERR could not decode requested zset member");
        return false;
    }
    s->area.middle = geo_point_of(place.score);
    return true;
}

static bool parse_count(struct search *s, uint32_t arg)
{
    if (!call_int(s->c, arg, &s->count))
        return false;
    if (s->count > 0)
        return true;
    reply_error(s->c->reply, "ERR COUNT must be > 0");
    return false;
}

/* Reads an option that is one word; false when it is none. */
static bool parse_word(struct search *s, uint32_t arg)
{
    if (call_is(s->c, arg, "withdist"))
        s->with_distance = true;
    else if (call_is(s->c, arg, "withhash"))
        s->with_hash = true;
    else if (call_is(s->c, arg, "withcoord"))
        s->with_place = true;
    else if (call_is(s->c, arg, "any"))
        s->is_any = true;
    else if (call_is(s->c, arg, "asc"))
        s->order = ORDER_ASC;
    else if (call_is(s->c, arg, "desc"))
        s->order = ORDER_DESC;
    else if (s->g->stores && call_is(s->c, arg, "storedist"))
        s->keeps_distance = true;
    else
        return false;
    return true;
}

/* Reads FROM... or BY...; returns how many words follow it, 0 when it is none of them, and sets
 * *ok false after an error was sent. */
static uint32_t parse_shape(struct search *s, uint32_t arg, bool *ok)
{
    uint32_t behind = s->c->argc - arg - 1;

    if (call_is(s->c, arg, "frommember") && behind >= 1 && !s->has_place) {
        s->has_member = true;
        *ok = parse_member(s, arg + 1);
        return 1;
    }
    if (call_is(s->c, arg, "fromlonlat") && behind >= 2 && !s->has_member) {
        s->has_place = true;
        *ok = geo_point_parse(s->c, arg + 1, &s->area.middle);
        return 2;
    }
    if (call_is(s->c, arg, "byradius") && behind >= 2 && !s->has_box) {
        s->has_radius = true;
        *ok = parse_radius(s, arg + 1);
        return 2;
    }
    if (call_is(s->c, arg, "bybox") && behind >= 3 && !s->has_radius) {
        s->has_box = true;
        *ok = parse_box(s, arg + 1);
        return 3;
    }
    return 0;
}

/* Likewise COUNT, STORE and STOREDIST. */
static uint32_t parse_valued(struct search *s, uint32_t arg, bool *ok)
{
    bool is_distance = call_is(s->c, arg, "storedist");

    if (s->c->argc - arg - 1 < 1)
        return 0;
    if (call_is(s->c, arg, "count")) {
        *ok = parse_count(s, arg + 1);
        return 1;
    }
    if (!s->g->takes_store || !(is_distance || call_is(s->c, arg, "store")))
        return 0;
    s->store = arg + 1;
    s->keeps_distance = is_distance;
    return 1;
}

static bool parse_options(struct search *s)
{
    for (uint32_t i = s->g->options; i < s->c->argc; i++) {
        bool ok = true;
        uint32_t taken = 0;

        if (parse_word(s, i))
            continue;
        taken = parse_valued(s, i, &ok);
        if (taken == 0 && s->g->takes_shape)
            taken = parse_shape(s, i, &ok);
        if (taken == 0) {
            reply_syntax_error(s->c->reply);
            return false;
        }
        if (!ok)
            return false;
        i += taken;
    }
    return true;
}

/* What options have to do with each other. */
static bool check_options(struct search *s)
{
    struct str name = s->c->argv[0];

    if (s->store && (s->with_distance || s->with_hash || s->with_place)) {
        reply_errorf(s->c->reply,
                     "ERR %s is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
                     s->g->storing);
        return false;
    }
    if (s->g->takes_shape && !s->has_member && !s->has_place) {
        reply_errorf(s->c->reply,
                     "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for %.*s",
                     (int)name.len, name.ptr);
        return false;
    }
    if (s->g->takes_shape && !s->has_radius && !s->has_box) {
        reply_errorf(s->c->reply, "ERR exactly one of BYRADIUS and BYBOX can be specified for %.*s",
                     (int)name.len, name.ptr);
        return false;
    }
    if (s->is_any && !s->count) {
        reply_error(s->c->reply, "ERR the ANY argument requires COUNT argument");
        return false;
    }
    return true;
}

/* Finds the key and reads the whole command; false after an error was sent. */
static bool parse(struct search *s)
{
    const struct grammar *g = s->g;
    bool ok;

    s->area.unit = 1;
    s->store = g->stores ? 1 : 0;
    s->is_there = zset_read(s->c, g->source, &s->z, &ok);
    if (!ok)
        return false;
    if (g->point &&
        (!geo_point_parse(s->c, g->point, &s->area.middle) || !parse_radius(s, g->point + 2)))
        return false;
    /* Where there is no key nobody asks how far around the member. */
    if (g->member && s->is_there &&
        (!parse_member(s, g->member) || !parse_radius(s, g->member + 1)))
        return false;
    if (!parse_options(s) || !check_options(s))
        return false;
    /* Of so many, the nearest are meant. */
    if (s->count && !s->is_any && s->order == ORDER_NONE)
        s->order = ORDER_ASC;
    return true;
}

/* ---- searching ---- */

static struct hit *hits_add(struct hits *h)
{
    if (h->count == h->room) {
        uint64_t room = h->room ? h->room * 2 : 32;
        struct hit *all = arena_array(h->scratch, room, sizeof(*all));

        if (h->count > 0)
            memcpy(all, h->all, h->count * sizeof(*all));
        h->all = all;
        h->room = room;
    }
    return &h->all[h->count++];
}

static void look_at(void *ctx, const struct zset_member *m)
{
    struct hits *h = ctx;
    struct geo_point point;
    double distance;

    if ((h->enough && h->count == h->enough) ||
        !geo_filter_takes(&h->filter, m->score, &point, &distance))
        return;
    struct hit *hit = hits_add(h);
    *hit = (struct hit){.text = m->text, .point = point, .distance = distance, .score = m->score};
    if (m->is_brief)
        hit->text.ptr = arena_memdup(h->scratch, m->text.ptr, m->text.len);
}

static void look_in(const struct zset *z, const struct geo_cell *cell, struct hits *h)
{
    struct zset_bound first = {.at = {.score = cell->first}}, end = {.at = {.score = cell->end}};
    uint64_t at = zset_below(z, &first), behind = zset_below(z, &end);

    while (at < behind && !(h->enough && h->count == h->enough)) {
        uint64_t some = behind - at;

        if (h->enough && some > LOOK_AT_ONCE)
            some = LOOK_AT_ONCE;
        zset_each(z, at, some, false, look_at, h);
        at += some;
    }
}

static void find(const struct search *s, struct hits *h)
{
    struct geo_cell cells[GEO_CELLS];
    unsigned count = geo_cells_of(&s->area, cells);

    *h = (struct hits){.scratch = s->c->scratch, .enough = s->is_any ? (uint64_t)s->count : 0};
    geo_filter_begin(&s->area, &h->filter);
    for (unsigned i = 0; i < count; i++)
        look_in(&s->z, &cells[i], h);
}

/* ---- ordering ---- */

static int compare(const void *a, const void *b)
{
    double x = ((const struct hit *)a)->distance, y = ((const struct hit *)b)->distance;

    return (x > y) - (x < y);
}

static int compare_turned(const void *a, const void *b)
{
    return compare(b, a);
}

/* Leaves those that are wanted, in order; those that are as far stay as they were found. */
static void order(const struct search *s, struct hits *h)
{
    if (s->order != ORDER_NONE && h->count > 1)
        qsort(h->all, h->count, sizeof(*h->all), s->order == ORDER_ASC ? compare : compare_turned);
    if (s->count && h->count > (uint64_t)s->count)
        h->count = (uint64_t)s->count;
}

/* ---- results ---- */

static void say(const struct search *s, const struct hits *h)
{
    struct reply *r = s->c->reply;
    unsigned parts = 1u + s->with_distance + s->with_hash + s->with_place;

    reply_array(r, h->count);
    for (uint64_t i = 0; i < h->count; i++) {
        const struct hit *hit = &h->all[i];

        if (parts > 1)
            reply_array(r, parts);
        reply_bulk_str(r, hit->text);
        if (s->with_distance)
            geo_say_distance(r, hit->distance / s->area.unit);
        if (s->with_hash)
            reply_int(r, (int64_t)hit->score);
        if (s->with_place)
            geo_say_point(r, &hit->point);
    }
}

/* Sets the key to what was found, or removes it. */
static void store(const struct search *s, const struct hits *h)
{
    struct cmd_call *c = s->c;
    struct key k = call_key(c, s->store);

    if (h->count == 0) {
        if (db_delete(c->db, k, c->ks->settings->lazy_server_del))
            call_changed(c, k, EVENT_GENERIC, "del");
        reply_int(c->reply, 0);
        return;
    }
    struct zset_member *members = arena_array(c->scratch, h->count, sizeof(*members));
    for (uint64_t i = 0; i < h->count; i++) {
        const struct hit *hit = &h->all[i];

        members[i] = (struct zset_member){.text = hit->text,
                                          .score = s->keeps_distance ? hit->distance / s->area.unit
                                                                     : hit->score};
    }
    qsort(members, h->count, sizeof(*members), zset_order);
    zset_store(c->db, k, members, h->count);
    changed_by(c, k, EVENT_ZSET, s->g->event, h->count);
    reply_int(c->reply, (int64_t)h->count);
}

static void search(struct cmd_call *c, const struct grammar *g)
{
    struct search s = {.c = c, .g = g};
    struct hits h = {0};

    if (!parse(&s))
        return;
    if (s.is_there) {
        find(&s, &h);
        order(&s, &h);
    }
    if (s.store)
        store(&s, &h);
    else
        say(&s, &h);
}

/* ---- commands ---- */

void cmd_geosearch(struct cmd_call *c)
{
    static const struct grammar g = {.source = 1, .options = 2, .takes_shape = true};

    search(c, &g);
}

void cmd_geosearchstore(struct cmd_call *c)
{
    static const struct grammar g = {.source = 2,
                                     .options = 3,
                                     .takes_shape = true,
                                     .stores = true,
                                     .event = "geosearchstore",
                                     .storing = "GEOSEARCHSTORE"};

    search(c, &g);
}

#define RADIUS_STORES \
    .takes_store = true, .event = "georadiusstore", .storing = "STORE option in GEORADIUS"

void cmd_georadius(struct cmd_call *c)
{
    static const struct grammar g = {.source = 1, .options = 6, .point = 2, RADIUS_STORES};

    search(c, &g);
}

void cmd_georadius_ro(struct cmd_call *c)
{
    static const struct grammar g = {.source = 1, .options = 6, .point = 2};

    search(c, &g);
}

void cmd_georadiusbymember(struct cmd_call *c)
{
    static const struct grammar g = {.source = 1, .options = 5, .member = 2, RADIUS_STORES};

    search(c, &g);
}

void cmd_georadiusbymember_ro(struct cmd_call *c)
{
    static const struct grammar g = {.source = 1, .options = 5, .member = 2};

    search(c, &g);
}
