/* Users: their flags, passwords and selectors, and how rules change them. */
#include "cacheengine/acl/internal.h"

#include <ctype.h>
#include <stdlib.h>

bool acl_name_is_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (isspace((unsigned char)name.ptr[i]) || name.ptr[i] == 0)
            return false;
    return true;
}

static struct acl_user *user_blank(struct str name)
{
    struct acl_user *u = calloc(1, sizeof(*u));

    check(u);
    u->name = (struct str){arena_strndup(&u->arena, name.ptr, name.len), name.len};
    return u;
}

struct acl_user *user_new(struct str name, bool opens_channels)
{
    struct acl_user *u = user_blank(name);

    selector_init(&u->arena, vec_add(&u->arena, &u->selectors), opens_channels);
    return u;
}

struct acl_user *user_copy(const struct acl_user *u)
{
    struct acl_user *copy = user_blank(u->name);

    vec_each(password, &u->passwords)
        *vec_add(&copy->arena, &copy->passwords) = *password;
    vec_each(selector, &u->selectors)
        selector_copy(&copy->arena, vec_add(&copy->arena, &copy->selectors), selector);
    copy->is_enabled = u->is_enabled;
    copy->is_passless = u->is_passless;
    copy->is_iam = u->is_iam;
    copy->is_owners = u->is_owners;
    copy->skips_sanitizing = u->skips_sanitizing;
    copy->is_unrestricted = u->is_unrestricted;
    return copy;
}

void user_swap(struct acl_user *a, struct acl_user *b)
{
    struct acl_user held = *a;

    *a = *b;
    *b = held;
}

void acl_user_free(struct acl_user *u)
{
    if (!u)
        return;
    arena_fini(&u->arena);
    free(u);
}

/* ---- passwords ---- */

static bool hex_value(char c, unsigned char *out)
{
    if (c >= '0' && c <= '9')
        *out = (unsigned char)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *out = (unsigned char)(c - 'a' + 10);
    else
        return false;
    return true;
}

