/*
 * Directives: a table (config.def) with name, kind, default, range and whether they can change
 * while running. It drives the file, the command line, CONFIG GET, CONFIG SET and CONFIG REWRITE.
 */
#ifndef LARDER_DISPATCH_CONFIG_H
#define LARDER_DISPATCH_CONFIG_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "cacheengine/keyspace/settings.h"

#include <stdbool.h>
#include <stddef.h>

struct reply;

struct config {
    struct settings *settings; /* where the values stand; borrowed */
    char **texts;              /* per row: the owned string value, or the text of kept-only rows */
};

/* Fills settings with the defaults. */
void config_init(struct config *c, struct settings *settings);
void config_fini(struct config *c);

/* Reads a file in redis.conf's syntax, or one directive of the command line ("port", values).
 * Errors say which line and why, in `a`. */
must_use struct err config_load_file(struct config *c, struct arena *a, const char *path);
must_use struct err config_load_text(struct config *c, struct arena *a, struct str text,
                                     const char *origin);
must_use struct err config_load_line(struct config *c, struct arena *a, const struct str *words,
                                     size_t count);

/* Splits a line into words with redis.conf's quoting; ERR_INVALID on unbalanced quotes. */
must_use struct err config_split(struct arena *a, struct str line, struct str **out, size_t *count);

struct config_row;

/* The row of a name or alias in any case, or NULL. */
const struct config_row *config_row_find(struct str name);

#endif
