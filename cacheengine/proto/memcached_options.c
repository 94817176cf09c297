/*
 * memcached's command line. Each option is a row that says which directive it becomes, and how; few
 * need more than that. They are read in their order, so that the last one counts, and what depends
 * on several of them is looked at in the end.
 */
#include "cacheengine/proto/memcached_options.h"

#include "base/log.h"
#include "cacheengine/dispatch/config.h"

#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define MEGABYTE      ((int64_t)1 << 20)
#define ITEM_MIN      1024
#define ITEM_MAX      ((int64_t)1 << 30)
#define SASL_USERS    1000 /* the option that has no letter */
#define ADDRESSES_MAX 64

enum form {
    AS_IT_IS,
    ON,        /* takes no value: the directive becomes yes */
    OFF,       /* likewise: no */
    MEGABYTES, /* a number of them */
    KILOBYTES,
    WITHOUT_EFFECT,
    OWN_WAY, /* see take_own_way */
};

struct option_row {
    int letter;
    const char *name;
    enum form form;
    bool takes_value;
    const char *directive, *help;
};

static const struct option_row rows[] = {
    {'p',        "port",               AS_IT_IS,       true,  "port",                        "TCP port to listen on (default: 11211)"           },
    {'U',        "udp-port",           OWN_WAY,        true,  NULL,                          "UDP is not served"                                },
    {'s',        "unix-socket",        OWN_WAY,        true,  NULL,
     "UNIX socket to listen on (disables network support)"                                                                                      },
    {'a',        "unix-mask",          AS_IT_IS,       true,  "unixsocketperm",              "access mask for UNIX socket, in octal"            },
    {'A',        "enable-shutdown",    ON,             false, "larder-memcached-shutdown",   "enable \"shutdown\""                              },
    {'Z',        "enable-ssl",         OWN_WAY,        false, NULL,                          "enable TLS/SSL"                                   },
    {'l',        "listen",             OWN_WAY,        true,  NULL,                          "addresses to listen on (default: all)"            },
    {'d',        "daemon",             OWN_WAY,        false, NULL,                          "run as a daemon"                                  },
    {'u',        "user",               OWN_WAY,        true,  NULL,                          "assume identity of <user> (only when run as root)"},
    {'m',        "memory-limit",       MEGABYTES,      true,  "maxmemory",                   "memory in megabytes (default: 64)"                },
    {'M',        "disable-evictions",  OWN_WAY,        false, NULL,                          "return an error rather than evict"                },
    {'c',        "conn-limit",         OWN_WAY,        true,  NULL,                          "max simultaneous connections (default: 1024)"     },
    {'v',        "verbose",            OWN_WAY,        false, NULL,                          "verbose; -vv is more so"                          },
    {'h',        "help",               OWN_WAY,        false, NULL,                          "print this help and exit"                         },
    {'V',        "version",            OWN_WAY,        false, NULL,                          "print version and exit"                           },
    {'P',        "pidfile",            AS_IT_IS,       true,  "pidfile",                     "save PID in <file>"                               },
    {'D',        "prefix-delimiter",   OWN_WAY,        true,  NULL,
     "delimiter of key prefixes; turns their stats on"                                                                                          },
    {'C',        "disable-cas",        OFF,            false, "larder-memcached-cas",        "disable use of CAS"                               },
    {'b',        "listen-backlog",     AS_IT_IS,       true,  "tcp-backlog",
     "the backlog queue limit (default: 1024)"                                                                                                  },
    {'B',        "protocol",           OWN_WAY,        true,  NULL,                          "one of ascii, binary, or auto (default: auto)"    },
    {'I',        "max-item-size",      OWN_WAY,        true,  NULL,                          "largest item, with k or m (default: 1m)"          },
    {'S',        "enable-sasl",        OWN_WAY,        false, NULL,                          "turn on SASL authentication (PLAIN)"              },
    {SASL_USERS, "sasl-password-file", AS_IT_IS,       true,  "larder-memcached-sasl-users",
     "its user:password lines (default: $MEMCACHED_SASL_PWDB)"                                                                                  },
    {'F',        "disable-flush-all",  OFF,            false, "larder-memcached-flush-all",  "disable flush_all"                                },
    {'X',        "disable-dumping",    OFF,            false, "larder-memcached-dump",       "disable dumps of all keys"                        },
    {'W',        "disable-watch",      OFF,            false, "larder-memcached-watch",      "disable watch"                                    },
    {'Y',        "auth-file",          AS_IT_IS,       true,  "larder-memcached-auth-file",
     "user:password lines that the text protocol asks for"                                                                                      },
    {'o',        "extended",           OWN_WAY,        true,  NULL,                          "comma separated list of extended options"         },
    {'k',        "lock-memory",        WITHOUT_EFFECT, false, NULL,                          "without effect"                                   },
    {'r',        "enable-coredumps",   WITHOUT_EFFECT, false, NULL,                          "without effect"                                   },
    {'f',        "slab-growth-factor", WITHOUT_EFFECT, true,  NULL,                          "without effect: there are no slabs"               },
    {'n',        "slab-min-size",      WITHOUT_EFFECT, true,  NULL,                          "without effect: there are no slabs"               },
    {'t',        "threads",            OWN_WAY,        true,  NULL,                          "without effect: one thread executes commands"     },
    {'L',        "enable-largepages",  WITHOUT_EFFECT, false, NULL,                          "without effect: used where there are"             },
    {'R',        "max-reqs-per-event", OWN_WAY,        true,  NULL,                          "without effect"                                   },
};

