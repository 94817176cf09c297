/* One part after another, one piece at a time. */
#include "agent/seeds.h"

#include "agent/drivers/driver.h"
#include "agent/supervise/loop.h"
#include "agent/supervise/node.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/fs.h"
#include "base/http.h"
#include "base/log.h"
#include "contract/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AGAIN_MS   1000
#define TIMEOUT_MS 60000
#define PIECE_MAX  (1U << 20)
#define UNFINISHED ".new"
#define HEX_BYTES  (2 * DIGEST_SHA256_BYTES + 1)
#define FILE_MODE  0600

struct seeds {
    struct seeds_conf conf;
    struct http_loop *http;
    struct loop_watch watch;
};

/* A node's fetching. */
struct seeding {
    struct seeds *all;
    struct node *node;
    struct http_exchange *get;
    struct loop_timer again;
    struct arena arena; /* of the part under way */
    const char *path;   /* where it goes */
    int64_t part_id, wanted_bytes;
    char sha256[HEX_BYTES];
    int fd;
    int64_t bytes;
    struct digest_sha256 *digest;
};

static void fetch(struct seeding *g);

/* --- which are missing --- */

static bool has_part(struct arena *a, const struct node *n, const struct agent_node_seed *seed)
{
    struct stat st;
    const char *path = fs_join(a, n->dir, driver_seed_name(a, seed->part_id.value));

    return stat(path, &st) == 0 && st.st_size == seed->bytes.value;
}

static const struct agent_node_seed *first_missing(struct arena *a, const struct node *n)
{
    const struct agent_node_seeds *seeds = n->goal ? n->goal->seeds : NULL;

    for (size_t i = 0; seeds && i < seeds->parts.count; i++)
        if (!has_part(a, n, &seeds->parts.items[i]))
            return &seeds->parts.items[i];
    return NULL;
}

/* --- one part --- */

static void close_part(struct seeding *g)
{
    fd_close(&g->fd);
    digest_sha256_free(g->digest);
    g->digest = NULL;
}

static void fail(struct seeding *g, const char *why)
{
    struct seeds_conf *conf = &g->all->conf;
    scoped(arena_fini) struct arena a = {0};
    const char *text = arena_printf(&a, "its data cannot be fetched: %s", why);

    close_part(g);
    loop_timer_set(conf->loop, &g->again, AGAIN_MS);
    conf->on_end(conf->context, g->node, text);
}

static void fail_err(struct seeding *g, struct err e)
{
    scoped(arena_fini) struct arena a = {0};
    fail(g, err_text(&a, e));
}

static void on_piece(void *context, struct err e, const struct http_response *r);

static void get_piece(struct seeding *g)
{
    const struct seeds_conf *conf = &g->all->conf;
    scoped(arena_fini) struct arena a = {0};
    const char *headers[1];
    size_t count = 0;

    if (conf->token)
        headers[count++] = arena_printf(&a, "Authorization: Bearer %s", conf->token);
    const struct http_request request = {
        .method = "GET",
        .url = arena_printf(&a, "%s/agent/v1/parts/%lld?from=%lld", *conf->url,
                            (long long)g->part_id, (long long)g->bytes),
        .headers = headers,
        .header_count = count,
        .timeout_ms = TIMEOUT_MS,
        .max_body_bytes = PIECE_MAX,
    };
    g->get = http_start(g->all->http, &request, on_piece, g);
}

/* All bytes are there. */
static void finish_part(struct seeding *g)
{
    unsigned char digest[DIGEST_SHA256_BYTES];
    char hex[HEX_BYTES];
    scoped(arena_fini) struct arena a = {0};

    digest_sha256_end(g->digest, digest);
    digest_hex(digest, sizeof(digest), hex);
    if (strcmp(hex, g->sha256) != 0) {
        fail(g, "it has another fingerprint");
        return;
    }
    if (rename(arena_printf(&a, "%s" UNFINISHED, g->path), g->path) != 0) {
        fail_err(g, err_sys(errno, "its file cannot be renamed"));
        return;
    }
    log_info("a part of what a node begins with is here", f_int("node", g->node->id),
             f_int("bytes", g->bytes));
    close_part(g);
    fetch(g);
}

