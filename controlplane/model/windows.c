/* Windows are a start and a length on a circle of minutes: one of a week, or one of a day. */
#include "controlplane/model/windows.h"

#include "base/arena.h"
#include "base/rng.h"
#include "base/str.h"
#include "contract/faults.h"

#include <string.h>

static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

/* --- text --- */

/* Two digits below `limit`, or -1. */
static int two_digits(struct str text, int limit)
{
    uint64_t value;

    if (text.len != 2 || !str_to_u64(text, &value) || value >= (uint64_t)limit)
        return -1;
    return (int)value;
}

/* "hh:mm" as minutes, or -1. */
static int parse_time(struct str text)
{
    int hour = two_digits(str_cut(&text, ':'), 24);
    int minute = two_digits(text, 60);

    return hour < 0 || minute < 0 ? -1 : hour * 60 + minute;
}

/* "ddd:hh:mm" as minutes, or -1. */
static int parse_weekly(struct str text)
{
    struct str day = str_cut(&text, ':');
    int time = parse_time(text);

    for (int i = 0; i < (int)countof(days); i++)
        if (str_is_nocase(day, days[i]))
            return time < 0 ? -1 : i * DAY_MINUTES + time;
    return -1;
}

static bool parse_window(const char *text, int (*parse)(struct str), int circle, struct window *out)
{
    struct str end_text = str_of(text);
    struct str start_text = str_cut(&end_text, '-');
    int start = parse(start_text), end = parse(end_text);

    if (start < 0 || end < 0)
        return false;
    *out = (struct window){start, (end - start + circle) % circle};
    return true;
}

static struct err check_length(struct arena *a, const char *parameter, struct window w)
{
    if (w.length >= WINDOW_MIN_MINUTES)
        return OK;
    return err_format(a, FAULT_INVALID_PARAMETER_VALUE, "The %s must be at least %d minutes long.",
                      parameter, WINDOW_MIN_MINUTES);
}

struct err window_parse_maintenance(struct arena *a, const char *text, struct window *out)
{
    struct window w;

    if (!parse_window(text, parse_weekly, WEEK_MINUTES, &w))
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "Invalid maintenance window format: %s. It must be of the form "
                          "ddd:hh24:mi-ddd:hh24:mi, in UTC.",
                          text);
    TRY(check_length(a, "maintenance window", w));
    *out = w;
    return OK;
}

struct err window_parse_snapshot(struct arena *a, const char *text, struct window *out)
{
    struct window w;

    if (!parse_window(text, parse_time, DAY_MINUTES, &w))
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "Invalid snapshot window format: %s. It must be of the form "
                          "hh24:mi-hh24:mi, in UTC.",
                          text);
    TRY(check_length(a, "snapshot window", w));
    *out = w;
    return OK;
}

char *window_maintenance_text(struct arena *a, struct window w)
{
    int start = w.start, end = (w.start + w.length) % WEEK_MINUTES;

    return arena_printf(a, "%s:%02d:%02d-%s:%02d:%02d", days[start / DAY_MINUTES],
                        start % DAY_MINUTES / 60, start % 60, days[end / DAY_MINUTES],
                        end % DAY_MINUTES / 60, end % 60);
}

char *window_snapshot_text(struct arena *a, struct window w)
{
    int end = (w.start + w.length) % DAY_MINUTES;

    return arena_printf(a, "%02d:%02d-%02d:%02d", w.start / 60, w.start % 60, end / 60, end % 60);
}

/* --- time --- */

#define MINUTE_MS       (60 * (int64_t)1000)
#define EPOCH_DAY_START (4 * DAY_MINUTES) /* 1970-01-01 was a Thursday */

static int64_t opened(int64_t now_ms, int64_t origin_minutes, int start, int64_t circle)
{
    int64_t now = now_ms / MINUTE_MS + origin_minutes;
    int64_t since = ((now - start) % circle + circle) % circle;

    return (now - origin_minutes - since) * MINUTE_MS;
}

int64_t window_maintenance_opened(struct window w, int64_t now_ms)
{
    return opened(now_ms, EPOCH_DAY_START, w.start, WEEK_MINUTES);
}

