/* What a scrape finds beside the requests. */
#include "base/buf.h"
#include "controlplane/front/gauges.h"
#include "controlplane/store/store.h"
#include "world.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static double value_of(const char *text, const char *name)
{
    const char *at = text;

    while ((at = strstr(at, name)) != NULL) {
        if ((at == text || at[-1] == '\n') && at[strlen(name)] == ' ')
            return strtod(at + strlen(name), NULL);
        at++;
    }
    cr_expect_fail("%s is not in the text", name);
    return -1;
}

Test(gauges, the_process_shows_memory_time_and_descriptors)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    gauges_of_process(&text);
    cr_expect_gt(value_of(buf_cstr(&text), "process_resident_memory_bytes"), 100000);
    cr_expect_geq(value_of(buf_cstr(&text), "process_cpu_seconds_total"), 0);
    cr_expect_geq(value_of(buf_cstr(&text), "process_open_fds"), 3);
    cr_expect_eq(value_of(buf_cstr(&text), "larder_build_info{version=\"" LARDER_VERSION "\"}"), 1);
}

Test(gauges, hosts_and_nodes_come_from_the_store)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct store_tx *tx;
    struct world w;
    struct host host = {.id = "h1",
                        .region = "us-east-1",
                        .zone = "us-east-1a",
                        .name = "one",
                        .incarnation = "i",
                        .boot_id = "b",
                        .agent_version = "1",
                        .memory_bytes = 1,
                        .pool = "127.0.0.0/8",
                        .engines = ""};

    world_open(&w);
    cr_assert_eq(store_begin(w.store, STORE_WRITE, &w.arena, &tx).code, ERR_OK);
    cr_assert_eq(store_host_put(tx, &host).code, ERR_OK);
    host.id = "h2";
    host.name = "two";
    cr_assert_eq(store_host_put(tx, &host).code, ERR_OK);
    cr_assert_eq(store_host_silence(tx, "h2", true, 1000).code, ERR_OK);
    cr_assert_eq(store_commit(&tx).code, ERR_OK);

    cr_assert_eq(gauges_of_store(w.store, &w.arena, &text).code, ERR_OK);
    cr_expect_eq(value_of(buf_cstr(&text), "larder_hosts{state=\"heard\"}"), 1);
    cr_expect_eq(value_of(buf_cstr(&text), "larder_hosts{state=\"silent\"}"), 1);
    cr_expect_eq(value_of(buf_cstr(&text), "larder_clusters"), 0);
    cr_expect_eq(value_of(buf_cstr(&text), "larder_nodes{state=\"running\"}"), 0);
    world_close(&w);
}
