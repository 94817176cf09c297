/*
 * The control plane's program: reads the command line, waits for its turn to lead where it stands
 * by, wires the layers from the store up, and waits for the end. Every layer hangs from one struct
 * here and is passed down. Who leads no longer closes all of it and stands by anew.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/net.h"
#include "base/proc.h"
#include "base/rng.h"
#include "base/shape_text.h"
#include "controlplane/api/api.h"
#include "controlplane/commandline/options.h"
#include "controlplane/dns/dns.h"
#include "controlplane/dns/stand_in.h"
#include "controlplane/fleet/fleet.h"
#include "controlplane/front/front.h"
#include "controlplane/lead/lead.h"
#include "controlplane/model/leases.h"
#include "controlplane/notify/notify.h"
#include "controlplane/ops/ops.h"
#include "controlplane/pki/pki.h"
#include "controlplane/reconcile/reconcile.h"
#include "controlplane/store/certificates.h"
#include "controlplane/store/leader.h"
#include "controlplane/store/leases.h"
#include "controlplane/store/store.h"
#include "controlplane/store/wall_clock.h"
#include "controlplane/upkeep/upkeep.h"
#include "controlplane/vault/porter.h"
#include "controlplane/vault/vault.h"
#include "controlplane/vote/vote.h"
#include "lease/voter.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KEPT_BYTES (4 << 20) /* by each thread's part of the heap, after a burst */

#define DEPOSED_SIGNAL SIGUSR1 /* from this process to itself: another one leads */

#define HOST_BEAT_MS 1000 /* agents are heard at least so often */
#define HOST_QUIET_MS                                                                              \
    1200                    /* a beat is late: it may mean nothing, and asking voters costs little \
                             */
#define HOST_SILENT_MS 5000 /* several beats may be late on a busy machine */

/* Everything that lives as long as the program. */
struct larderd {
    struct arena arena;
    struct options options;
    struct authority authority;
    struct failpoint failpoint;
    bool has_failpoint;
    struct ops_conf ops_conf;
    struct lead *lead;
    struct api *refusals;   /* in the interface's form, while it stands by */
    struct stand_in *names; /* the same of names; NULL: there are none, or it leads */
    struct front *front;

    struct store *store;
    struct vault *vault;
    struct porter *porter;
    struct dns *dns;
    struct vote *vote; /* NULL: it has none */
    const char *vote_address;
    const char *lease_key; /* base64 */
    struct ops *ops;
    struct api *api;
    struct fleet *fleet;
    struct notifier *notifier;
    struct reconciler *reconciler;
    struct upkeep *upkeep;
};

/* --- from the store up --- */

static struct err watch_clock(struct larderd *d)
{
    const char *boot_id;

    TRY(proc_boot_id(&d->arena, &boot_id));
    return store_watch_clock(d->store, &d->arena, &clock_system, boot_id);
}

static const char *database(struct larderd *d)
{
    return fs_join(&d->arena, d->options.state_dir, "larder.db");
}

static void on_deposed(void *context)
{
    (void)context;
    kill(getpid(), DEPOSED_SIGNAL); /* for wait_for_end */
}

static struct err open_state(struct larderd *d, const struct leader_claim *claim)
{
    const char *path = database(d);

    struct err e = store_open_leading(&d->arena, path, claim, &d->store);
    if (!err_failed(e)) {
        store_on_deposed(d->store, on_deposed, d);
        lead_follow_store(d->lead, d->store);
        e = watch_clock(d);
    }
    return err_failed(e) ? err_format(&d->arena, e.code, "%s: %s", path, err_text(&d->arena, e))
                         : OK;
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

static bool leads(void *context)
{
    struct larderd *d = context;
    scoped(arena_fini) struct arena a = {0};

    return !err_failed(store_leader_check(d->store, &a));
}

static struct err open_dns(struct larderd *d)
{
    bool is_off = strcmp(d->options.dns, "off") == 0;

