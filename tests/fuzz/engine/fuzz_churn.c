/*
 * Clients that come, subscribe, track, write and are cut at any moment, three bytes of the input
 * for each step, against the simplest model that can be: sets of who listens to what and of what
 * was read. Every message and every key that is no longer good is told once to each whom it
 * concerns and to nobody else; when all are gone nothing is left of them.
 */
#include "../../unit/cacheengine/proto/resp_fixture.h"
#include "cacheengine/dispatch/pubsub.h"
#include "cacheengine/dispatch/tracking.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLIENTS   6
#define CHANNELS  4
#define KEYS      8
#define STEPS_MAX 400

#define MESSAGE     ">3\r\n$7\r\nmessage\r\n"
#define BY_PATTERN  ">4\r\n$8\r\npmessage\r\n"
#define BY_SHARD    ">3\r\n$8\r\nsmessage\r\n"
#define INVALID_KEY ">2\r\n$10\r\ninvalidate\r\n*1\r\n"

static const char *const patterns[] = {"c*", "?2", "c[01]"};
static const unsigned pattern_channels[] = {0xf, 0x4, 0x3};
#define PATTERNS (sizeof(patterns) / sizeof(*patterns))

struct listener {
    struct resp_client c;
    bool is_open;
    unsigned channels, by_pattern, shards; /* sets of bits */
    bool tracks;                           /* keys that it reads, for itself */
    bool counts_keys;                      /* nothing else tells it of keys */
    unsigned read;                         /* keys */
    unsigned owed[3], owed_keys;           /* messages, and keys that it is to hear of */
    unsigned seen[3], seen_keys;
};

struct churn {
    struct resp_fixture f;
    struct listener all[CLIENTS];
    size_t before_bytes;
};

static unsigned count_of(const char *text, const char *what)
{
    unsigned count = 0;

    for (; (text = strstr(text, what)); text += strlen(what))
        count++;
    return count;
}

/* Takes what has come for a client. */
static const char *ask(struct churn *x, struct listener *l, const char *line)
{
    static const char *const heads[] = {MESSAGE, BY_PATTERN, BY_SHARD};
    const char *said = resp_ask_of(&x->f, &l->c, line);

    for (unsigned i = 0; i < 3; i++)
        l->seen[i] += count_of(said, heads[i]);
    l->seen_keys += count_of(said, INVALID_KEY);
    return said;
}

static void compare(struct churn *x, struct listener *l)
{
    ask(x, l, "ECHO .");
    for (unsigned i = 0; i < 3; i++) {
        if (l->seen[i] != l->owed[i])
            fprintf(stderr, "messages %u: %u seen, %u owed\n", i, l->seen[i], l->owed[i]);
        check(l->seen[i] == l->owed[i]);
    }
    if (l->counts_keys && l->seen_keys != l->owed_keys)
        fprintf(stderr, "keys: %u seen, %u owed\n", l->seen_keys, l->owed_keys);
    check(!l->counts_keys || l->seen_keys == l->owed_keys);
}

static void come(struct churn *x, struct listener *l)
{
    *l = (struct listener){.is_open = true, .counts_keys = true};
    resp_client_open(&x->f, &l->c, false);
    ask(x, l, "HELLO 3");
}

static void go(struct churn *x, struct listener *l)
{
    resp_client_close(&x->f, &l->c);
    l->is_open = false;
}

static void subscribe(struct churn *x, struct listener *l, unsigned kind, unsigned arg, bool begins)
{
    static const char *const verbs[] = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"};
    unsigned *sets[] = {&l->channels, &l->by_pattern, &l->shards};
    unsigned n = kind == 1 ? arg % PATTERNS : arg % CHANNELS;
    char line[64], channel[8];

    snprintf(channel, sizeof(channel), "c%u", n);
    snprintf(line, sizeof(line), "%s %s", verbs[kind], kind == 1 ? patterns[n] : channel);
    if (!begins)
        snprintf(line, sizeof(line), "%.1sUN%s %s", kind == 0 ? "" : verbs[kind],
                 kind == 0 ? verbs[kind] : verbs[kind] + 1, kind == 1 ? patterns[n] : channel);
    ask(x, l, line);
    *sets[kind] = begins ? *sets[kind] | 1U << n : *sets[kind] & ~(1U << n);
}

static void publish(struct churn *x, struct listener *l, unsigned arg)
{
    bool is_shard = arg & 0x80;
    unsigned n = arg % CHANNELS, told = 0;
    char line[64], want[32];

    for (unsigned i = 0; i < CLIENTS; i++) {
        struct listener *o = &x->all[i];
        unsigned had = told;

        if (!o->is_open)
            continue;
        if (is_shard) {
            told += o->shards >> n & 1;
            o->owed[2] += told - had;
            continue;
        }
        told += o->channels >> n & 1;
        o->owed[0] += told - had;
        had = told;
        for (unsigned p = 0; p < PATTERNS; p++)
            told += (o->by_pattern >> p & 1) && (pattern_channels[p] >> n & 1);
        o->owed[1] += told - had;
    }
    snprintf(line, sizeof(line), "%s c%u hello", is_shard ? "SPUBLISH" : "PUBLISH", n);
    snprintf(want, sizeof(want), ":%u\r\n", told);
    check(count_of(ask(x, l, line), want) >= 1);
}

