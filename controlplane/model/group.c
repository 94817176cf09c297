/* Words and status of replication groups: tables, and the loops over them. */
#include "controlplane/model/group.h"

#include "base/arena.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/rng.h"
#include "base/str.h"

#include <string.h>

#define SECRET_BYTES   20
#define DATA_KEY_BYTES 32

static const char *const mode_names[] = {
    [CLUSTER_MODE_DISABLED] = "disabled",
    [CLUSTER_MODE_COMPATIBLE] = "compatible",
    [CLUSTER_MODE_ENABLED] = "enabled",
};

static const char *const kind_names[] = {
    [GROUP_CREATE] = "create",   [GROUP_DELETE] = "delete",
    [GROUP_RESHARD] = "reshard", [GROUP_REPLICAS] = "replicas",
    [GROUP_MODIFY] = "modify",   [GROUP_SWITCH] = "switch",
    [GROUP_MODE] = "mode",       [GROUP_TEST_MIGRATION] = "test-migration",
    [GROUP_MIGRATE] = "migrate", [GROUP_COMPLETE_MIGRATION] = "complete-migration",
    [GROUP_LEAD] = "lead",       [GROUP_YIELD] = "yield",
    [GROUP_LEAVE] = "leave",     [GROUP_SNAPSHOT] = "snapshot",
    [GROUP_ROLL] = "roll",       [GROUP_ALIGN] = "align",
    [GROUP_SCALE] = "scale",
};

/* The index of a name in a table, or `count`. */
static size_t name_index(const char *const *names, size_t count, const char *name)
{
    size_t i = 0;

    while (i < count && strcmp(names[i], name) != 0)
        i++;
    return i;
}

const char *cluster_mode_name(enum cluster_mode mode)
{
    check((size_t)mode < countof(mode_names));
    return mode_names[mode];
}

bool cluster_mode_parse(const char *name, enum cluster_mode *out)
{
    size_t i = name_index(mode_names, countof(mode_names), name);

    if (i == countof(mode_names))
        return false;
    *out = (enum cluster_mode)i;
    return true;
}

/* "<shard> <old primary> <new primary> <mode> <parameter group>" */
bool cluster_mode_change_parse(struct arena *a, const char *data, enum cluster_mode *out_aim,
                               const char **out_parameter_group)
{
    struct str rest = str_of(data);

    for (int i = 0; i < 3; i++)
        str_cut(&rest, ' ');
    if (!cluster_mode_parse(str_dup(a, str_cut(&rest, ' ')), out_aim))
        return false;
    *out_parameter_group = str_dup(a, rest);
    return true;
}

const char *group_operation_kind_name(enum group_operation_kind kind)
{
    check((size_t)kind < countof(kind_names));
    return kind_names[kind];
}

bool group_operation_kind_parse(const char *name, enum group_operation_kind *out)
{
    size_t i = name_index(kind_names, countof(kind_names), name);

    if (i == countof(kind_names))
        return false;
    *out = (enum group_operation_kind)i;
    return true;
}

bool group_operation_is_migration(enum group_operation_kind kind)
{
    return kind == GROUP_TEST_MIGRATION || kind == GROUP_MIGRATE ||
           kind == GROUP_COMPLETE_MIGRATION;
}

bool group_operation_is_global(enum group_operation_kind kind)
{
    return kind == GROUP_LEAD || kind == GROUP_YIELD || kind == GROUP_LEAVE;
}

bool shard_source_is(const struct shard_source *a, const struct shard_source *b)
{
    if (a->port == 0 || b->port == 0)
        return a->port == b->port;
    return a->port == b->port && strcmp(a->address, b->address) == 0 &&
           strcmp(a->user, b->user) == 0 && strcmp(a->password, b->password) == 0;
}

bool group_has_tls(const struct replication_group *g)
{
    return g->common.tls == TLS_REQUIRED;
}

/* --- status --- */

enum group_status group_status(const struct replication_group *g,
                               const struct group_operation *newest)
{
    if (!g->is_wanted)
        return GROUP_STATUS_DELETING;
    if (newest && newest->kind == GROUP_CREATE && newest->state == OPERATION_FAILED)
        return GROUP_STATUS_CREATE_FAILED;
    if (!newest || newest->state != OPERATION_RUNNING)
        return GROUP_STATUS_AVAILABLE;
    if (newest->kind == GROUP_SNAPSHOT)
        return GROUP_STATUS_SNAPSHOTTING;
    return newest->kind == GROUP_CREATE ? GROUP_STATUS_CREATING : GROUP_STATUS_MODIFYING;
}

