/* Words, prefixes and types of global datastores: tables, and the loops over them. */
#include "controlplane/model/global.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "controlplane/model/naming.h"

#include <string.h>

static const struct {
    const char *name, *word, *status;
} roles[] = {
    [GLOBAL_PRIMARY] = {"primary",   "PRIMARY",   "associated"    },
    [GLOBAL_SECONDARY] = {"secondary", "SECONDARY", "associated"    },
    [GLOBAL_SUCCESSOR] = {"successor", "SECONDARY", "associated"    },
    [GLOBAL_LEAVING] = {"leaving",   "SECONDARY", "disassociating"},
};

/* see: ElastiCache guide, "Global datastores": prefixes are fixed. */
static const struct {
    const char *region, *prefix;
} prefixes[] = {
    {"us-east-1",      "ldgnf"},
    {"us-east-2",      "fpkhr"},
    {"us-west-1",      "virxk"},
    {"us-west-2",      "sgaui"},
    {"ca-central-1",   "bxodz"},
    {"sa-east-1",      "juxlw"},
    {"eu-west-1",      "gxeiz"},
    {"eu-west-2",      "okuqm"},
    {"eu-west-3",      "fgjhi"},
    {"eu-central-1",   "iudkw"},
    {"ap-south-1",     "erpgt"},
    {"ap-northeast-1", "quwsw"},
    {"ap-northeast-2", "lfqnh"},
    {"ap-northeast-3", "nlapn"},
    {"ap-southeast-1", "vlqxn"},
    {"ap-southeast-2", "vbgxd"},
    {"ap-east-1",      "knjmp"},
    {"cn-north-1",     "emvgo"},
    {"cn-northwest-1", "ckbem"},
    {"us-gov-west-1",  "sgwui"},
};

static const char *const families[] = {"m5",   "m6g", "m7g", "m8g",  "r5",  "r6g",
                                       "r6gd", "r7g", "r8g", "c7gn", "c8gn"};
static const char *const too_small[] = {"micro", "small", "medium"};

const char *global_role_name(enum global_role role)
{
    check((size_t)role < countof(roles));
    return roles[role].name;
}

bool global_role_parse(const char *name, enum global_role *out)
{
    for (size_t i = 0; i < countof(roles); i++)
        if (strcmp(roles[i].name, name) == 0) {
            *out = (enum global_role)i;
            return true;
        }
    return false;
}

const char *global_role_word(enum global_role role)
{
    return roles[role].word;
}

const char *global_member_word(enum global_role role)
{
    return roles[role].status;
}

struct global_member *global_member_of_role(struct global_member *members, size_t count,
                                            enum global_role role)
{
    for (size_t i = 0; i < count; i++)
        if (members[i].role == role)
            return &members[i];
    return NULL;
}

/* Regions that nobody has given one get letters that are always the same. */
const char *global_prefix(struct arena *a, const char *region)
{
    uint64_t hash = name_hash(region);
    char letters[] = "aaaaa";

    for (size_t i = 0; i < countof(prefixes); i++)
        if (strcmp(prefixes[i].region, region) == 0)
            return prefixes[i].prefix;
    for (size_t i = 0; i < strlen(letters); i++, hash /= 26)
        letters[i] = (char)('a' + hash % 26);
    return arena_strdup(a, letters);
}

static bool is_among(struct str word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(word, words[i]))
            return true;
    return false;
}

bool global_takes_type(const char *node_type)
{
    struct str rest = str_of(node_type);

    str_cut(&rest, '.'); /* "cache" */
    struct str family = str_cut(&rest, '.');
    return is_among(family, families, countof(families)) && rest.len > 0 &&
           !is_among(rest, too_small, countof(too_small));
}
