/*
 * Who may enter one cache, as the lines that its engines take: one a user, its name and its rules
 * as ACL LIST shows them, with passwords only as digests. The users by which nodes of a cache come
 * to each other are not among them. Pure.
 */
#ifndef LARDER_CONTROLPLANE_MODEL_ACCESS_RULES_H
#define LARDER_CONTROLPLANE_MODEL_ACCESS_RULES_H

#include "controlplane/model/auth_token.h"
#include "controlplane/model/users.h"

struct access_rules {
    bool has_group; /* a user group is attached: its members come in, nobody else */
    const struct user *const *members;
    size_t member_count;
    struct auth_token token; /* without a group: what the default user must show, if anything */
    bool is_bundled;         /* an engine of another make has no rule for tokens of IAM */
};

/* The lines, in `a`; the default user is always among them: without it an engine would let
 * everybody in. */
void access_rules_lines(struct arena *a, const struct access_rules *r, const char ***out,
                        size_t *out_count);

#endif
