/*
 * The catalogue's tables say what a parameter may be; what they cannot say (commands to rename,
 * classes of events, rules over several values) stands here.
 */
#include "controlplane/model/parameters.h"

#include "base/arena.h"
#include "base/str.h"
#include "contract/faults.h"
#include "controlplane/model/catalog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RENAMED_MAX   20 /* letters of a new name of a command */
#define EVENT_CLASSES "KEg$lshzxetdmnA"
#define MIB           ((int64_t)1024 * 1024)

/* --- looking up --- */

const struct parameter_family *parameter_family_find(const char *name)
{
    for (size_t i = 0; i < parameter_family_count; i++)
        if (strcmp(parameter_families[i].name, name) == 0)
            return &parameter_families[i];
    return NULL;
}

int parameter_name_compare(const char *x, const char *y)
{
    for (;; x++, y++) {
        while (*x == '-')
            x++;
        while (*y == '-')
            y++;
        if (*x != *y || *x == '\0')
            return (unsigned char)*x - (unsigned char)*y;
    }
}

const struct parameter *parameter_find(const struct parameter_family *f, const char *name)
{
    size_t low = 0, high = f->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (parameter_name_compare(f->items[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < f->count && strcmp(f->items[low].name, name) == 0 ? &f->items[low] : NULL;
}

const char *parameter_value_find(const struct parameter_value_list *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->items[i].name, name) == 0)
            return set->items[i].value;
    return NULL;
}

static const char *node_value(const struct parameter *p, const char *node_type)
{
    for (size_t i = 0; node_type && i < p->node_value_count; i++)
        if (strcmp(p->node_values[i].node_type, node_type) == 0)
            return p->node_values[i].value;
    return NULL;
}

const char *parameter_value_or_default(const struct parameter *p,
                                       const struct parameter_value_list *set,
                                       const char *node_type)
{
    const char *value = parameter_value_find(set, p->name);

    if (value)
        return value;
    return p->node_values ? node_value(p, node_type) : p->value;
}

/* --- default groups --- */

#define CLUSTER_SUFFIX ".cluster.on"

static bool family_has_cluster_mode(const struct parameter_family *f)
{
    return parameter_find(f, "cluster-enabled") != NULL;
}

size_t parameter_group_default_count(void)
{
    size_t count = 0;

    for (size_t i = 0; i < parameter_family_count; i++)
        count += family_has_cluster_mode(&parameter_families[i]) ? 2 : 1;
    return count;
}

static void default_group(struct arena *a, const struct parameter_family *f, bool is_cluster,
                          struct parameter_group *out)
{
    *out = (struct parameter_group){
        .account = "",
        .region = "",
        .name = arena_printf(a, "default.%s%s", f->name, is_cluster ? CLUSTER_SUFFIX : ""),
        .family = f->name,
        .description = is_cluster ? arena_printf(a,
                                                 "Customized default parameter group for %s with "
                                                 "cluster mode on",
                                                 f->name)
                                  : arena_printf(a, "Default parameter group for %s", f->name),
    };
}

void parameter_group_default_at(struct arena *a, size_t at, struct parameter_group *out)
{
    for (size_t i = 0; i < parameter_family_count; i++) {
        bool has_two = family_has_cluster_mode(&parameter_families[i]);
        if (at == 0 || (at == 1 && has_two)) {
            default_group(a, &parameter_families[i], at == 1, out);
            return;
        }
        at -= has_two ? 2 : 1;
    }
    check(!"no such default group");
}

bool parameter_group_default_find(struct arena *a, const char *name, struct parameter_group *out)
{
    bool is_cluster = false;
    const char *family = parameter_group_family(name, &is_cluster);

    if (!family)
        return false;
    default_group(a, parameter_family_find(family), is_cluster, out);
    return true;
}

struct parameter_value_list parameter_group_default_values(const struct parameter_group *g)
{
    static struct parameter_value clustered[] = {
        {"cluster-enabled", "yes"}
    };
    bool is_cluster = g->id == 0 && str_ends(str_of(g->name), CLUSTER_SUFFIX);

    return (struct parameter_value_list){is_cluster ? clustered : NULL, is_cluster ? 1 : 0};
}

bool parameter_values_are_clustered(const struct parameter_value_list *set)
{
    const char *value = parameter_value_find(set, "cluster-enabled");

    return value && strcmp(value, "yes") == 0;
}

/* --- names --- */

static struct err no_such(struct arena *a, const char *name)
{
    return err_format(a, FAULT_INVALID_PARAMETER_VALUE, "Parameter %s doesn't exist", name);
}

struct err parameter_check_name(struct arena *a, const struct parameter_family *f, const char *name,
                                const struct parameter **out)
{
    const struct parameter *p = parameter_find(f, name);

    if (!p)
        return no_such(a, name);
    if (!p->is_modifiable && !p->is_conditional)
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE, "The parameter %s cannot be modified.",
                          name);
    *out = p;
    return OK;
}

/* Where the reserve is a share of the memory, the older parameter can still be set, but the hosted
 * service does not find it when it is to be reset; clients know that and go another way. */
