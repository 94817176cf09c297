/* Numbers are read when they are asked for; nothing is kept. */
#include "controlplane/front/gauges.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "controlplane/store/leader.h"
#include "controlplane/store/store.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void gauge(struct buf *out, const char *name, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

struct err gauges_of_store(struct store *store, struct arena *a, struct buf *out)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    struct store_counts counts = {0};

    TRY(store_begin(store, STORE_READ, a, &tx));
    TRY(store_count(tx, &counts));
    gauge(out, "larder_hosts", "Hosts that have enrolled.");
    buf_printf(out, "larder_hosts{state=\"heard\"} %lld\n",
               (long long)(counts.hosts - counts.silent_hosts));
    buf_printf(out, "larder_hosts{state=\"silent\"} %lld\n", (long long)counts.silent_hosts);
    gauge(out, "larder_clusters", "Cache clusters.");
    buf_printf(out, "larder_clusters %lld\n", (long long)counts.clusters);
    gauge(out, "larder_nodes", "Cache nodes by the state that their hosts last reported.");
    for (int i = 0; i < NODE_STATE_COUNT; i++)
        buf_printf(out, "larder_nodes{state=\"%s\"} %lld\n", node_state_name((enum node_state)i),
                   (long long)counts.nodes[i]);
    return OK;
}

/* Resident bytes; 0 when /proc does not tell. */
static long long resident_bytes(void)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    long long pages = 0;

    if (err_failed(fs_read_all("/proc/self/statm", 4096, &text)) ||
        sscanf(buf_cstr(&text), "%*d %lld", &pages) != 1)
        return 0;
    return pages * sysconf(_SC_PAGESIZE);
}

static size_t open_descriptors(void)
{
    scoped(arena_fini) struct arena a = {0};
    struct fs_names names = {0};

    if (err_failed(fs_list(&a, "/proc/self/fd", &names)))
        return 0;
    return names.count - 1; /* the one that read the list */
}

void gauges_of_process(struct buf *out)
{
    struct timespec used = {0};

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    gauge(out, "process_resident_memory_bytes", "Resident memory size in bytes.");
    buf_printf(out, "process_resident_memory_bytes %lld\n", resident_bytes());
    buf_puts(out, "# HELP process_cpu_seconds_total Processor time used, in seconds.\n"
                  "# TYPE process_cpu_seconds_total counter\n");
    buf_printf(out, "process_cpu_seconds_total %.3f\n",
               (double)used.tv_sec + (double)used.tv_nsec / 1e9);
    gauge(out, "process_open_fds", "Open file descriptors.");
    buf_printf(out, "process_open_fds %zu\n", open_descriptors());
    gauge(out, "larder_build_info", "The build that answers; always 1.");
    buf_puts(out, "larder_build_info{version=\"" LARDER_VERSION "\"} 1\n");
}

void gauges_of_leader(struct store *store, struct buf *out)
{
    gauge(out, "larder_leads", "1 where this control plane leads, 0 where it stands by.");
    buf_printf(out, "larder_leads %d\n", store != NULL);
    gauge(out, "larder_epoch", "The epoch by which it leads; 0 where it does not.");
    buf_printf(out, "larder_epoch %lld\n", store ? (long long)store_epoch(store) : 0);
}
