/* One table of flags, and one function for each thing that can be wrong with them. */
#include "controlplane/commandline/options.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/flags.h"
#include "base/fs.h"
#include "base/ip.h"
#include "base/net.h"
#include "base/vec.h"
#include "controlplane/model/updates.h"

#include <string.h>

#define ACCOUNT_DIGITS  12
#define TOKEN_LEAST     16
#define REPLACE_AFTER_S 60
#define CPU_OVERCOMMIT  32

#define TOKEN_MAX_BYTES        4096
#define KEYS_MAX_BYTES         (1 << 20)
#define NETWORK_FILE_MAX_BYTES (1 << 20)
#define TOPICS_MAX_BYTES       (1 << 20)
#define BUCKETS_MAX_BYTES      (1 << 20)

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
    {.name = "vote", .kind = FLAG_TEXT, AT(vote), .value = "HOST:PORT|off",
     .doc = "where hosts ask for this control plane's vote on leases, by UDP; where --listen is when not given"},
    {.name = "replace-after", .kind = FLAG_NUMBER, AT(replace_after_s), .value = "S", .max = 86400,
     .doc = "seconds until members of a lost host are made anew on another one; 60 when not given, 0: never"},
    {.name = "cpu-overcommit", .kind = FLAG_NUMBER, AT(cpu_overcommit), .value = "N", .max = 1000000,
     .doc = "a host gives nodes so many times the processors that it has; 32 when not given, 0: any number"},
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
    {.name = "endpoint-pool", .kind = FLAG_TEXT, AT(endpoint_pool), .value = "CIDR",
     .doc = "IPv4 addresses for endpoints of groups, which move with the roles, where addresses are told;\n"
            "without it the address of the member that has the role is told"},
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
    {.name = "quota", .kind = FLAG_TEXT, AT(quota), .value = "NAME=N,...",
     .doc = "how much an account may have where that is not as usual, such as nodes-per-group=500"},
    {.name = "topics", .kind = FLAG_TEXT, AT(topics_file), .value = "FILE",
     .doc = "names webhooks of notification topics, one 'ARN URL' a line"},
    {.name = "log-destinations", .kind = FLAG_TEXT, AT(log_destinations_file), .value = "FILE",
     .doc = "where log groups and delivery streams lead, one 'NAME URL' a line: file:/, http:// or https://"},
    {.name = "log-dir", .kind = FLAG_TEXT, AT(log_dir), .value = "DIR",
     .doc = "an absolute folder on the caches' hosts: delivered logs of other destinations go to files there"},
    {.name = "log-level", .kind = FLAG_CHOICE, AT(log_level), .value = "LEVEL", .fallback = "info",
     .choices = level_words, .doc = "debug, info, warn or error"},
    {.name = "standby", .kind = FLAG_SWITCH, AT(stands_by),
     .doc = "where another larderd leads on the state directory, stand by and take over when it is gone or silent"},
    {.name = "insist", .kind = FLAG_SWITCH, AT(insists),
     .doc = "lead by this state though hosts have obeyed a control plane with another one since"},
    {.name = "die-with-parent", .kind = FLAG_SWITCH, AT(dies_with_parent),
     .doc = "stop when the program that started this one ends"},
};
/* clang-format on */

static const struct flags line = {.program = "larderd",
                                  .about = "The control plane of Larder, a cache service that "
                                           "speaks the Amazon ElastiCache API.",
                                  .takes = FLAGS_NO_WORDS,
                                  FLAG_ROWS(rows)};

bool options_read(struct arena *a, int argc, char **argv, struct options *out, int *out_status)
{
    struct flags_rest rest;

    *out = (struct options){.update_days = UPDATE_DAYS_BY_SEVERITY,
                            .replace_after_s = REPLACE_AFTER_S,
                            .cpu_overcommit = CPU_OVERCOMMIT};
    return flags_begin(&line, a, argc, argv, out, &rest, out_status);
}

