#include "cacheengine/cluster/import.h"
#include "cluster_fixture.h"

#define ID_7  "7777777777777777777777777777777777777777"
#define ID_8  "8888888888888888888888888888888888888888"
#define TOKEN "abababababababababababababababababababab"
#define B     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct import wanted(const char *id, uint32_t slot)
{
    struct import i = {.from_shard = B, .token = TOKEN};

    memcpy(i.id, id, sizeof(i.id));
    slot_set_add(&i.slots, slot);
    return i;
}

static void begin(struct cluster *c, struct arena *a)
{
    cluster_init(c, ID_7, ID_8);
    cr_assert_not(err_failed(set_topology(c, a, "5 #1 " TWO_SHARDS)));
}

Test(import, slots_of_another_shard_are_expected_once)
{
    scoped(arena_fini) struct arena a = {0};
    struct imports im = {0};
    struct cluster c;

    begin(&c, &a);
    struct import i = wanted(ID_7, 9000);
    cr_assert_not(err_failed(import_expect(&im, &c, &a, &i)));
    cr_assert_not(err_failed(import_expect(&im, &c, &a, &i)));
    cr_assert_eq(im.count, 1);
    i = wanted(ID_8, 9000);
    cr_assert(err_is(import_expect(&im, &c, &a, &i), ERR_CONFLICT));
    i = wanted(ID_7, 9001);
    cr_assert(err_is(import_expect(&im, &c, &a, &i), ERR_CONFLICT));
    i = wanted(ID_8, 5);
    cr_assert(err_is(import_expect(&im, &c, &a, &i), ERR_CONFLICT));
    i = wanted(ID_8, 9001);
    cr_assert_not(err_failed(import_expect(&im, &c, &a, &i)));
    imports_fini(&im);
    cluster_fini(&c);
}

Test(import, it_is_found_by_id_token_and_client)
{
    scoped(arena_fini) struct arena a = {0};
    struct imports im = {0};
    struct cluster c;
    struct import i = wanted(ID_7, 9000);
    char place;
    struct client *client = (struct client *)(void *)&place;

    begin(&c, &a);
    cr_assert_not(err_failed(import_expect(&im, &c, &a, &i)));
    struct import *found = import_find(&im, STR(ID_7));
    cr_assert(found);
    cr_assert_null(import_find(&im, STR(ID_8)));
    cr_assert_eq(import_by_token(&im, STR(TOKEN)), found);
    cr_assert_null(import_by_token(&im, STR(ID_7)));
    cr_assert_null(import_by_token(&im, STR("ab")));
    cr_assert_null(import_of(&im, client));
    found->client = client;
    cr_assert_eq(import_of(&im, client), found);
    imports_fini(&im);
    cluster_fini(&c);
}

Test(import, slots_are_on_their_way_while_they_are_received)
{
    scoped(arena_fini) struct arena a = {0};
    struct imports im = {0};
    struct cluster c;
    struct import i = wanted(ID_7, 9000);

    begin(&c, &a);
    cr_assert_not(err_failed(import_expect(&im, &c, &a, &i)));
    imports_settle(&im, &c);
    cr_assert(slot_set_is_empty(&c.importing));
    im.items[0]->state = IMPORT_RECEIVES;
    imports_settle(&im, &c);
    cr_assert(slot_set_has(&c.importing, 9000));
    import_fail(im.items[0], "for a test");
    cr_assert_str_eq(import_state_names[im.items[0]->state], "failed");
    cr_assert_eq(c.handovers.count, 1);
    import_drop(&im, &c, im.items[0]);
    cr_assert(slot_set_is_empty(&c.importing));
    cr_assert_eq(im.count, 0);
    cluster_fini(&c);
}

Test(import, what_is_expected_and_taken_is_on_record)
{
    scoped(arena_fini) struct arena a = {0};
    struct imports im = {0}, left = {0};
    struct cluster c;
    struct import i = wanted(ID_7, 9000);

    begin(&c, &a);
    cr_assert_not(err_failed(import_expect(&im, &c, &a, &i)));
    cr_assert_eq(c.handovers.items[0].stage, HANDOVER_EXPECTED);
    cr_assert_not(cluster_is_mine(&c, 9000));
    struct import *found = import_add(&left, &c.handovers.items[0]);
    cr_assert_str_eq(found->token, TOKEN);
    cr_assert_eq(found->state, IMPORT_EXPECTED);
    cr_assert(import_take(&c, im.items[0]));
    cr_assert_eq(c.handovers.items[0].stage, HANDOVER_TAKEN);
    cr_assert(cluster_is_mine(&c, 9000));
    /* Until a topology has confirmed it nothing else happens to the slots. */
    i = wanted(ID_8, 9000);
    cr_assert(err_is(import_expect(&im, &c, &a, &i), ERR_CONFLICT));
    cr_assert(cluster_take_back(&c, STR(ID_7)));
    cr_assert_not(import_take(&c, im.items[0]));
    imports_fini(&left);
    imports_fini(&im);
    cluster_fini(&c);
}