/* ---- extended options ---- */

static const struct extended {
    const char *name;
    enum form form;
    const char *directive;
} extended_rows[] = {
    {"idle_timeout",         AS_IT_IS,       "timeout"                        },
    {"watcher_logbuf_size",  KILOBYTES,      "larder-memcached-watcher-buffer"},
    {"ssl_chain_cert",       AS_IT_IS,       "tls-cert-file"                  },
    {"ssl_key",              AS_IT_IS,       "tls-key-file"                   },
    {"ssl_ca_cert",          AS_IT_IS,       "tls-ca-cert-file"               },
    {"ssl_ciphers",          AS_IT_IS,       "tls-ciphers"                    },
    {"ssl_verify_mode",      OWN_WAY,        NULL                             },
    {"slab_chunk_max",       OWN_WAY,        NULL                             },
    {"ssl_session_cache",    WITHOUT_EFFECT, NULL                             },
    {"ssl_min_version",      OWN_WAY,        NULL                             },
    {"ssl_wbuf_size",        WITHOUT_EFFECT, NULL                             },
    {"worker_logbuf_size",   KILOBYTES,      "larder-memcached-worker-buffer" },
    {"maxconns_fast",        WITHOUT_EFFECT, NULL                             },
    {"no_maxconns_fast",     WITHOUT_EFFECT, NULL                             },
    {"hashpower",            WITHOUT_EFFECT, NULL                             },
    {"no_hashexpand",        WITHOUT_EFFECT, NULL                             },
    {"hash_algorithm",       WITHOUT_EFFECT, NULL                             },
    {"slab_reassign",        WITHOUT_EFFECT, NULL                             },
    {"no_slab_reassign",     WITHOUT_EFFECT, NULL                             },
    {"slab_automove",        WITHOUT_EFFECT, NULL                             },
    {"no_slab_automove",     WITHOUT_EFFECT, NULL                             },
    {"slab_automove_ratio",  WITHOUT_EFFECT, NULL                             },
    {"slab_automove_window", WITHOUT_EFFECT, NULL                             },
    {"slab_sizes",           WITHOUT_EFFECT, NULL                             },
    {"no_chunked_items",     WITHOUT_EFFECT, NULL                             },
    {"tail_repair_time",     WITHOUT_EFFECT, NULL                             },
    {"lru_crawler",          ON,             "larder-memcached-crawler"       },
    {"no_lru_crawler",       OFF,            "larder-memcached-crawler"       },
    {"lru_crawler_sleep",    WITHOUT_EFFECT, NULL                             },
    {"lru_crawler_tocrawl",  WITHOUT_EFFECT, NULL                             },
    {"lru_maintainer",       WITHOUT_EFFECT, NULL                             },
    {"no_lru_maintainer",    WITHOUT_EFFECT, NULL                             },
    {"hot_lru_pct",          WITHOUT_EFFECT, NULL                             },
    {"warm_lru_pct",         WITHOUT_EFFECT, NULL                             },
    {"hot_max_factor",       WITHOUT_EFFECT, NULL                             },
    {"warm_max_factor",      WITHOUT_EFFECT, NULL                             },
    {"temporary_ttl",        WITHOUT_EFFECT, NULL                             },
    {"track_sizes",          WITHOUT_EFFECT, NULL                             },
    {"inline_ascii_resp",    WITHOUT_EFFECT, NULL                             },
    {"no_inline_ascii_resp", WITHOUT_EFFECT, NULL                             },
    {"modern",               WITHOUT_EFFECT, NULL                             },
    {"no_modern",            OFF,            "larder-memcached-crawler"       },
    {"drop_privileges",      WITHOUT_EFFECT, NULL                             },
    {"no_drop_privileges",   WITHOUT_EFFECT, NULL                             },
    {"relaxed_privileges",   WITHOUT_EFFECT, NULL                             },
    {"resp_obj_mem_limit",   WITHOUT_EFFECT, NULL                             },
    {"read_buf_mem_limit",   WITHOUT_EFFECT, NULL                             },
};

