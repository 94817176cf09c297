/* The system's clocks, a clock for tests, and the two text forms of a moment. */
#include "base/clock.h"

#include "base/arena.h"

#include <time.h>

#define MS_PER_SECOND 1000

static int64_t read_ms(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * MS_PER_SECOND + ts.tv_nsec / 1000000;
}

static int64_t system_wall_ms(const struct clock *c)
{
    (void)c;
    return read_ms(CLOCK_REALTIME);
}

static int64_t system_boot_ms(const struct clock *c)
{
    (void)c;
    return read_ms(CLOCK_BOOTTIME);
}

const struct clock clock_system = {.wall_ms = system_wall_ms, .boot_ms = system_boot_ms};

static int64_t manual_wall_ms(const struct clock *c)
{
    return ((const struct clock_manual *)c)->now_wall_ms;
}

static int64_t manual_boot_ms(const struct clock *c)
{
    return ((const struct clock_manual *)c)->now_boot_ms;
}

void clock_manual_init(struct clock_manual *m, int64_t wall_ms, int64_t boot_ms)
{
    *m = (struct clock_manual){
        .clock = {.wall_ms = manual_wall_ms, .boot_ms = manual_boot_ms},
        .now_wall_ms = wall_ms,
        .now_boot_ms = boot_ms,
    };
}

void clock_manual_advance(struct clock_manual *m, int64_t ms)
{
    m->now_wall_ms += ms;
    m->now_boot_ms += ms;
}

char *time_iso8601(struct arena *a, int64_t wall_ms)
{
    int64_t ms = wall_ms % MS_PER_SECOND;
    time_t seconds = (time_t)(wall_ms / MS_PER_SECOND);
    if (ms < 0) {
        ms += MS_PER_SECOND;
        seconds--;
    }
    struct tm tm;
    gmtime_r(&seconds, &tm);
    return arena_printf(a, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                        tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)ms);
}

/* Takes exactly `digits` decimal digits off the front. */
static bool take_number(struct str *s, size_t digits, int *out)
{
    int value = 0;
    if (s->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (s->ptr[i] < '0' || s->ptr[i] > '9')
            return false;
        value = value * 10 + (s->ptr[i] - '0');
    }
    s->ptr += digits;
    s->len -= digits;
    *out = value;
    return true;
}

static bool take_char(struct str *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    s->ptr++;
    s->len--;
    return true;
}

/* ".123456" to milliseconds; what is finer is cut off. */
static bool take_fraction(struct str *s, int64_t *ms)
{
    int64_t unit = 100;
    *ms = 0;
    if (!take_char(s, '.'))
        return true;
    if (s->len == 0 || s->ptr[0] < '0' || s->ptr[0] > '9')
        return false;
    for (int digit; take_number(s, 1, &digit); unit /= 10)
        *ms += digit * unit;
    return true;
}

/* "", "Z", "+hh:mm", "-hhmm" to seconds east of UTC. */
static bool take_zone(struct str *s, int64_t *offset_s)
{
    int hours, minutes;
    *offset_s = 0;
    if (s->len == 0 || take_char(s, 'Z') || take_char(s, 'z'))
        return s->len == 0;
    int sign = s->ptr[0] == '-' ? -1 : 1;
    if (!take_char(s, '+') && !take_char(s, '-'))
        return false;
    if (!take_number(s, 2, &hours))
        return false;
    take_char(s, ':');
    if (!take_number(s, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset_s = sign * (hours * 3600 + minutes * 60);
    return s->len == 0;
}

static bool parse_epoch(struct str s, int64_t *out)
{
    int64_t ms, seconds;
    struct str whole = str_cut(&s, '.');
    if (!str_to_i64(whole, &seconds) || seconds > INT64_MAX / MS_PER_SECOND / 2 ||
        seconds < INT64_MIN / MS_PER_SECOND / 2)
        return false;
    if (s.len == 0) {
        *out = seconds * MS_PER_SECOND;
        return true;
    }
    struct str fraction = {s.ptr - 1, s.len + 1};
    if (!take_fraction(&fraction, &ms) || fraction.len)
        return false;
    *out = seconds * MS_PER_SECOND + (seconds < 0 ? -ms : ms);
    return true;
}

bool time_parse(struct str s, int64_t *out_wall_ms)
{
    struct tm tm = {0};
    int64_t ms = 0, offset_s = 0;

    if (s.len < 10 || s.ptr[4] != '-')
        return parse_epoch(s, out_wall_ms);
    if (!take_number(&s, 4, &tm.tm_year) || !take_char(&s, '-') ||
        !take_number(&s, 2, &tm.tm_mon) || !take_char(&s, '-') || !take_number(&s, 2, &tm.tm_mday))
        return false;
    if (s.len) {
        if (!take_char(&s, 'T') && !take_char(&s, 't') && !take_char(&s, ' '))
            return false;
        if (!take_number(&s, 2, &tm.tm_hour) || !take_char(&s, ':') ||
            !take_number(&s, 2, &tm.tm_min))
            return false;
        if (take_char(&s, ':') && (!take_number(&s, 2, &tm.tm_sec) || !take_fraction(&s, &ms)))
            return false;
        if (!take_zone(&s, &offset_s))
            return false;
    }
    if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 ||
        tm.tm_min > 59 || tm.tm_sec > 60)
        return false;

    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (tm.tm_year % 4 == 0 && tm.tm_year % 100 != 0) || tm.tm_year % 400 == 0;
    if (tm.tm_mday > month_days[tm.tm_mon - 1] + (tm.tm_mon == 2 && is_leap ? 1 : 0))
        return false;

    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    int64_t seconds = (int64_t)timegm(&tm);
    *out_wall_ms = (seconds - offset_s) * MS_PER_SECOND + ms;
    return true;
}