static bool is_region(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && i > 0)))
            return false;
    }
    return name.len > 0 && name.ptr[name.len - 1] != '-';
}

static struct err take_regions(struct arena *a, struct options *o)
{
    struct str rest = str_of(o->region);

    do {
        struct str name = str_trim(str_cut(&rest, ','));
        if (!is_region(name))
            return err_format(a, ERR_INVALID,
                              "--region %s: give names such as us-east-1 with commas between",
                              o->region);
        vec_each(other, &o->regions)
            if (str_is(name, *other))
                return err_format(a, ERR_INVALID, "--region %s: %s stands twice", o->region,
                                  *other);
        *vec_add(a, &o->regions) = str_dup(a, name);
    } while (rest.len > 0);
    return OK;
}

static struct err check_account(struct arena *a, struct options *o)
{
    const char *account = o->account;

    if (strlen(account) == ACCOUNT_DIGITS && strspn(account, "0123456789") == ACCOUNT_DIGITS)
        return OK;
    return err_format(a, ERR_INVALID, "--account %s: an account has twelve digits", account);
}

static struct err check_listen(struct arena *a, struct options *o)
{
    struct net_addr address;

    if (!net_addr_parse(str_of(o->listen), &address))
        return err_format(a, ERR_INVALID,
                          "--listen %s: give an address and a port such as 127.0.0.1:9379",
                          o->listen);
    if (strcmp(o->auth, "open") == 0 && !net_addr_is_loopback(&address))
        return err_format(a, ERR_INVALID,
                          "--auth open is for loopback addresses only, and %s is none: other "
                          "machines could use the service unsigned",
                          o->listen);
    return OK;
}

/* A file that a flag names; an error names both. */
static struct err read_named(struct arena *a, const char *flag, const char *path, size_t max_bytes,
                             struct buf *out)
{
    struct err e = fs_read_all(path, max_bytes, out);

    return err_failed(e) ? err_format(a, ERR_INVALID, "--%s %s: %s", flag, path, err_text(a, e))
                         : OK;
}

static struct err take_token(struct arena *a, struct options *o)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (!o->token_file)
        return OK;
    TRY(read_named(a, "token-file", o->token_file, TOKEN_MAX_BYTES, &text));
    struct str token = str_trim(buf_str(&text));
    if (token.len < TOKEN_LEAST || memchr(token.ptr, '\0', token.len))
        return err_format(a, ERR_INVALID, "--token-file %s: a token has at least %d characters",
                          o->token_file, TOKEN_LEAST);
    o->token = str_dup(a, token);
    return OK;
}

static struct err take_topics(struct arena *a, struct options *o)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (!o->topics_file)
        return OK;
    TRY(read_named(a, "topics", o->topics_file, TOPICS_MAX_BYTES, &text));
    struct err e = topics_parse(a, buf_str(&text), &o->topics);
    return err_failed(e)
               ? err_format(a, ERR_INVALID, "--topics %s: %s", o->topics_file, err_text(a, e))
               : OK;
}

static struct err take_buckets(struct arena *a, struct options *o)
{
    const char *path = o->buckets_file;
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (!path)
        return OK;
    TRY(read_named(a, "buckets", path, BUCKETS_MAX_BYTES, &text));
    struct err e = buckets_parse(a, buf_str(&text), &o->buckets);
    return err_failed(e) ? err_format(a, ERR_INVALID, "--buckets %s: %s", path, err_text(a, e))
                         : OK;
}

static struct err take_log_destinations(struct arena *a, struct options *o)
{
    const char *path = o->log_destinations_file;
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    o->logs.dir = o->log_dir;
    if (o->logs.dir && o->logs.dir[0] != '/')
        return err_format(a, ERR_INVALID, "--log-dir %s: give an absolute path", o->logs.dir);
    if (!path)
        return OK;
    TRY(read_named(a, "log-destinations", path, TOPICS_MAX_BYTES, &text));
    struct err e = log_destinations_parse(a, buf_str(&text), &o->logs);
    return err_failed(e)
               ? err_format(a, ERR_INVALID, "--log-destinations %s: %s", path, err_text(a, e))
               : OK;
}

