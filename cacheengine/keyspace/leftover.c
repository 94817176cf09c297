#include "cacheengine/keyspace/leftover.h"

#include "base/err.h"

#include <stdlib.h>
#include <time.h>

/* A slice between two looks at the clock. */
#define SLICE 64

struct leftover {
    struct leftover *next;
    const struct type_ops *ops;
    void *object;
};

void leftover_add(struct db *db, const struct type_ops *ops, void *object)
{
    struct leftover *l = malloc(sizeof(*l));

    check(l);
    *l = (struct leftover){db->leftovers, ops, object};
    db->leftovers = l;
    db->leftover_count++;
    db->ks->leftover_count++;
}

static void take_off(struct db *db)
{
    struct leftover *l = db->leftovers;

    db->leftovers = l->next;
    free(l);
    db->leftover_count--;
    db->ks->leftover_count--;
    db->ks->stats.lazy_freed++;
}

void leftover_drop(struct db *db)
{
    while (db->leftovers) {
        db->leftovers->ops->drop(db, db->leftovers->object);
        take_off(db);
    }
}

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

bool keyspace_free_some(struct keyspace *ks, int64_t budget_us)
{
    if (ks->leftover_count == 0)
        return true;
    int64_t end_us = now_us() + budget_us;
    for (int i = 0; i < ks->db_count; i++) {
        struct db *db = &ks->dbs[i];

        while (db->leftovers) {
            if (db->leftovers->ops->drop_some(db, db->leftovers->object, SLICE))
                take_off(db);
            if (now_us() >= end_us)
                return ks->leftover_count == 0;
        }
    }
    return true;
}