const char *group_status_word(enum group_status status)
{
    static const char *const words[] = {
        [GROUP_STATUS_CREATING] = "creating",
        [GROUP_STATUS_AVAILABLE] = "available",
        [GROUP_STATUS_MODIFYING] = "modifying",
        [GROUP_STATUS_DELETING] = "deleting",
        [GROUP_STATUS_CREATE_FAILED] = "create-failed",
        [GROUP_STATUS_SNAPSHOTTING] = "snapshotting",
    };
    return words[status];
}

bool group_status_may_change(enum group_status status)
{
    return status == GROUP_STATUS_AVAILABLE;
}

bool group_status_may_delete(enum group_status status)
{
    return status == GROUP_STATUS_AVAILABLE || status == GROUP_STATUS_CREATE_FAILED;
}

bool group_status_has_endpoints(enum group_status status)
{
    return status != GROUP_STATUS_CREATING && status != GROUP_STATUS_CREATE_FAILED;
}

/* --- what is on its way --- */

#define PRIMARY_WORD "primary="
#define TLS_WORD     "tls="

static const char *value_of(struct arena *a, struct str word, const char *name)
{
    size_t len = strlen(name);

    return word.len >= len && memcmp(word.ptr, name, len) == 0
               ? str_dup(a, (struct str){word.ptr + len, word.len - len})
               : NULL;
}

static void take_word(struct arena *a, struct str word, struct group_pending *out)
{
    const char *add = value_of(a, word, "+"), *remove = value_of(a, word, "-");
    const char *primary = value_of(a, word, PRIMARY_WORD), *tls = value_of(a, word, TLS_WORD);

    if (add)
        out->to_add = add;
    else if (remove)
        out->to_remove = remove;
    else if (primary)
        out->primary = primary;
    else if (tls)
        out->changes_tls = tls_mode_parse(tls, &out->tls_before);
    else if (str_is(word, "ROTATING") || str_is(word, "SETTING"))
        out->token = str_dup(a, word);
}

void group_pending_parse(struct arena *a, const char *text, struct group_pending *out)
{
    *out = (struct group_pending){.to_add = "", .to_remove = "", .token = "", .primary = ""};
    for (struct str rest = str_of(text); rest.len > 0;)
        take_word(a, str_cut(&rest, ' '), out);
}

const char *group_pending_text(struct arena *a, const char *entry, const char *primary,
                               enum tls_mode before, enum tls_mode now)
{
    const char *text = primary ? arena_printf(a, "%s " PRIMARY_WORD "%s", entry, primary) : entry;

    return before == now ? text : arena_printf(a, "%s " TLS_WORD "%s", text, tls_mode_name(before));
}

/* --- secrets --- */

static char *random_digits(struct arena *a, size_t byte_count)
{
    unsigned char bytes[DATA_KEY_BYTES];
    char *text = arena_alloc(a, 2 * byte_count + 1);

    rng_system_bytes(bytes, byte_count);
    digest_hex(bytes, byte_count, text);
    return text;
}

char *group_secret_new(struct arena *a)
{
    return random_digits(a, SECRET_BYTES);
}

char *data_key_new(struct arena *a)
{
    return random_digits(a, DATA_KEY_BYTES);
}

int shard_endpoints_of(const struct shard_endpoints *e, const struct shard_goal *goal,
                       int64_t cluster_id)
{
    bool is_primary =
        *e->address && goal->primary_id == cluster_id && !goal->acks.asked; /* else nobody is */
    bool is_reader = *e->reader_address && e->reader_id == cluster_id && e->reader_turn % 2 == 0;

    if (!goal->has || goal->fenced_id == cluster_id)
        return 0;
    return (is_primary ? ENDPOINT_PRIMARY : 0) | (is_reader ? ENDPOINT_READER : 0);
}

int64_t shard_endpoints_number(const struct shard_endpoints *e, const struct shard_goal *goal,
                               int64_t cluster_id)
{
    int64_t turn = *e->reader_address && e->reader_id == cluster_id ? e->reader_turn : 0;
    return 4 * turn + shard_endpoints_of(e, goal, cluster_id);
}
