/*
 * Directives: a table (config.def) with name, kind, default, range and whether they can change
 * while running. It drives the file, the command line, CONFIG GET and CONFIG SET.
 */
#ifndef LARDER_DISPATCH_CONFIG_H
#define LARDER_DISPATCH_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "cacheengine/keyspace/settings.h"

#include <stdbool.h>
#include <stddef.h>

enum config_kind {
    CONFIG_INT,
    CONFIG_BYTES,
    CONFIG_PERCENT, /* bytes, or below zero: percent of something */
    CONFIG_OCTAL,
    CONFIG_BOOL,
    CONFIG_TEXT,
    CONFIG_EVENTS,  /* classes of notifications, kept as text in their one order */
    CONFIG_NUMBERS, /* a list of numbers within a range, kept as text; it may be empty */
    CONFIG_ENUM,
    CONFIG_FLAGS, /* several words, kept as bits: the first word stands for none of them */
    CONFIG_SAVES, /* pairs of seconds and changes */
    CONFIG_LIMITS,
    CONFIG_KEPT, /* remembered as text, read by nobody */
    CONFIG_ONLY, /* known with one value only; `note` says why */
};

/* Whether CONFIG SET may change it. PROTECTED: by whom enable-protected-configs says. */
enum config_change { CONFIG_FIXED = false, CONFIG_OPEN = true, CONFIG_PROTECTED };

struct config_row {
    const char *name, *alias;
    enum config_kind kind;
    size_t offset; /* of the field in struct settings */
    const char *preset;
    int64_t min, max;
    const char *const *words; /* ENUM: by value, ended by NULL */
    const char *note;
    enum config_change change;
};

struct config {
    struct settings *settings; /* where the values stand; borrowed */
    char **texts;              /* per row: the owned text of TEXT and KEPT values */
    struct buf users;          /* the lines "user NAME RULE ..." that came, as they came */
};

/* Fills settings with the defaults. */
void config_init(struct config *c, struct settings *settings);
void config_fini(struct config *c);

/* The rows, and how many there are. */
const struct config_row *config_rows(size_t *count);

/* The row of a name or alias in any case, or NULL. */
const struct config_row *config_find(struct str name);

/* Reads a file in redis.conf's syntax, a text of that form, or one directive with its values in
 * words[0..]. Errors say where and why, in `a`. */
must_use struct err config_load_file(struct config *c, struct arena *a, const char *path);
must_use struct err config_load_text(struct config *c, struct arena *a, struct str text,
                                     const char *origin);
must_use struct err config_load_words(struct config *c, struct arena *a, const struct str *words,
                                      size_t count);

/* Sets one row from text; ERR_INVALID with a sentence in `a` and no change when it does not fit. */
must_use struct err config_set(struct config *c, struct arena *a, const struct config_row *row,
                               struct str value);

/* The value as CONFIG GET shows it. */
void config_get(const struct config *c, const struct config_row *row, struct buf *out);

/* Writes the present values to the file that was loaded: lines of known directives are replaced,
 * comments stay, what differs from the defaults and stands nowhere is added; lines of users give
 * way to `users`. The file is replaced whole or not. */
must_use struct err config_rewrite(const struct config *c, struct arena *a, const char *path,
                                   struct str users);

/* Splits a line into words with redis.conf's quoting; ERR_INVALID on unbalanced quotes. */
must_use struct err config_split(struct arena *a, struct str line, struct str **out, size_t *count);

/* Warns of remembered directives that have another value than the default. */
void config_warn_unread(const struct config *c);

#endif