/* "ACCESS-KEY SECRET" */
static struct err take_key(struct arena *a, struct options *o, struct str text, int number)
{
    struct str secret = text;
    struct str name = str_cut(&secret, ' ');

    secret = str_trim(secret);
    if (name.len == 0 || secret.len == 0 || str_find(secret, ' ') != SIZE_MAX)
        return err_format(a, ERR_INVALID,
                          "--keys-file %s: line %d is not an access key and its secret",
                          o->keys_file, number);
    *vec_add(a, &o->keys) = (struct iam_key){str_dup(a, name), str_dup(a, secret)};
    return OK;
}

static struct err take_keys(struct arena *a, struct options *o)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct str rest;

    if (!o->keys_file)
        return OK;
    TRY(read_named(a, "keys-file", o->keys_file, KEYS_MAX_BYTES, &text));
    rest = buf_str(&text);
    for (int number = 1; rest.len > 0; number++) {
        struct str one = str_trim(str_cut(&rest, '\n'));
        if (one.len > 0 && one.ptr[0] != '#')
            TRY(take_key(a, o, one, number));
    }
    return OK;
}

/* Who can reach the caches could come in as anybody. */
static struct err check_iam(struct arena *a, struct options *o)
{
    struct net_addr address;

    if (strcmp(o->iam_tokens, "scoped") == 0 && net_addr_parse(str_of(o->listen), &address) &&
        !net_addr_is_loopback(&address))
        return err_format(a, ERR_INVALID,
                          "--iam-tokens scoped is for loopback addresses only, and %s is none: "
                          "other machines could use caches with tokens of their own making",
                          o->listen);
    return take_keys(a, o);
}

static struct err take_network(struct arena *a, struct options *o)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (!o->network_file)
        return OK;
    TRY(read_named(a, "network-file", o->network_file, NETWORK_FILE_MAX_BYTES, &text));
    o->declared_network = str_of(str_dup(a, buf_str(&text)));
    return OK;
}

static struct err take_quotas(struct arena *a, struct options *o)
{
    struct err e = quotas_read(a, o->quota, &o->quotas);

    return err_failed(e) ? err_format(a, ERR_INVALID, "--quota %s: %s", o->quota, err_text(a, e))
                         : OK;
}

static struct err check_endpoint_pool(struct arena *a, const struct options *o)
{
    struct ip_block pool;

    if (o->endpoint_pool && (!ip_block_parse(str_of(o->endpoint_pool), &pool) ||
                             ip_is_v6(&pool.first) || ip_block_usable(&pool).count == 0))
        return err_format(a, ERR_INVALID,
                          "--endpoint-pool %s: give a block of IPv4 addresses such as 10.0.9.0/24",
                          o->endpoint_pool);
    return OK;
}

static struct err check_vote(struct arena *a, struct options *o)
{
    struct net_addr address;

    if (!o->vote || strcmp(o->vote, "off") == 0)
        return OK;
    if (!net_addr_parse(str_of(o->vote), &address) || net_addr_is_wildcard(&address))
        return err_format(
            a, ERR_INVALID,
            "--vote %s: give an address of this machine, as hosts reach it, and a port", o->vote);
    return OK;
}

struct err options_check(struct arena *a, struct options *o)
{
    TRY(check_endpoint_pool(a, o));
    TRY(take_regions(a, o));
    TRY(check_account(a, o));
    TRY(check_listen(a, o));
    TRY(check_vote(a, o));
    TRY(check_iam(a, o));
    TRY(take_token(a, o));
    TRY(take_buckets(a, o));
    TRY(take_log_destinations(a, o));
    TRY(take_network(a, o));
    TRY(take_quotas(a, o));
    return take_topics(a, o);
}
