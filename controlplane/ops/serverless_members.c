/* The ranges are those that the service documents. */
#include "controlplane/ops/serverless_members.h"

#include "base/arena.h"
#include "base/str.h"
#include "contract/faults.h"
#include "controlplane/model/quotas.h"
#include "controlplane/ops/members.h"
#include "controlplane/ops/page.h"

#include <string.h>

#define VALUE(...)       fault(c, FAULT_INVALID_PARAMETER_VALUE, __VA_ARGS__)
#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)

#define STORAGE_MIN_GB 1
#define STORAGE_MAX_GB 5000
#define WORK_MIN       1000
#define WORK_MAX       15000000
#define RESULTS_MAX    50

struct err serverless_check_description(struct call *c, const char *description)
{
    if (description && strlen(description) > DESCRIPTION_MAX)
        return VALUE("Description must not be longer than %d characters.", DESCRIPTION_MAX);
    return OK;
}

/* --- limits --- */

struct range {
    const char *member;
    int64_t least, most;
};

static struct err read_bound(struct call *c, const struct range *r, const char *which,
                             struct opt_int in, int64_t *out)
{
    *out = in.has ? in.value : 0;
    if (*out != 0 && (*out < r->least || *out > r->most))
        return VALUE("Invalid value %lld for %s.%s. It must be between %lld and %lld.",
                     (long long)*out, r->member, which, (long long)r->least, (long long)r->most);
    return OK;
}

static struct err read_bounds(struct call *c, const struct range *r, struct opt_int minimum,
                              struct opt_int maximum, int64_t *out_least, int64_t *out_most)
{
    TRY(read_bound(c, r, "Minimum", minimum, out_least));
    TRY(read_bound(c, r, "Maximum", maximum, out_most));
    if (*out_least && *out_most && *out_least > *out_most)
        return COMBINATION("%s.Minimum (%lld) must not be greater than %s.Maximum (%lld).",
                           r->member, (long long)*out_least, r->member, (long long)*out_most);
    return OK;
}

struct err serverless_read_limits(struct call *c, const struct ec_cache_usage_limits *in,
                                  struct serverless_limits *out)
{
    static const struct range storage = {"DataStorage", STORAGE_MIN_GB, STORAGE_MAX_GB};
    static const struct range work = {"ECPUPerSecond", WORK_MIN, WORK_MAX};
    struct serverless_limits l = {0};

    if (in && in->data_storage)
        TRY(read_bounds(c, &storage, in->data_storage->minimum, in->data_storage->maximum,
                        &l.storage_least_gb, &l.storage_most_gb));
    if (in && in->ecpu_per_second)
        TRY(read_bounds(c, &work, in->ecpu_per_second->minimum, in->ecpu_per_second->maximum,
                        &l.work_least, &l.work_most));
    *out = l;
    return OK;
}

/* --- others --- */

struct err serverless_check_time(struct call *c, const char *time)
{
    int64_t hours, minutes;
    struct str rest = str_of(time);
    struct str first = str_cut(&rest, ':');

    if (strlen(time) == 5 && first.len == 2 && str_to_i64(first, &hours) &&
        str_to_i64(rest, &minutes) && hours >= 0 && hours < 24 && minutes >= 0 && minutes < 60)
        return OK;
    return VALUE("Invalid value %s for DailySnapshotTime. It must be of the form hh:mm.", time);
}

struct err serverless_set_window(struct call *c, struct serverless_cache *s, struct cluster *owned)
{
    bool has_time = *s->snapshot_time != '\0';
    int64_t hours = 0;

    check(!has_time || str_to_i64(str_of(arena_strndup(c->arena, s->snapshot_time, 2)), &hours));
    owned->maintenance_window = owned->snapshot_window = "";
    TRY(member_windows_both(c, NULL,
                            has_time ? arena_printf(c->arena, "%s-%02d:%s", s->snapshot_time,
                                                    (int)(hours + 1) % 24, s->snapshot_time + 3)
                                     : NULL,
                            owned));
    if (!has_time)
        s->snapshot_time = arena_strndup(c->arena, owned->snapshot_window, 5);
    return OK;
}

struct err serverless_choose_version(struct call *c, const char *engine, const char *major,
                                     const struct engine_version **out)
{
    *out = serverless_version(engine, member_has_text(major) ? major : NULL);
    if (!*out)
        return VALUE("Invalid MajorEngineVersion %s for the engine %s.", major, engine);
    return OK;
}

struct err serverless_page(struct call *c, struct opt_int max_results, const char *token,
                           int *out_limit, const char **out_after)
{
    *out_limit = RESULTS_MAX;
    if (max_results.has && (max_results.value < 1 || max_results.value > RESULTS_MAX))
        return VALUE("Invalid value %lld for MaxResults. It must be between 1 and %d.",
                     (long long)max_results.value, RESULTS_MAX);
    if (max_results.has)
        *out_limit = (int)max_results.value;
    struct err e = page_marker_read(c, token, out_after);
    if (err_is(e, FAULT_INVALID_PARAMETER_VALUE))
        return VALUE("The NextToken %s is not valid.", token);
    return e;
}