/* The command line while it is read. */
struct reading {
    struct config *config;
    struct arena *a;
    struct mc_options *out;
    int verbosity;
    const char *addresses[ADDRESSES_MAX]; /* of -l */
    size_t address_count;
    const char *protocol; /* of -B */
    bool has_sasl;
    int64_t item_max, chunk_max;
};

static struct err set(struct reading *r, const char *directive, const char *value)
{
    struct str words[] = {str_of(directive), str_of(value)};

    return config_load_words(r->config, r->a, words, 2);
}

static struct err set_row(struct reading *r, enum form form, const char *directive,
                          const char *value)
{
    switch (form) {
    case AS_IT_IS: return set(r, directive, value);
    case ON: return set(r, directive, "yes");
    case OFF: return set(r, directive, "no");
    case MEGABYTES: return set(r, directive, arena_printf(r->a, "%smb", value));
    case KILOBYTES: return set(r, directive, arena_printf(r->a, "%skb", value));
    case WITHOUT_EFFECT:
    case OWN_WAY: break;
    }
    return OK;
}

/* ---- options with a way of their own ---- */

/* A number with k or m behind it. */
static struct err read_size(struct reading *r, const char *text, int64_t *out)
{
    struct str digits = str_of(text);
    int64_t unit = 1;

    if (str_ends(digits, "k") || str_ends(digits, "K"))
        unit = 1024;
    if (str_ends(digits, "m") || str_ends(digits, "M"))
        unit = MEGABYTE;
    digits.len -= unit > 1;
    if (!str_to_i64(digits, out) || *out > INT64_MAX / unit)
        return err_format(r->a, ERR_INVALID, "'%s' is no size", text);
    *out *= unit;
    return OK;
}

static struct err read_positive(struct reading *r, const char *what, const char *text)
{
    int64_t v;

    if (str_to_i64(str_of(text), &v) && v > 0)
        return OK;
    return err_format(r->a, ERR_INVALID, "%s must be greater than 0", what);
}

static struct err add_port(struct reading *r, struct str digits)
{
    return set(r, "port", str_dup(r->a, digits));
}

