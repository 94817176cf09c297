/*
 * The control plane's program: reads the command line, takes the state directory, wires the layers
 * from the store up, and waits for the end. Every layer hangs from one struct here and is passed
 * down.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/flags.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/net.h"
#include "base/proc.h"
#include "base/vec.h"
#include "controlplane/api/api.h"
#include "controlplane/dns/dns.h"
#include "controlplane/fleet/fleet.h"
#include "controlplane/front/front.h"
#include "controlplane/model/log_delivery.h"
#include "controlplane/model/updates.h"
#include "controlplane/notify/notify.h"
#include "controlplane/ops/ops.h"
#include "controlplane/pki/pki.h"
#include "controlplane/reconcile/reconcile.h"
#include "controlplane/store/certificates.h"
#include "controlplane/upkeep/upkeep.h"
#include "controlplane/vault/porter.h"
#include "controlplane/vault/vault.h"

#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define ACCOUNT_DIGITS  12
#define TOKEN_MAX_BYTES 4096
#define TOKEN_LEAST     16
#define KEYS_MAX_BYTES  (1 << 20)

#define NETWORK_FILE_MAX_BYTES (1 << 20)

#define TOPICS_MAX_BYTES  (1 << 20)
#define BUCKETS_MAX_BYTES (1 << 20)

#define KEPT_BYTES (4 << 20) /* by each thread's part of the heap, after a burst */

#define HOST_BEAT_MS   1000 /* agents are heard at least so often */
#define HOST_SILENT_MS 5000 /* several beats may be late on a busy machine */

struct options {
    const char *state_dir, *listen, *dns, *dns_update, *dns_update_key, *hosts_file, *region,
        *account, *auth, *endpoints, *dns_zone;
    const char *keys_file, *iam_tokens;
    const char *snapshots_dir, *buckets_file;
    const char *log_destinations, *log_dir;
    const char *token_file, *topics, *network, *network_file, *log_level;
    int64_t update_days;
    bool dies_with_parent;
};

#define AT(member) .at = offsetof(struct options, member)

static const char *const auth_words[] = {"open", "scoped", NULL};
static const char *const iam_words[] = {"signed", "scoped", NULL};
static const char *const endpoint_words[] = {"address", "dns", NULL};
static const char *const network_words[] = {"open", "declared", NULL};
static const char *const level_words[] = {"debug", "info", "warn", "error", NULL};

