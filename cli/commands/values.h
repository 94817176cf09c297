/*
 * Option values: the words behind an option become the C representation of its shape.
 *
 * As in aws-cli: scalars are one word; lists are words with blanks between or one JSON array;
 * structures and maps are shorthand (Key=a,Value=b) or JSON. `file://PATH` in place of any value
 * reads the file.
 */
#ifndef LARDER_CLI_COMMANDS_VALUES_H
#define LARDER_CLI_COMMANDS_VALUES_H

#include "base/err.h"
#include "base/shape.h"

#include <stddef.h>

struct arena;

/* True when the option takes more than one word. */
bool value_takes_words(const struct shape *shape);

/*
 * Sets the member `m` of the struct at `parent` from its words; everything lives in `a`.
 * ERR_INVALID says what is wrong with which word.
 */
must_use struct err value_set(struct arena *a, const struct shape_member *m, char *const *words,
                              size_t count, void *parent);

/* Fills the zeroed struct at `out` from a JSON object, as for --cli-input-json. */
must_use struct err value_set_json(struct arena *a, const struct shape *shape, const char *json,
                                   void *out);

/* The text itself, or the content of the file that `file://PATH` names. */
must_use struct err value_text(struct arena *a, const char *word, const char **out);

#endif