    stand_in_stop(d->names); /* it has the address */
    d->names = NULL;
    struct err e = dns_open(&d->arena,
                            &(struct dns_conf){.zone = d->options.dns_zone,
                                               .listen = is_off ? NULL : d->options.dns,
                                               .update_server = d->options.dns_update,
                                               .update_key_file = d->options.dns_update_key,
                                               .hosts_file = d->options.hosts_file,
                                               .state_dir = d->options.state_dir,
                                               .clock = &clock_system,
                                               .leads = leads,
                                               .leads_context = d},
                            &d->dns);
    return err_failed(e) ? err_format(&d->arena, e.code, "DNS: %s", err_text(&d->arena, e)) : OK;
}

static struct api *make_api(const struct options *o, struct ops *ops)
{
    return api_new(&(struct api_conf){
        .ops = ops,
        .auth = strcmp(o->auth, "open") == 0 ? API_AUTH_OPEN : API_AUTH_SCOPED,
        .regions = o->regions.items,
        .region_count = o->regions.count,
        .default_account = o->account,
    });
}

static void open_api(struct larderd *d)
{
    const struct options *o = &d->options;

    d->ops_conf = (struct ops_conf){
        .cpu_overcommit = d->options.cpu_overcommit,
        .regions = d->options.regions.items,
        .region_count = d->options.regions.count,
        .default_account = o->account,
        .dns_zone = dns_zone(d->dns),
        .endpoint_mode = strcmp(o->endpoints, "dns") == 0 ? ENDPOINT_DNS : ENDPOINT_ADDRESS,
        .buckets = &d->options.buckets,
        .is_network_open = strcmp(o->network, "open") == 0,
        .clock = &clock_system,
        .log_destinations = &d->options.logs,
        .update_days = o->update_days,
        .quotas = &o->quotas,
    };
    d->ops = ops_new(d->store, &d->ops_conf);
    d->api = make_api(o, d->ops);
}

/* --- leases --- */

/* Made once: hosts that hold leases know each other by it. */
static struct err lease_secret(struct larderd *d, struct store_tx *tx, struct lease_secret *out)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    unsigned char key[LEASE_KEY_BYTES];
    struct err e = store_lease_secret_get(tx, out);

    if (!err_is(e, ERR_NOT_FOUND))
        return e;
    rng_system_bytes(key, sizeof(key));
    base64_write(&text, key, sizeof(key));
    *out = (struct lease_secret){.key = str_dup(&d->arena, buf_str(&text)), .address = ""};
    return OK;
}

/* Where it is asked for when nothing was said of it. Hosts cannot be told to go everywhere. */
static bool vote_default(const struct larderd *d, struct net_addr *out)
{
    return net_addr_parse(str_of(d->options.listen), out) && !net_addr_is_wildcard(out);
}

static struct err start_vote(struct larderd *d, const char *key, int most_ms)
{
    const char *said = d->options.vote;
    struct net_addr listen;
    struct opt_blob bytes;
    bool has_place = said ? net_addr_parse(str_of(said), &listen) : vote_default(d, &listen);

    if (!has_place) {
        log_info("this control plane does not vote on leases");
        return OK;
    }
    struct vote_conf conf = {
        .clock = &clock_system,
        .listen = &listen,
        .name = CONTROL_PLANE_VOTER,
        .trust_ms = LEAD_TRUST_MS,
        .other_ms = lead_is_over_living(d->lead) ? LEAD_TRUST_MS + (int)lease_grant_ms(most_ms) : 0,
    };
    if (!base64_read(&d->arena, str_of(key), &bytes) || bytes.len != sizeof(conf.key))
        return err_make(ERR_CORRUPT, "the key of leases in the store is none");
    memcpy(conf.key, bytes.ptr, sizeof(conf.key));
    struct err e = vote_start(&d->arena, &conf, &d->vote);
    if (err_is(e, ERR_CONFLICT) && !said) {
        net_addr_set_port(&listen, 0); /* the number was taken by somebody else's datagrams */
        e = vote_start(&d->arena, &conf, &d->vote);
    }
    if (err_failed(e))
        return err_format(&d->arena, e.code, "--vote: %s", err_text(&d->arena, e));
    d->vote_address = net_addr_host_text(&d->arena, &listen);
    lead_follow_vote(d->lead, d->vote);
    return OK;
}