/* clang-format off */
static const struct flag rows[] = {
    {.name = "state-dir", .kind = FLAG_TEXT, AT(state_dir), .value = "DIR", .is_required = true,
     .doc = "where all state is kept; made when missing"},
    {.name = "listen", .kind = FLAG_TEXT, AT(listen), .value = "HOST:PORT",
     .fallback = "127.0.0.1:9379", .doc = "where the interface answers; port 0 takes a free one"},
    {.name = "dns", .kind = FLAG_TEXT, AT(dns), .value = "HOST:PORT|off",
     .fallback = "127.0.0.1:9353", .doc = "where the embedded DNS server answers"},
    {.name = "dns-zone", .kind = FLAG_TEXT, AT(dns_zone), .value = "ZONE",
     .fallback = "cache.larder.internal", .doc = "the zone that endpoints' names are in"},
    {.name = "dns-update", .kind = FLAG_TEXT, AT(dns_update), .value = "HOST:PORT",
     .doc = "another name server, whose zone is kept up to date (RFC 2136), besides the embedded one"},
    {.name = "dns-update-key", .kind = FLAG_TEXT, AT(dns_update_key), .value = "FILE",
     .doc = "the key that signs updates (TSIG), as tsig-keygen or keymgr write it"},
    {.name = "hosts-file", .kind = FLAG_TEXT, AT(hosts_file), .value = "FILE",
     .doc = "a hosts file, such as /etc/hosts, in which a part is kept with endpoints' names"},
    {.name = "endpoints", .kind = FLAG_CHOICE, AT(endpoints), .value = "address|dns",
     .fallback = "address", .choices = endpoint_words, .doc = "what clients are told to connect to"},
    {.name = "region", .kind = FLAG_TEXT, AT(region), .value = "LIST", .fallback = "us-east-1",
     .doc = "regions that are served, with commas between; the first is the default"},
    {.name = "account", .kind = FLAG_TEXT, AT(account), .value = "ID", .fallback = "000000000000",
     .doc = "the account of callers whose access key names none"},
    {.name = "auth", .kind = FLAG_CHOICE, AT(auth), .value = "open|scoped", .fallback = "scoped",
     .choices = auth_words, .doc = "whether requests must carry a signature's scope"},
    {.name = "network", .kind = FLAG_CHOICE, AT(network), .value = "open|declared",
     .fallback = "declared", .choices = network_words,
     .doc = "whether ids of subnets and security groups that nobody named are taken as they come"},
    {.name = "keys-file", .kind = FLAG_TEXT, AT(keys_file), .value = "FILE",
     .doc = "access keys with their secrets, a pair on each line: what IAM users' tokens are signed with"},
    {.name = "iam-tokens", .kind = FLAG_CHOICE, AT(iam_tokens), .value = "signed|scoped",
     .fallback = "signed", .choices = iam_words,
     .doc = "whether tokens of access keys that are not in the keys file are refused, or taken at their word"},
    {.name = "network-file", .kind = FLAG_TEXT, AT(network_file), .value = "FILE",
     .doc = "a JSON file that declares VPCs, subnets and security groups"},
    {.name = "token-file", .kind = FLAG_TEXT, AT(token_file), .value = "FILE",
     .doc = "holds the token that agents must show; without it only agents of this machine may call"},
    {.name = "snapshots", .kind = FLAG_TEXT, AT(snapshots_dir), .value = "DIR",
     .doc = "where snapshots are kept; in the state directory when not given"},
    {.name = "buckets", .kind = FLAG_TEXT, AT(buckets_file), .value = "FILE",
     .doc = "names buckets, 'NAME /FOLDER' or 'NAME URL REGION ACCESS-KEY SECRET-KEY' a line"},
    {.name = "update-days", .kind = FLAG_NUMBER, AT(update_days), .value = "N", .max = UPDATE_DAYS_MAX,
     .doc = "days until service updates are applied unasked; as their severity has it when not given"},
    {.name = "topics", .kind = FLAG_TEXT, AT(topics), .value = "FILE",
     .doc = "names webhooks of notification topics, one 'ARN URL' a line"},
    {.name = "log-destinations", .kind = FLAG_TEXT, AT(log_destinations), .value = "FILE",
     .doc = "where log groups and delivery streams lead, one 'NAME URL' a line: file:/, http:// or https://"},
    {.name = "log-dir", .kind = FLAG_TEXT, AT(log_dir), .value = "DIR",
     .doc = "an absolute folder on the caches' hosts: delivered logs of other destinations go to files there"},
    {.name = "log-level", .kind = FLAG_CHOICE, AT(log_level), .value = "LEVEL", .fallback = "info",
     .choices = level_words, .doc = "debug, info, warn or error"},
    {.name = "die-with-parent", .kind = FLAG_SWITCH, AT(dies_with_parent),
     .doc = "stop when the program that started this one ends"},
};
/* clang-format on */

static const struct flags line = {.program = "larderd",
                                  .about = "The control plane of Larder, a cache service that "
                                           "speaks the Amazon ElastiCache API.",
                                  .takes = FLAGS_NO_WORDS,
                                  FLAG_ROWS(rows)};

struct regions {
    const char **items;
    size_t count, capacity;
};

/* Everything that lives as long as the program. */
struct larderd {
    struct arena arena;
    struct options options;
    struct regions regions;
    struct {
        struct iam_key *items;
        size_t count, capacity;
    } keys;
    const char *token; /* NULL without --token-file */
    struct topics topics;
    struct buckets buckets;
    struct log_destinations logs;
    struct authority authority;
    struct ops_conf ops_conf;
    int lock_fd;

