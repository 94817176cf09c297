/*
 * The command line of an operation: global options, options made from the input's shape, and
 * aws-cli's paging options.
 */
#ifndef LARDER_CLI_COMMANDS_OPTIONS_H
#define LARDER_CLI_COMMANDS_OPTIONS_H

#include "base/err.h"
#include "base/shape.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* Where and how to ask; NULL and false where nothing was given. */
struct call_globals {
    const char *endpoint_url;
    const char *region;
    int64_t timeout_s; /* for one request; 0 leaves the default */
    bool is_unsigned;  /* --no-sign-request */
};

/* How to go through the pages of a paginated operation. */
struct call_paging {
    bool is_on;                 /* all pages are asked for and shown as one */
    int64_t max_items;          /* -1: all */
    const char *starting_token; /* of an earlier answer, or NULL */
};

struct call_options {
    bool is_help;
    struct call_globals globals;
    struct call_paging paging;
    void *input; /* of the type that op->in describes, zeroed where nothing was given */
};

/* The paginator of an operation, or NULL. */
const struct paginator_desc *paginator_of(const struct service_desc *s, const char *op);

/* An option that does not come from the input's shape, for help texts; `value` NULL marks a switch.
 */
struct option_doc {
    const char *name;
    const char *value;
    const char *doc;
};

/* Row `index` of the options that every operation takes, or only paginated ones; false behind the
 * last. */
bool options_global(size_t index, struct option_doc *out);
bool options_paging(size_t index, struct option_doc *out);

/* True unless `word` is one of those options and its value is the next word. */
bool options_is_switch(const char *word);

/*
 * Reads the words behind the operation's name. ERR_INVALID, with sentences for the user, for an
 * unknown option (with the nearest one), a missing or unusable value, and a required option not
 * given.
 */
must_use struct err options_parse(struct arena *a, const struct service_desc *s,
                                  const struct op_desc *op, int argc, char **argv,
                                  struct call_options *out);

#endif
