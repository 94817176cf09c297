/* Prices follow from memory and time, with the usual discounts for who pays early or for long. */
#include "controlplane/model/offerings.h"

#include "base/arena.h"
#include "base/vec.h"
#include "controlplane/model/catalog.h"
#include "controlplane/model/naming.h"

#include <stdlib.h>
#include <string.h>

#define YEAR_S              (365 * 24 * 3600LL)
#define HOURS_PER_YEAR      (365 * 24LL)
#define MICROS_PER_GIB_HOUR 22000LL /* without a reservation */
#define MIB_PER_GIB         1024
#define PAYMENT_MS          5000

static const struct {
    int years;
    const char *type;
    int percent;       /* of the price without a reservation */
    int early_percent; /* of that, to be paid at once */
} terms[] = {
    {1, "No Upfront",      68, 0  },
    {1, "Partial Upfront", 65, 50 },
    {1, "All Upfront",     64, 100},
    {3, "No Upfront",      48, 0  },
    {3, "Partial Upfront", 45, 50 },
    {3, "All Upfront",     44, 100},
};

static const char *const products[] = {"memcached", "redis", "valkey"};

static const char *id_of(struct arena *a, const struct offering *o)
{
    const char *text = arena_printf(a, "%s/%s/%s/%lld", o->node_type, o->product, o->type,
                                    (long long)o->duration_s);
    uint64_t high = name_hash(text), low = name_hash(arena_printf(a, "%s/offering", text));

    return arena_printf(a, "%08llx-%04llx-%04llx-%04llx-%012llx", (unsigned long long)(high >> 32),
                        (unsigned long long)(high >> 16 & 0xffff),
                        (unsigned long long)(high & 0xffff), (unsigned long long)(low >> 48),
                        (unsigned long long)(low & 0xffffffffffff));
}

static struct offering make(struct arena *a, const struct node_type *t, const char *product,
                            size_t term)
{
    int64_t hour = t->memory_mib * MICROS_PER_GIB_HOUR / MIB_PER_GIB * terms[term].percent / 100;
    int64_t early = hour * terms[term].early_percent / 100;
    struct offering o = {
        .node_type = t->name,
        .product = product,
        .type = terms[term].type,
        .duration_s = terms[term].years * YEAR_S,
        .fixed_micros = early * HOURS_PER_YEAR * terms[term].years,
        .recurring_micros = hour - early,
    };

    o.id = id_of(a, &o);
    return o;
}

static int by_id(const void *x, const void *y)
{
    return strcmp(((const struct offering *)x)->id, ((const struct offering *)y)->id);
}

struct offering *offerings_all(struct arena *a, size_t *out_count)
{
    size_t type_count;
    const struct node_type *types = node_type_all(&type_count);
    vec_of(struct offering) all = VEC_EMPTY;

    for (size_t i = 0; i < type_count; i++)
        for (size_t p = 0; p < countof(products); p++)
            for (size_t t = 0; t < countof(terms); t++)
                if (types[i].is_offered && node_type_runs(&types[i], products[p]))
                    *vec_add(a, &all) = make(a, &types[i], products[p], t);
    if (all.count > 0)
        qsort(all.items, all.count, sizeof(*all.items), by_id);
    *out_count = all.count;
    return all.items;
}

bool offering_duration_parse(const char *text, int64_t *out)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } known[] = {
        {"1",        YEAR_S    },
        {"P1Y",      YEAR_S    },
        {"P3Y",      3 * YEAR_S},
        {"31536000", YEAR_S    },
        {"3",        3 * YEAR_S},
        {"94608000", 3 * YEAR_S},
    };

    for (size_t i = 0; i < countof(known); i++)
        if (strcmp(known[i].text, text) == 0) {
            *out = known[i].seconds;
            return true;
        }
    return false;
}

const char *reservation_state_word(const struct reservation *r, int64_t now_ms)
{
    if (now_ms < r->start_ms + PAYMENT_MS)
        return "payment-pending";
    return now_ms < r->start_ms + r->offering.duration_s * 1000 ? "active" : "retired";
}