    struct store *store;
    struct vault *vault;
    struct porter *porter;
    struct dns *dns;
    struct ops *ops;
    struct api *api;
    struct fleet *fleet;
    struct front *front;
    struct notifier *notifier;
    struct reconciler *reconciler;
    struct upkeep *upkeep;
};

/* --- what the options must be --- */

static bool is_region(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && i > 0)))
            return false;
    }
    return name.len > 0 && name.ptr[name.len - 1] != '-';
}

static struct err take_regions(struct larderd *d)
{
    struct str rest = str_of(d->options.region);

    do {
        struct str name = str_trim(str_cut(&rest, ','));
        if (!is_region(name))
            return err_format(&d->arena, ERR_INVALID,
                              "--region %s: give names such as us-east-1 with commas between",
                              d->options.region);
        vec_each(other, &d->regions)
            if (str_is(name, *other))
                return err_format(&d->arena, ERR_INVALID, "--region %s: %s stands twice",
                                  d->options.region, *other);
        *vec_add(&d->arena, &d->regions) = str_dup(&d->arena, name);
    } while (rest.len > 0);
    return OK;
}

static struct err check_account(struct larderd *d)
{
    const char *account = d->options.account;

    if (strlen(account) == ACCOUNT_DIGITS && strspn(account, "0123456789") == ACCOUNT_DIGITS)
        return OK;
    return err_format(&d->arena, ERR_INVALID, "--account %s: an account has twelve digits",
                      account);
}

static struct err check_listen(struct larderd *d)
{
    struct net_addr address;

    if (!net_addr_parse(str_of(d->options.listen), &address))
        return err_format(&d->arena, ERR_INVALID,
                          "--listen %s: give an address and a port such as 127.0.0.1:9379",
                          d->options.listen);
    if (strcmp(d->options.auth, "open") == 0 && !net_addr_is_loopback(&address))
        return err_format(&d->arena, ERR_INVALID,
                          "--auth open is for loopback addresses only, and %s is none: other "
                          "machines could use the service unsigned",
                          d->options.listen);
    return OK;
}

/* A file that a flag names; an error names both. */
static struct err read_named(struct larderd *d, const char *flag, const char *path,
                             size_t max_bytes, struct buf *out)
{
    struct err e = fs_read_all(path, max_bytes, out);

    return err_failed(e) ? err_format(&d->arena, ERR_INVALID, "--%s %s: %s", flag, path,
                                      err_text(&d->arena, e))
                         : OK;
}

static struct err take_token(struct larderd *d)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (!d->options.token_file)
        return OK;
    TRY(read_named(d, "token-file", d->options.token_file, TOKEN_MAX_BYTES, &text));
    struct str token = str_trim(buf_str(&text));
    if (token.len < TOKEN_LEAST || memchr(token.ptr, '\0', token.len))
        return err_format(&d->arena, ERR_INVALID,
                          "--token-file %s: a token has at least %d characters",
                          d->options.token_file, TOKEN_LEAST);
    d->token = str_dup(&d->arena, token);
    return OK;
}

static struct err take_topics(struct larderd *d)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (!d->options.topics)
        return OK;
    TRY(read_named(d, "topics", d->options.topics, TOPICS_MAX_BYTES, &text));
    struct err e = topics_parse(&d->arena, buf_str(&text), &d->topics);
    return err_failed(e) ? err_format(&d->arena, ERR_INVALID, "--topics %s: %s", d->options.topics,
                                      err_text(&d->arena, e))
                         : OK;
}

static struct err take_buckets(struct larderd *d)
{
    const char *path = d->options.buckets_file;
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (!path)
        return OK;
    TRY(read_named(d, "buckets", path, BUCKETS_MAX_BYTES, &text));
    struct err e = buckets_parse(&d->arena, buf_str(&text), &d->buckets);
    return err_failed(e) ? err_format(&d->arena, ERR_INVALID, "--buckets %s: %s", path,
                                      err_text(&d->arena, e))
                         : OK;
}

