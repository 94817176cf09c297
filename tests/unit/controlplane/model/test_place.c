#include "base/arena.h"
#include "base/err.h"
#include "controlplane/model/place.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#define GIB ((int64_t)1 << 30)

/* Three zones, one host each; the middle one has most memory. */
static struct host three[] = {
    {.id = "h1",
     .zone = "a",
     .name = "one",
     .pool = "127.0.1.0/29",
     .memory_bytes = 4 * GIB,
     .engines = "bundled=0.1.0"             },
    {.id = "h2",
     .zone = "b",
     .name = "two",
     .pool = "127.0.2.0/29",
     .memory_bytes = 8 * GIB,
     .engines = "bundled=0.1.0 redis=7.0.15"},
    {.id = "h3",
     .zone = "c",
     .name = "three",
     .pool = "127.0.3.0/29",
     .memory_bytes = 4 * GIB,
     .engines = "bundled=0.1.0"             },
};

struct board {
    struct arena arena;
    struct host hosts[3];
    struct host_list list;
};

static struct place *board_new(struct board *b)
{
    *b = (struct board){0};
    memcpy(b->hosts, three, sizeof(three));
    b->list = (struct host_list){b->hosts, countof(b->hosts)};
    return place_new(&b->arena, &b->list);
}

static struct place_request want(const char *zone, int64_t gib)
{
    return (struct place_request){.cluster_id = 1,
                                  .node_id = 1,
                                  .zone = zone,
                                  .memory_bytes = gib * GIB,
                                  .port = 6379,
                                  .program = "bundled"};
}

Test(place, the_emptiest_host_is_chosen_and_then_the_first_name)
{
    struct board b;
    struct place *p = board_new(&b);
    struct place_request r = want("", 2);
    struct place_choice choice;

    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.host_id, "h2");
    cr_assert_str_eq(choice.zone, "b");
    r.cluster_id = 2;
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.host_id, "h2");
    r.cluster_id = 3;
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.host_id, "h1", "4 GiB left everywhere: by name");
    arena_fini(&b.arena);
}

Test(place, nodes_of_one_cluster_keep_away_from_each_other)
{
    struct board b;
    struct place *p = board_new(&b);
    struct place_request r[4];
    struct place_choice choice[4];

    for (size_t i = 0; i < 4; i++)
        r[i] = want("", 1);
    cr_assert_eq(place_nodes(p, r, 4, choice), PLACE_OK);
    cr_assert_str_eq(choice[0].host_id, "h2");
    cr_assert_str_eq(choice[1].host_id, "h1");
    cr_assert_str_eq(choice[2].host_id, "h3");
    cr_assert_str_eq(choice[3].host_id, "h2");
    arena_fini(&b.arena);
}

Test(place, cross_az_counts_zones_before_hosts)
{
    struct arena a = {0};
    struct host hosts[] = {
        {.id = "a1",
         .zone = "a",
         .name = "a1",
         .pool = "127.0.1.0/24",
         .memory_bytes = 9 * GIB,
         .engines = ""},
        {.id = "a2",
         .zone = "a",
         .name = "a2",
         .pool = "127.0.2.0/24",
         .memory_bytes = 8 * GIB,
         .engines = ""},
        {.id = "b1",
         .zone = "b",
         .name = "b1",
         .pool = "127.0.3.0/24",
         .memory_bytes = 1 * GIB,
         .engines = ""},
    };
    struct host_list list = {hosts, countof(hosts)};
    struct place_request r = {
        .cluster_id = 1, .zone = "", .memory_bytes = GIB, .port = 1, .program = ""};
    struct place_request both[] = {r, r};
    struct place_choice choice[2];

    cr_assert_eq(place_nodes(place_new(&a, &list), both, 2, choice), PLACE_OK);
    cr_assert_str_eq(choice[1].host_id, "a2", "another host will do");

    both[0].is_cross_az = both[1].is_cross_az = true;
    cr_assert_eq(place_nodes(place_new(&a, &list), both, 2, choice), PLACE_OK);
    cr_assert_str_eq(choice[0].host_id, "a1");
    cr_assert_str_eq(choice[1].host_id, "b1");
    arena_fini(&a);
}

Test(place, nodes_that_stand_already_count)
{
    struct board b;
    struct place *p = board_new(&b);
    struct place_request r = want("", 1);
    struct place_choice choice;

    place_take_node(p, 1, "h2");
    place_take_node(p, 1, "a host that is gone");
    place_take_node(p, 2, "h1");
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.host_id, "h1");
    arena_fini(&b.arena);
}

