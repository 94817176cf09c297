/* Patterns of KEYS, SCAN, CONFIG GET and PSUBSCRIBE: * ? [a-z] [^x] and backslash. */
#ifndef LARDER_KEYSPACE_GLOB_H
#define LARDER_KEYSPACE_GLOB_H

#include "base/str.h"

#include <stdbool.h>

bool glob_match(struct str pattern, struct str text);
bool glob_match_nocase(struct str pattern, struct str text);

#endif
