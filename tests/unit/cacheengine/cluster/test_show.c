#include "cacheengine/cluster/show.h"
#include "cacheengine/keyspace/settings.h"
#include "cluster_fixture.h"

#define ONES   "1111111111111111111111111111111111111111"
#define TWOS   "2222222222222222222222222222222222222222"
#define THREES "3333333333333333333333333333333333333333"

struct showing {
    struct arena arena;
    struct cluster cluster;
    struct settings settings;
    struct cluster_view view;
    struct buf text;
};

static void begin(struct showing *s, const char *topology)
{
    *s = (struct showing){
        .settings = {.wants_full_coverage = true, .announced_ip = "", .announced_hostname = ""}
    };
    cluster_init(&s->cluster, ONES, TWOS);
    if (topology)
        cr_assert_not(err_failed(set_topology(&s->cluster, &s->arena, topology)));
    s->view = (struct cluster_view){.cluster = &s->cluster, .settings = &s->settings};
}

static void end(struct showing *s)
{
    cluster_fini(&s->cluster);
    arena_fini(&s->arena);
    buf_fini(&s->text);
}

Test(show, nodes_are_lines_that_clients_read)
{
    struct showing s;

    begin(&s, "9 #1 " TWO_SHARDS " MIGRATION 7 #a #b MIGRATION 9000 #b #a");
    show_nodes(&s.view, &s.text);
    cr_assert_str_eq(buf_cstr(&s.text), ONES
                     " 127.0.0.1:7001@17001,one.cache myself,master - 0 0 9 connected 0-8191"
                     " [7->-" THREES "] [9000-<-" THREES "]\n" TWOS
                     " 127.0.0.1:7002@17002 slave " ONES " 0 1700000000000 9 connected\n" THREES
                     " ::1:7003@17003 master - 0 1700000000000 9 connected 8192-16383\n");
    end(&s);
}

Test(show, a_node_that_was_told_nothing_shows_itself)
{
    struct showing s;

    begin(&s, NULL);
    s.settings.port = 6379;
    show_nodes(&s.view, &s.text);
    cr_assert_str_eq(buf_cstr(&s.text), ONES " :6379@16379 myself,master - 0 0 0 connected\n");
    end(&s);
}

Test(show, addresses_are_those_that_are_preferred)
{
    struct showing s;

    begin(&s, "9 #1 " TWO_SHARDS);
    cr_assert_str_eq(show_primary(&s.view, &s.arena, 0), "127.0.0.1:7001");
    cr_assert_str_eq(show_primary(&s.view, &s.arena, 1), "::1:7003");
    s.view.is_tls = true;
    cr_assert_str_eq(show_primary(&s.view, &s.arena, 1), "::1:8003");
    cr_assert_str_eq(show_primary(&s.view, &s.arena, 0), "127.0.0.1:7001");
    s.view.is_tls = false;
    s.settings.endpoint_type = ENDPOINT_HOSTNAME;
    cr_assert_str_eq(show_primary(&s.view, &s.arena, 0), "one.cache:7001");
    cr_assert_str_eq(show_primary(&s.view, &s.arena, 1), "?:7003");
    s.settings.endpoint_type = ENDPOINT_UNKNOWN;
    cr_assert_str_eq(show_primary(&s.view, &s.arena, 1), ":7003");
    s.settings.endpoint_type = ENDPOINT_IP;
    s.settings.announced_ip = "10.0.0.1";
    s.settings.announced_port = 99;
    cr_assert_str_eq(show_primary(&s.view, &s.arena, 0), "10.0.0.1:99");
    cr_assert_str_eq(show_primary(&s.view, &s.arena, 1), "::1:7003");
    end(&s);
}

Test(show, what_failed_is_counted)
{
    struct showing s;

    begin(&s, "9 #1 SHARD #a 0-8191 NODE #1 primary 1.1.1.1 1 0 - online "
              "SHARD #b 8192-16383 NODE #2 primary 1.1.1.1 2 0 - fail");
    show_info(&s.view, &s.text);
    cr_assert(strstr(buf_cstr(&s.text), "cluster_state:fail\r\ncluster_slots_assigned:16384\r\n"
                                        "cluster_slots_ok:8192\r\ncluster_slots_pfail:0\r\n"
                                        "cluster_slots_fail:8192\r\ncluster_known_nodes:2\r\n"
                                        "cluster_size:2\r\ncluster_current_epoch:9\r\n"));
    show_nodes(&s.view, &s.text);
    cr_assert(strstr(buf_cstr(&s.text), "master,fail - 0 1700000000000 9 disconnected 8192-16383"));
    end(&s);
}
