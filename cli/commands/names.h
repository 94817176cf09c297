/*
 * Names as people type them: the model's CamelCase in aws-cli's kebab case, and the nearest known
 * word to a mistyped one.
 */
#ifndef LARDER_CLI_COMMANDS_NAMES_H
#define LARDER_CLI_COMMANDS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* "CacheNodeType" -> "cache-node-type", "CacheARNs" -> "cache-arns": the rules of the AWS SDKs. */
char *name_kebab(struct arena *a, const char *camel);

/* True when `typed` is the kebab form of `camel`. */
bool name_is(struct arena *a, const char *typed, const char *camel);

/*
 * Looking for the nearest word: name_guess_try every known word, then read `best`, which is NULL
 * when nothing comes close enough to be worth a suggestion. Words are borrowed.
 */
struct name_guess {
    const char *typed;
    const char *best;
    size_t distance;
};

void name_guess_try(struct name_guess *g, const char *word);

#endif
