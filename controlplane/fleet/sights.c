/* A print of each node's report, in place of the report. */
#include "controlplane/fleet/sights.h"

#include "base/err.h"
#include "contract/agent.h"
#include "controlplane/model/cluster.h"

#include <stdlib.h>
#include <string.h>

struct sight {
    int64_t node_id;
    uint64_t print;
    int64_t used_bytes; /* that were written down */
    int64_t offset;     /* in the replication stream, by the last word, written down or not */
};

struct host_sights {
    int64_t number; /* of the message that was written down last */
    int on_their_way;
    bool is_known;
    struct sight *items;
    size_t count, capacity;
};

void sights_init(struct sights *s)
{
    pthread_mutex_init(&s->lock, NULL);
    map_init(&s->by_host);
}

void sights_fini(struct sights *s)
{
    map_each(slot, &s->by_host) {
        struct host_sights *h = slot->value;
        free(h->items);
        free(h);
    }
    map_fini(&s->by_host);
    pthread_mutex_destroy(&s->lock);
}

static struct host_sights *host_of(struct sights *s, const char *host_id)
{
    struct host_sights *h = map_get(&s->by_host, str_of(host_id));

    if (!h) {
        h = calloc(1, sizeof(*h));
        check(h != NULL);
        map_put(&s->by_host, str_of(host_id), h);
    }
    return h;
}

/* --- prints --- */

#define PRINT_FIRST 0xcbf29ce484222325u
#define PRINT_STEP  0x100000001b3u

static void add_bytes(uint64_t *print, const void *bytes, size_t len)
{
    for (const unsigned char *at = bytes; len > 0; at++, len--)
        *print = (*print ^ *at) * PRINT_STEP;
}

static void add_number(uint64_t *print, int64_t number)
{
    *print = (*print ^ (uint64_t)number) * PRINT_STEP;
    *print ^= *print >> 29;
}

/* With its end, so that one text does not run into the next. */
static void add_text(uint64_t *print, const char *text)
{
    add_bytes(print, text ? text : "", text ? strlen(text) + 1 : 1);
}

static uint64_t print_of(const struct agent_node_report *r)
{
    uint64_t print = PRINT_FIRST;

    add_text(&print, r->state);
    add_text(&print, r->last_exit);
    add_text(&print, r->why);
    add_text(&print, r->applied_settings);
    add_text(&print, r->build);
    add_text(&print, r->role);
    add_number(&print, r->boot_count.value);
    add_number(&print, r->pid.value);
    add_number(&print, r->crashes.value);
    add_number(&print, r->term.value);
    add_number(&print, r->lineage.value);
    add_number(&print, r->is_reboot_pending.value | r->has_bad_seed.value << 1 |
                           r->is_link_up.value << 2 | r->used_memory_bytes.has << 3 |
                           (r->replication_offset.value > 0) << 4 | r->is_killed.value << 5 |
                           r->is_silent.value << 6 | r->is_unleased.value << 7);
    for (size_t i = 0; i < r->log_errors.count; i++) {
        add_text(&print, r->log_errors.items[i].log_type);
        add_text(&print, r->log_errors.items[i].why);
    }
    for (size_t i = 0; i < r->tasks.count; i++) {
        const struct agent_node_task_report *t = &r->tasks.items[i];
        add_number(&print, t->task_id.value);
        add_text(&print, t->state);
        add_text(&print, t->why);
        add_number(&print, t->percent.has ? t->percent.value : -1);
    }
    return print;
}

static struct sight sight_of(const struct agent_node_report *r)
{
    return (struct sight){r->node_id.value, print_of(r), r->used_memory_bytes.value,
                          r->replication_offset.value};
}

/* --- news --- */

static struct sight *find(const struct host_sights *h, int64_t node_id)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->items[i].node_id == node_id)
            return &h->items[i];
    return NULL;
}

