/* Who may be with whom: each rule is a sentence that says what is wrong. */
#include "controlplane/model/users.h"

#include "base/arena.h"
#include "base/digest.h"
#include "base/str.h"
#include "contract/faults.h"
#include "controlplane/model/access_string.h"
#include "controlplane/model/quotas.h"

#include <string.h>

/* --- words --- */

static const char *const authentication_names[] = {
    [AUTHENTICATION_PASSWORD] = "password",
    [AUTHENTICATION_NONE] = "no-password",
    [AUTHENTICATION_IAM] = "iam",
};

static const char *const status_words[] = {
    [ACCESS_CREATING] = "creating",
    [ACCESS_ACTIVE] = "active",
    [ACCESS_MODIFYING] = "modifying",
    [ACCESS_DELETING] = "deleting",
};

const char *authentication_name(enum authentication kind)
{
    check((size_t)kind < countof(authentication_names));
    return authentication_names[kind];
}

bool authentication_parse(const char *name, enum authentication *out)
{
    for (size_t i = 0; i < countof(authentication_names); i++)
        if (strcmp(authentication_names[i], name) == 0) {
            *out = (enum authentication)i;
            return true;
        }
    return false;
}

const char *access_status_word(enum access_status status)
{
    check((size_t)status < countof(status_words));
    return status_words[status];
}

/* --- status --- */

enum access_status user_status(const struct user *u)
{
    if (!u->is_wanted)
        return ACCESS_DELETING;
    return u->settled_revision < u->revision ? ACCESS_MODIFYING : ACCESS_ACTIVE;
}

enum access_status user_group_status(const struct user_group *g)
{
    if (!g->is_wanted)
        return ACCESS_DELETING;
    if (g->settled_revision == 0)
        return ACCESS_CREATING;
    return g->settled_revision < g->revision ? ACCESS_MODIFYING : ACCESS_ACTIVE;
}

/* --- passwords --- */

char *password_digest(struct arena *a, const char *password)
{
    unsigned char sum[DIGEST_SHA256_BYTES];
    char *hex = arena_alloc(a, 2 * sizeof(sum) + 1);

    digest_sha256(password, strlen(password), sum);
    digest_hex(sum, sizeof(sum), hex);
    return hex;
}

size_t digests_count(const char *digests)
{
    size_t count = *digests != '\0';

    for (; *digests; digests++)
        count += *digests == ',';
    return count;
}

static struct err password_check(const char *password)
{
    size_t len = strlen(password);

    if (len < PASSWORD_MIN || len > PASSWORD_MAX)
        return err_make(FAULT_INVALID_PARAMETER_VALUE,
                        "Passwords length must be between 16-128 characters.");
    for (const char *c = password; *c; c++)
        if (*c < ' ' || *c > '~' || strchr(",\"/@", *c))
            return err_make(FAULT_INVALID_PARAMETER_VALUE,
                            "Passwords must consist of printable characters other than comma, "
                            "quotation mark, slash and at sign.");
    return OK;
}

struct err user_passwords_read(struct arena *a, const char *const *passwords, size_t count,
                               const char **out_digests)
{
    const char *digests = "";

    if (count == 0)
        return err_make(FAULT_INVALID_PARAMETER_VALUE,
                        "No password was provided. If you want to create/update the user without "
                        "password, please use the NoPasswordRequired flag.");
    if (count > USER_PASSWORDS_MAX)
        return err_make(FAULT_INVALID_PARAMETER_VALUE, "A user can have at most 2 passwords.");
    for (size_t i = 0; i < count; i++) {
        const char *password = passwords[i] ? passwords[i] : "";
        TRY(password_check(password));
        const char *digest = password_digest(a, password);
        if (!strstr(digests, digest))
            digests = arena_printf(a, "%s%s%s", digests, *digests ? "," : "", digest);
    }
    *out_digests = digests;
    return OK;
}

/* --- one user --- */