static struct err take_log_destinations(struct larderd *d)
{
    const char *path = d->options.log_destinations;
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    d->logs.dir = d->options.log_dir;
    if (d->logs.dir && d->logs.dir[0] != '/')
        return err_format(&d->arena, ERR_INVALID, "--log-dir %s: give an absolute path",
                          d->logs.dir);
    if (!path)
        return OK;
    TRY(read_named(d, "log-destinations", path, TOPICS_MAX_BYTES, &text));
    struct err e = log_destinations_parse(&d->arena, buf_str(&text), &d->logs);
    return err_failed(e) ? err_format(&d->arena, ERR_INVALID, "--log-destinations %s: %s", path,
                                      err_text(&d->arena, e))
                         : OK;
}

/* "ACCESS-KEY SECRET" */
static struct err take_key(struct larderd *d, struct str text, int number)
{
    struct str secret = text;
    struct str name = str_cut(&secret, ' ');

    secret = str_trim(secret);
    if (name.len == 0 || secret.len == 0 || str_find(secret, ' ') != SIZE_MAX)
        return err_format(&d->arena, ERR_INVALID,
                          "--keys-file %s: line %d is not an access key and its secret",
                          d->options.keys_file, number);
    *vec_add(&d->arena, &d->keys) =
        (struct iam_key){str_dup(&d->arena, name), str_dup(&d->arena, secret)};
    return OK;
}

static struct err take_keys(struct larderd *d)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct str rest;

    if (!d->options.keys_file)
        return OK;
    TRY(read_named(d, "keys-file", d->options.keys_file, KEYS_MAX_BYTES, &text));
    rest = buf_str(&text);
    for (int number = 1; rest.len > 0; number++) {
        struct str one = str_trim(str_cut(&rest, '\n'));
        if (one.len > 0 && one.ptr[0] != '#')
            TRY(take_key(d, one, number));
    }
    return OK;
}

/* Who can reach the caches could come in as anybody. */
static struct err check_iam(struct larderd *d)
{
    struct net_addr address;

    if (strcmp(d->options.iam_tokens, "scoped") == 0 &&
        net_addr_parse(str_of(d->options.listen), &address) && !net_addr_is_loopback(&address))
        return err_format(&d->arena, ERR_INVALID,
                          "--iam-tokens scoped is for loopback addresses only, and %s is none: "
                          "other machines could use caches with tokens of their own making",
                          d->options.listen);
    return take_keys(d);
}

static struct err check_options(struct larderd *d)
{
    TRY(take_regions(d));
    TRY(check_account(d));
    TRY(check_listen(d));
    TRY(check_iam(d));
    TRY(take_token(d));
    TRY(take_buckets(d));
    TRY(take_log_destinations(d));
    return take_topics(d);
}

/* --- from the store up --- */

static struct err lock_state(struct larderd *d)
{
    const char *dir = d->options.state_dir;

    TRY(fs_make_dirs(dir, 0700));
    struct err e = fs_lock(fs_join(&d->arena, dir, "larderd.lock"), &d->lock_fd);
    return err_is(e, ERR_CONFLICT) ? err_make(ERR_CONFLICT, "another larderd is running on it") : e;
}

static struct err open_state(struct larderd *d)
{
    const char *dir = d->options.state_dir, *path = fs_join(&d->arena, dir, "larder.db");

    struct err e = lock_state(d);
    if (err_failed(e))
        return err_format(&d->arena, e.code, "--state-dir %s: %s", dir, err_text(&d->arena, e));
    e = store_open(&d->arena, path, &d->store);
    if (err_failed(e))
        return err_format(&d->arena, e.code, "%s: %s", path, err_text(&d->arena, e));
    return OK;
}

/* Made once, when the store is new: every certificate that was ever given out is worth what it is.
 */
static struct err make_authority(struct larderd *d, struct store_tx *tx)
{
    struct pki_identity made;

    TRY(pki_authority_new(&d->arena, "Larder", clock_wall_ms(&clock_system), &made));
    d->authority = (struct authority){made.certificate, made.private_key, made.not_after_ms};
    return store_authority_put(tx, &d->authority);
}