struct err parameter_check_reset(struct arena *a, const struct parameter_family *f,
                                 const char *name, const struct parameter **out)
{
    if (strcmp(name, "reserved-memory") == 0 && parameter_find(f, "reserved-memory-percent"))
        return no_such(a, name);
    return parameter_check_name(a, f, name, out);
}

const char *parameter_alternative(const char *name)
{
    if (strcmp(name, "reserved-memory") == 0)
        return "reserved-memory-percent";
    return strcmp(name, "reserved-memory-percent") == 0 ? "reserved-memory" : NULL;
}

/* --- numbers --- */

/* Bounds that engines have beyond what the catalogue says of open ranges: a value past them would
 * keep an engine from starting. */
static const struct {
    const char *name;
    int64_t least, most;
} bounds[] = {
    {"client-output-buffer-limit-normal-soft-seconds", 0,  INT32_MAX},
    {"client-output-buffer-limit-pubsub-soft-seconds", 0,  INT32_MAX},
    {"lfu-decay-time",                                 0,  INT32_MAX},
    {"lfu-log-factor",                                 1,  INT32_MAX},
    {"list-compress-depth",                            0,  INT32_MAX},
    {"maxmemory-samples",                              1,  INT32_MAX},
    {"memcached_connections_overhead",                 0,  INT32_MAX},
    {"min-replicas-max-lag",                           0,  INT32_MAX},
    {"min-replicas-to-write",                          0,  INT32_MAX},
    {"min-slaves-max-lag",                             0,  INT32_MAX},
    {"min-slaves-to-write",                            0,  INT32_MAX},
    {"repl-timeout",                                   11, INT32_MAX},
    {"slab_chunk_max",                                 0,  INT32_MAX},
    {"slowlog-log-slower-than",                        -1, INT64_MAX},
    {"tcp-keepalive",                                  0,  INT32_MAX},
    {"timeout",                                        0,  INT32_MAX},
    {"watcher_logbuf_size",                            0,  INT32_MAX},
    {"worker_logbuf_size",                             0,  INT32_MAX},
};

static bool number_of(struct str text, double *out)
{
    char copy[64], *end;

    if (text.len == 0 || text.len >= sizeof(copy))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!((text.ptr[i] >= '0' && text.ptr[i] <= '9') || text.ptr[i] == '.' ||
              (text.ptr[i] == '-' && i == 0)))
            return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    *out = strtod(copy, &end);
    return *end == '\0' && end != copy;
}

/* One part of AllowedValues: "5", "1-100", "20-" or "-", which is any number. */
static bool part_takes_number(struct str part, double value)
{
    double low, high;
    size_t hyphen = 1;

    if (str_is(part, "-"))
        return true;
    while (hyphen < part.len && part.ptr[hyphen] != '-') /* one in front is a sign */
        hyphen++;
    if (!number_of((struct str){part.ptr, hyphen}, &low))
        return false;
    if (hyphen == part.len)
        return value == low;
    struct str rest = {part.ptr + hyphen + 1, part.len - hyphen - 1};
    if (rest.len == 0)
        return value >= low;
    return number_of(rest, &high) && value >= low && value <= high;
}

static bool takes_number(const char *allowed, double value)
{
    for (struct str rest = str_of(allowed); rest.len > 0;)
        if (part_takes_number(str_cut(&rest, ','), value))
            return true;
    return false;
}

static bool is_within_bounds(const char *name, int64_t value)
{
    for (size_t i = 0; i < countof(bounds); i++)
        if (strcmp(bounds[i].name, name) == 0)
            return value >= bounds[i].least && value <= bounds[i].most;
    return true;
}

static bool is_good_integer(const struct parameter *p, const char *value)
{
    int64_t number;

    return str_to_i64(str_of(value), &number) && takes_number(p->allowed, (double)number) &&
           is_within_bounds(p->name, number);
}

static bool is_good_float(const struct parameter *p, const char *value)
{
    double number;

    return number_of(str_of(value), &number) && takes_number(p->allowed, number);
}

/* --- words --- */

static bool is_among(const char *allowed, struct str word)
{
    for (struct str rest = str_of(allowed); rest.len > 0;)
        if (str_eq(str_cut(&rest, ','), word))
            return true;
    return false;
}

static bool is_among_nocase(const char *allowed, struct str word)
{
    for (struct str rest = str_of(allowed); rest.len > 0;) {
        struct str part = str_cut(&rest, ',');
        if (part.len == word.len && strncasecmp(part.ptr, word.ptr, word.len) == 0)
            return true;
    }
    return false;
}

/* "blocked", or 1 to 20 letters and digits. */
static bool is_new_name(struct str word)
{
    if (word.len == 0 || word.len > RENAMED_MAX)
        return false;
    for (size_t i = 0; i < word.len; i++)
        if (!((word.ptr[i] >= 'a' && word.ptr[i] <= 'z') ||
              (word.ptr[i] >= 'A' && word.ptr[i] <= 'Z') ||
              (word.ptr[i] >= '0' && word.ptr[i] <= '9')))
            return false;
    return true;
}

