/* Results as aws-cli prints them: JSON with four blanks of indent, members in the model's order. */
#ifndef LARDER_CLI_COMMANDS_PRINT_H
#define LARDER_CLI_COMMANDS_PRINT_H

#include "cli/commands/view.h"

struct arena;
struct buf;

/*
 * Adds the struct `root` and a newline to `out`; nothing at all for a result without members, as
 * aws-cli does. `next_token`, when not NULL, becomes a last member "NextToken".
 */
void print_result(struct arena *a, struct view root, const char *next_token, struct buf *out);

#endif
