#include "base/arena.h"
#include "controlplane/model/buckets.h"

#include <criterion/criterion.h>

#include <string.h>

static struct arena a;

Test(buckets, folders_and_services_are_read_line_by_line)
{
    struct buckets all;

    cr_assert_not(err_failed(buckets_parse(&a,
                                           STR("# ours\nnear /srv/near\n\n"
                                               "far  https://s3.example/ eu-west-1 KEY SECRET\n"),
                                           &all)));
    cr_assert_eq(all.count, 2);
    cr_assert_str_eq(bucket_find(&all, "near")->dir, "/srv/near");
    const struct bucket *far = bucket_find(&all, "far");
    cr_assert_null(far->dir);
    cr_assert_str_eq(far->url, "https://s3.example");
    cr_assert_str_eq(far->region, "eu-west-1");
    cr_assert_str_eq(far->access_key, "KEY");
    cr_assert_str_eq(far->secret_key, "SECRET");
    cr_assert_null(bucket_find(&all, "other"));
    cr_assert_null(bucket_find(NULL, "near"));
    arena_fini(&a);
}

Test(buckets, what_is_neither_is_named_by_its_line)
{
    static const char *const wrong[] = {"near relative", "near", "near ftp://x r k s",
                                        "far http://x r k", "far http://x r k s more"};
    struct buckets all;

    for (size_t i = 0; i < countof(wrong); i++) {
        struct err e = buckets_parse(&a, str_of(arena_printf(&a, "\n%s\n", wrong[i])), &all);
        cr_assert(err_is(e, ERR_INVALID), "%s", wrong[i]);
        cr_assert_not_null(strstr(e.why, "line 2"));
    }
    arena_fini(&a);
}

Test(buckets, arns_name_a_bucket_and_a_key_inside_it)
{
    static const char *const wrong[] = {"arn:aws:s3:::bucket",      "arn:aws:s3:::bucket/",
                                        "arn:aws:s3:::/key",        "arn:aws:ec2:::bucket/key",
                                        "arn:aws:s3:::b/../../etc", "arn:aws:s3:::b/a,b"};
    const char *path, *bucket, *key;

    cr_assert(bucket_arn_parse("arn:aws:s3:::b/f/k.rdb", &path));
    bucket_path_split(&a, path, &bucket, &key);
    cr_assert_str_eq(bucket, "b");
    cr_assert_str_eq(key, "f/k.rdb");
    for (size_t i = 0; i < countof(wrong); i++)
        cr_assert_not(bucket_arn_parse(wrong[i], &path), "%s", wrong[i]);
    arena_fini(&a);
}
