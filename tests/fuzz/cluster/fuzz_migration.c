/*
 * The source of a migration, whatever its target answers and its clients write meanwhile. The input
 * is a program: lines that begin with '>' are bytes of the target (ended by CR LF), others act by
 * their first letter. Commands are counted as a target would, and what is written to the link must
 * be whole commands; the slots are the source's or were given, never both. 'r': the process is
 * another one, which finds the record alone.
 */
#include "base/command.h"
#include "cacheengine/cluster/migration.h"
#include "cacheengine/keyspace/effect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define D10(d) d d d d d d d d d d
#define ID(d)  D10(d) D10(d) D10(d) D10(d)

struct wire {
    struct link link;
    bool is_open;
    struct str answer;
    size_t written;
};

static struct wire *wire_of(const struct link *l)
{
    return container_of(l, struct wire, link);
}

static struct err wire_read(struct link *l, void *to, size_t max, size_t *got)
{
    struct str *s = &wire_of(l)->answer;

    *got = s->len < max ? s->len : max;
    if (*got)
        memcpy(to, s->ptr, *got);
    s->ptr += *got;
    s->len -= *got;
    return OK;
}

static void wire_write(struct link *l, const void *bytes, size_t len)
{
    check(wire_of(l)->is_open && len > 0 && *(const char *)bytes == '*');
    wire_of(l)->written += len;
}

static size_t wire_pending(const struct link *l)
{
    (void)l;
    return 0;
}

static void wire_wake(struct link *l, int64_t ms)
{
    check(wire_of(l)->is_open && ms >= 0);
}

static void wire_close(struct link *l)
{
    check(wire_of(l)->is_open);
    wire_of(l)->is_open = false;
}

static const struct link_host link_host = {.read = wire_read,
                                           .write = wire_write,
                                           .pending = wire_pending,
                                           .wake_in = wire_wake,
                                           .close = wire_close};

static struct link *wire_dial(void *ctx, const struct link_target *to, const struct link_user *user,
                              void *owner)
{
    struct wire *w = ctx;

    check(!w->is_open && to->port == 1);
    w->link = (struct link){&link_host, user, owner};
    w->is_open = true;
    return &w->link;
}

/* All words behind the first are keys: enough for what is told here. */
static const struct str *keys_of(struct arena *a, const struct command *cmd, const struct str *argv,
                                 uint32_t argc, uint32_t *count)
{
    (void)a;
    (void)cmd;
    *count = argc - 1;
    return argv + 1;
}

static void changed(void *ctx)
{
    (void)ctx;
}

static int64_t tell_records(void *ctx)
{
    int64_t *told = ctx;

    return ++*told;
}

/* Not at once, but soon. */
static bool is_kept(void *ctx, int64_t mark)
{
    int64_t *told = ctx;

    return mark < ++*told - 1;
}

struct play {
    struct settings settings;
    struct keyspace ks;
    struct arena arena;
    struct cluster cluster;
    struct wire wire;
    struct link_dialer dialer;
    int64_t told;
    struct migration *m;
};

static void set_topology(struct play *p)
{
    static const char text[] =
        "1 " ID("1") " SHARD " ID("a") " 0-16383 NODE " ID("1") " primary 1.1.1.1 1 0 - online SHARD " ID(
            "b") " - NODE " ID("2") " primary 1.1.1.1 2 0 - online";
    struct str words[64], rest = str_of(text);
    size_t count = 0;

    while (rest.len > 0)
        words[count++] = str_cut(&rest, ' ');
    check(!err_failed(cluster_set(&p->cluster, &p->arena, words, count, 1)));
}

static struct key key_of(struct play *p, char letter, char name[2])
{
    name[0] = letter;
    return keyspace_key(&p->ks, (struct str){name, 1});
}

static void set_key(struct play *p, char letter)
{
    char name[2];
    struct key k = key_of(p, letter, name);
    struct str words[3] = {
        STR("SET"), {name, 1},
         STR("v")
    };

    db_set_string(&p->ks.dbs[0], k, STR("v"), NO_DEADLINE);
    effect_tell(&p->ks, 0, words, 3, EFFECT_FOR_ALL);
}