int64_t window_snapshot_opened(struct window w, int64_t now_ms)
{
    return opened(now_ms, 0, w.start, DAY_MINUTES);
}

bool window_is_open(struct window w, int64_t opened_ms, int64_t now_ms)
{
    return now_ms - opened_ms < w.length * MINUTE_MS;
}

/* --- overlap --- */

/* Two arcs on a circle share a point when one of them holds the start of the other. */
static bool arcs_overlap(struct window x, struct window y, int circle)
{
    return (y.start - x.start + circle) % circle < x.length ||
           (x.start - y.start + circle) % circle < y.length;
}

bool windows_overlap(struct window maintenance, struct window snapshot)
{
    for (int day = 0; day < (int)countof(days); day++) {
        struct window on_day = {day * DAY_MINUTES + snapshot.start, snapshot.length};
        if (arcs_overlap(maintenance, on_day, WEEK_MINUTES))
            return true;
    }
    return false;
}

/* --- chance --- */

/* When a region's night begins, in minutes UTC; each lasts eight hours. The first prefix that fits
 * counts.  see: ElastiCache guide, "Managing maintenance" */
static const struct {
    const char *region;
    int start;
} nights[] = {
    {"us-east-1",      3 * 60      },
    {"us-east-2",      4 * 60      },
    {"us-west-",       6 * 60      },
    {"us-gov-west-1",  6 * 60      },
    {"eu-west-1",      22 * 60     },
    {"eu-west-2",      23 * 60     },
    {"eu-west-3",      23 * 60 + 59},
    {"eu-central-1",   23 * 60     },
    {"eu-south-1",     21 * 60     },
    {"sa-east-1",      1 * 60      },
    {"ap-northeast-1", 13 * 60     },
    {"ap-northeast-",  12 * 60     },
    {"ap-southeast-2", 12 * 60     },
    {"ap-southeast-",  14 * 60     },
    {"ap-south-1",     17 * 60 + 30},
    {"ap-east-1",      13 * 60     },
    {"cn-",            14 * 60     },
    {"af-south-1",     13 * 60     },
    {"me-",            13 * 60     },
    {"",               3 * 60      },
};

#define SLOT_MINUTES 30
#define NIGHT_SLOTS \
    (((7 * 60) + SLOT_MINUTES) / SLOT_MINUTES) /* the last one ends with the night */
#define DAY_SLOTS (DAY_MINUTES / SLOT_MINUTES)

/* eu-west-3's night is half an hour shorter and starts a minute before midnight: two slots less
 * keep its windows inside. */
static int night_slots(int start)
{
    return start % SLOT_MINUTES == 0 ? NIGHT_SLOTS : NIGHT_SLOTS - 2;
}

static int night_start(const char *region)
{
    size_t i = 0;

    while (strncmp(region, nights[i].region, strlen(nights[i].region)) != 0)
        i++;
    return nights[i].start;
}

struct window window_random_maintenance(struct rng *rng, const char *region,
                                        const struct window *other_snapshot)
{
    int night = night_start(region), slots = night_slots(night);
    int first = (int)rng_below(rng, (uint64_t)slots);
    int day = (int)rng_below(rng, countof(days)) * DAY_MINUTES;
    struct window w = {0, WINDOW_MIN_MINUTES};

    for (int i = 0; i < slots + DAY_SLOTS; i++) {
        int slot = i < slots ? (first + i) % slots : i - slots;
        w.start = (day + night + slot * SLOT_MINUTES) % WEEK_MINUTES;
        if (!other_snapshot || !windows_overlap(w, *other_snapshot))
            break;
    }
    return w;
}

struct window window_random_snapshot(struct rng *rng, const char *region,
                                     const struct window *other_maintenance)
{
    int night = night_start(region), slots = night_slots(night);
    int first = (int)rng_below(rng, (uint64_t)slots);
    struct window w = {0, WINDOW_MIN_MINUTES};

    for (int i = 0; i < slots + DAY_SLOTS; i++) {
        int slot = i < slots ? (first + i) % slots : i - slots;
        w.start = (night + slot * SLOT_MINUTES) % DAY_MINUTES;
        if (!other_maintenance || !windows_overlap(*other_maintenance, w))
            break;
    }
    return w;
}
