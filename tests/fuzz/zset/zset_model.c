#include "tests/fuzz/zset/zset_model.h"

#include "base/err.h"
#include "cacheengine/types/rank.h"

#include <math.h>
#include <stdio.h>

void zmodel_begin(struct zmodel *m)
{
    char *at = m->bytes;

    for (int i = 0; i < ZMODEL_MEMBERS; i++) {
        int len;

        if (i % 3 == 0)
            len = snprintf(at, 80, "%d", i % 2 ? i * 77 : -i);
        else if (i % 67 == 1)
            len = snprintf(at, 80, "%070d", i);
        else
            len = snprintf(at, 80, "m%.*s%d", i % 20, "\x01\xff\x80zzzzzzzzzzzzzzzzzzzzz", i);
        m->texts[i] = (struct str){at, (size_t)len};
        at += len;
    }
    m->texts[1].len = 0;
    for (int i = 0; i < ZMODEL_KEYS; i++)
        m->sets[i].count = 0;
}

int zmodel_find(const struct zmodel_set *s, uint16_t member)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->items[i].member == member)
            return (int)i;
    return -1;
}

void zmodel_cut(struct zmodel_set *s, uint32_t at, uint32_t count)
{
    memmove(&s->items[at], &s->items[at + count], (s->count - at - count) * sizeof(s->items[0]));
    s->count -= count;
}

void zmodel_put(const struct zmodel *m, struct zmodel_set *s, uint16_t member, double score)
{
    int had = zmodel_find(s, member);
    uint32_t at = 0;

    if (had >= 0)
        zmodel_cut(s, (uint32_t)had, 1);
    check(s->count < ZMODEL_MEMBERS);
    while (at < s->count && (s->items[at].score < score ||
                             (s->items[at].score == score &&
                              rank_compare(m->texts[s->items[at].member], m->texts[member]) < 0)))
        at++;
    memmove(&s->items[at + 1], &s->items[at], (s->count - at) * sizeof(s->items[0]));
    s->items[at] = (struct zmodel_item){score, member};
    s->count++;
}

static double sum(double a, double b)
{
    return isnan(a + b) ? 0 : a + b;
}

void zmodel_combine(const struct zmodel *m, enum zmodel_algebra how, const struct zmodel_set *a,
                    const struct zmodel_set *b, struct zmodel_set *out)
{
    out->count = 0;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct zmodel_item *x = &a->items[i];
        int at = zmodel_find(b, x->member);

        if (how == ZMODEL_DIFF ? at < 0 : how == ZMODEL_UNION && at < 0)
            zmodel_put(m, out, x->member, x->score);
        else if (how != ZMODEL_DIFF && at >= 0)
            zmodel_put(m, out, x->member, sum(x->score, b->items[at].score));
    }
    for (uint32_t i = 0; how == ZMODEL_UNION && i < b->count; i++)
        if (zmodel_find(a, b->items[i].member) < 0)
            zmodel_put(m, out, b->items[i].member, b->items[i].score);
}
