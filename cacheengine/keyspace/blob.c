/* Big values: one allocation each, booked at what the system's allocator really gave. */
#include "cacheengine/keyspace/blob.h"

#include "base/err.h"

#include <malloc.h>
#include <stdlib.h>

/* What the allocator keeps in front of a block. */
#define BLOCK_HEAD 8

static struct blob *blob_book(struct account *account, struct blob *b)
{
    check(b);
    b->cost = malloc_usable_size(b) + BLOCK_HEAD;
    b->room = malloc_usable_size(b) - sizeof(*b);
    account_add(account, b->cost);
    return b;
}

struct blob *blob_new(struct account *account, size_t len, size_t room)
{
    struct blob *b = blob_book(account, malloc(sizeof(*b) + (room > len ? room : len)));

    b->shares = 1;
    b->skip = 0;
    b->len = len;
    return b;
}

size_t blob_release(struct blob *b)
{
    size_t cost = b->cost;

    if (__atomic_sub_fetch(&b->shares, 1, __ATOMIC_ACQ_REL) > 0)
        return 0;
    free(b);
    return cost;
}

void blob_drop(struct account *account, struct blob *b)
{
    if (b)
        account_sub(account, blob_release(b));
}

struct blob *blob_grow(struct account *account, struct blob *b, size_t room)
{
    check(!blob_is_shared(b));
    account_sub(account, b->cost);
    return blob_book(account, realloc(b, sizeof(*b) + b->skip + room));
}
