#include "fixture.h"

#include "base/str.h"

#include <criterion/criterion.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void must(struct err e)
{
    cr_assert_eq(e.code, ERR_OK, "%s: %s", err_code_name(e.code), e.why ? e.why : "");
}

void fixture_open(struct fixture *f)
{
    *f = (struct fixture){.dir = "/tmp/larder-store-XXXXXX"};
    cr_assert_not_null(mkdtemp(f->dir));
    f->path = arena_printf(&f->arena, "%s/larder.db", f->dir);
    must(store_open(&f->arena, f->path, &f->store));
}

void fixture_close(struct fixture *f)
{
    store_rollback(&f->tx);
    store_close(f->store);
    DIR *dir = opendir(f->dir);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.')
            unlink(arena_printf(&f->arena, "%s/%s", f->dir, entry->d_name));
    if (dir)
        closedir(dir);
    rmdir(f->dir);
    arena_fini(&f->arena);
}

struct store_tx *fixture_begin(struct fixture *f, enum store_mode mode)
{
    store_rollback(&f->tx);
    must(store_begin(f->store, mode, &f->arena, &f->tx));
    return f->tx;
}

void fixture_commit(struct fixture *f)
{
    must(store_commit(&f->tx));
}

struct cluster fixture_cluster(struct fixture *f, const char *name, const char *engine)
{
    bool is_memcached = strcmp(engine, "memcached") == 0;
    struct cluster c = {
        .account = "000000000000",
        .region = "us-east-1",
        .name = name,
        .engine = engine,
        .engine_version = is_memcached ? "1.6.22" : "7.1.0",
        .node_type = "cache.t4g.micro",
        .port = is_memcached ? 11211 : 6379,
        .az_mode = "single-az",
        .preferred_zone = "",
        .parameter_group = is_memcached ? "default.memcached1.6" : "default.redis7",
        .subnet_group = "default",
        .security_groups = "",
        .maintenance_window = "sun:05:00-sun:06:00",
        .snapshot_window = "",
        .snapshot_retention = 0,
        .auto_minor_upgrade = true,
        .notification_topic = "",
        .notification_status = "",
        .configuration_version = 1,
        .is_wanted = true,
        .created_ms = 1000,
    };
    must(store_cluster_insert(f->tx, &c));
    return c;
}

struct replication_group fixture_group(struct fixture *f, const char *name)
{
    struct replication_group g = {
        .account = "000000000000",
        .region = "us-east-1",
        .name = name,
        .description = "d",
        .user = "u",
        .password = "p",
        .snapshotting_cluster = "",
        .next_shard = 2,
        .common = {.engine = "redis",
                   .engine_version = "7.1.0",
                   .node_type = "cache.t4g.micro",
                   .port = 6379,
                   .parameter_group = "default.redis7",
                   .subnet_group = "default",
                   .security_groups = "",
                   .maintenance_window = "sun:05:00-sun:06:00",
                   .snapshot_window = "02:00-03:00",
                   .auto_minor_upgrade = true,
                   .notification_topic = "",
                   .notification_status = ""},
        .entry = {.user_group = ""},
        .is_wanted = true,
        .created_ms = 1000,
    };
    must(store_group_insert(f->tx, &g));
    return g;
}

struct shard fixture_shard(struct fixture *f, int64_t group_id, const char *number)
{
    struct shard s = {
        .group_id = group_id,
        .number = number,
        .engine_id = group_secret_new(&f->arena),
        .slots = "",
        .next_member = 1,
        .is_wanted = true,
    };
    must(store_shard_insert(f->tx, &s));
    return s;
}

struct node fixture_node(struct fixture *f, int64_t cluster_id, const char *number)
{
    struct node n = {
        .cluster_id = cluster_id,
        .number = number,
        .zone = "",
        .engine_id = "",
        .is_wanted = true,
        .boot_count = 1,
        .created_ms = 1000,
    };
    must(store_node_insert(f->tx, &n));
    return n;
}

struct host fixture_host(struct fixture *f, const char *name, const char *zone, const char *pool,
                         int64_t memory_bytes)
{
    struct host h = {
        .id = arena_printf(&f->arena, "id-of-%s", name),
        .region = "us-east-1",
        .zone = zone,
        .name = name,
        .incarnation = "first",
        .boot_id = "boot",
        .agent_version = "0.1.0",
        .memory_bytes = memory_bytes,
        .vcpus = 2,
        .pool = pool,
        .engines = "bundled=0.1.0",
        .enrolled_ms = 1000,
    };
    must(store_host_put(f->tx, &h));
    return h;
}