Test(place, the_zone_asked_for_is_kept)
{
    struct board b;
    struct place *p = board_new(&b);
    struct place_request r = want("c", 1);
    struct place_choice choice;

    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.host_id, "h3");
    arena_fini(&b.arena);
}

Test(place, a_refusal_says_what_is_missing)
{
    static const struct {
        const char *zone;
        int64_t gib;
        const char *program;
        enum place_result result;
    } rows[] = {
        {"z", 1, "bundled",   PLACE_NO_ZONE  },
        {"",  9, "bundled",   PLACE_TOO_LARGE},
        {"a", 5, "bundled",   PLACE_TOO_LARGE},
        {"",  1, "memcached", PLACE_NO_HOST  },
        {"a", 1, "redis",     PLACE_NO_HOST  },
        {"b", 1, "redis",     PLACE_OK       },
        {"",  1, "redis=7.0", PLACE_OK       },
        {"",  1, "redis=7.2", PLACE_NO_HOST  },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct board b;
        struct place *p = board_new(&b);
        struct place_request r = want(rows[i].zone, rows[i].gib);
        struct place_choice choice;
        r.program = rows[i].program;
        cr_assert_eq(place_nodes(p, &r, 1, &choice), rows[i].result, "row %zu", i);
        cr_assert_gt(strlen(place_result_text(rows[i].result)), 0);
        arena_fini(&b.arena);
    }
}

Test(place, memory_that_is_used_is_not_given_again)
{
    struct board b;
    struct place *p = board_new(&b);
    struct place_request r = want("", 4);
    struct place_choice choice;

    b.hosts[0].used_bytes = b.hosts[2].used_bytes = GIB;
    p = place_new(&b.arena, &b.list);
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_NO_MEMORY);
    arena_fini(&b.arena);
}

Test(place, silent_hosts_get_nothing)
{
    struct board b;
    struct place *p = board_new(&b);
    struct place_request r = want("", 1);
    struct place_choice choice;

    b.hosts[1].is_silent = true;
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.host_id, "h1");
    b.hosts[0].is_silent = b.hosts[2].is_silent = true;
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_NO_HOST);
    arena_fini(&b.arena);
}

Test(place, a_region_without_hosts_has_no_place)
{
    struct arena a = {0};
    struct host_list none = {0};
    struct place_request r = want("", 1);
    struct place_choice choice;

    cr_assert_eq(place_nodes(place_new(&a, &none), &r, 1, &choice), PLACE_NO_HOST);
    r.zone = "a";
    cr_assert_eq(place_nodes(place_new(&a, &none), &r, 1, &choice), PLACE_NO_ZONE);
    arena_fini(&a);
}

Test(place, all_or_nothing_leaves_the_board_as_it_was)
{
    struct board b;
    struct place *p = board_new(&b);
    struct place_request many[5];
    struct place_choice choice[5] = {0};

    for (size_t i = 0; i < 5; i++)
        many[i] = want("", 4);
    cr_assert_eq(place_nodes(p, many, 5, choice), PLACE_NO_MEMORY);
    cr_assert_null(choice[0].host_id);
    cr_assert_eq(place_nodes(p, many, 4, choice), PLACE_OK, "nothing was kept from before");
    cr_assert_str_eq(choice[0].address, "127.0.2.1");
    arena_fini(&b.arena);
}

Test(place, addresses_of_nobody_come_first_and_then_those_with_the_port_free)
{
    struct board b;
    struct place *p = board_new(&b);
    struct place_request r = want("a", 0);
    struct place_choice choice;
    static const char *const order[] = {"127.0.1.1", "127.0.1.3", "127.0.1.4",
                                        "127.0.1.5", "127.0.1.6", "127.0.1.2"};

    place_take_address(p, "127.0.1.2", 7000);
    for (size_t i = 0; i < countof(order); i++) {
        cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
        cr_assert_str_eq(choice.address, order[i]);
    }
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_NO_ADDRESS);
    r.port = 6380;
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    arena_fini(&b.arena);
}

Test(place, the_search_for_an_address_starts_where_the_node_s_id_falls)
{
    struct board b;
    struct place *p = board_new(&b);
    struct place_request r = want("a", 0);
    struct place_choice choice;

    r.node_id = 4;
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.address, "127.0.1.4");
    r.node_id = 6 + 4;
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.address, "127.0.1.5", "taken: the next one");
    arena_fini(&b.arena);
}