static void drop_key(struct play *p, char letter)
{
    char name[2];
    struct key k = key_of(p, letter, name);

    if (db_delete(&p->ks.dbs[0], k, false))
        effect_tell_gone(&p->ks.dbs[0], k, false);
}

/* Effects of one scope, on keys of many slots. */
static void change_many(struct play *p, struct str letters)
{
    effects_begin(&p->ks, false);
    for (size_t i = 0; i < letters.len; i++) {
        if (letters.ptr[i] & 1)
            set_key(p, letters.ptr[i]);
        else
            drop_key(p, letters.ptr[i]);
    }
    effects_end(&p->ks);
}

static void flush_all(struct play *p)
{
    struct str word = STR("FLUSHALL");

    keyspace_flush(&p->ks, 0, false);
    effect_tell(&p->ks, 0, &word, 1, EFFECT_FOR_ALL);
}

static void answer(struct play *p, struct str bytes)
{
    struct link *l = &p->wire.link;

    if (!p->wire.is_open)
        return;
    p->wire.answer = bytes;
    l->user->readable(l);
    p->wire.answer = (struct str){NULL, 0};
}

static struct migration_host host_of(struct play *p)
{
    return (struct migration_host){.ctx = &p->told,
                                   .dialer = &p->dialer,
                                   .keys = keys_of,
                                   .changed = changed,
                                   .tell = tell_records,
                                   .is_kept = is_kept};
}

static void revive(struct play *p)
{
    const struct migration_host h = host_of(p);

    if (p->cluster.handovers.count == 0 || p->cluster.handovers.items[0].stage != HANDOVER_GIVEN)
        return;
    struct handover left = p->cluster.handovers.items[0];
    migration_free(p->m);
    p->m = migration_revive(&p->ks, &p->cluster, &h, &left);
}

static void act(struct play *p, struct str line)
{
    struct link *l = &p->wire.link;
    bool holds_writes = p->cluster.paused;

    switch (line.ptr[0]) {
    case '>': answer(p, (struct str){line.ptr + 1, line.len - 1}); break;
    case '!': answer(p, STR("\r\n")); break;
    case 'c':
        if (p->wire.is_open)
            l->user->connected(l);
        break;
    case 'x':
        if (p->wire.is_open)
            l->user->failed(l, err_make(ERR_IO, "cut"));
        break;
    case 'd':
        if (p->wire.is_open)
            l->user->due(l);
        break;
    case 't':
        keyspace_set_passed(&p->ks, p->ks.passed_ms + 1000);
        migration_tick(p->m);
        break;
    case 'f': flush_all(p); break;
    case 'r': revive(p); break;
    default:
        if (!holds_writes)
            change_many(p, line);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct play *p = calloc(1, sizeof(*p));
    struct str rest = {(const char *)data, size};
    struct migration_order o = {
        .id = ID("7"), .token = ID("c"), .to = 1, .host = "1.1.1.1", .port = 1};

    p->settings = (struct settings){.evict_policy = EVICT_NONE, .is_clustered = true};
    keyspace_init(&p->ks, &p->settings, 1, 1700000000000LL);
    cluster_init(&p->cluster, ID("1"), ID("a"));
    set_topology(p);
    for (char c = 'A'; c <= 'z'; c++)
        set_key(p, c);
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot += 2)
        slot_set_add(&o.slots, slot);
    p->dialer = (struct link_dialer){&p->wire, wire_dial};
    struct migration_host h = host_of(p);
    p->m = migration_start(&p->ks, &p->cluster, &h, &o);
    while (rest.len > 0) {
        struct str line = str_cut(&rest, '\n');

        if (line.len > 0)
            act(p, line);
        check(p->m->out.acked <= p->m->out.appended);
        bool is_given = p->m->state == MIGRATION_GIVES || p->m->state == MIGRATION_TAKES;
        check((is_given || p->m->state == MIGRATION_DONE) == !cluster_is_mine(&p->cluster, 0));
        check(!migration_is_over(p->m) || (!p->cluster.paused && !p->wire.is_open));
    }
    migration_free(p->m);
    check(!p->cluster.paused && !p->ks.effects.sinks);
    cluster_fini(&p->cluster);
    keyspace_fini(&p->ks);
    arena_fini(&p->arena);
    free(p);
    return 0;
}