/* "FLUSHALL blocked KEYS list2": a command that may be renamed, then its new name, and so on. */
static bool is_good_renaming(const struct parameter *p, const char *value)
{
    struct str rest = str_of(value);

    while (rest.len > 0) {
        struct str command = str_cut(&rest, ' ');
        struct str name = str_cut(&rest, ' ');
        if (!is_among_nocase(p->allowed, command) || !is_new_name(name))
            return false;
    }
    return true;
}

static bool is_good_event_classes(const char *value)
{
    return strspn(value, EVENT_CLASSES) == strlen(value);
}

static bool is_good_value(const struct parameter *p, const char *value)
{
    if (strcmp(p->type, "integer") == 0)
        return is_good_integer(p, value);
    if (strcmp(p->type, "float") == 0)
        return is_good_float(p, value);
    if (strcmp(p->name, "rename-commands") == 0)
        return is_good_renaming(p, value);
    return p->allowed ? is_among(p->allowed, str_of(value)) : is_good_event_classes(value);
}

struct err parameter_check_value(struct arena *a, const struct parameter *p, const char *value)
{
    if (is_good_value(p, value))
        return OK;
    if (strcmp(p->name, "rename-commands") == 0)
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "Invalid value %s for parameter %s. It must be pairs of a command and "
                          "its new name (up to %d letters and digits) or the word blocked.",
                          value, p->name, RENAMED_MAX);
    return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                      "Invalid value %s for parameter %s. Allowed values are: %s", value, p->name,
                      p->allowed ? p->allowed : "the letters " EVENT_CLASSES);
}

/* --- values that must go together --- */

/* memcached has chunks of slabs, and a rule for them, from this version on. */
#define CHUNKS_SINCE "1.4.33"

static int64_t integer_of(const struct parameter_family *f, const struct parameter_value_list *set,
                          const char *name, const char *node_type)
{
    const struct parameter *p = parameter_find(f, name);
    const char *value = p ? parameter_value_or_default(p, set, node_type) : NULL;
    int64_t number = 0;

    return value && str_to_i64(str_of(value), &number) ? number : 0;
}

static struct err check_chunks(struct arena *a, const struct parameter_family *f,
                               const struct parameter_value_list *set)
{
    int64_t item = integer_of(f, set, "max_item_size", NULL);
    int64_t chunk = integer_of(f, set, "slab_chunk_max", NULL);

    if (chunk > item)
        return err_format(a, FAULT_INVALID_PARAMETER_COMBINATION,
                          "The parameter slab_chunk_max (%lld) must not be greater than "
                          "max_item_size (%lld).",
                          (long long)chunk, (long long)item);
    if (chunk > 0 && item % chunk != 0)
        return err_format(a, FAULT_INVALID_PARAMETER_COMBINATION,
                          "The parameter max_item_size (%lld) must be a multiple of "
                          "slab_chunk_max (%lld).",
                          (long long)item, (long long)chunk);
    return OK;
}

static bool has_old_versions(const struct parameter_family *f)
{
    return strcmp(f->name, "memcached1.4") == 0;
}

struct err parameter_values_check(struct arena *a, const struct parameter_family *f,
                                  const struct parameter_value_list *set)
{
    if (!parameter_find(f, "slab_chunk_max") || has_old_versions(f))
        return OK;
    return check_chunks(a, f, set);
}

static struct err check_memory(struct arena *a, const struct parameter_family *f,
                               const struct parameter_value_list *set, const struct node_type *t)
{
    int64_t memory = t->memcached_mib;
    int64_t overhead = integer_of(f, set, "memcached_connections_overhead", NULL);
    int64_t item = integer_of(f, set, "max_item_size", NULL);

    if (overhead >= memory)
        return err_format(a, FAULT_INVALID_PARAMETER_COMBINATION,
                          "The parameter memcached_connections_overhead (%lld) must be less than "
                          "max_cache_memory of %s (%lld).",
                          (long long)overhead, t->name, (long long)memory);
    if (item > (memory - overhead) * MIB / 4)
        return err_format(a, FAULT_INVALID_PARAMETER_COMBINATION,
                          "The parameter max_item_size (%lld) must not be greater than a quarter "
                          "of max_cache_memory less memcached_connections_overhead, which is "
                          "%lld on %s.",
                          (long long)item, (long long)((memory - overhead) * MIB / 4), t->name);
    return OK;
}

struct err parameter_values_check_nodes(struct arena *a, const struct parameter_family *f,
                                        const struct parameter_value_list *set,
                                        const struct engine_version *v, const struct node_type *t)
{
    if (strcmp(v->engine, "memcached") != 0)
        return OK;
    if (version_compare(v->version, CHUNKS_SINCE) >= 0) {
        TRY(check_chunks(a, f, set));
        return check_memory(a, f, set, t);
    }
    return OK;
}

/* --- what nodes make of it --- */

#define INERT(name, why) {name, why},

static const struct {
    const char *name, *why;
} inert[] = {
#include "controlplane/model/inert_parameters.def"
};

const char *parameter_why_inert(const char *name)
{
    for (size_t i = 0; i < countof(inert); i++)
        if (strcmp(inert[i].name, name) == 0)
            return inert[i].why;
    return NULL;
}