/* One of -l: ADDRESS, ADDRESS:PORT or [V6]:PORT. */
static struct err add_address(struct reading *r, struct str text)
{
    size_t close = str_find(text, ']'), colon = str_find(text, ':');
    bool is_v6 = text.len > 0 && text.ptr[0] == '[' && close < text.len;
    struct str address = text, port = {0};

    if (r->address_count == ADDRESSES_MAX)
        return err_make(ERR_LIMIT, "too many addresses to listen on");
    if (is_v6) {
        address = (struct str){text.ptr + 1, close - 1};
        if (close + 1 < text.len && text.ptr[close + 1] == ':')
            port = (struct str){text.ptr + close + 2, text.len - close - 2};
    } else if (colon < text.len &&
               memchr(text.ptr + colon + 1, ':', text.len - colon - 1) == NULL) {
        address.len = colon;
        port = (struct str){text.ptr + colon + 1, text.len - colon - 1};
    }
    r->addresses[r->address_count++] = str_dup(r->a, address);
    return port.len > 0 ? add_port(r, port) : OK;
}

static struct err add_addresses(struct reading *r, const char *text)
{
    struct str rest = str_of(text);

    while (rest.len > 0)
        TRY(add_address(r, str_cut(&rest, ',')));
    return OK;
}

static struct err set_verify_mode(struct reading *r, const char *mode)
{
    static const char *const modes[] = {"no", "optional", "yes", "optional"};
    int64_t at;

    if (!str_to_i64(str_of(mode), &at) || at < 0 || at >= (int64_t)(sizeof(modes) / sizeof(*modes)))
        return err_format(r->a, ERR_INVALID,
                          "Invalid ssl_verify_mode. Use help to see valid options.");
    return set(r, "tls-auth-clients", modes[at]);
}

static struct err set_least_tls(struct reading *r, const char *version)
{
    static const char *const versions[] = {"TLSv1 TLSv1.1 TLSv1.2 TLSv1.3",
                                           "TLSv1.1 TLSv1.2 TLSv1.3", "TLSv1.2 TLSv1.3", "TLSv1.3"};
    int64_t at;

    if (!str_to_i64(str_of(version), &at) || at < 0 ||
        at >= (int64_t)(sizeof(versions) / sizeof(*versions)))
        return err_format(r->a, ERR_INVALID,
                          "Invalid ssl_min_version. Use help to see valid options.");
    return set(r, "tls-protocols", versions[at]);
}

static bool takes_value(enum form form)
{
    return form != WITHOUT_EFFECT && form != ON && form != OFF;
}

static struct err take_extended(struct reading *r, struct str option)
{
    const char *name = str_dup(r->a, str_cut(&option, '='));
    const char *value = str_dup(r->a, option);

    for (size_t i = 0; i < countof(extended_rows); i++) {
        if (strcmp(name, extended_rows[i].name) != 0)
            continue;
        if (takes_value(extended_rows[i].form) && option.len == 0)
            return err_format(r->a, ERR_INVALID, "Missing argument for %s", name);
        if (strcmp(name, "ssl_verify_mode") == 0)
            return set_verify_mode(r, value);
        if (strcmp(name, "ssl_min_version") == 0)
            return set_least_tls(r, value);
        if (strcmp(name, "slab_chunk_max") == 0)
            return read_size(r, value, &r->chunk_max);
        return set_row(r, extended_rows[i].form, extended_rows[i].directive, value);
    }
    return err_format(r->a, ERR_INVALID, "Illegal suboption \"%s\"", name);
}

static struct err take_all_extended(struct reading *r, const char *text)
{
    struct str rest = str_of(text);

    while (rest.len > 0)
        TRY(take_extended(r, str_cut(&rest, ',')));
    return OK;
}

static struct err set_protocol(struct reading *r, const char *value)
{
    static const char *const known[] = {"auto", "ascii", "binary"};

