/* The table of users, and how it is changed as a whole. */
#include "cacheengine/acl/acl.h"

#include "cacheengine/acl/internal.h"

#include <stdlib.h>

/* As names are ordered: by bytes, the shorter first. */
static int name_compare(struct str a, struct str b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Where a name stands or would stand. */
static size_t place_of(const struct acl *acl, struct str name, bool *is_there)
{
    size_t low = 0, high = acl->count;

    *is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = name_compare(acl->users[middle]->name, name);

        if (order == 0)
            *is_there = true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct acl_user *acl_find(const struct acl *acl, struct str name)
{
    bool is_there;
    size_t at = place_of(acl, name, &is_there);

    return is_there ? acl->users[at] : NULL;
}

static void insert(struct acl *acl, struct acl_user *u)
{
    bool is_there;
    size_t at = place_of(acl, u->name, &is_there);

    check(!is_there);
    if (acl->count == acl->capacity) {
        acl->capacity = acl->capacity ? 2 * acl->capacity : 4;
        acl->users = realloc(acl->users, acl->capacity * sizeof(struct acl_user *));
        check(acl->users);
    }
    memmove(&acl->users[at + 1], &acl->users[at], (acl->count - at) * sizeof(struct acl_user *));
    acl->users[at] = u;
    acl->count++;
}

struct acl_user *acl_remove(struct acl *acl, struct str name)
{
    bool is_there;
    size_t at = place_of(acl, name, &is_there);

    if (!is_there || acl->users[at] == acl->preset)
        return NULL;
    struct acl_user *u = acl->users[at];
    acl->count--;
    memmove(&acl->users[at], &acl->users[at + 1], (acl->count - at) * sizeof(struct acl_user *));
    return u;
}

static void note_restriction(struct acl_user *u)
{
    const struct acl_selector *own = &u->selectors.items[0];

    u->is_unrestricted = own->all_commands && own->all_keys && own->all_channels;
}

/* The default user as it is where nobody has said anything of it. */
static struct acl_user *preset_new(void)
{
    static const char *const rules[] = {"+@all", "~*", "&*", "on", "nopass"};
    struct acl_user *u = user_new(STR("default"), true);

    for (size_t i = 0; i < countof(rules); i++) {
        struct err e = user_apply(u, str_of(rules[i]), true);
        check(!err_failed(e));
    }
    note_restriction(u);
    return u;
}

void acl_init(struct acl *acl)
{
    *acl = (struct acl){.preset = preset_new()};
    insert(acl, acl->preset);
}

void acl_fini(struct acl *acl)
{
    for (size_t i = 0; i < acl->count; i++)
        acl_user_free(acl->users[i]);
    free(acl->users);
    *acl = (struct acl){0};
}

struct err acl_set_user(struct acl *acl, struct arena *a, struct str name, const struct str *rules,
                        size_t count)
{
    struct acl_user *old = acl_find(acl, name);
    struct acl_user *u = old ? user_copy(old) : user_new(name, acl->opens_channels);
    struct err e = OK;
    struct str *merged;
    size_t n;

    if (!rules_merge(a, rules, count, &merged, &n))
        e = err_format(a, ERR_INVALID, "Unmatched parenthesis in acl selector starting at '%.*s'.",
                       STR_ARG(rules[n]));
    for (size_t i = 0; !err_failed(e) && i < n; i++) {
        e = user_apply(u, merged[i], acl->opens_channels);
        if (err_failed(e))
            e = err_format(a, e.code, "Error in ACL SETUSER modifier '%.*s': %s",
                           STR_ARG(merged[i]), e.why);
    }
    note_restriction(u);
    if (!err_failed(e) && !old) {
        insert(acl, u);
        return OK;
    }
    if (!err_failed(e))
        user_swap(old, u);
    acl_user_free(u);
    return e;
}

void acl_set_preset_password(struct acl *acl, struct str password)
{
    struct acl_user *u = user_copy(acl->preset);

    u->passwords.count = 0;
    u->is_passless = password.len == 0;
    if (password.len > 0)
        digest_sha256(password.ptr, password.len, vec_add(&u->arena, &u->passwords)->sum);
    user_swap(acl->preset, u);
    acl_user_free(u);
}

/* ---- files ---- */

void acl_save(const struct acl *acl, struct buf *out)
{
    for (size_t i = 0; i < acl->count; i++) {
        buf_printf(out, "user %.*s ", STR_ARG(acl->users[i]->name));
        acl_describe(acl->users[i], out);
        buf_putc(out, '\n');
    }
}

struct loading {
    struct acl next;
    struct arena *a;
    const char *origin;
    struct buf faults;
};

/* The rules of one line, behind the name. Of several wrong ones the first is told, and every
 * unknown command, which is no secret. */
static void load_rules(struct loading *l, struct acl_user *u, const struct str *words, size_t count,
                       int line)
{
    bool was_told = false;
    struct str *rules;
    size_t n;

    if (!rules_merge(l->a, words, count, &rules, &n)) {
        buf_printf(&l->faults, "%s:%d: Unmatched parenthesis in selector definition.", l->origin,
                   line);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct err e = user_apply(u, str_trim(rules[i]), l->next.opens_channels);

        if (err_is(e, ERR_NOT_FOUND))
            buf_printf(&l->faults, "%s:%d: Error in applying operation '%.*s': %s. ", l->origin,
                       line, STR_ARG(rules[i]), e.why);
        else if (err_failed(e) && !was_told)
            buf_printf(&l->faults, "%s:%d: %s. ", l->origin, line, e.why);
        was_told |= err_failed(e) && !err_is(e, ERR_NOT_FOUND);
    }
}

static void load_line(struct loading *l, struct str text, int line)
{
    vec_of(struct str) words = VEC_EMPTY;

    while (text.len > 0) {
        struct str word = str_cut(&text, ' ');

        if (word.len > 0)
            *vec_add(l->a, &words) = word;
    }
    if (words.count == 0)
        return;
    if (!str_is(words.items[0], "user") || words.count < 2) {
        buf_printf(&l->faults, "%s:%d should start with user keyword followed by the username. ",
                   l->origin, line);
        return;
    }
    struct str name = words.items[1];
    if (!acl_name_is_valid(name)) {
        buf_printf(&l->faults, "'%s:%d: username '%.*s' contains invalid characters. ", l->origin,
                   line, STR_ARG(name));
        return;
    }
    if (acl_find(&l->next, name)) {
        buf_printf(&l->faults, "WARNING: Duplicate user '%.*s' found on line %d. ", STR_ARG(name),
                   line);
        return;
    }
    struct acl_user *u = user_new(name, l->next.opens_channels);
    insert(&l->next, u);
    load_rules(l, u, words.items + 2, words.count - 2, line);
    note_restriction(u);
}

/* Gives those who stay the new content, and the table of the others their places. */
static void replace(struct acl *acl, struct acl *next, struct arena *a, struct acl_gone *gone)
{
    for (size_t i = 0; i < acl->count; i++) {
        struct acl_user *old = acl->users[i];
        bool is_there;
        size_t at = place_of(next, old->name, &is_there);

        if (!is_there) {
            *vec_add(a, &gone->users) = old;
            continue;
        }
        user_swap(old, next->users[at]);
        acl_user_free(next->users[at]);
        next->users[at] = old;
    }
    free(acl->users);
    next->preset = acl->preset;
    *acl = *next;
}

struct err acl_load(struct acl *acl, struct arena *a, struct str text, const char *origin,
                    struct acl_gone *gone)
{
    struct loading l = {.a = a, .origin = origin, .next.opens_channels = acl->opens_channels};

    for (int line = 1; text.len > 0; line++)
        load_line(&l, str_trim(str_cut(&text, '\n')), line);
    if (l.faults.len > 0) {
        struct err e = err_format(a, ERR_INVALID,
                                  "%sWARNING: ACL errors detected, no change to the previously "
                                  "active ACL rules was performed",
                                  buf_cstr(&l.faults));

        buf_fini(&l.faults);
        acl_fini(&l.next);
        return e;
    }
    if (!acl_find(&l.next, STR("default")))
        insert(&l.next, preset_new());
    replace(acl, &l.next, a, gone);
    return OK;
}