/* Holders of leases are told when the vote is elsewhere than before. */
static struct err open_vote(struct larderd *d)
{
    scoped(store_rollback) struct store_tx *tx = NULL;
    struct lease_secret secret;
    int64_t most_ms;

    TRY(store_begin(d->store, STORE_WRITE, &d->arena, &tx));
    TRY(lease_secret(d, tx, &secret));
    TRY(store_lease_most_ms(tx, &most_ms));
    TRY(start_vote(d, secret.key, (int)most_ms));
    const char *address = d->vote ? d->vote_address : "";
    int port = d->vote ? vote_port(d->vote) : 0;
    if (secret.port != port || strcmp(secret.address, address) != 0)
        TRY(store_hosts_raise_all(tx));
    d->lease_key = secret.key;
    secret.address = address;
    secret.port = port;
    TRY(store_lease_secret_put(tx, &secret));
    return store_commit(&tx);
}

static struct err declare_network(struct larderd *d)
{
    const char *path = d->options.network_file;

    struct err e =
        ops_declare_network(d->store, &d->ops_conf, &d->arena, d->options.declared_network);
    return err_failed(e) ? err_format(&d->arena, e.code, "--network-file %s: %s",
                                      path ? path : "(none)", err_text(&d->arena, e))
                         : OK;
}

static struct err open_front(struct larderd *d)
{
    const struct front_conf conf = {.api = d->api,
                                    .fleet = d->fleet,
                                    .store = d->store,
                                    .vault = d->vault,
                                    .dns = d->dns,
                                    .clock = &clock_system,
                                    .listen = d->options.listen,
                                    .agent_token = d->options.token};

    if (!d->front)
        return front_start(&d->arena, &conf, &d->front);
    front_lead(d->front, &conf);
    return OK;
}

static void on_goals(void *context, const uint64_t *keys, size_t count)
{
    front_wake_hosts(context, keys, count);
}

static void on_names(void *context)
{
    front_wake_names(context);
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
                                 .failpoint = d->has_failpoint ? &d->failpoint : NULL,
                                 .endpoint_pool = d->ops_conf.endpoint_mode == ENDPOINT_DNS
                                                      ? NULL
                                                      : d->options.endpoint_pool,
                                 .vote = d->vote,
                                 .replace_after_ms = d->options.replace_after_s * 1000,
                                 .cpu_overcommit = d->options.cpu_overcommit,
                                 .on_goals = on_goals,
                                 .on_names = on_names,
                                 .context = d->front},
        &d->reconciler);
}

static struct err larderd_open(struct larderd *d, const struct leader_claim *claim)
{
    TRY(open_state(d, claim));
    TRY(open_authority(d));
    TRY(open_vault(d));
    TRY(open_dns(d));
    open_api(d);
    TRY(declare_network(d));
    TRY(open_vote(d));
    TRY(fleet_start(d->store,
                    &(struct fleet_conf){
                        .clock = &clock_system,
                        .beat_ms = HOST_BEAT_MS,
                        .quiet_ms = HOST_QUIET_MS,
                        .silent_ms = HOST_SILENT_MS,
                        .lease_key = d->lease_key,
                        .vote_address = d->vote ? d->vote_address : NULL,
                        .vote_port = d->vote ? vote_port(d->vote) : 0,
                        .keys = {d->options.keys.items, d->options.keys.count,
                                 strcmp(d->options.iam_tokens, "scoped") == 0}
    },
                    &d->fleet));
    TRY(open_front(d));
    TRY(notify_start(d->store,
                     &(struct notify_conf){.clock = &clock_system, .topics = d->options.topics},
                     &d->notifier));
    TRY(porter_start(&(struct porter_conf){.store = d->store,
                                           .vault = d->vault,
                                           .buckets = &d->options.buckets,
                                           .clock = &clock_system},
                     &d->porter));
    TRY(open_reconciler(d));
    return upkeep_start(d->store, &(struct upkeep_conf){.ops = d->ops, .clock = &clock_system},
                        &d->upkeep);
}