static struct err open_authority(struct larderd *d)
{
    scoped(store_rollback) struct store_tx *tx = NULL;

    TRY(store_begin(d->store, STORE_WRITE, &d->arena, &tx));
    struct err e = store_authority_get(tx, &d->authority);
    if (!err_is(e, ERR_NOT_FOUND))
        return e;
    TRY(make_authority(d, tx));
    return store_commit(&tx);
}

static struct err open_vault(struct larderd *d)
{
    const char *dir = d->options.snapshots_dir
                          ? d->options.snapshots_dir
                          : fs_join(&d->arena, d->options.state_dir, "snapshots");

    struct err e = vault_open(&d->arena, d->store, &clock_system, dir, &d->vault);
    return err_failed(e)
               ? err_format(&d->arena, e.code, "--snapshots %s: %s", dir, err_text(&d->arena, e))
               : OK;
}

static struct err open_dns(struct larderd *d)
{
    bool is_off = strcmp(d->options.dns, "off") == 0;

    struct err e = dns_open(&d->arena,
                            &(struct dns_conf){.zone = d->options.dns_zone,
                                               .listen = is_off ? NULL : d->options.dns,
                                               .update_server = d->options.dns_update,
                                               .update_key_file = d->options.dns_update_key,
                                               .hosts_file = d->options.hosts_file,
                                               .state_dir = d->options.state_dir,
                                               .clock = &clock_system},
                            &d->dns);
    return err_failed(e) ? err_format(&d->arena, e.code, "DNS: %s", err_text(&d->arena, e)) : OK;
}

static void open_api(struct larderd *d)
{
    const struct options *o = &d->options;

    d->ops_conf = (struct ops_conf){
        .regions = d->regions.items,
        .region_count = d->regions.count,
        .default_account = o->account,
        .dns_zone = dns_zone(d->dns),
        .endpoint_mode = strcmp(o->endpoints, "dns") == 0 ? ENDPOINT_DNS : ENDPOINT_ADDRESS,
        .buckets = &d->buckets,
        .is_network_open = strcmp(o->network, "open") == 0,
        .clock = &clock_system,
        .log_destinations = &d->logs,
        .update_days = o->update_days,
    };
    d->ops = ops_new(d->store, &d->ops_conf);
    d->api = api_new(&(struct api_conf){
        .ops = d->ops,
        .auth = strcmp(o->auth, "open") == 0 ? API_AUTH_OPEN : API_AUTH_SCOPED,
        .regions = d->regions.items,
        .region_count = d->regions.count,
        .default_account = o->account,
    });
}

static struct err declare_network(struct larderd *d)
{
    const char *path = d->options.network_file;
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (path)
        TRY(read_named(d, "network-file", path, NETWORK_FILE_MAX_BYTES, &text));
    struct err e = ops_declare_network(d->store, &d->ops_conf, &d->arena, buf_str(&text));
    return err_failed(e) ? err_format(&d->arena, e.code, "--network-file %s: %s",
                                      path ? path : "(none)", err_text(&d->arena, e))
                         : OK;
}

static struct err open_front(struct larderd *d)
{
    return front_start(&d->arena,
                       &(struct front_conf){.api = d->api,
                                            .fleet = d->fleet,
                                            .store = d->store,
                                            .vault = d->vault,
                                            .clock = &clock_system,
                                            .listen = d->options.listen,
                                            .agent_token = d->token},
                       &d->front);
}

static void on_goals(void *context)
{
    front_wake(context);
}

static struct err open_reconciler(struct larderd *d)
{
    return reconcile_start(
        d->store,
        &(struct reconcile_conf){.clock = &clock_system,
                                 .dns = d->dns,
                                 .authority = &d->authority,
                                 .dns_zone = dns_zone(d->dns),
                                 .tells_names = d->ops_conf.endpoint_mode == ENDPOINT_DNS,
                                 .on_goals = on_goals,
                                 .context = d->front},
        &d->reconciler);
}

