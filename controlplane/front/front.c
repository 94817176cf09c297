/*
 * Wires libmicrohttpd's callbacks to the connections and their exchanges. The library polls and
 * parses on a pool of threads; connections are accepted by the keeper and dealt out evenly, which
 * the library's own accepting (first thread takes all) does not do.
 */
#include "controlplane/front/front.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "contract/agent.h"
#include "contract/ec2.h"
#include "contract/elasticache.h"
#include "contract/iam.h"
#include "contract/monitoring.h"
#include "contract/sts.h"
#include "controlplane/front/agents.h"
#include "controlplane/front/exchange.h"
#include "controlplane/front/keeper.h"
#include "controlplane/front/metrics.h"
#include "controlplane/front/routes.h"

#include <microhttpd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS_LEAST       4
#define CONNECTIONS_DEFAULT 16384 /* two for each agent, and clients */
#define STALL_DEFAULT_MS    10000
#define IDLE_DEFAULT_MS     60000
#define HEADER_BYTES        (16 * 1024) /* per connection: request line, headers, read buffer */

/* More than keeper lets in, as connections are counted a moment after they were accepted. */
#define LIBRARY_CONNECTIONS 65536

static const struct service_desc *const services[] = {
    &service_elasticache, &service_sts,   &service_ec2, &service_iam,
    &service_monitoring,  &service_agent, NULL};

struct front {
    struct MHD_Daemon *daemon;
    struct conns conns;
    struct exchange_conf exchange;
    struct metrics *metrics;
    struct routes *routes, *routes_before; /* the second ones are of when it stood by; or NULL */
    struct keeper *keeper;
    int listen_fd;
    int port;
    char *url;
};

/* --- what libmicrohttpd calls --- */

static void on_log(void *context, const char *format, va_list args)
{
    char text[256];

    (void)context;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    vsnprintf(text, sizeof(text), format, args);
#pragma GCC diagnostic pop
    text[strcspn(text, "\r\n")] = '\0';
    log_debug("http", f_str("says", text));
}

/* Paths and queries stay as they were sent; the interface decodes them itself. */
static size_t on_unescape(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context, (void)connection;
    return strlen(text);
}

static struct conn *conn_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

static void set_peer(struct conn *c)
{
    scoped(arena_fini) struct arena a = {0};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct net_addr peer = net_addr_of(info ? info->client_addr : NULL);

    c->is_local = net_addr_is_loopback(&peer);
    snprintf(c->peer, sizeof(c->peer), "%s", net_addr_text(&a, &peer));
}

static void on_connection(void *context, struct MHD_Connection *connection, void **slot,
                          enum MHD_ConnectionNotificationCode what)
{
    struct front *f = context;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        struct conn *c = conn_open(&f->conns, connection, info->connect_fd);
        set_peer(c);
        *slot = c;
        keeper_poke(f->keeper);
        return;
    }
    bool was_full = conns_is_full(&f->conns);
    conn_close(*slot);
    *slot = NULL;
    if (was_full)
        keeper_poke(f->keeper);
}

static void *on_request_line(void *context, const char *target, struct MHD_Connection *connection)
{
    struct conn *c = conn_of(connection);

    (void)context;
    if (c)
        conn_request_begin(c, target);
    return c;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_len, void **slot)
{
    struct front *f = context;

    (void)connection, (void)url, (void)version;
    return *slot ? exchange_step(&f->exchange, *slot, method, data, data_len) : MHD_NO;
}

static void on_request_end(void *context, struct MHD_Connection *connection, void **slot,
                           enum MHD_RequestTerminationCode why)
{
    (void)context, (void)connection, (void)why;
    if (*slot)
        conn_request_end(*slot);
    *slot = NULL;
}

/* --- what connections and keeper call --- */

static void suspend(struct conn *c)
{
    MHD_suspend_connection(c->mhd);
}

static void resume(struct conn *c)
{
    MHD_resume_connection(c->mhd);
}

/* An idle connection just ends; a request that stalled is told; a reply that nobody reads is cut.
 */
static void expire(struct conn *c, enum conn_phase was, void *context)
{
    struct front *f = context;

    if (was == CONN_RECEIVING)
        exchange_break_off(&f->exchange, c, FAULT_REQUEST_TIMEOUT);
    else
        (void)shutdown(c->fd, SHUT_RDWR);
}