/* The reconciler wakes the front, so it ends first; everything else in the reverse order. */
static void larderd_close(struct larderd *d)
{
    stand_in_stop(d->names);
    upkeep_stop(d->upkeep);
    reconcile_stop(d->reconciler);
    porter_stop(d->porter);
    notify_stop(d->notifier);
    front_stop(d->front);
    fleet_stop(d->fleet);
    if (d->lead)
        lead_follow_vote(d->lead, NULL);
    vote_stop(d->vote);
    api_free(d->api);
    api_free(d->refusals);
    ops_free(d->ops);
    dns_close(d->dns);
    vault_close(d->vault);
    if (d->lead)
        lead_follow_store(d->lead, NULL);
    store_close(d->store);
    lead_close(d->lead);
    arena_fini(&d->arena);
}

/* --- faults on purpose --- */

/* One that there is not would never happen, and whoever waits for it would learn nothing. */
static struct err take_failpoint(struct arena *a, struct larderd *d)
{
    const char *text = getenv("LARDER_FAILPOINT");

    if (!text || !*text)
        return OK;
    TRY(failpoint_parse(a, text, &d->failpoint));
    struct failpoint_names names = reconcile_failpoints(a);
    if (!failpoint_is_of(&d->failpoint, &names))
        return err_format(a, ERR_INVALID,
                          "LARDER_FAILPOINT=%s: there is no such step; see --list-failpoints",
                          text);
    d->has_failpoint = true;
    log_warn("a fault will be made on purpose", f_str("failpoint", text));
    return OK;
}

static int list_failpoints(void)
{
    scoped(arena_fini) struct arena a = {0};
    struct failpoint_names names = reconcile_failpoints(&a);

    for (size_t i = 0; i < names.count; i++)
        printf("%s:%s\n", names.items[i].operation, names.items[i].step);
    return 0;
}

/* --- the process --- */

/* Blocked before any thread starts, so that only wait_for_end sees them. */
static sigset_t block_signals(void)
{
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, DEPOSED_SIGNAL);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    return ends;
}

/* The signal that ended it. */
static int wait_for_end(const sigset_t *ends)
{
    int number = 0;

    while (sigwait(ends, &number) != 0)
        continue;
    log_info("stopping", f_str("signal", sigabbrev_np(number)));
    return number;
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
    lead_tell_url(d->lead, front_url(d->front));
    printf("ready %s\n", front_url(d->front));
    fflush(stdout);
}

/* --- standing by --- */

static struct err open_lead(struct larderd *d)
{
    const char *dir = d->options.state_dir;
    const struct lead_conf conf = {
        .clock = &clock_system,
        .state_dir = dir,
        .database = database(d),
        .stands_by = d->options.stands_by,
        .insists = d->options.insists,
    };

    struct err e = fs_make_dirs(dir, 0700);
    if (!err_failed(e))
        e = lead_open(&d->arena, &conf, &d->lead);
    return err_failed(e)
               ? err_format(&d->arena, e.code, "--state-dir %s: %s", dir, err_text(&d->arena, e))
               : OK;
}

static const char *leader_url(void *context, struct arena *a)
{
    struct larderd *d = context;

    return lead_leader_url(d->lead, a);
}

/* Each has a copy of its own. */
static struct err open_names(struct larderd *d)
{
    const char *listen = d->options.dns;

    if (strcmp(listen, "off") == 0)
        return OK;
    struct err e =
        stand_in_start(&d->arena,
                       &(struct stand_in_conf){
                           .clock = &clock_system,
                           .listen = listen,
                           .path = fs_join(&d->arena, d->options.state_dir,
                                           arena_printf(&d->arena, "names-at-%s", listen)),
                           .token = d->options.token,
                           .leader = leader_url,
                           .context = d,
                       },
                       &d->names);
    return err_failed(e) ? err_format(&d->arena, e.code, "DNS: %s", err_text(&d->arena, e)) : OK;
}

/* Whoever asks while another one leads is told so. */
static struct err open_waiting_front(struct larderd *d)
{
    if (d->front)
        return OK;
    TRY(open_names(d));
    d->refusals = make_api(&d->options, NULL);
    TRY(front_start(&d->arena,
                    &(struct front_conf){.stands_by = true,
                                         .api = d->refusals,
                                         .clock = &clock_system,
                                         .listen = d->options.listen},
                    &d->front));
    log_info("standing by", f_str("url", front_url(d->front)),
             f_int("dns_port", d->names ? stand_in_port(d->names) : 0),
             f_str("state_dir", d->options.state_dir));
    printf("standby %s\n", front_url(d->front));
    fflush(stdout);
    return OK;
}