Test(place, small_and_unreadable_pools)
{
    static const struct {
        const char *pool, *address; /* NULL: none */
    } rows[] = {
        {"10.0.0.5/32", "10.0.0.5"},
        {"10.0.0.5",    "10.0.0.5"},
        {"10.0.0.4/31", "10.0.0.4"},
        {"10.0.0.4/30", "10.0.0.5"},
        {"10.0.0.0/8",  "10.0.0.1"},
        {"",            NULL      },
        {"10.0.0.0/33", NULL      },
        {"10.0.0.1/8",  NULL      },
        {"fd00::/64",   NULL      },
    };
    for (size_t i = 0; i < countof(rows); i++) {
        struct arena a = {0};
        struct host h = {.id = "h",
                         .zone = "a",
                         .name = "h",
                         .pool = rows[i].pool,
                         .memory_bytes = GIB,
                         .engines = ""};
        struct host_list list = {&h, 1};
        struct place_request r = {.zone = "", .port = 1, .program = ""};
        struct place_choice choice;
        enum place_result result = place_nodes(place_new(&a, &list), &r, 1, &choice);
        cr_assert_eq(result, rows[i].address ? PLACE_OK : PLACE_NO_ADDRESS, "%s", rows[i].pool);
        if (rows[i].address)
            cr_assert_str_eq(choice.address, rows[i].address);
        arena_fini(&a);
    }
}

Test(place, only_zones_that_are_open_are_chosen)
{
    static const char *const open[] = {"b"};
    struct arena a = {0};
    struct host hosts[] = {
        {.id = "h1",
         .zone = "a",
         .name = "h1",
         .pool = "10.0.0.0/24",
         .memory_bytes = 9 * GIB,
         .engines = ""},
        {.id = "h2",
         .zone = "b",
         .name = "h2",
         .pool = "10.0.1.0/24",
         .memory_bytes = GIB,
         .engines = ""},
    };
    struct host_list list = {hosts, 2};
    struct place_request r = {.zone = "", .port = 1, .memory_bytes = GIB, .program = ""};
    struct place *p = place_new(&a, &list);
    struct place_choice choice;

    place_limit_zones(p, open, 1);
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.zone, "b");
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_NO_MEMORY, "a is closed");
    r.zone = "a";
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_NO_ZONE);
    arena_fini(&a);
}

Test(place, a_second_port_must_be_free_on_the_same_address)
{
    struct board b;
    struct place *p = board_new(&b);
    struct place_request r = want("a", 1);
    struct place_choice first, second;

    /* Everybody's address, so that ports count. */
    for (int i = 1; i <= 6; i++)
        place_take_address(p, arena_printf(&b.arena, "127.0.1.%d", i), i < 6 ? 6380 : 7000);
    r.second_port = 6380;
    cr_assert_eq(place_nodes(p, &r, 1, &first), PLACE_OK);
    cr_assert_str_eq(first.address, "127.0.1.6");
    cr_assert_eq(place_nodes(p, &r, 1, &second), PLACE_NO_ADDRESS);
    r.port = 6380;
    r.second_port = 0;
    cr_assert_eq(place_nodes(p, &r, 1, &second), PLACE_NO_ADDRESS, "readers come there");
    arena_fini(&b.arena);
}

Test(place, a_node_grows_while_its_host_has_memory)
{
    struct board b;
    struct place *p = board_new(&b);

    cr_assert(place_grow(p, "h1", 3 * GIB, 0));
    cr_assert_not(place_grow(p, "h1", 2 * GIB, 0));
    cr_assert(place_grow(p, "h1", -2 * GIB, 0));
    cr_assert(place_grow(p, "h1", 2 * GIB, 0));
    cr_assert_not(place_grow(p, "nobody", 1, 0));
    arena_fini(&b.arena);
}

/* --- processors --- */

static struct place_request want_vcpus(int64_t vcpus)
{
    struct place_request r = want("", 1);

    r.vcpus = vcpus;
    return r;
}

static struct place *board_with_vcpus(struct board *b, int one, int two, int three_of)
{
    board_new(b);
    b->hosts[0].vcpus = one;
    b->hosts[1].vcpus = two;
    b->hosts[2].vcpus = three_of;
    return place_new(&b->arena, &b->list);
}

Test(place, of_equally_empty_hosts_the_one_with_most_idle_processors_is_chosen)
{
    struct board b;
    struct place_choice choice;

    board_with_vcpus(&b, 8, 8, 16);
    b.hosts[1].memory_bytes = GIB / 2; /* out of the way */
    b.hosts[0].used_vcpus = 4;
    b.hosts[2].used_vcpus = 6;
    struct place *p = place_new(&b.arena, &b.list);
    const struct place_request r = want_vcpus(2);
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.host_id, "h3", "6 of 16 is less than 4 of 8");
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.host_id, "h1");
    arena_fini(&b.arena);
}

