/*
 * aws-cli's shorthand for structures: `Key=team,Value=a`, `Values=a,b`, `Node={Id=1,Zones=[x,y]}`.
 * Syntax only; what the values mean is for the shape to say (values.h).
 */
#ifndef LARDER_CLI_COMMANDS_SHORTHAND_H
#define LARDER_CLI_COMMANDS_SHORTHAND_H

#include "base/err.h"

#include <stddef.h>

struct arena;

enum shorthand_kind { SHORTHAND_TEXT, SHORTHAND_LIST, SHORTHAND_MAP };

struct shorthand {
    enum shorthand_kind kind;
    const char *text;        /* TEXT */
    const char **keys;       /* MAP: one for each item */
    struct shorthand *items; /* LIST, MAP */
    size_t count;
};

/* Reads `text` into a MAP in `a`. ERR_INVALID says what was expected where; ERR_LIMIT when lists
 * and braces stand too deep in each other. */
must_use struct err shorthand_parse(struct arena *a, const char *text, struct shorthand *out);

#endif