static bool is_news(const struct host_sights *h, size_t at, const struct sight *now)
{
    /* nodes are told of in one order most of the time */
    struct sight *was = at < h->count && h->items[at].node_id == now->node_id
                            ? &h->items[at]
                            : find(h, now->node_id);

    if (was)
        was->offset = now->offset;
    return !was || was->print != now->print || !memory_is_about(was->used_bytes, now->used_bytes);
}

bool sights_are_news(struct sights *s, const char *host_id,
                     const struct agent_node_report_list *nodes)
{
    pthread_mutex_lock(&s->lock);
    const struct host_sights *h = map_get(&s->by_host, str_of(host_id));
    bool are_news = !h || !h->is_known || h->on_their_way > 0 || h->count != nodes->count;
    for (size_t i = 0; i < nodes->count && !are_news; i++) {
        struct sight now = sight_of(&nodes->items[i]);
        are_news = is_news(h, i, &now);
    }
    pthread_mutex_unlock(&s->lock);
    return are_news;
}

bool sights_offset(struct sights *s, const char *host_id, int64_t node_id, int64_t *out)
{
    pthread_mutex_lock(&s->lock);
    const struct host_sights *h = map_get(&s->by_host, str_of(host_id));
    const struct sight *sight = h ? find(h, node_id) : NULL;
    if (sight)
        *out = sight->offset;
    pthread_mutex_unlock(&s->lock);
    return sight != NULL;
}

/* --- what is written down --- */

static void forget(struct host_sights *h)
{
    h->is_known = false;
    h->count = 0;
    h->number = 0;
}

void sights_begin(struct sights *s, const char *host_id, bool is_new)
{
    pthread_mutex_lock(&s->lock);
    struct host_sights *h = host_of(s, host_id);
    h->on_their_way++;
    if (is_new)
        forget(h);
    pthread_mutex_unlock(&s->lock);
}

static void put(struct host_sights *h, const struct sight *now)
{
    struct sight *was = find(h, now->node_id);

    if (was) {
        bool is_used_as_much = memory_is_about(was->used_bytes, now->used_bytes);
        was->print = now->print;
        was->offset = now->offset;
        was->used_bytes = is_used_as_much ? was->used_bytes : now->used_bytes;
        return;
    }
    if (h->count == h->capacity) {
        h->capacity = h->capacity ? h->capacity * 2 : 16;
        h->items = realloc(h->items, h->capacity * sizeof(*h->items));
        check(h->items != NULL);
    }
    h->items[h->count++] = *now;
}

static bool is_named(const struct agent_node_report_list *nodes, int64_t node_id)
{
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->items[i].node_id.value == node_id)
            return true;
    return false;
}

static void drop_unnamed(struct host_sights *h, const struct agent_node_report_list *nodes)
{
    size_t kept = 0;

    for (size_t i = 0; i < h->count; i++)
        if (is_named(nodes, h->items[i].node_id))
            h->items[kept++] = h->items[i];
    h->count = kept;
}

void sights_end(struct sights *s, const char *host_id, int64_t number,
                const struct agent_node_report_list *nodes, bool is_all)
{
    pthread_mutex_lock(&s->lock);
    struct host_sights *h = host_of(s, host_id);
    h->on_their_way--;
    if (nodes && (number == 0 || number >= h->number)) {
        h->number = number;
        if (is_all)
            drop_unnamed(h, nodes);
        for (size_t i = 0; i < nodes->count; i++) {
            struct sight now = sight_of(&nodes->items[i]);
            put(h, &now);
        }
        h->is_known |= is_all;
    } else if (nodes) {
        forget(h); /* the later one was quicker to come by here */
    }
    pthread_mutex_unlock(&s->lock);
}

void sights_fail(struct sights *s, const char *host_id)
{
    pthread_mutex_lock(&s->lock);
    struct host_sights *h = host_of(s, host_id);
    h->on_their_way--;
    forget(h);
    pthread_mutex_unlock(&s->lock);
}
