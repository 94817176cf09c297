#include "controlplane/ops/migration.h"
#include "controlplane/store/sources.h"
#include "world.h"

#include <criterion/criterion.h>

TestSuite(migration, .init = world_open, .fini = world_close, .timeout = 60);

Test(migration, a_group_that_follows_somebody_is_under_migration)
{
    struct shard_source source = {.address = "10.0.0.1", .port = 1, .user = "", .password = ""};
    struct group_facts facts;
    bool is_under = true;

    world_group("rg", 1);
    struct call c = world_call();
    must(group_facts_find(&c, "rg", &facts));
    must(migration_is_under_way(&c, &facts, &is_under));
    cr_assert_not(is_under);
    must(migration_refuse(&c, &facts));
    must(store_source_set(c.tx, facts.shards[0].id, &source));
    must(migration_is_under_way(&c, &facts, &is_under));
    cr_assert(is_under);
    expect(migration_refuse(&c, &facts), FAULT_INVALID_REPLICATION_GROUP_STATE, NULL);
    fixture_commit(&world.f);
}

Test(migration, it_begins_with_its_operation)
{
    struct group_facts facts;
    bool is_under = false;

    world_group("rg", 1);
    struct call c = world_call();
    must(group_facts_find(&c, "rg", &facts));
    must(group_facts_operate(&c, &facts, GROUP_MIGRATE, "10.0.0.1 1"));
    must(migration_is_under_way(&c, &facts, &is_under));
    cr_assert(is_under);
    fixture_commit(&world.f);
}
