/* What the files of this module share. */
#ifndef LARDER_ACL_INTERNAL_H
#define LARDER_ACL_INTERNAL_H

#include "cacheengine/acl/acl.h"

/* A user without permissions, off, that belongs to nobody yet. */
struct acl_user *user_new(struct str name, bool opens_channels);

/* A deep copy with an arena of its own, free of what old changes left behind. */
struct acl_user *user_copy(const struct acl_user *u);

/* Exchanges all but the address. */
void user_swap(struct acl_user *a, struct acl_user *b);

/* One rule for a user: ERR_INVALID, or ERR_NOT_FOUND for a command or category that is unknown,
 * with a literal that says what is wrong. */
must_use struct err user_apply(struct acl_user *u, struct str rule, bool opens_channels);

/* The same for a selector whose memory is `a`. */
must_use struct err selector_apply(struct arena *a, struct acl_selector *s, struct str rule);

/* A selector that allows nothing, and a copy of one. */
void selector_init(struct arena *a, struct acl_selector *s, bool opens_channels);
void selector_copy(struct arena *a, struct acl_selector *to, const struct acl_selector *from);

bool selector_has_command(const struct acl_selector *s, int id);

/* Puts together what a selector's parentheses hold in several words. false: one of them is never
 * closed; *out_count is where it began then. */
bool rules_merge(struct arena *a, const struct str *words, size_t count, struct str **out,
                 size_t *out_count);

#endif