    for (size_t i = 0; i < countof(known); i++)
        if (strcmp(value, known[i]) == 0)
            r->protocol = known[i];
    if (!r->protocol || strcmp(r->protocol, value) != 0)
        return err_format(r->a, ERR_INVALID,
                          "Invalid value for binding protocol: %s\n -- should be one of auto, "
                          "binary, or ascii",
                          value);
    return set(r, "larder-memcached-binding", value);
}

static struct err set_delimiter(struct reading *r, const char *value)
{
    if (strlen(value) != 1)
        return err_make(ERR_INVALID, "the prefix delimiter is one character");
    TRY(set(r, "larder-memcached-prefix-delimiter", value));
    return set(r, "larder-memcached-detail", "yes");
}

static struct err set_connections(struct reading *r, const char *value)
{
    TRY(read_positive(r, "Maximum connections", value));
    return set(r, "maxclients", value);
}

static struct err set_socket(struct reading *r, const char *path)
{
    TRY(set(r, "unixsocket", path));
    return set(r, "port", "0");
}

static struct err take_own_way(struct reading *r, int letter, const char *value)
{
    switch (letter) {
    case 's': return set_socket(r, value);
    case 'l': return add_addresses(r, value);
    case 'M': return set(r, "maxmemory-policy", "noeviction");
    case 'c': return set_connections(r, value);
    case 'D': return set_delimiter(r, value);
    case 'B': return set_protocol(r, value);
    case 'I': return read_size(r, value, &r->item_max);
    case 't': return read_positive(r, "Number of threads", value);
    case 'R': return read_positive(r, "Number of requests per event", value);
    case 'o': return take_all_extended(r, value);
    case 'Z': return set(r, "larder-tls-mode", "required");
    case 'v': r->verbosity++; break;
    case 'S': r->has_sasl = true; break;
    case 'd': r->out->is_daemon = true; break;
    case 'u': r->out->user = value; break;
    case 'h': r->out->shows_help = true; break;
    case 'V': r->out->shows_version = true; break;
    default: break; /* UDP */
    }
    return OK;
}

/* ---- what depends on several of them ---- */

static struct err settle_addresses(struct reading *r)
{
    scoped(buf_fini) struct buf all = BUF_EMPTY;

    for (size_t i = 0; i < r->address_count; i++)
        buf_printf(&all, "%s%s", i ? " " : "", r->addresses[i]);
    return set(r, "bind", r->address_count ? buf_cstr(&all) : "* -::*");
}

static struct err settle_item_size(struct reading *r)
{
    int64_t memory = r->config->settings->max_memory;

    if (r->item_max < ITEM_MIN)
        return err_make(ERR_INVALID, "Item max size cannot be less than 1024 bytes.");
    if (r->item_max > memory / 2)
        return err_make(ERR_INVALID, "Cannot set item size limit higher than 1/2 of memory max.");
    if (r->item_max > ITEM_MAX)
        return err_make(ERR_INVALID, "Cannot set item size limit higher than a gigabyte.");
    if (r->chunk_max > r->item_max || (r->chunk_max > 0 && r->item_max % r->chunk_max != 0))
        return err_format(r->a, ERR_INVALID,
                          "-I (item_size_max: %lld) must be evenly divisible by slab_chunk_max "
                          "(bytes: %lld)",
                          (long long)r->item_max, (long long)r->chunk_max);
    return set(r, "larder-memcached-item-max", arena_printf(r->a, "%lld", (long long)r->item_max));
}

static struct err settle_sasl(struct reading *r)
{
    const char *users = getenv("MEMCACHED_SASL_PWDB");

    if (!r->has_sasl)
        return set(r, "larder-memcached-sasl-users", "");
    if (r->protocol && strcmp(r->protocol, "binary") != 0)
        return err_make(ERR_INVALID,
                        "ERROR: You cannot allow the ASCII protocol while using SASL.");
    if (*r->config->settings->memcached_sasl_users)
        return OK;
    if (!users || !*users)
        return err_make(ERR_INVALID, "SASL needs a file of users: set MEMCACHED_SASL_PWDB or "
                                     "--sasl-password-file");
    return set(r, "larder-memcached-sasl-users", users);
}