static struct err larderd_open(struct larderd *d)
{
    TRY(open_state(d));
    TRY(open_authority(d));
    TRY(open_vault(d));
    TRY(open_dns(d));
    open_api(d);
    TRY(declare_network(d));
    TRY(fleet_start(
        d->store,
        &(struct fleet_conf){
            .clock = &clock_system,
            .beat_ms = HOST_BEAT_MS,
            .silent_ms = HOST_SILENT_MS,
            .keys = {d->keys.items, d->keys.count, strcmp(d->options.iam_tokens, "scoped") == 0}
    },
        &d->fleet));
    TRY(open_front(d));
    TRY(notify_start(d->store, &(struct notify_conf){.clock = &clock_system, .topics = d->topics},
                     &d->notifier));
    TRY(porter_start(
        &(struct porter_conf){
            .store = d->store, .vault = d->vault, .buckets = &d->buckets, .clock = &clock_system},
        &d->porter));
    TRY(open_reconciler(d));
    return upkeep_start(d->store, &(struct upkeep_conf){.ops = d->ops, .clock = &clock_system},
                        &d->upkeep);
}

/* The reconciler wakes the front, so it ends first; everything else in the reverse order. */
static void larderd_close(struct larderd *d)
{
    upkeep_stop(d->upkeep);
    reconcile_stop(d->reconciler);
    porter_stop(d->porter);
    notify_stop(d->notifier);
    front_stop(d->front);
    fleet_stop(d->fleet);
    api_free(d->api);
    ops_free(d->ops);
    dns_close(d->dns);
    vault_close(d->vault);
    store_close(d->store);
    fd_close(&d->lock_fd);
    arena_fini(&d->arena);
}

/* --- the process --- */

/* Blocked before any thread starts, so that only wait_for_end sees them. */
static sigset_t block_signals(void)
{
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    return ends;
}

static void wait_for_end(const sigset_t *ends)
{
    int number = 0;

    while (sigwait(ends, &number) != 0)
        continue;
    log_info("stopping", f_str("signal", sigabbrev_np(number)));
}

static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_warn("the limit of open files stays as it is");
}

/* A page of clusters is a few hundred kilobytes: handing that back to the kernel after each answer,
 * and faulting it in for the next, costs more than writing it. */
static void keep_freed_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

/* The log comes first: who reads "ready" finds there what it is ready with. */
static void say_ready(struct larderd *d)
{
    log_info("serving", f_str("url", front_url(d->front)), f_int("dns_port", dns_port(d->dns)),
             f_str("zone", dns_zone(d->dns)), f_str("region", d->options.region),
             f_str("state_dir", d->options.state_dir));
    printf("ready %s\n", front_url(d->front));
    fflush(stdout);
}

/* Exit status 2 blames the command line, 1 the world. */
static int complain(struct larderd *d, struct err e)
{
    int status = err_is(e, ERR_INVALID) ? 2 : 1;

    fprintf(stderr, "larderd: %s\n", err_text(&d->arena, e));
    larderd_close(d);
    return status;
}

int main(int argc, char **argv)
{
    struct larderd d = {.lock_fd = -1};
    struct flags_rest rest;
    enum log_level level = LOG_LEVEL_INFO;
    int status;

    d.options.update_days = UPDATE_DAYS_BY_SEVERITY;
    if (!flags_begin(&line, &d.arena, argc, argv, &d.options, &rest, &status)) {
        arena_fini(&d.arena);
        return status;
    }
    if (log_level_parse(d.options.log_level, &level))
        log_setup("larderd", level);
    if (d.options.dies_with_parent)
        proc_die_with_parent(SIGTERM);
    struct err e = check_options(&d);
    if (err_failed(e))
        return complain(&d, e);

    sigset_t ends = block_signals();
    umask(077);
    raise_file_limit();
    keep_freed_memory();
    e = larderd_open(&d);
    if (err_failed(e))
        return complain(&d, e);
    say_ready(&d);
    wait_for_end(&ends);
    larderd_close(&d);
    return 0;
}