struct err user_engine_read(struct arena *a, const char *engine, const char **out)
{
    const char *lower = str_lower(a, str_of(engine));

    if (strcmp(lower, "redis") != 0 && strcmp(lower, "valkey") != 0)
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "Invalid value %s for Engine. It must be redis or valkey.", engine);
    *out = lower;
    return OK;
}

static bool is_valkey(const char *engine)
{
    return strcmp(engine, "valkey") == 0;
}

/* The name is a word of a line of rules, and what clients put into AUTH. */
static bool is_login(const char *login)
{
    for (const char *c = login; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return *login != '\0' && strlen(login) <= USER_LOGIN_MAX;
}

struct err user_check(struct arena *a, const struct user *u)
{
    if (!is_login(u->login))
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "The parameter UserName must consist of 1 to %d printable characters "
                          "without spaces.",
                          USER_LOGIN_MAX);
    if (strncmp(u->login, USER_OWNERS_PREFIX, strlen(USER_OWNERS_PREFIX)) == 0)
        return err_make(FAULT_INVALID_PARAMETER_VALUE,
                        "The parameter UserName must not begin with " USER_OWNERS_PREFIX
                        ": such names are reserved.");
    if (u->authentication == AUTHENTICATION_IAM &&
        strcmp(str_lower(a, str_of(u->login)), u->name) != 0)
        return err_make(FAULT_INVALID_PARAMETER_COMBINATION,
                        "User Id and User name must be same for authentication type: iam");
    if (u->authentication == AUTHENTICATION_NONE && is_valkey(u->engine))
        return err_make(FAULT_INVALID_PARAMETER_COMBINATION,
                        "Users of engine valkey need a password or the authentication type iam.");
    return OK;
}

const char *user_minimum_version(const struct user *u)
{
    if (is_valkey(u->engine))
        return "7.2";
    if (u->authentication == AUTHENTICATION_IAM)
        return "7.0";
    return access_string_since(u->access);
}

/* --- groups --- */

static struct err member_check(struct arena *a, const char *engine, const struct user *u)
{
    if (!is_valkey(engine) && is_valkey(u->engine))
        return err_format(a, FAULT_INVALID_PARAMETER_COMBINATION,
                          "User %s is of engine valkey and cannot be in a user group of engine "
                          "redis.",
                          u->name);
    if (is_valkey(engine) && u->authentication == AUTHENTICATION_NONE)
        return err_format(a, FAULT_INVALID_PARAMETER_COMBINATION,
                          "User %s needs no password and cannot be in a user group of engine "
                          "valkey.",
                          u->name);
    return OK;
}

struct err user_group_check(struct arena *a, const char *engine, const struct user *const *users,
                            size_t count)
{
    bool has_default = false;

    if (count > QUOTA_USERS_PER_GROUP)
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "A user group can contain at most %d users.", QUOTA_USERS_PER_GROUP);
    for (size_t i = 0; i < count; i++) {
        TRY(member_check(a, engine, users[i]));
        has_default |= strcmp(users[i]->login, USER_DEFAULT) == 0;
        for (size_t k = 0; k < i; k++)
            if (strcmp(users[i]->login, users[k]->login) == 0)
                return err_format(a, FAULT_DUPLICATE_USER_NAME,
                                  "User group cannot contain more than one user with the user "
                                  "name %s.",
                                  users[i]->login);
    }
    if (!has_default && !is_valkey(engine))
        return err_make(FAULT_DEFAULT_USER_REQUIRED,
                        "User group needs to contain a user with the user name default.");
    return OK;
}

const char *user_group_minimum_version(const char *engine, const struct user *const *users,
                                       size_t count)
{
    const char *highest = is_valkey(engine) ? "7.2" : "6.0";

    for (size_t i = 0; i < count; i++) {
        const char *version = user_minimum_version(users[i]);
        if (strcmp(version, highest) > 0) /* all are of one digit, a point and one digit */
            highest = version;
    }
    return highest;
}