static struct err settle(struct reading *r)
{
    const char *verbosity = r->verbosity > 2 ? "2" : arena_printf(r->a, "%d", r->verbosity);

    TRY(settle_addresses(r));
    TRY(settle_item_size(r));
    TRY(settle_sasl(r));
    return set(r, "larder-memcached-verbosity", verbosity);
}

/* What memcached has where nothing is said. */
static struct err load_defaults(struct reading *r)
{
    static const char *const defaults[][2] = {
        {"larder-protocol",  "memcached"  },
        {"port",             "11211"      },
        {"maxmemory",        "64mb"       },
        {"maxmemory-policy", "allkeys-lru"},
        {"maxclients",       "1024"       },
        {"tcp-backlog",      "1024"       },
        {"unixsocketperm",   "700"        },
        {"save",             ""           },
    };

    for (size_t i = 0; i < countof(defaults); i++)
        TRY(set(r, defaults[i][0], defaults[i][1]));
    return OK;
}

static const struct option_row *row_of(int letter)
{
    for (size_t i = 0; i < countof(rows); i++)
        if (rows[i].letter == letter)
            return &rows[i];
    return NULL;
}

/* The rows as getopt wants them. */
static void describe(char letters[], struct option options[])
{
    for (size_t i = 0; i < countof(rows); i++) {
        options[i] =
            (struct option){rows[i].name, rows[i].takes_value ? required_argument : no_argument,
                            NULL, rows[i].letter};
        if (rows[i].letter > CHAR_MAX)
            continue;
        *letters++ = (char)rows[i].letter;
        if (rows[i].takes_value)
            *letters++ = ':';
    }
    *letters = '\0';
}

/* ---- the command line ---- */

static const char *called(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

bool mc_options_are_meant(int argc, char **argv)
{
    return str_starts(str_of(called(argv[0])), "memcached") ||
           (argc > 1 && strcmp(argv[1], "--memcached") == 0);
}

static struct err read_all(struct reading *r, int argc, char **argv)
{
    struct option options[countof(rows) + 1] = {0};
    char letters[2 * countof(rows) + 1];
    int letter;

    describe(letters, options);
    optind = 0; /* anew */
    while ((letter = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        const struct option_row *row = row_of(letter);

        if (!row)
            return err_format(r->a, ERR_INVALID, "Illegal argument \"%c\"", optopt);
        struct err e = row->form == OWN_WAY ? take_own_way(r, letter, optarg)
                                            : set_row(r, row->form, row->directive, optarg);
        if (err_failed(e))
            return err_format(r->a, e.code, "-%s: %s", row->name, err_text(r->a, e));
    }
    return OK;
}

struct err mc_options_read(struct config *config, struct arena *a, int argc, char **argv,
                           struct mc_options *out)
{
    struct reading r = {.config = config, .a = a, .out = out, .item_max = MEGABYTE};
    bool is_named = argc > 1 && strcmp(argv[1], "--memcached") == 0;

    *out = (struct mc_options){0};
    TRY(load_defaults(&r));
    /* A debug build of memcached is called so; its tests set the clock. */
    if (str_ends(str_of(called(argv[0])), "-debug"))
        TRY(set(&r, "larder-memcached-debug-time", "yes"));
    TRY(read_all(&r, argc - is_named, argv + is_named));
    return out->shows_help || out->shows_version ? OK : settle(&r);
}

void mc_options_help(FILE *to)
{
    fputs("usage: memcached [OPTION ...], or larder-engine --memcached [OPTION ...]\n", to);
    for (size_t i = 0; i < countof(rows); i++) {
        if (rows[i].letter <= CHAR_MAX)
            fprintf(to, "-%c, ", rows[i].letter);
        else
            fputs("    ", to);
        fprintf(to, "--%s%s  %s\n", rows[i].name, rows[i].takes_value ? "=<value>" : "",
                rows[i].help);
    }
}
