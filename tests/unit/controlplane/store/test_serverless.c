#include "base/err.h"
#include "controlplane/store/access.h"
#include "controlplane/store/network.h"
#include "controlplane/store/serverless.h"
#include "controlplane/store/users.h"
#include "fixture.h"

#include <criterion/criterion.h>

FIXTURE_SUITE(serverless);

#define ACCOUNT "000000000000"
#define REGION  "us-east-1"

static struct serverless_cache cache(const char *name)
{
    struct serverless_cache s = {
        .account = ACCOUNT,
        .region = REGION,
        .name = name,
        .description = "d",
        .engine = "redis",
        .engine_version = "7.1.0",
        .limits = {1, 2, 3000, 4000},
        .security_groups = "sg-1",
        .subnets = "subnet-1,subnet-2",
        .snapshot_retention = 3,
        .snapshot_time = "05:30",
        .created_ms = 1000,
        .kms_key = "key",
    };

    must(store_serverless_insert(f.tx, &s));
    return s;
}

static void same(const struct serverless_cache *a, const struct serverless_cache *b)
{
    cr_assert_eq(a->id, b->id);
    cr_assert_str_eq(a->name, b->name);
    cr_assert_str_eq(a->description, b->description);
    cr_assert_str_eq(a->engine, b->engine);
    cr_assert_str_eq(a->engine_version, b->engine_version);
    cr_assert_eq(a->limits.storage_least_gb, b->limits.storage_least_gb);
    cr_assert_eq(a->limits.storage_most_gb, b->limits.storage_most_gb);
    cr_assert_eq(a->limits.work_least, b->limits.work_least);
    cr_assert_eq(a->limits.work_most, b->limits.work_most);
    cr_assert_str_eq(a->security_groups, b->security_groups);
    cr_assert_str_eq(a->subnets, b->subnets);
    cr_assert_eq(a->snapshot_retention, b->snapshot_retention);
    cr_assert_str_eq(a->snapshot_time, b->snapshot_time);
    cr_assert_eq(a->created_ms, b->created_ms);
    cr_assert_str_eq(a->kms_key, b->kms_key);
}

Test(serverless, every_column_survives_the_round_trip)
{
    struct serverless_cache s = cache("one"), found;

    must(store_serverless_find(f.tx, ACCOUNT, REGION, "one", &found));
    same(&found, &s);
    s.description = "e";
    s.engine = "valkey";
    s.engine_version = "8.0.1";
    s.limits = (struct serverless_limits){5, 6, 7000, 8000};
    s.security_groups = "sg-2";
    s.subnets = "subnet-3";
    s.snapshot_retention = 4;
    s.snapshot_time = "06:30";
    must(store_serverless_update(f.tx, &s));
    must(store_serverless_find(f.tx, ACCOUNT, REGION, "one", &found));
    same(&found, &s);
}

