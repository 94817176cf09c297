/*
 * What the generators share: reading a description strictly, names in C, and writing a file only
 * when its content changed (so that nothing is built again without need).
 *
 * A description that cannot be right ends the program: spec_fail prints file, place and reason.
 */
#ifndef LARDER_API_SPEC_SPEC_H
#define LARDER_API_SPEC_SPEC_H

#include <cjson/cJSON.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Prints "file: place: reason" and ends the program with status 1. */
__attribute__((noreturn, format(printf, 3, 4))) void spec_fail(const char *file, const char *place,
                                                               const char *fmt, ...);

/* The root object of a JSON file whose objects have no name twice; lives until the program ends. */
const cJSON *spec_load(const char *path);

/* Members that must be there and of that kind, or the program ends. */
const cJSON *spec_object(const char *file, const char *place, const cJSON *in, const char *name);
const char *spec_text(const char *file, const char *place, const cJSON *in, const char *name);

/* Members that may be missing: NULL, false, or `otherwise` then; of another kind ends the program.
 */
const cJSON *spec_array_or_null(const char *file, const char *place, const cJSON *in,
                                const char *name);
const char *spec_text_or(const char *file, const char *place, const cJSON *in, const char *name,
                         const char *otherwise);
bool spec_flag(const char *file, const char *place, const cJSON *in, const char *name);

/* Ends the program when `in` has a member that is not among the space-separated `allowed` names. */
void spec_only(const char *file, const char *place, const cJSON *in, const char *allowed);

/* True when `word` is one of the space-separated `words`. */
bool spec_is_among(const char *words, const char *word);

/* "CacheClusterId" becomes "cache_cluster_id", "AZMode" "az_mode", "VCpus" "v_cpus"; words of the
 * language get an underscore behind them. The result is never freed. */
const char *spec_snake(const char *name);

/* The same in capitals: "CACHE_CLUSTER_ID". */
const char *spec_shout(const char *name);

/* A text made by printf's rules; never freed. */
const char *spec_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A file being written: its content is collected in memory first. */
struct spec_out {
    FILE *stream;
    char *text;
    size_t len;
    const char *path;
};

/* Begins DIR/NAME with a line that says where it came from. */
void spec_out_begin(struct spec_out *out, const char *dir, const char *name);

/* Writes the file unless it stands there with the same content. */
void spec_out_end(struct spec_out *out);

/* Writes `text` as a C string literal, or NULL. */
void spec_out_literal(struct spec_out *out, const char *text);

#endif
