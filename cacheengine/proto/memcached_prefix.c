/*
 * Counters by the prefix of keys: what stands in front of the first delimiter. They are off until
 * "stats detail on". Clients make prefixes as they like, so there is a bound to how many are
 * counted; what comes beyond it is not.
 */
#include "base/map.h"
#include "cacheengine/proto/memcached.h"

#include <inttypes.h>
#include <stdlib.h>

#define PREFIXES_MAX 4096
#define BUCKETS      256

struct prefix {
    struct prefix *next;
    uint64_t lookups, hits, sets, deletes;
    size_t len;
    char name[];
};

struct mc_prefixes {
    struct account *account;
    size_t count;
    struct prefix *buckets[BUCKETS];
};

static size_t cost_of(const struct prefix *p)
{
    return sizeof(*p) + p->len;
}

static struct prefix **bucket_of(struct mc_prefixes *all, const struct cmd_call *c, struct str name)
{
    return &all->buckets[keyspace_key(c->ks, name).hash % BUCKETS];
}

static struct prefix *make(struct mc_prefixes *all, struct prefix **bucket, struct str name)
{
    if (all->count == PREFIXES_MAX)
        return NULL;
    struct prefix *p = calloc(1, sizeof(*p) + name.len);
    check(p);
    p->len = name.len;
    memcpy(p->name, name.ptr, name.len);
    p->next = *bucket;
    *bucket = p;
    all->count++;
    account_add(all->account, cost_of(p));
    return p;
}

static struct prefix *find(struct cmd_call *c, struct str name)
{
    struct mc_state *s = mc_state(c);

    if (!s->prefixes) {
        s->prefixes = calloc(1, sizeof(*s->prefixes));
        check(s->prefixes);
        s->prefixes->account = &c->ks->account;
    }
    struct prefix **bucket = bucket_of(s->prefixes, c, name);
    for (struct prefix *p = *bucket; p; p = p->next)
        if (str_eq((struct str){p->name, p->len}, name))
            return p;
    return make(s->prefixes, bucket, name);
}

void mc_prefix_count_slow(struct cmd_call *c, struct str key, enum mc_deed deed)
{
    size_t len = str_find(key, c->engine->settings.memcached_delimiter[0]);

    if (len >= key.len)
        return;
    struct prefix *p = find(c, (struct str){key.ptr, len});
    if (!p)
        return;
    p->lookups += deed == MC_DEED_GET || deed == MC_DEED_HIT;
    p->hits += deed == MC_DEED_HIT;
    p->sets += deed == MC_DEED_SET;
    p->deletes += deed == MC_DEED_DELETE;
}

void mc_prefixes_dump(const struct mc_prefixes *all, struct buf *out)
{
    for (size_t i = 0; all && i < BUCKETS; i++)
        for (const struct prefix *p = all->buckets[i]; p; p = p->next) {
            buf_puts(out, "PREFIX ");
            buf_add(out, p->name, p->len);
            buf_printf(out, " get %" PRIu64 " hit %" PRIu64 " set %" PRIu64 " del %" PRIu64 "\r\n",
                       p->lookups, p->hits, p->sets, p->deletes);
        }
    buf_puts(out, "END\r\n");
}

void mc_prefixes_free(struct mc_prefixes *all)
{
    for (size_t i = 0; all && i < BUCKETS; i++)
        while (all->buckets[i]) {
            struct prefix *p = all->buckets[i];

            all->buckets[i] = p->next;
            account_sub(all->account, cost_of(p));
            free(p);
        }
    free(all);
}

void mc_run_stats_detail(struct cmd_call *c)
{
    scoped(buf_fini) struct buf dump = BUF_EMPTY;
    struct str word = c->argc > 2 ? c->argv[2] : STR("");

    if (str_is(word, "on") || str_is(word, "off")) {
        mc_state(c)->counts_prefixes = str_is(word, "on");
        mc_line(c, "OK");
    } else if (str_is(word, "dump")) {
        mc_prefixes_dump(mc_state(c)->prefixes, &dump);
        reply_raw(c->reply, dump.ptr, dump.len);
    } else {
        mc_line(c, "CLIENT_ERROR usage: stats detail on|off|dump");
    }
}
