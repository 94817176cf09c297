/* Percentiles are read off the samples, between two of them where the rank falls between. */
#include "controlplane/ops/stats.h"

#include "base/err.h"

#include <math.h>
#include <string.h>

#define PERCENT_BYTES 12 /* "100.00000000" */

static const struct {
    const char *name;
    enum stat_kind kind;
} plain[] = {
    {"SampleCount", STAT_COUNT  },
    {"Average",     STAT_AVERAGE},
    {"Sum",         STAT_SUM    },
    {"Minimum",     STAT_MINIMUM},
    {"Maximum",     STAT_MAXIMUM},
};

/* Digits, and a fraction if any; no sign, no exponent. */
static bool percent_parse(const char *text, double *out)
{
    double value = 0, place = 0;
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (text[i] == '.' && place == 0 && i > 0 && i + 1 < len)
            place = 1;
        else if (!is_digit)
            return false;
        else if (place == 0)
            value = value * 10 + (text[i] - '0');
        else
            value += (text[i] - '0') * (place /= 10);
    }
    *out = value;
    return len > 0 && len <= PERCENT_BYTES && value <= 100;
}

bool stat_parse(const char *text, struct stat *out)
{
    for (size_t i = 0; i < countof(plain); i++)
        if (strcmp(text, plain[i].name) == 0) {
            *out = (struct stat){plain[i].kind, 0};
            return true;
        }
    *out = (struct stat){STAT_PERCENTILE, 0};
    return text[0] == 'p' && percent_parse(text + 1, &out->percent);
}

static double percentile(const struct series_bucket *b, double percent)
{
    double rank = percent / 100 * (b->count - 1), below = floor(rank);
    double low = b->samples[(size_t)below], high = b->samples[(size_t)ceil(rank)];

    return low + (high - low) * (rank - below);
}

double stat_of(const struct stat *s, const struct series_bucket *b)
{
    switch (s->kind) {
    case STAT_COUNT: return b->count;
    case STAT_AVERAGE: return b->sum / b->count;
    case STAT_SUM: return b->sum;
    case STAT_MINIMUM: return b->min;
    case STAT_MAXIMUM: return b->max;
    case STAT_PERCENTILE: break;
    }
    return percentile(b, s->percent);
}
