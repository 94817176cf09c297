#include "base/arena.h"
#include "controlplane/model/snapshot.h"

#include <criterion/criterion.h>

static struct arena a;

Test(snapshot, every_state_has_a_word_that_is_read_back)
{
    for (enum snapshot_state state = SNAPSHOT_CREATING; state <= SNAPSHOT_FAILED; state++) {
        enum snapshot_state read = SNAPSHOT_FAILED;
        cr_assert(snapshot_state_parse(snapshot_state_name(state), &read));
        cr_assert_eq(read, state);
    }
    cr_assert_not(snapshot_state_parse("restoring", &(enum snapshot_state){0}));
}

Test(snapshot, what_is_done_with_it_shows)
{
    struct snapshot s = {.state = SNAPSHOT_CREATING};

    cr_assert_str_eq(snapshot_status_word(&s), "creating");
    s.state = SNAPSHOT_AVAILABLE;
    cr_assert_str_eq(snapshot_status_word(&s), "available");
    s.is_exporting = true;
    cr_assert_str_eq(snapshot_status_word(&s), "exporting");
    s.is_restoring = true;
    cr_assert_str_eq(snapshot_status_word(&s), "restoring");
    s.state = SNAPSHOT_FAILED;
    cr_assert_str_eq(snapshot_status_word(&s), "failed");
}

Test(snapshot, of_serverless_caches_have_arns_of_their_own)
{
    struct snapshot s = {.owner = "", .account = "1", .region = "us-east-1", .name = "s"};

    cr_assert_str_eq(snapshot_arn(&a, &s), "arn:aws:elasticache:us-east-1:1:snapshot:s");
    s.owner = SNAPSHOT_OWNER_SERVERLESS;
    cr_assert_str_eq(snapshot_arn(&a, &s),
                     "arn:aws:elasticache:us-east-1:1:serverlesscachesnapshot:s");
    arena_fini(&a);
}

Test(snapshot, is_as_large_as_its_parts)
{
    struct snapshot_part items[] = {
        {.snapshot_id = 1, .bytes = 5},
        {.snapshot_id = 2, .bytes = 7},
        {.snapshot_id = 1, .bytes = 6}
    };
    struct snapshot_part_list parts = {items, 3};

    cr_assert_eq(snapshot_bytes(&(struct snapshot){.id = 1}, &parts), 11);
}

Test(snapshot, automatic_ones_are_called_after_source_and_time)
{
    cr_assert_str_eq(snapshot_automatic_name(&a, "x-001", 1700000000000),
                     "automatic.x-001-2023-11-14-22-13");
    arena_fini(&a);
}

Test(snapshot, sizes_are_whole_megabytes_and_at_least_one)
{
    struct snapshot_part p = {.bytes = 10};

    cr_assert_str_eq(snapshot_size_text(&a, &p), "");
    p.file_id = 1;
    cr_assert_str_eq(snapshot_size_text(&a, &p), "1 MB");
    p.bytes = 5 << 20;
    cr_assert_str_eq(snapshot_size_text(&a, &p), "5 MB");
    arena_fini(&a);
}

Test(snapshot, newer_engines_read_what_older_ones_wrote)
{
    cr_assert(snapshot_is_readable("redis", "7.1.0", "redis", "7.1.0"));
    cr_assert(snapshot_is_readable("redis", "6.2.6", "redis", "7.1.0"));
    cr_assert_not(snapshot_is_readable("redis", "7.1.0", "redis", "6.2.6"));
    cr_assert(snapshot_is_readable("redis", "7.1.0", "valkey", "7.2.6"));
    cr_assert(snapshot_is_readable("valkey", "7.2.6", "redis", "7.1.0"));
    cr_assert_not(snapshot_is_readable("valkey", "8.0.1", "redis", "7.1.0"));
    cr_assert_not(snapshot_is_readable("redis", "7.1.0", "memcached", "1.6.22"));
    cr_assert_not(snapshot_is_readable("memcached", "1.6.22", "redis", "7.1.0"));
    cr_assert_not(snapshot_is_readable("memcached", "1.6.22", "valkey", "8.0.1"));
    cr_assert(snapshot_is_readable("memcached", "1.6.22", "memcached", "1.6.6"));
}

Test(snapshot, rdb_files_are_known_by_their_beginning)
{
    cr_assert(snapshot_is_rdb(STR("REDIS0011\xfa")));
    cr_assert(snapshot_is_rdb(STR("VALKEY080")));
    cr_assert_not(snapshot_is_rdb(STR("REDIS")));
    cr_assert_not(snapshot_is_rdb(STR("REDIS001x")));
    cr_assert_not(snapshot_is_rdb(STR("VALKEY08x")));
    cr_assert_not(snapshot_is_rdb(STR("a letter to somebody")));
    cr_assert_not(snapshot_is_rdb(STR("")));
}
