#include "numbers.h"

#include "controlplane/store/points.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

void put_number(const char *cluster, const char *number, int minute, const char *metric,
                double value)
{
    const struct metric *m = metric_find(str_of(metric));
    struct node_list nodes;
    struct cluster c;

    cr_assert_not_null(m, "%s", metric);
    fixture_begin(&world.f, STORE_WRITE);
    must(store_cluster_find(world.f.tx, "000000000000", "us-east-1", cluster, &c));
    must(store_node_list(world.f.tx, c.id, &nodes));
    for (size_t i = 0; i < nodes.count; i++)
        if (strcmp(nodes.items[i].number, number) == 0)
            must(store_point_add(world.f.tx, nodes.items[i].id, THEN_MS + minute * MINUTE,
                                 &(struct point_value){m, value}, 1));
    fixture_commit(&world.f);
}

void put_use(const char *name, int64_t bytes)
{
    struct point_value value = {metric_find(str_of("BytesUsedForCache")), (double)bytes};
    struct node_list nodes;
    struct cluster cl;

    fixture_begin(&world.f, STORE_WRITE);
    must(store_cluster_find(world.f.tx, "000000000000", "us-east-1", name, &cl));
    must(store_node_list(world.f.tx, cl.id, &nodes));
    must(store_point_add(world.f.tx, nodes.items[0].id,
                         clock_wall_ms(&world.clock.clock) / POINTS_MINUTE_MS * POINTS_MINUTE_MS,
                         &value, 1));
    fixture_commit(&world.f);
}

struct cw_dimensions of_cluster(const char *name)
{
    struct cw_dimension *d = arena_new(&world.f.arena, struct cw_dimension);

    *d = (struct cw_dimension){"CacheClusterId", name};
    return (struct cw_dimensions){true, 1, d};
}

struct cw_dimensions of_two(const char *name1, const char *value1, const char *name2,
                            const char *value2)
{
    struct cw_dimension *d = arena_array(&world.f.arena, 2, sizeof(*d));

    d[0] = (struct cw_dimension){name1, value1};
    d[1] = (struct cw_dimension){name2, value2};
    return (struct cw_dimensions){true, 2, d};
}
