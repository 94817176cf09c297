/* A line is the user's name, what the tenant allows it, less what is the owner's, and how it shows
 * who it is. */
#include "controlplane/model/access_rules.h"

#include "base/arena.h"
#include "base/buf.h"
#include "controlplane/model/access_string.h"

#include <string.h>

static void put_digests(struct buf *out, const char *digests)
{
    for (struct str rest = str_of(digests); rest.len > 0;) {
        buf_puts(out, " #");
        buf_add_str(out, str_cut(&rest, ','));
    }
}

static void put_user(struct buf *out, const char *login, const char *access, bool is_bundled)
{
    buf_puts(out, login);
    access_string_rules(str_of(access), is_bundled, out);
}

static const char *member_line(struct arena *a, const struct user *u, bool is_bundled)
{
    scoped(buf_fini) struct buf line = BUF_EMPTY;

    put_user(&line, u->login, u->access, is_bundled);
    if (u->authentication == AUTHENTICATION_NONE)
        buf_puts(&line, " nopass");
    else if (u->authentication == AUTHENTICATION_PASSWORD)
        put_digests(&line, u->digests);
    else if (is_bundled)
        buf_puts(&line, " iam");
    return str_dup(a, buf_str(&line));
}

/* Who gives no name, where no group says who that is: by the token, or by nothing. */
static const char *token_line(struct arena *a, const struct auth_token *t, bool is_bundled)
{
    scoped(buf_fini) struct buf line = BUF_EMPTY;

    put_user(&line, USER_DEFAULT, USER_DEFAULT_ACCESS " &*", is_bundled);
    if (*t->digests == '\0' || t->is_optional)
        buf_puts(&line, " nopass");
    else
        put_digests(&line, t->digests);
    return str_dup(a, buf_str(&line));
}

static bool has_default(const struct access_rules *r)
{
    for (size_t i = 0; i < r->member_count; i++)
        if (strcmp(r->members[i]->login, USER_DEFAULT) == 0)
            return true;
    return false;
}

void access_rules_lines(struct arena *a, const struct access_rules *r, const char ***out,
                        size_t *out_count)
{
    const char **lines = arena_array(a, r->member_count + 1, sizeof(*lines));
    size_t count = 0;

    if (!r->has_group)
        lines[count++] = token_line(a, &r->token, r->is_bundled);
    else if (!has_default(r))
        lines[count++] = USER_DEFAULT " off resetchannels -@all";
    for (size_t i = 0; i < r->member_count && r->has_group; i++)
        lines[count++] = member_line(a, r->members[i], r->is_bundled);
    *out = lines;
    *out_count = count;
}