static void take(void *context, int fd, const struct net_addr *peer)
{
    struct front *f = context;

    /* It closes the socket itself when it cannot take it. */
    if (MHD_add_connection(f->daemon, fd, (const struct sockaddr *)&peer->storage, peer->len) !=
        MHD_YES)
        log_warn("a connection could not be taken");
}

/* --- start and end --- */

static int threads_default(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores > THREADS_LEAST ? (int)cores : THREADS_LEAST;
}

static struct err daemon_start(struct front *f, const struct front_conf *conf)
{
    unsigned threads = (unsigned)(conf->threads ? conf->threads : threads_default());
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
                     MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;

    f->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, f, MHD_OPTION_EXTERNAL_LOGGER, on_log, f,
        MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)LIBRARY_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, f, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, f,
        MHD_OPTION_NOTIFY_COMPLETED, on_request_end, f, MHD_OPTION_END);
    return f->daemon ? OK : err_make(ERR_IO, "the HTTP server's threads cannot be started");
}

static int or_default(int value, int fallback)
{
    return value ? value : fallback;
}

static struct front *front_new(const struct front_conf *conf, int listen_fd)
{
    struct front *f = calloc(1, sizeof(*f));

    check(f != NULL);
    f->listen_fd = listen_fd;
    f->metrics = metrics_new(services);
    f->routes = routes_new(conf, f->metrics);
    conns_init(&f->conns, &(struct conns_conf){
                              .clock = conf->clock,
                              .max = or_default(conf->max_connections, CONNECTIONS_DEFAULT),
                              .stall_ms = or_default(conf->stall_ms, STALL_DEFAULT_MS),
                              .idle_ms = or_default(conf->idle_ms, IDLE_DEFAULT_MS),
                              .suspend = suspend,
                              .resume = resume,
                              .expire = expire,
                              .context = f,
                          });
    f->exchange = (struct exchange_conf){
        .api = conf->api, .metrics = f->metrics, .clock = conf->clock, .conns = &f->conns};
    atomic_init(&f->exchange.routes, f->routes);
    return f;
}

static void set_url(struct front *f)
{
    scoped(arena_fini) struct arena a = {0};
    struct net_addr address = net_addr_of_socket(f->listen_fd);

    f->port = net_addr_port(&address);
    check(asprintf(&f->url, "http://%s", net_addr_text(&a, &address)) >= 0);
}

/* The keeper's thread comes last: it lets connections in. */
static struct err front_open(struct front *f, const struct front_conf *conf)
{
    TRY(keeper_new(&(struct keeper_conf){.listen_fd = f->listen_fd,
                                         .conns = &f->conns,
                                         .clock = conf->clock,
                                         .take = take,
                                         .context = f},
                   &f->keeper));
    f->exchange.keeper = f->keeper;
    TRY(daemon_start(f, conf));
    return keeper_start(f->keeper);
}

struct err front_start(struct arena *a, const struct front_conf *conf, struct front **out)
{
    struct net_addr address;
    int listen_fd;

    if (!net_addr_parse(str_of(conf->listen), &address))
        return err_format(a, ERR_INVALID, "\"%s\" is not an address to listen on (HOST:PORT)",
                          conf->listen);
    TRY(net_listen_tcp(a, &address, &listen_fd));
    struct front *f = front_new(conf, listen_fd);
    set_url(f);
    struct err e = front_open(f, conf);
    if (err_failed(e)) {
        front_stop(f);
        return e;
    }
    *out = f;
    return OK;
}

void front_lead(struct front *f, const struct front_conf *conf)
{
    check(!f->routes_before);
    f->routes_before = f->routes; /* requests may be with them */
    f->routes = routes_new(conf, f->metrics);
    atomic_store(&f->exchange.routes, f->routes);
}

void front_stop(struct front *f)
{
    if (!f)
        return;
    keeper_stop(f->keeper);
    conns_stop(&f->conns);
    if (f->daemon)
        MHD_stop_daemon(f->daemon);
    keeper_free(f->keeper);
    close(f->listen_fd);
    conns_fini(&f->conns);
    routes_free(f->routes);
    routes_free(f->routes_before);
    metrics_free(f->metrics);
    free(f->url);
    free(f);
}

void front_wake_hosts(struct front *f, const uint64_t *keys, size_t count)
{
    conns_wake(&f->conns, keys, count);
}

void front_wake_names(struct front *f)
{
    static const uint64_t names = AGENTS_NAMES_KEY;

    conns_wake(&f->conns, &names, 1);
}

const char *front_url(const struct front *f)
{
    return f->url;
}

int front_port(const struct front *f)
{
    return f->port;
}