/* True when one of the signals came first. */
static bool pause_until_look(const sigset_t *ends, int *out_signal)
{
    const struct timespec span = {.tv_nsec = LEAD_LOOK_MS * 1000000L};

    *out_signal = sigtimedwait(ends, NULL, &span);
    return *out_signal > 0 && *out_signal != DEPOSED_SIGNAL;
}

static struct err name_place(struct larderd *d, struct err e)
{
    bool is_of_folder = err_is(e, ERR_CONFLICT) || err_is(e, ERR_DENIED);

    return err_format(&d->arena, e.code, "%s%s: %s", is_of_folder ? "--state-dir " : "",
                      is_of_folder ? d->options.state_dir : database(d), err_text(&d->arena, e));
}

/* Waits for its turn. False when it is to end instead. */
static struct err wait_for_turn(struct larderd *d, const sigset_t *ends, bool *out_is_turn,
                                struct leader_claim *out)
{
    int number;

    for (;;) {
        struct err e = lead_look(d->lead, &d->arena, out_is_turn, out);
        if (err_failed(e))
            return name_place(d, e);
        if (*out_is_turn)
            return OK;
        if (d->options.stands_by)
            TRY(open_waiting_front(d));
        if (pause_until_look(ends, &number))
            return OK;
    }
}

/* Until it leads. False when it is to end instead. */
static struct err take_lead(struct larderd *d, const sigset_t *ends, bool *out_leads)
{
    struct leader_claim claim;

    for (;;) {
        TRY(wait_for_turn(d, ends, out_leads, &claim));
        struct err e = *out_leads ? larderd_open(d, &claim) : OK;
        if (!err_failed(e) || d->store || !lead_lost_turn(d->lead, &d->arena, e))
            return e;
    }
}

/* Exit status 2 blames the command line, 1 the world. */
static int complain(struct arena *a, struct err e)
{
    fprintf(stderr, "larderd: %s\n", err_text(a, e));
    return err_is(e, ERR_INVALID) ? 2 : 1;
}

/* One lead, from its turn to its end; `*out_signal` is what ended it. The exit status. */
static int lead_once(struct larderd *d, const sigset_t *ends, int *out_signal)
{
    bool leads = false;

    struct err e = open_lead(d);
    if (!err_failed(e))
        e = take_lead(d, ends, &leads);
    if (err_failed(e))
        return complain(&d->arena, e);
    if (leads) {
        say_ready(d);
        *out_signal = wait_for_end(ends);
    }
    return *out_signal == DEPOSED_SIGNAL ? 1 : 0;
}

/* Who stands by does so again when another one leads. */
static int run(const struct larderd *told, const sigset_t *ends)
{
    int status, number;

    do {
        struct larderd d = *told;
        number = 0;
        status = lead_once(&d, ends, &number);
        larderd_close(&d);
    } while (number == DEPOSED_SIGNAL && told->options.stands_by);
    return status;
}

int main(int argc, char **argv)
{
    scoped(arena_fini) struct arena a = {0};
    struct larderd d = {0};
    enum log_level level = LOG_LEVEL_INFO;
    int status;

    if (argc == 2 && strcmp(argv[1], "--list-failpoints") == 0)
        return list_failpoints();
    if (!options_read(&a, argc, argv, &d.options, &status))
        return status;
    if (log_level_parse(d.options.log_level, &level))
        log_setup("larderd", level);
    if (d.options.dies_with_parent)
        proc_die_with_parent(SIGTERM);
    struct err e = options_check(&a, &d.options);
    if (!err_failed(e))
        e = take_failpoint(&a, &d);
    if (err_failed(e))
        return complain(&a, e);

    const sigset_t ends = block_signals();
    umask(077);
    raise_file_limit();
    keep_freed_memory();
    return run(&d, &ends);
}
