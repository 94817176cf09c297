/*
 * Growing arrays of any type, in an arena: `struct { T *items; size_t count, capacity; }`.
 *
 *     vec_of(struct node) nodes = VEC_EMPTY;
 *     *vec_add(a, &nodes) = node;
 *     vec_each(n, &nodes) use(n);
 *
 * Growth copies into fresh arena memory, so pointers to items hold only until the next vec_add.
 */
#ifndef LARDER_BASE_VEC_H
#define LARDER_BASE_VEC_H

#include <stddef.h>

struct arena;

#define vec_of(type)     \
    struct {             \
        type *items;     \
        size_t count;    \
        size_t capacity; \
    }

#define VEC_EMPTY  \
    {              \
        NULL, 0, 0 \
    }

/* Adds one zeroed item and gives its address. */
#define vec_add(a, vec)                                                                      \
    ((vec)->items =                                                                          \
         vec_grow((a), (vec)->items, (vec)->count, &(vec)->capacity, sizeof(*(vec)->items)), \
     &(vec)->items[(vec)->count++])

/* Runs the body with `item` pointing at each item in turn. (NULL plus nothing is undefined.) */
#define vec_each(item, vec)                                \
    for (__typeof__((vec)->items[0]) *item = (vec)->items; \
         item && item < (vec)->items + (vec)->count; item++)

/* Room for one more; used by vec_add only. */
void *vec_grow(struct arena *a, void *items, size_t count, size_t *capacity, size_t item_size);

#endif
