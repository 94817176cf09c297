/* What the files of places share. */
#ifndef LARDER_TYPES_T_GEO_H
#define LARDER_TYPES_T_GEO_H

#include "cacheengine/types/geohash.h"
#include "cacheengine/types/t_zset.h"

/* Longitude and latitude in argument `arg` and the next; false after the error was sent. */
bool geo_point_parse(struct cmd_call *c, uint32_t arg, struct geo_point *out);

/* Metres of the unit in an argument; false likewise. */
bool geo_unit_parse(struct cmd_call *c, uint32_t arg, double *out);

/* The answer's parts: a pair of degrees, and a length with four digits behind the point. */
void geo_say_point(struct reply *r, const struct geo_point *p);
void geo_say_distance(struct reply *r, double distance);

#endif