Test(serverless, caches_are_paged_counted_and_removed_with_their_tags)
{
    struct serverless_cache *page;
    struct tag *tags;
    size_t count;
    int64_t all = 0;

    cache("b");
    int64_t id = cache("a").id;
    cache("c");
    must(store_serverless_list(f.tx, ACCOUNT, REGION, "a", 1, &page, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(page[0].name, "b");
    must(store_serverless_count(f.tx, ACCOUNT, REGION, &all));
    cr_assert_eq(all, 3);
    must(store_serverless_all(f.tx, &page, &count));
    cr_assert(count == 3 && strcmp(page[0].name, "b") == 0, "by id");
    must(store_tag_put(f.tx, ACCOUNT, REGION, "arn", "k", "v"));
    must(store_serverless_remove(f.tx, id, "arn"));
    must(store_tag_list(f.tx, "arn", &tags, &count));
    cr_assert_eq(count, 0);
    cr_assert(
        err_is(store_serverless_find(f.tx, ACCOUNT, REGION, "a", &(struct serverless_cache){0}),
               ERR_NOT_FOUND));
}

Test(serverless, a_name_is_taken_once)
{
    struct serverless_cache s = cache("one");

    cr_assert(err_is(store_serverless_insert(f.tx, &s), ERR_EXISTS));
}

/* --- what caches own --- */

static struct replication_group owned_group(const struct serverless_cache *s)
{
    struct replication_group g = fixture_group(&f, "another");

    g.name = "serverless.one";
    g.common.owner = (struct owner){s->id, s->name};
    g.common.allotment = (struct allotment){1, 2, 3};
    must(store_group_insert(f.tx, &g));
    return g;
}

static struct cluster owned_cluster(const struct serverless_cache *s, int64_t group_id)
{
    struct cluster c = fixture_cluster(&f, "another", "redis");

    c.name = "serverless.one-0001-001";
    c.group_id = group_id;
    c.owner = (struct owner){s->id, s->name};
    c.allotment = (struct allotment){4, 5, 6};
    must(store_cluster_insert(f.tx, &c));
    return c;
}

Test(serverless, a_group_that_is_owned_is_found_by_its_owner_and_its_id_alone)
{
    struct serverless_cache s = cache("one");
    struct replication_group g = owned_group(&s), *list, found;
    size_t count;

    cr_assert(
        err_is(store_group_find(f.tx, ACCOUNT, REGION, "serverless.one", &found), ERR_NOT_FOUND));
    must(store_group_list(f.tx, ACCOUNT, REGION, "", 9, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(list[0].name, "another");
    must(store_group_list_owned(f.tx, &s.id, 1, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_eq(list[0].id, g.id);
    must(store_group_get(f.tx, g.id, &found));
    cr_assert_eq(found.common.owner.id, s.id);
    cr_assert_str_eq(found.common.owner.name, "one");
    cr_assert_eq(found.common.allotment.least_bytes, 1);
    cr_assert_eq(found.common.allotment.most_bytes, 2);
    cr_assert_eq(found.common.allotment.work_most, 3);
    found.common.allotment = (struct allotment){7, 8, 9};
    must(store_group_update(f.tx, &found));
    must(store_group_get(f.tx, g.id, &found));
    cr_assert_eq(found.common.allotment.least_bytes, 7);
    cr_assert_eq(found.common.allotment.most_bytes, 8);
    cr_assert_eq(found.common.allotment.work_most, 9);
}

Test(serverless, clusters_that_are_owned_are_seen_by_nobody_else_and_count_for_no_quota)
{
    struct serverless_cache s = cache("one");
    struct replication_group g = owned_group(&s);
    struct cluster member = owned_cluster(&s, g.id), *list, found;
    size_t count;
    int64_t nodes = -1;

    fixture_node(&f, member.id, "0001");
    cr_assert(
        err_is(store_cluster_find(f.tx, ACCOUNT, REGION, member.name, &found), ERR_NOT_FOUND));
    must(store_cluster_list(f.tx, ACCOUNT, REGION, "", 9, &list, &count));
    cr_assert_eq(count, 1);
    must(store_cluster_list_single(f.tx, ACCOUNT, REGION, "", 9, &list, &count));
    cr_assert_eq(count, 1);
    must(store_node_count(f.tx, ACCOUNT, REGION, &nodes));
    cr_assert_eq(nodes, 0);
    must(store_cluster_list_owned(f.tx, &s.id, 1, &list, &count));
    cr_assert_eq(count, 0, "a member is its group's");
    must(store_group_members(f.tx, &g.id, 1, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_str_eq(list[0].owner.name, "one");
    cr_assert_eq(list[0].allotment.least_bytes, 4);
    cr_assert_eq(list[0].allotment.most_bytes, 5);
    cr_assert_eq(list[0].allotment.work_most, 6);
}

Test(serverless, a_cluster_outside_of_groups_is_found_by_its_owner)
{
    struct serverless_cache s = cache("one");
    struct cluster c = owned_cluster(&s, 0), *list;
    size_t count;

    must(store_cluster_list_owned(f.tx, &s.id, 1, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_eq(list[0].id, c.id);
}

Test(serverless, user_groups_know_what_they_are_attached_to_by_its_owner)
{
    struct serverless_cache s = cache("one");
    struct replication_group g = owned_group(&s);
    struct cache_access x;
    struct attachment *attachments;
    size_t count;
    struct user_group users = {.account = ACCOUNT,
                               .region = REGION,
                               .name = "team",
                               .engine = "redis",
                               .revision = 1,
                               .is_wanted = true};

    must(store_user_group_insert(f.tx, &users));
    must(store_access_get(f.tx, g.id, 0, &x));
    x.user_group_id = users.id;
    must(store_access_put(f.tx, &x));
    must(store_access_attachments(f.tx, &users.id, 1, &attachments, &count));
    cr_assert_eq(count, 1);
    cr_assert_eq(attachments[0].replication_group_id, g.id);
    cr_assert_str_eq(attachments[0].owner.name, "one");
}

Test(serverless, a_subnet_of_a_cache_is_in_use)
{
    bool is_used = false;

    cache("one");
    must(store_subnet_is_grouped(f.tx, ACCOUNT, REGION, "subnet-2", &is_used));
    cr_assert(is_used);
    must(store_subnet_is_grouped(f.tx, ACCOUNT, REGION, "subnet-3", &is_used));
    cr_assert_not(is_used);
}