/* Each client that has read the key is to hear of it once. */
static void write_key(struct churn *x, struct listener *l, unsigned arg)
{
    static const char *const lines[] = {"SET k%u v", "DEL k%u"};
    unsigned n = arg % KEYS, had;
    char line[64];

    snprintf(line, sizeof(line), "EXISTS k%u", n);
    had = count_of(ask(x, l, line), ":1\r\n");
    l->read |= l->tracks ? 1U << n : 0; /* that was reading, too */
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct listener *o = &x->all[i];

        if (!o->is_open || !o->tracks || (arg >> 4 & 1 && !had))
            continue;
        o->owed_keys += o->read >> n & 1;
        o->read &= ~(1U << n);
    }
    snprintf(line, sizeof(line), lines[arg >> 4 & 1], n);
    ask(x, l, line);
}

static void read_key(struct churn *x, struct listener *l, unsigned arg)
{
    char line[64];

    snprintf(line, sizeof(line), "GET k%u", arg % KEYS);
    ask(x, l, line);
    if (l->tracks)
        l->read |= 1U << arg % KEYS;
}

static void track(struct churn *x, struct listener *l, unsigned arg)
{
    struct listener *other = &x->all[arg % CLIENTS];
    char line[96];

    ask(x, l, "CLIENT TRACKING OFF");
    l->tracks = false;
    l->read = 0;
    switch (arg >> 4 & 7) {
    case 0:
        ask(x, l, "CLIENT TRACKING ON");
        l->tracks = true;
        break;
    case 1: ask(x, l, "CLIENT TRACKING ON BCAST PREFIX k1 PREFIX k2"); break;
    case 2: ask(x, l, "CLIENT TRACKING ON BCAST NOLOOP"); break;
    case 3:
        ask(x, l, "CLIENT TRACKING ON OPTIN");
        ask(x, l, "CLIENT CACHING YES");
        break;
    case 4: ask(x, l, "CLIENT TRACKING ON OPTOUT NOLOOP"); break;
    case 5:
        if (!other->is_open || other == l)
            break;
        snprintf(line, sizeof(line), "CLIENT TRACKING ON %s REDIRECT %llu",
                 arg & 0x80 ? "BCAST" : "", (unsigned long long)other->c.client.id);
        ask(x, l, line);
        l->counts_keys = other->counts_keys = false;
        break;
    default: break;
    }
    if (!l->tracks)
        l->counts_keys = false;
}

/* What goes on beside the clients. */
static void pass(struct churn *x, struct listener *l, unsigned arg)
{
    switch (arg % 4) {
    case 0: tracking_broadcast(&x->f.engine); break;
    case 1: tracking_tick(&x->f.engine); break;
    case 2: resp_advance(&x->f, arg); break;
    default:
        ask(x, l, "FLUSHALL");
        for (unsigned i = 0; i < CLIENTS; i++)
            x->all[i].read = 0;
    }
}

static void kill(struct churn *x, struct listener *l, unsigned arg)
{
    struct listener *other = &x->all[arg % CLIENTS];
    char line[64];

    if (!other->is_open || other == l)
        return;
    compare(x, other);
    snprintf(line, sizeof(line), "CLIENT KILL ID %llu", (unsigned long long)other->c.client.id);
    ask(x, l, line);
    check(other->c.is_killed);
    go(x, other);
}

static void step(struct churn *x, unsigned op, struct listener *l, unsigned arg)
{
    if (!l->is_open) {
        come(x, l);
        return;
    }
    switch (op % 16) {
    case 0: compare(x, l); return;
    case 1: go(x, l); return;
    case 2: kill(x, l, arg); return;
    case 3:
    case 4:
    case 5: subscribe(x, l, op % 16 - 3, arg, true); return;
    case 6:
    case 7:
    case 8: subscribe(x, l, op % 16 - 6, arg, false); return;
    case 9:
    case 10: publish(x, l, arg); return;
    case 11: track(x, l, arg); return;
    case 12:
    case 13: read_key(x, l, arg); return;
    case 14: write_key(x, l, arg); return;
    default: pass(x, l, arg); return;
    }
}

static void begin(struct churn *x)
{
    resp_open(&x->f, NULL);
    resp_ask(&x->f, "PING");
    x->before_bytes = x->f.engine.keyspace.account.client_bytes;
}

static void end(struct churn *x)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        if (!x->all[i].is_open)
            continue;
        compare(x, &x->all[i]);
        go(x, &x->all[i]);
    }
    check(!x->f.engine.tracking);
    for (unsigned kind = 0; kind < PUBSUB_KINDS; kind++)
        check(pubsub_count(&x->f.engine, (enum pubsub_kind)kind) == 0);
    check(x->f.engine.keyspace.account.client_bytes == x->before_bytes);
    resp_close(&x->f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct churn x;

    x = (struct churn){0};
    begin(&x);
    for (size_t i = 0; i + 3 <= size && i < 3 * STEPS_MAX; i += 3)
        step(&x, data[i], &x.all[data[i + 1] % CLIENTS], data[i + 2]);
    end(&x);
    return 0;
}
