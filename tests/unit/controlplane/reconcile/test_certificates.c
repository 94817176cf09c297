#include "../store/fixture.h"
#include "base/err.h"
#include "controlplane/pki/pki.h"
#include "controlplane/reconcile/certificates.h"
#include "controlplane/store/certificates.h"

#include <criterion/criterion.h>

#include <string.h>

#define NOW_MS 1700000000000

static struct fixture f;
static struct authority authority;
static struct view view;
static struct node node;
static struct shard_endpoints endpoints;

static void open_fixture(void)
{
    struct pki_identity root;

    fixture_open(&f);
    fixture_begin(&f, STORE_WRITE);
    must(pki_authority_new(&f.arena, "test", NOW_MS, &root));
    authority = (struct authority){root.certificate, root.private_key, root.not_after_ms};
    view = (struct view){
        .cluster = fixture_cluster(&f, "c1", "redis"), .nodes = {&node, 1},
               .now_ms = NOW_MS
    };
    view.cluster.tls = TLS_REQUIRED;
    node = fixture_node(&f, view.cluster.id, "0001");
    node.goal = (struct node_goal){.has = true, .address = "127.77.0.1"};
    endpoints = (struct shard_endpoints){.address = "", .reader_address = ""};
}

static void close_fixture(void)
{
    fixture_close(&f);
}

TestSuite(certificates, .init = open_fixture, .fini = close_fixture);

/* How many certificates one look issued. */
static int look(const char *group, int64_t *out_wake_ms)
{
    struct certifier by = {&authority, "cache.test"};
    struct membership of = {group, &endpoints};
    bool is_issued = false;

    *out_wake_ms = INT64_MAX;
    must(certificates_look(f.tx, &by, &view, group ? &of : NULL, &is_issued, out_wake_ms));
    return is_issued;
}

static struct node_certificate stored(void)
{
    struct node_certificate *list;
    size_t count;

    must(store_certificate_list(f.tx, view.cluster.id, &list, &count));
    cr_assert_eq(count, 1);
    return list[0];
}

Test(certificates, a_placed_node_gets_one_for_all_that_leads_to_it)
{
    int64_t wake;

    cr_assert(look(NULL, &wake));
    cr_assert_not_null(strstr(stored().names, "127.77.0.1"));
    cr_assert_not_null(strstr(stored().names, ".cache.test"));
    cr_assert_not(look(NULL, &wake), "it has it already");
    cr_assert_eq(wake, pki_renewal_ms(stored().not_after_ms));
    cr_assert_eq(stored().revision, 1);
}

Test(certificates, another_address_or_group_needs_another_one)
{
    int64_t wake;

    cr_assert(look(NULL, &wake));
    node.goal.address = "127.77.0.2";
    cr_assert(look(NULL, &wake));
    cr_assert_null(strstr(stored().names, "127.77.0.1"));
    cr_assert(look("g1", &wake));
    cr_assert_not_null(strstr(stored().names, "g1."));
    node.goal.second_address = "fd00::1";
    cr_assert(look("g1", &wake));
    cr_assert_not_null(strstr(stored().names, "127.77.0.2,fd00::1,"));
    cr_assert_eq(stored().revision, 4);
    endpoints = (struct shard_endpoints){"127.0.9.1", "127.0.9.2", 7, 0};
    cr_assert(look("g1", &wake));
    cr_assert_not_null(strstr(stored().names, "127.0.9.1,127.0.9.2,"));
}

Test(certificates, it_is_replaced_a_month_before_its_end)
{
    int64_t wake;

    cr_assert(look(NULL, &wake));
    view.now_ms = wake - 1;
    cr_assert_not(look(NULL, &wake));
    view.now_ms = wake;
    cr_assert(look(NULL, &wake));
    cr_assert_gt(wake, view.now_ms);
}

Test(certificates, plain_clusters_and_nodes_without_a_place_need_none)
{
    int64_t wake;

    node.goal.has = false;
    cr_assert_not(look(NULL, &wake));
    node.goal.has = true;
    view.cluster.tls = TLS_OFF;
    cr_assert_not(look(NULL, &wake));
    cr_assert_eq(wake, INT64_MAX);
}
