#include "controlplane/store/certificates.h"
#include "fixture.h"

#include <criterion/criterion.h>

#include <string.h>

FIXTURE_SUITE(certificates);

Test(certificates, the_authority_is_one)
{
    struct authority a;

    cr_assert(err_is(store_authority_get(f.tx, &a), ERR_NOT_FOUND));
    must(store_authority_put(f.tx, &(struct authority){"c1", "k1", 1}));
    must(store_authority_put(f.tx, &(struct authority){"c2", "k2", 2}));
    must(store_authority_get(f.tx, &a));
    cr_assert_str_eq(a.certificate, "c2");
    cr_assert_str_eq(a.private_key, "k2");
    cr_assert_eq(a.not_after_ms, 2);
}

Test(certificates, each_replacement_is_counted_and_the_host_is_told)
{
    struct host h = fixture_host(&f, "h1", "a", "127.77.0.0/24", 1 << 30);
    struct cluster c = fixture_cluster(&f, "c1", "redis");
    struct node n = fixture_node(&f, c.id, "0001");
    struct node_goal goal = {
        .host_id = h.id, .address = "127.77.0.1", .port = 6379, .state = NODE_RUNNING};
    struct node_certificate *list;
    int64_t before, after;
    size_t count;

    must(store_goal_set(f.tx, n.id, &goal));
    must(store_host_generation(f.tx, h.id, &before));
    must(store_certificate_list(f.tx, c.id, &list, &count));
    cr_assert_eq(count, 0);
    for (int i = 1; i <= 2; i++)
        must(store_certificate_put(
            f.tx, n.id,
            &(struct node_certificate){
                .names = "a,b", .certificate = "c", .private_key = "k", .not_after_ms = i}));
    must(store_host_generation(f.tx, h.id, &after));
    cr_assert_eq(after, before + 2);
    must(store_certificate_list(f.tx, c.id, &list, &count));
    cr_assert_eq(count, 1);
    cr_assert_eq(list[0].node_id, n.id);
    cr_assert_eq(list[0].revision, 2);
    cr_assert_eq(list[0].not_after_ms, 2);
    cr_assert_str_eq(list[0].names, "a,b");
    must(store_node_remove(f.tx, n.id));
    must(store_certificate_list(f.tx, c.id, &list, &count));
    cr_assert_eq(count, 0, "it goes with its node");
}
