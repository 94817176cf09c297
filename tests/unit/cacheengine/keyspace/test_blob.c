#include "cacheengine/keyspace/blob.h"

#include <criterion/criterion.h>

#include <string.h>

Test(blob, the_last_share_frees_it)
{
    struct account account = {0};
    struct blob *b = blob_new(&account, 5, 100);

    cr_assert(account.used_bytes >= 100);
    blob_share(b);
    cr_assert(blob_is_shared(b));
    blob_drop(&account, b);
    cr_assert_not(blob_is_shared(b));
    cr_assert(account.used_bytes > 0);
    blob_drop(&account, b);
    cr_assert_eq(account.used_bytes, 0);
    blob_drop(&account, NULL);
}

Test(blob, growing_keeps_bytes_and_account)
{
    struct account account = {0};
    struct blob *b = blob_new(&account, 5, 5);

    memcpy(b->bytes, "hello", 5);
    b = blob_grow(&account, b, 100000);
    cr_assert(b->room >= 100000);
    cr_assert_eq(account.used_bytes, b->cost);
    cr_assert(str_is(blob_str(b), "hello"));
    cr_assert_eq(blob_release(b), account.used_bytes);
}