static bool parse_sum(struct str hex, struct acl_password *out)
{
    unsigned char high, low;

    if (hex.len != 2 * sizeof(out->sum))
        return false;
    for (size_t i = 0; i < sizeof(out->sum); i++) {
        if (!hex_value(hex.ptr[2 * i], &high) || !hex_value(hex.ptr[2 * i + 1], &low))
            return false;
        out->sum[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

/* Where a password stands among the user's, or their count. */
static size_t find_password(const struct acl_user *u, const struct acl_password *p)
{
    size_t i = 0;

    while (i < u->passwords.count && memcmp(u->passwords.items[i].sum, p->sum, sizeof(p->sum)) != 0)
        i++;
    return i;
}

/* ">text", "#hash" add one; "<text", "!hash" take one away. */
static struct err apply_password(struct acl_user *u, struct str rule)
{
    struct str text = {rule.ptr + 1, rule.len - 1};
    bool adds = rule.ptr[0] == '>' || rule.ptr[0] == '#';
    struct acl_password password;

    if (rule.ptr[0] == '>' || rule.ptr[0] == '<')
        digest_sha256(text.ptr, text.len, password.sum);
    else if (!parse_sum(text, &password))
        return err_make(ERR_INVALID, "The password hash must be exactly 64 characters and contain "
                                     "only lowercase hexadecimal characters");
    size_t at = find_password(u, &password);
    if (adds) {
        u->is_passless = u->is_iam = false;
        if (at == u->passwords.count)
            *vec_add(&u->arena, &u->passwords) = password;
        return OK;
    }
    if (at == u->passwords.count)
        return err_make(ERR_INVALID,
                        "The password you are trying to remove from the user does not exist");
    u->passwords.count--;
    memmove(&u->passwords.items[at], &u->passwords.items[at + 1],
            (u->passwords.count - at) * sizeof(password));
    return OK;
}

struct acl_user *acl_login(const struct acl *acl, struct str name, struct str password)
{
    struct acl_user *u = acl_find(acl, name);
    struct acl_password given;
    bool is_right = false;

    digest_sha256(password.ptr, password.len, given.sum);
    if (!u || !u->is_enabled)
        return NULL;
    vec_each(one, &u->passwords) {
        unsigned char difference = 0;

        for (size_t i = 0; i < sizeof(given.sum); i++)
            difference |= one->sum[i] ^ given.sum[i];
        is_right |= difference == 0;
    }
    return u->is_passless || is_right ? u : NULL;
}

static uint64_t mark_of(const unsigned char *sum)
{
    uint64_t mark;

    memcpy(&mark, sum, sizeof(mark));
    return mark;
}

struct acl_credential acl_password_given(struct str password)
{
    unsigned char sum[DIGEST_SHA256_BYTES];

    digest_sha256(password.ptr, password.len, sum);
    return (struct acl_credential){ACL_LOGIN_PASSWORD, mark_of(sum)};
}

bool acl_may_stay(const struct acl_user *u, const struct acl_credential *c)
{
    bool is_known = u->is_passless;

    if (!u->is_enabled)
        return false;
    if (c->kind == ACL_LOGIN_CERTIFICATE)
        return true;
    if (c->kind == ACL_LOGIN_TOKEN)
        return u->is_iam;
    vec_each(one, &u->passwords)
        is_known |= c->kind == ACL_LOGIN_PASSWORD && mark_of(one->sum) == c->mark;
    return is_known;
}

/* ---- rules ---- */

/* "(+get ~a*)". Words are parted by spaces; quotes have no meaning that a name could need. */
static struct err apply_selector(struct acl_user *u, struct str rule)
{
    struct str rest = {rule.ptr + 1, rule.len - 2};
    struct acl_selector s;

    selector_init(&u->arena, &s, false);
    while (rest.len > 0) {
        struct str word = str_cut(&rest, ' ');

        if (word.len > 0)
            TRY(selector_apply(&u->arena, &s, word));
    }
    *vec_add(&u->arena, &u->selectors) = s;
    return OK;
}

static void reset(struct acl_user *u, bool opens_channels)
{
    u->is_enabled = u->is_passless = u->is_iam = u->is_owners = u->skips_sanitizing = false;
    u->passwords.count = 0;
    u->selectors.count = 1;
    selector_init(&u->arena, &u->selectors.items[0], opens_channels);
}

struct err user_apply(struct acl_user *u, struct str rule, bool opens_channels)
{
    if (rule.len == 0)
        return OK;
    if (str_is_nocase(rule, "on")) {
        u->is_enabled = true;
    } else if (str_is_nocase(rule, "off")) {
        u->is_enabled = false;
    } else if (str_is_nocase(rule, "sanitize-payload")) {
        u->skips_sanitizing = false;
    } else if (str_is_nocase(rule, "skip-sanitize-payload")) {
        u->skips_sanitizing = true;
    } else if (str_is_nocase(rule, "nopass")) {
        u->is_iam = false;
        u->is_passless = true;
        u->passwords.count = 0;
    } else if (str_is_nocase(rule, "resetpass")) {
        u->is_passless = u->is_iam = false;
        u->passwords.count = 0;
    } else if (str_is_nocase(rule, "iam")) {
        u->is_iam = true;
        u->is_passless = false;
        u->passwords.count = 0;
    } else if (str_is_nocase(rule, "owner")) {
        u->is_owners = true;
    } else if (str_is_nocase(rule, "noowner")) {
        u->is_owners = false;
    } else if (str_is_nocase(rule, "clearselectors")) {
        u->selectors.count = 1;
    } else if (str_is_nocase(rule, "reset")) {
        reset(u, opens_channels);
    } else if (memchr("><#!", rule.ptr[0], 4)) {
        return apply_password(u, rule);
    } else if (rule.ptr[0] == '(' && rule.ptr[rule.len - 1] == ')') {
        return apply_selector(u, rule);
    } else {
        return selector_apply(&u->arena, &u->selectors.items[0], rule);
    }
    return OK;
}

bool rules_merge(struct arena *a, const struct str *words, size_t count, struct str **out,
                 size_t *out_count)
{
    struct str *rules = arena_array(a, count + 1, sizeof(*rules));
    size_t n = 0, opened = count;
    char *joined = NULL;

    for (size_t i = 0; i < count; i++) {
        struct str w = words[i];
        bool closes = w.len > 0 && w.ptr[w.len - 1] == ')';

        if (opened < count)
            joined = arena_printf(a, "%s %.*s", joined, STR_ARG(w));
        else if (w.len > 0 && w.ptr[0] == '(' && !closes)
            joined = str_dup(a, words[opened = i]);
        else
            rules[n++] = w;
        if (opened < count && closes) {
            rules[n++] = str_of(joined);
            opened = count;
        }
    }
    *out = rules;
    *out_count = opened < count ? opened : n;
    return opened == count;
}