Test(place, no_host_gives_more_processors_than_it_may)
{
    struct board b;
    struct place *p = board_with_vcpus(&b, 1, 2, 0);
    struct place_choice choice;
    const struct place_request r = want_vcpus(4), small = want_vcpus(2);

    b.hosts[2].memory_bytes = GIB / 2;
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK, "nothing is limited");
    p = place_new(&b.arena, &b.list);
    place_limit_vcpus(p, 2);
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.host_id, "h2");
    cr_assert_eq(place_nodes(p, &small, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.host_id, "h1");
    cr_assert_eq(place_nodes(p, &small, 1, &choice), PLACE_NO_VCPUS);
    const struct place_request none = want_vcpus(0);
    cr_assert_eq(place_nodes(p, &none, 1, &choice), PLACE_OK, "it takes none");
    arena_fini(&b.arena);
}

Test(place, a_host_that_does_not_say_how_many_it_has_is_not_limited)
{
    struct board b;
    struct place *p = board_with_vcpus(&b, 0, 0, 0);
    struct place_choice choice;
    const struct place_request r = want_vcpus(96);

    place_limit_vcpus(p, 1);
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    arena_fini(&b.arena);
}

Test(place, processors_of_what_is_not_placed_are_given_back)
{
    struct board b;
    struct place *p = board_with_vcpus(&b, 2, 2, 2);
    struct place_request r[4];
    struct place_choice choice[4];

    place_limit_vcpus(p, 1);
    for (size_t i = 0; i < 4; i++)
        r[i] = want_vcpus(2);
    cr_assert_eq(place_nodes(p, r, 4, choice), PLACE_NO_VCPUS);
    cr_assert_eq(place_nodes(p, r, 3, choice), PLACE_OK);
    arena_fini(&b.arena);
}

Test(place, a_node_grows_while_its_host_has_processors)
{
    struct board b;
    struct place *p = board_with_vcpus(&b, 2, 2, 2);

    place_limit_vcpus(p, 2);
    cr_assert(place_grow(p, "h1", 0, 4));
    cr_assert_not(place_grow(p, "h1", 0, 1));
    cr_assert(place_grow(p, "h1", 0, -2));
    cr_assert(place_grow(p, "h1", 0, 2));
    arena_fini(&b.arena);
}

/* --- addresses of IPv6 --- */

Test(place, nodes_of_both_families_get_an_address_of_each)
{
    struct board b;
    struct place *p = board_new(&b);
    struct place_request r = want("", 1);
    struct place_choice choice;

    r.network = NETWORK_DUAL_STACK;
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_NO_IPV6);
    cr_assert_not_null(strstr(place_result_text(PLACE_NO_IPV6), "IPv6"));
    b.hosts[2].pool6 = "fd00::/64";
    p = place_new(&b.arena, &b.list);
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.host_id, "h3");
    cr_assert_str_eq(choice.address, "127.0.3.1");
    cr_assert_str_eq(choice.second_address, "fd00::1");
    r.network = NETWORK_IPV6;
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.address, "fd00::2");
    cr_assert_str_eq(choice.second_address, "");
    r.network = NETWORK_IPV4;
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.host_id, "h2");
    arena_fini(&b.arena);
}

Test(place, hosts_that_share_one_address_have_each_port_once)
{
    struct board b;
    struct place *p = board_new(&b);
    struct place_request r = want("", 1);
    struct place_choice choice;

    for (size_t i = 0; i < countof(b.hosts); i++)
        b.hosts[i].pool6 = "::1/128";
    p = place_new(&b.arena, &b.list);
    r.network = NETWORK_IPV6;
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.address, "::1");
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_NO_ADDRESS);
    r.port = 6380;
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    place_take_address(p, "::1", 6381);
    r.port = 6381;
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_NO_ADDRESS);
    arena_fini(&b.arena);
}

/* --- many --- */

#define MANY_HOSTS   1000
#define MANY_SHARDS  500
#define MEMBERS      6
#define MANY_NODES   (MANY_SHARDS * MEMBERS)
#define MANY_ADDRESS "10.%d.%d.0/24"

struct many {
    struct arena arena;
    struct host hosts[MANY_HOSTS];
    struct place_request requests[MANY_NODES];
    struct place_choice choices[MANY_NODES];
};

static struct many many;

