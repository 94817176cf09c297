/* "3 scale 20 5 cache.t4g.micro 1700000000000 0001,0002": the number of nodes stands first, as in
 * all changes of clusters. */
#include "controlplane/model/scaling.h"

#include "base/arena.h"
#include "base/str.h"
#include "contract/faults.h"
#include "controlplane/model/cluster.h"

#define PERCENT_MIN 10
#define PERCENT_MAX 100
#define MINUTES_MIN 2
#define MINUTES_MAX 30

static struct err check_between(struct arena *a, const char *name, int64_t value, int least,
                                int most)
{
    if (value >= least && value <= most)
        return OK;
    return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                      "Invalid value %lld for %s. It must be between %d and %d.", (long long)value,
                      name, least, most);
}

struct err scaling_check(struct arena *a, int64_t percent, int64_t minutes)
{
    TRY(check_between(a, "ScalePercentage", percent, PERCENT_MIN, PERCENT_MAX));
    return check_between(a, "ScaleIntervalMinutes", minutes, MINUTES_MIN, MINUTES_MAX);
}

char *scaling_text(struct arena *a, int64_t nodes_before, const struct scaling *s)
{
    return arena_printf(a, "%lld " SCALE_WORD " %lld %lld %s %lld %s", (long long)nodes_before,
                        (long long)s->percent, (long long)s->minutes, s->type_before,
                        (long long)s->next_ms, s->restarting);
}

bool scaling_parse(struct arena *a, const char *data, int64_t *out_nodes_before,
                   struct scaling *out)
{
    struct str rest = str_of(data);
    struct scaling s;

    if (!str_to_i64(str_cut(&rest, ' '), out_nodes_before) ||
        !str_is(str_cut(&rest, ' '), SCALE_WORD) || !str_to_i64(str_cut(&rest, ' '), &s.percent) ||
        !str_to_i64(str_cut(&rest, ' '), &s.minutes))
        return false;
    s.type_before = str_dup(a, str_cut(&rest, ' '));
    if (!str_to_i64(str_cut(&rest, ' '), &s.next_ms))
        return false;
    s.restarting = str_dup(a, rest);
    *out = s;
    return true;
}

/* "<shard> <from> <to> <type> <is begun> 12:15,13:16": a switch stands first, as in all others. */
char *moving_text(struct arena *a, const struct moving *m)
{
    char *text =
        arena_printf(a, "%lld %lld %lld %s %d ", (long long)m->shard_id, (long long)m->from_id,
                     (long long)m->to_id, m->type_before, m->is_begun);

    for (size_t i = 0; i < m->count; i++)
        text = arena_printf(a, "%s%s%lld:%lld", text, i > 0 ? "," : "",
                            (long long)m->pairs[i].old_id, (long long)m->pairs[i].new_id);
    return text;
}

bool moving_parse(struct arena *a, const char *data, struct moving *out)
{
    struct str rest = str_of(data);
    struct moving m = {0};
    int64_t is_begun;

    if (!str_to_i64(str_cut(&rest, ' '), &m.shard_id) ||
        !str_to_i64(str_cut(&rest, ' '), &m.from_id) || !str_to_i64(str_cut(&rest, ' '), &m.to_id))
        return false;
    m.type_before = str_dup(a, str_cut(&rest, ' '));
    if (!str_to_i64(str_cut(&rest, ' '), &is_begun))
        return false;
    m.is_begun = is_begun != 0;
    m.pairs = arena_array(a, rest.len + 1, sizeof(*m.pairs));
    while (rest.len > 0) {
        struct str pair = str_cut(&rest, ',');
        struct stand_in *s = &m.pairs[m.count++];
        if (!str_to_i64(str_cut(&pair, ':'), &s->old_id) || !str_to_i64(pair, &s->new_id))
            return false;
    }
    *out = m;
    return true;
}

size_t scaling_batch(int64_t percent, size_t nodes)
{
    size_t count = (nodes * (size_t)percent + 99) / 100;

    return count > 0 ? count : 1;
}