static void on_piece(void *context, struct err e, const struct http_response *r)
{
    struct seeding *g = context;

    g->get = NULL;
    if (err_failed(e)) {
        fail_err(g, e);
        return;
    }
    if (r->status != 200) {
        scoped(arena_fini) struct arena a = {0};
        fail(g, arena_printf(&a, "the control plane answers %d", r->status));
        return;
    }
    if (r->body.len == 0 || g->bytes + (int64_t)r->body.len > g->wanted_bytes) {
        fail(g, "it has another length");
        return;
    }
    if (write(g->fd, r->body.ptr, r->body.len) != (ssize_t)r->body.len) {
        fail_err(g, err_sys(errno ? errno : ENOSPC, "its file cannot be written"));
        return;
    }
    digest_sha256_add(g->digest, r->body.ptr, r->body.len);
    g->bytes += (int64_t)r->body.len;
    if (g->bytes == g->wanted_bytes)
        finish_part(g);
    else
        get_piece(g);
}

static struct err open_part(struct seeding *g, const struct agent_node_seed *seed)
{
    arena_reset(&g->arena);
    g->part_id = seed->part_id.value;
    g->wanted_bytes = seed->bytes.value;
    snprintf(g->sha256, sizeof(g->sha256), "%s", seed->sha256 ? seed->sha256 : "");
    g->path = fs_join(&g->arena, g->node->dir, driver_seed_name(&g->arena, g->part_id));
    g->bytes = 0;
    TRY(fs_make_dirs(g->node->dir, 0700));
    g->fd = open(arena_printf(&g->arena, "%s" UNFINISHED, g->path),
                 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (g->fd < 0)
        return err_sys(errno, "its file cannot be made");
    g->digest = digest_sha256_new();
    return OK;
}

/* Goes on with the next part that is missing. */
static void fetch(struct seeding *g)
{
    struct seeds_conf *conf = &g->all->conf;
    struct node *n = g->node;
    scoped(arena_fini) struct arena a = {0};
    const struct agent_node_seed *seed = first_missing(&a, n);

    if (!seed) {
        seeds_forget(n);
        conf->on_end(conf->context, n, NULL);
        return;
    }
    struct err e = open_part(g, seed);
    if (err_failed(e))
        fail_err(g, e);
    else
        get_piece(g);
}

static void on_again(void *context)
{
    fetch(context);
}

/* --- nodes --- */

bool seeds_are_there(struct seeds *all, struct node *n)
{
    scoped(arena_fini) struct arena a = {0};

    if (!first_missing(&a, n))
        return true;
    if (n->seeding)
        return false;
    struct seeding *g = calloc(1, sizeof(*g));
    check(g != NULL);
    *g = (struct seeding){.all = all, .node = n, .fd = -1};
    g->again = (struct loop_timer){.on_due = on_again, .context = g};
    n->seeding = g;
    loop_timer_set(all->conf.loop, &g->again, 0);
    return false;
}

void seeds_forget(struct node *n)
{
    struct seeding *g = n->seeding;

    if (!g)
        return;
    loop_timer_stop(g->all->conf.loop, &g->again);
    if (g->get)
        http_cancel(g->get);
    close_part(g);
    arena_fini(&g->arena);
    free(g);
    n->seeding = NULL;
}

void seeds_look(struct seeds *all, struct node *n)
{
    (void)all;
    if (n->seeding && (!n->goal || !n->goal->seeds || n->goal_state != NODE_RUNNING))
        seeds_forget(n);
}

/* --- beginning and end --- */

static void on_http(void *context, uint32_t events)
{
    struct seeds *all = context;

    (void)events;
    http_loop_run(all->http);
}

struct err seeds_open(const struct seeds_conf *conf, struct seeds **out)
{
    struct http_loop *http;

    TRY(http_loop_open(&http));
    struct seeds *all = calloc(1, sizeof(*all));
    check(all != NULL);
    *all = (struct seeds){.conf = *conf, .http = http};
    all->watch = (struct loop_watch){.on_ready = on_http, .context = all};
    struct err e = loop_watch(conf->loop, &all->watch, http_loop_fd(http), EPOLLIN);
    if (err_failed(e)) {
        seeds_close(all);
        return e;
    }
    *out = all;
    return OK;
}

void seeds_close(struct seeds *all)
{
    if (!all)
        return;
    loop_unwatch(all->conf.loop, &all->watch);
    http_loop_close(all->http);
    free(all);
}