static struct place *many_new(int64_t gib_each)
{
    static const char *const zones[] = {"a", "b", "c"};
    struct arena *a = &many.arena;

    for (int i = 0; i < MANY_HOSTS; i++)
        many.hosts[i] = (struct host){.id = arena_printf(a, "h%d", i),
                                      .name = arena_printf(a, "h%d", i),
                                      .zone = zones[i % 3],
                                      .pool = arena_printf(a, MANY_ADDRESS, i / 256, i % 256),
                                      .memory_bytes = gib_each * GIB,
                                      .engines = "bundled=0.1.0"};
    for (int i = 0; i < MANY_NODES; i++)
        many.requests[i] = (struct place_request){.cluster_id = place_key(i, i / MEMBERS + 1),
                                                  .node_id = i + 1,
                                                  .zone = "",
                                                  .memory_bytes = GIB,
                                                  .port = 6379,
                                                  .is_cross_az = true,
                                                  .keeps_apart = true,
                                                  .program = "bundled"};
    return place_new(a, &(struct host_list){many.hosts, MANY_HOSTS});
}

static int host_number(const struct place_choice *c)
{
    int number = 0;

    cr_assert_eq(sscanf(c->host_id, "h%d", &number), 1);
    return number;
}

Test(place, five_hundred_shards_are_spread_over_zones_and_hosts)
{
    int on_host[MANY_HOSTS] = {0};
    struct place *p = many_new(64);

    cr_assert_eq(place_nodes(p, many.requests, MANY_NODES, many.choices), PLACE_OK);
    for (int shard = 0; shard < MANY_SHARDS; shard++) {
        const struct place_choice *members = &many.choices[shard * MEMBERS];
        int in_zone[3] = {0};
        for (int i = 0; i < MEMBERS; i++) {
            in_zone[*members[i].zone - 'a']++;
            on_host[host_number(&members[i])]++;
            for (int k = 0; k < i; k++)
                cr_assert_str_neq(members[i].host_id, members[k].host_id);
        }
        for (int zone = 0; zone < 3; zone++)
            cr_assert_eq(in_zone[zone], MEMBERS / 3);
    }
    for (int i = 0; i < MANY_HOSTS; i++)
        cr_assert(on_host[i] >= 2 && on_host[i] <= 4, "h%d has %d", i, on_host[i]);
    arena_fini(&many.arena);
}

Test(place, five_hundred_shards_that_do_not_fit_leave_everything_as_it_was)
{
    struct place *p = many_new(3);

    many.requests[MANY_NODES - 1].memory_bytes = 3 * GIB; /* the last one alone has no room */
    for (int i = 0; i < MANY_HOSTS; i++)
        many.hosts[i].used_bytes = 0;
    cr_assert_eq(place_nodes(p, many.requests, MANY_NODES, many.choices), PLACE_NO_MEMORY);
    cr_assert_null(many.choices[0].host_id);
    many.requests[MANY_NODES - 1].memory_bytes = GIB;
    cr_assert_eq(place_nodes(p, many.requests, MANY_NODES, many.choices), PLACE_OK,
                 "all memory that there is");
    cr_assert_eq(place_nodes(p, many.requests, 1, many.choices), PLACE_NO_MEMORY);
    arena_fini(&many.arena);
}

static bool is_asked(void *context, const char *address, int port)
{
    int *asked = context;

    (void)port;
    ++*asked;
    return strcmp(address, "127.0.1.1") == 0 || strcmp(address, "127.0.1.2") == 0;
}

Test(place, addresses_that_were_not_told_are_asked_for_on_the_chosen_host_alone)
{
    struct board b;
    struct place *p = board_new(&b);
    struct place_request r = want("a", 1);
    struct place_choice choice;
    int asked = 0;

    place_ask_addresses(p, is_asked, &asked);
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.address, "127.0.1.3");
    cr_assert_eq(asked, 3);
    r.zone = "b";
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_eq(asked, 4);
    arena_fini(&b.arena);
}

Test(place, where_the_best_host_has_no_address_the_next_one_is_chosen)
{
    struct board b;
    board_new(&b);
    b.hosts[1].pool = "127.0.2.1/32";
    struct place *p = place_new(&b.arena, &b.list);
    struct place_request r = want("", 1);
    struct place_choice choice;

    place_take_address(p, "127.0.2.1", 6379);
    cr_assert_eq(place_nodes(p, &r, 1, &choice), PLACE_OK);
    cr_assert_str_eq(choice.host_id, "h1", "h2 has most memory");
    arena_fini(&b.arena);
}
