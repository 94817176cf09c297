/* Names are text made from text: nothing here remembers anything. */
#include "controlplane/model/naming.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "contract/faults.h"

#include <string.h>

/* --- identifiers --- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool name_is_identifier(const char *name)
{
    if (!is_letter(name[0]))
        return false;
    for (const char *c = name; *c; c++) {
        if (!is_letter(*c) && !is_digit(*c) && *c != '-')
            return false;
        if (*c == '-' && (c[1] == '-' || c[1] == '\0'))
            return false;
    }
    return true;
}

struct err name_check(struct arena *a, const char *parameter, const char *name, size_t max_length)
{
    if (!name_is_identifier(name))
        return err_format(
            a, FAULT_INVALID_PARAMETER_VALUE,
            "The parameter %s is not a valid identifier. Identifiers must begin with "
            "a letter; must contain only ASCII letters, digits, and hyphens; and must "
            "not end with a hyphen or contain two consecutive hyphens.",
            parameter);
    if (strlen(name) > max_length)
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "The parameter %s must not be longer than %zu characters.", parameter,
                          max_length);
    return OK;
}

char *name_fold(struct arena *a, const char *name)
{
    return str_lower(a, str_of(name));
}

/* FNV-1a, then a finalizer that spreads short texts over all bits. */
uint64_t name_hash(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (const char *c = text; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdu;
    hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53u;
    return hash ^ (hash >> 33);
}

/* --- ARNs --- */

const char *arn_partition(const char *region)
{
    if (strncmp(region, "cn-", 3) == 0)
        return "aws-cn";
    return strncmp(region, "us-gov-", 7) == 0 ? "aws-us-gov" : "aws";
}

char *arn_make(struct arena *a, const char *region, const char *account, const char *type,
               const char *name)
{
    return arena_printf(a, "arn:%s:elasticache:%s:%s:%s:%s", arn_partition(region), region, account,
                        type, name);
}

struct err arn_parse(struct arena *a, const char *text, struct arn *out)
{
    enum { ARN, PARTITION, SERVICE, REGION, ACCOUNT, TYPE, PARTS };
    struct str rest = str_of(text);
    struct str parts[PARTS];

    for (size_t i = 0; i < PARTS; i++)
        parts[i] = str_cut(&rest, ':');
    if (!str_is(parts[ARN], "arn") || !str_is(parts[SERVICE], "elasticache") ||
        !str_starts(parts[PARTITION], "aws") || parts[TYPE].len == 0 || rest.len == 0 ||
        str_find(rest, ':') != SIZE_MAX)
        return err_format(a, FAULT_INVALID_ARN, "%s is not an ARN of an ElastiCache resource.",
                          text);

    *out = (struct arn){
        .partition = str_dup(a, parts[PARTITION]),
        .service = str_dup(a, parts[SERVICE]),
        .region = str_dup(a, parts[REGION]),
        .account = str_dup(a, parts[ACCOUNT]),
        .type = str_dup(a, parts[TYPE]),
        .name = str_lower(a, rest),
    };
    return OK;
}

/* --- endpoints --- */

/* How a word in the middle of a region's name is shortened: by the points of the compass in it. */
static const char *region_word_code(struct str word)
{
    static const struct {
        const char *word, *code;
    } rows[] = {
        {"north",     "n" },
        {"south",     "s" },
        {"east",      "e" },
        {"west",      "w" },
        {"northeast", "ne"},
        {"northwest", "nw"},
        {"southeast", "se"},
        {"southwest", "sw"},
        {"central",   "c" },
        {"gov",       "g" },
    };
    for (size_t i = 0; i < countof(rows); i++)
        if (str_is(word, rows[i].word))
            return rows[i].code;
    return NULL;
}

/* Words of no compass (a region of the operator's own naming) stay whole. */
char *region_code(struct arena *a, const char *region)
{
    scoped(buf_fini) struct buf code = BUF_EMPTY;
    struct str rest = str_of(region);

    while (rest.len > 0) {
        struct str word = str_cut(&rest, '-');
        const char *code_word = region_word_code(word);
        if (code_word)
            buf_puts(&code, code_word);
        else
            buf_add_str(&code, word);
    }
    return str_lower(a, buf_str(&code));
}

#define TAG_LENGTH 6

/* The same for the same text. */
static void tag_of(const char *text, char out[TAG_LENGTH + 1])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t hash = name_hash(text);

    for (size_t i = 0; i < TAG_LENGTH; i++) {
        out[i] = digits[hash % (sizeof(digits) - 1)];
        hash /= sizeof(digits) - 1;
    }
    out[TAG_LENGTH] = '\0';
}

static void endpoint_tag(struct arena *a, const struct endpoint_naming *n, char out[TAG_LENGTH + 1])
{
    tag_of(arena_printf(a, "%s/%s", n->account, n->region), out);
}

static char *endpoint_name(struct arena *a, const struct endpoint_naming *n, const char *cluster,
                           const char *kind)
{
    char tag[TAG_LENGTH + 1];

    endpoint_tag(a, n, tag);
    return arena_printf(a, "%s.%s.%s.%s.%s", cluster, tag, kind, region_code(a, n->region),
                        n->zone);
}

char *endpoint_node_name(struct arena *a, const struct endpoint_naming *n, const char *cluster,
                         const char *number)
{
    return endpoint_name(a, n, cluster, number);
}

char *endpoint_configuration_name(struct arena *a, const struct endpoint_naming *n,
                                  const char *cluster)
{
    return endpoint_name(a, n, cluster, "cfg");
}

/* The name of a group with encryption in transit, or of one of its members. */
static char *encrypted_name(struct arena *a, const struct endpoint_naming *n, const char *first,
                            const char *group)
{
    char tag[TAG_LENGTH + 1];

    endpoint_tag(a, n, tag);
    return arena_printf(a, "%s.%s.%s.%s.%s", first, group, tag, region_code(a, n->region), n->zone);
}

char *endpoint_member_name(struct arena *a, const struct endpoint_naming *n, const char *group,
                           const char *cluster, const char *number)
{
    return n->is_encrypted ? encrypted_name(a, n, cluster, group)
                           : endpoint_node_name(a, n, cluster, number);
}

char *endpoint_primary_name(struct arena *a, const struct endpoint_naming *n, const char *group)
{
    return n->is_encrypted ? encrypted_name(a, n, "master", group)
                           : endpoint_name(a, n, group, "ng.0001");
}

char *endpoint_reader_name(struct arena *a, const struct endpoint_naming *n, const char *group)
{
    return n->is_encrypted ? encrypted_name(a, n, "replica", group)
                           : endpoint_name(a, n, arena_printf(a, "%s-ro", group), "ng.0001");
}

char *endpoint_cluster_name(struct arena *a, const struct endpoint_naming *n, const char *group)
{
    return n->is_encrypted ? encrypted_name(a, n, "clustercfg", group)
                           : endpoint_name(a, n, group, "clustercfg");
}

char *endpoint_serverless_name(struct arena *a, const struct endpoint_naming *n, const char *cache,
                               int64_t id)
{
    char tag[TAG_LENGTH + 1];

    tag_of(arena_printf(a, "%s/%s/%s/%lld", n->account, n->region, cache, (long long)id), tag);
    return arena_printf(a, "%s-%s.serverless.%s.%s", cache, tag, region_code(a, n->region),
                        n->zone);
}
