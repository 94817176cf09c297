/*
 * A program's command line as a table: `--flag value`, `--flag=value` and `--switch`, with checks
 * and the --help text made from the same rows.
 *
 *     struct options { const char *state_dir; int64_t port; bool is_loud; };
 *     static const struct flag rows[] = {
 *         {.name = "state-dir", .kind = FLAG_TEXT, .at = offsetof(struct options, state_dir),
 *          .value = "DIR", .doc = "where everything is kept", .is_required = true},
 *         {.name = "port", .kind = FLAG_NUMBER, .at = offsetof(struct options, port), .value =
 * "PORT", .fallback = "9379", .min = 1, .max = 65535, .doc = "port to listen on"},
 *     };
 *     static const struct flags line = {.program = "larderd", .about = "...", FLAG_ROWS(rows)};
 *     if (!flags_begin(&line, &arena, argc, argv, &options, &rest, &status))
 *         return status;
 */
#ifndef LARDER_BASE_FLAGS_H
#define LARDER_BASE_FLAGS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;

enum flag_kind {
    FLAG_SWITCH, /* bool: true when given; takes no value */
    FLAG_TEXT,   /* const char *: borrowed from argv, or a copy in the arena */
    FLAG_NUMBER, /* int64_t: a whole decimal number from min to max */
    FLAG_BYTES,  /* int64_t: 4096, 64KB, 512MB, 32GB (powers of 1024); "auto" gives 0 */
    FLAG_CHOICE, /* const char *: one of `choices` */
};

struct flag {
    const char *name; /* without the dashes */
    enum flag_kind kind;
    size_t at;            /* where the value goes in the program's options: offsetof() */
    const char *value;    /* what --help calls the value: "DIR"; NULL for switches */
    const char *doc;      /* what --help says about it */
    const char *fallback; /* the value when it is not given; NULL leaves the options as they are */
    bool is_required;     /* must be given */
    int64_t min, max;     /* NUMBER, BYTES: the range; both 0 means any that is not negative */
    const char *const *choices; /* CHOICE: the words, ended by NULL */
};

enum flags_words {
    FLAGS_NO_WORDS, /* a word that is no flag is an error; `--` ends the flags, words may follow it
                     */
    FLAGS_WORDS,    /* words may stand anywhere between flags */
    FLAGS_FIRST_WORD, /* the first word ends the flags: it and all behind it are left alone */
};

struct flags {
    const char *program; /* "larder-agent" */
    const char *words;   /* what --help calls the words: "-- ENGINE [ARGUMENT...]", or NULL */
    const char *about;   /* what the program does, one sentence */
    enum flags_words takes;
    const struct flag *rows;
    size_t row_count;
};

#define FLAG_ROWS(table) .rows = (table), .row_count = countof(table)

struct flags_rest {
    char **words; /* those of argv that are no flags, NULL-terminated; in the arena */
    size_t word_count;
    bool is_help; /* --help or -h was given: nothing else was checked */
    bool is_version;
};

/*
 * Reads the command line (argv[0] is skipped) into `options`: fallbacks first, then what is given.
 * ERR_INVALID, with a sentence that names the flag, for an unknown or repeated flag, a missing or
 * unusable value, a missing required flag. After a failure `options` holds some of the values.
 */
must_use struct err flags_parse(const struct flags *f, struct arena *a, int argc, char **argv,
                                void *options, struct flags_rest *out);

/* The text of --help. */
void flags_help(const struct flags *f, struct buf *out);

/*
 * flags_parse for a main(): answers --help and --version on standard output and prints what is
 * wrong on standard error. False when the program shall end now with `*out_status` (0, or 2 after
 * an error).
 */
bool flags_begin(const struct flags *f, struct arena *a, int argc, char **argv, void *options,
                 struct flags_rest *out, int *out_status);

/* "4096", "64KB", "512 MB", "32GB", "1TB" (also KiB, K ...; powers of 1024). False for anything
 * else. */
bool bytes_parse(struct str text, int64_t *out);

#endif
