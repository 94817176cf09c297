/*
 * The one idea: a subscription stands in two arrays, that of its topic and that of its client, and
 * knows its place in both; so it is taken out in one step from whichever side it ends.
 */
#include "cacheengine/dispatch/pubsub.h"

#include "cacheengine/dispatch/guard.h"
#include "cacheengine/keyspace/glob.h"
#include "cacheengine/keyspace/slot.h"

#include <stdlib.h>

struct subscription {
    struct topic *topic;
    struct client *client;
    uint32_t at_topic, at_client; /* places in their arrays */
};

/* A growing array of subscriptions. */
struct subscription_list {
    struct subscription **items;
    uint32_t count, room;
};

/* A channel, pattern or shard channel that has subscribers. */
struct topic {
    struct topic *next; /* of the same head */
    struct subscription_list subscribers;
    uint64_t hash;
    uint32_t len;
    char name[];
};

/* All topics of a kind. */
struct topic_table {
    struct topic **heads; /* a power of two of them */
    size_t head_count, count;
};

struct pubsub {
    struct topic_table tables[PUBSUB_KINDS];
    struct buf message; /* being told */
    struct buf own;     /* for the client whose command runs */
};

/* What a client subscribes to. */
struct subscriber {
    struct subscription_list lists[PUBSUB_KINDS];
    size_t bytes; /* of its subscriptions and of what they are to, as if nobody shared that */
};

#define HEADS_MIN 16
#define LIST_MIN  4

static struct str name_of(const struct topic *t)
{
    return (struct str){t->name, t->len};
}

/* ---- memory ---- */

static void book(struct engine *e, int64_t bytes)
{
    e->keyspace.account.used_bytes += (size_t)bytes;
    e->keyspace.account.client_bytes += (size_t)bytes;
}

static uint32_t list_add(struct engine *e, struct subscription_list *l, struct subscription *s)
{
    if (l->count == l->room) {
        uint32_t room = l->room ? l->room * 2 : LIST_MIN;

        l->items = realloc(l->items, room * sizeof(struct subscription *));
        check(l->items);
        book(e, (int64_t)((room - l->room) * sizeof(struct subscription *)));
        l->room = room;
    }
    l->items[l->count] = s;
    return l->count++;
}

static void list_free(struct engine *e, struct subscription_list *l)
{
    book(e, -(int64_t)(l->room * sizeof(struct subscription *)));
    free(l->items);
    *l = (struct subscription_list){0};
}

/* Takes the subscription at `at` out; the last one takes its place, and is returned (maybe itself).
 */
static struct subscription *list_take(struct subscription_list *l, uint32_t at)
{
    struct subscription *last = l->items[--l->count];

    l->items[at] = last;
    return last;
}

/* ---- topics ---- */

static struct topic *topic_find(const struct topic_table *t, uint64_t hash, struct str name)
{
    struct topic *at = t->head_count ? t->heads[hash & (t->head_count - 1)] : NULL;

    while (at && !(at->hash == hash && str_eq(name_of(at), name)))
        at = at->next;
    return at;
}

/* Deals the topics out to a number of heads; 0 is for a table without topics. */
static void table_resize(struct engine *e, struct topic_table *t, size_t count)
{
    struct topic **heads = count ? calloc(count, sizeof(struct topic *)) : NULL;

    check(heads || count == 0);
    book(e, ((int64_t)count - (int64_t)t->head_count) * (int64_t)sizeof(struct topic *));
    for (size_t i = 0; i < t->head_count; i++)
        while (t->heads[i]) {
            struct topic *moved = t->heads[i], **to = &heads[moved->hash & (count - 1)];

            t->heads[i] = moved->next;
            moved->next = *to;
            *to = moved;
        }
    free(t->heads);
    t->heads = heads;
    t->head_count = count;
}

static struct topic *topic_new(struct engine *e, struct topic_table *t, uint64_t hash,
                               struct str name)
{
    struct topic *topic = malloc(sizeof(*topic) + name.len);

    check(topic);
    if (t->count >= t->head_count)
        table_resize(e, t, t->head_count ? t->head_count * 2 : HEADS_MIN);
    struct topic **head = &t->heads[hash & (t->head_count - 1)];
    *topic = (struct topic){.next = *head, .hash = hash, .len = (uint32_t)name.len};
    memcpy(topic->name, name.ptr, name.len);
    *head = topic;
    t->count++;
    book(e, (int64_t)(sizeof(*topic) + name.len));
    return topic;
}

static void topic_free(struct engine *e, struct topic_table *t, struct topic *topic)
{
    struct topic **at = &t->heads[topic->hash & (t->head_count - 1)];

    while (*at != topic)
        at = &(*at)->next;
    *at = topic->next;
    t->count--;
    book(e, -(int64_t)(sizeof(*topic) + topic->len));
    list_free(e, &topic->subscribers);
    free(topic);
    if (t->count == 0)
        table_resize(e, t, 0);
    else if (t->head_count > HEADS_MIN && t->count < t->head_count / 8)
        table_resize(e, t, t->head_count / 2);
}

static struct pubsub *pubsub_of(struct engine *e)
{
    if (!e->pubsub) {
        e->pubsub = calloc(1, sizeof(*e->pubsub));
        check(e->pubsub);
    }
    return e->pubsub;
}

static uint64_t hash_of(const struct engine *e, struct str name)
{
    return hash_bytes(&e->keyspace.seed, name.ptr, name.len);
}

static struct topic *find(const struct engine *e, enum pubsub_kind kind, struct str name)
{
    return e->pubsub ? topic_find(&e->pubsub->tables[kind], hash_of(e, name), name) : NULL;
}

/* ---- subscribing ---- */

/* The client's subscription to a topic: looked for where there are fewer. */
static struct subscription *subscription_of(const struct client *c, enum pubsub_kind kind,
                                            const struct topic *t)
{
    const struct subscription_list *l = &c->subscriber->lists[kind];

    if (l->count > t->subscribers.count)
        l = &t->subscribers;
    for (uint32_t i = 0; i < l->count; i++)
        if (l->items[i]->topic == t && l->items[i]->client == c)
            return l->items[i];
    return NULL;
}

static size_t share_of(const struct topic *t)
{
    return sizeof(struct subscription) + sizeof(*t) + t->len;
}

size_t pubsub_bytes_of(const struct client *c)
{
    const struct subscriber *s = c->subscriber;
    size_t bytes = s ? sizeof(*s) + s->bytes : 0;

    for (int kind = 0; s && kind < PUBSUB_KINDS; kind++)
        bytes += s->lists[kind].room * sizeof(struct subscription *);
    return bytes;
}

bool pubsub_subscribe(struct engine *e, struct client *c, enum pubsub_kind kind, struct str name)
{
    struct topic_table *t = &pubsub_of(e)->tables[kind];
    uint64_t hash = hash_of(e, name);
    struct topic *topic = topic_find(t, hash, name);

    if (!c->subscriber) {
        c->subscriber = calloc(1, sizeof(*c->subscriber));
        check(c->subscriber);
        book(e, sizeof(*c->subscriber));
        e->subscriber_count++;
        guard_set(e, GUARD_SUBSCRIBED, true);
    }
    if (topic && subscription_of(c, kind, topic))
        return false;
    if (!topic)
        topic = topic_new(e, t, hash, name);
    struct subscription *s = malloc(sizeof(*s));
    check(s);
    book(e, sizeof(*s));
    *s = (struct subscription){.topic = topic, .client = c};
    s->at_topic = list_add(e, &topic->subscribers, s);
    s->at_client = list_add(e, &c->subscriber->lists[kind], s);
    c->subscriber->bytes += share_of(topic);
    return true;
}

static void end(struct engine *e, enum pubsub_kind kind, struct subscription *s)
{
    struct topic *t = s->topic;
    struct subscription_list *mine = &s->client->subscriber->lists[kind];

    list_take(&t->subscribers, s->at_topic)->at_topic = s->at_topic;
    list_take(mine, s->at_client)->at_client = s->at_client;
    s->client->subscriber->bytes -= share_of(t);
    if (t->subscribers.count == 0)
        topic_free(e, &e->pubsub->tables[kind], t);
    book(e, -(int64_t)sizeof(*s));
    free(s);
}

/* Who subscribes to nothing is no subscriber. */
static void settle(struct engine *e, struct client *c)
{
    for (int kind = 0; kind < PUBSUB_KINDS; kind++)
        if (c->subscriber->lists[kind].count > 0)
            return;
    for (int kind = 0; kind < PUBSUB_KINDS; kind++)
        list_free(e, &c->subscriber->lists[kind]);
    book(e, -(int64_t)sizeof(*c->subscriber));
    free(c->subscriber);
    c->subscriber = NULL;
    e->subscriber_count--;
    guard_set(e, GUARD_SUBSCRIBED, e->subscriber_count > 0);
}

bool pubsub_unsubscribe(struct engine *e, struct client *c, enum pubsub_kind kind, struct str name)
{
    struct topic *topic = c->subscriber ? find(e, kind, name) : NULL;
    struct subscription *s = topic ? subscription_of(c, kind, topic) : NULL;

    if (!s)
        return false;
    end(e, kind, s);
    settle(e, c);
    return true;
}

void pubsub_forget(struct engine *e, struct client *c)
{
    if (!c->subscriber)
        return;
    for (int kind = 0; kind < PUBSUB_KINDS; kind++) {
        struct subscription_list *l = &c->subscriber->lists[kind];

        while (l->count > 0)
            end(e, (enum pubsub_kind)kind, l->items[l->count - 1]);
    }
    settle(e, c);
}

size_t pubsub_count_of(const struct client *c, enum pubsub_kind kind)
{
    return c->subscriber ? c->subscriber->lists[kind].count : 0;
}

struct str pubsub_name_of(const struct client *c, enum pubsub_kind kind, size_t i)
{
    return name_of(c->subscriber->lists[kind].items[i]->topic);
}

/* ---- telling ---- */

void pubsub_push(struct engine *e, struct client *c, const char *bytes, size_t len)
{
    if (c == e->running) {
        buf_add(&pubsub_of(e)->own, bytes, len);
        e->has_own_pushes = true;
        return;
    }
    if (c->is_killed || c->is_closing)
        return;
    for (struct pubsub_turn *t = e->turn; t; t = t->outer)
        if (t->running == c) {
            buf_add(&t->own, bytes, len);
            return;
        }
    reply_queue(&c->reply, bytes, len);
    if (c->host->post)
        c->host->post(c);
    else
        c->host->wake(c);
}

void pubsub_flush_own(struct engine *e, struct client *c)
{
    struct buf *own = &e->pubsub->own;

    reply_queue(&c->reply, own->ptr, own->len);
    buf_clear(own);
    e->has_own_pushes = false;
}

void pubsub_turn_begin(struct engine *e, struct client *c, struct pubsub_turn *t)
{
    *t = (struct pubsub_turn){.outer = e->turn, .running = e->running};
    if (e->has_own_pushes) {
        t->own = e->pubsub->own;
        e->pubsub->own = BUF_EMPTY;
        e->has_own_pushes = false;
    }
    e->running = c;
    e->turn = t;
}

void pubsub_turn_end(struct engine *e, struct client *c, struct pubsub_turn *t)
{
    if (c && e->has_own_pushes)
        pubsub_flush_own(e, c);
    e->running = t->running;
    e->turn = t->outer;
    if (t->own.len == 0)
        return;
    buf_fini(&e->pubsub->own);
    e->pubsub->own = t->own;
    e->has_own_pushes = true;
}

static void put_bulk(struct buf *out, struct str s)
{
    buf_printf(out, "$%zu\r\n", s.len);
    buf_add_str(out, s);
    buf_add(out, "\r\n", 2);
}

/* What both versions of RESP say, but for the first byte. */
static void put_message(struct buf *out, const char *kind, const struct str *pattern,
                        struct str channel, struct str message)
{
    buf_clear(out);
    buf_puts(out, pattern ? "*4\r\n" : "*3\r\n");
    put_bulk(out, str_of(kind));
    if (pattern)
        put_bulk(out, *pattern);
    put_bulk(out, channel);
    put_bulk(out, message);
}

static void tell(struct engine *e, struct topic *t)
{
    struct buf *message = &e->pubsub->message;

    for (uint32_t i = 0; i < t->subscribers.count; i++) {
        struct client *c = t->subscribers.items[i]->client;

        message->ptr[0] = c->reply.resp == 3 ? '>' : '*';
        pubsub_push(e, c, message->ptr, message->len);
    }
}

static uint64_t tell_patterns(struct engine *e, struct str channel, struct str message)
{
    const struct topic_table *t = &e->pubsub->tables[PUBSUB_PATTERN];
    uint64_t count = 0;

    for (size_t i = 0; t->count > 0 && i < t->head_count; i++)
        for (struct topic *topic = t->heads[i]; topic; topic = topic->next) {
            struct str pattern = name_of(topic);

            if (!glob_match(pattern, channel))
                continue;
            put_message(&e->pubsub->message, "pmessage", &pattern, channel, message);
            tell(e, topic);
            count += topic->subscribers.count;
        }
    return count;
}

uint64_t pubsub_publish(struct engine *e, enum pubsub_kind kind, struct str channel,
                        struct str message)
{
    struct topic *topic = find(e, kind, channel);
    uint64_t count = 0;

    if (topic) {
        put_message(&e->pubsub->message, kind == PUBSUB_SHARD ? "smessage" : "message", NULL,
                    channel, message);
        tell(e, topic);
        count = topic->subscribers.count;
    }
    if (kind == PUBSUB_CHANNEL && e->pubsub)
        count += tell_patterns(e, channel, message);
    return count;
}

/* ---- looking ---- */

size_t pubsub_count(const struct engine *e, enum pubsub_kind kind)
{
    return e->pubsub ? e->pubsub->tables[kind].count : 0;
}

size_t pubsub_listeners(const struct engine *e, enum pubsub_kind kind, struct str name)
{
    const struct topic *topic = find(e, kind, name);

    return topic ? topic->subscribers.count : 0;
}

void pubsub_each(const struct engine *e, enum pubsub_kind kind,
                 void (*use)(void *ctx, struct str name), void *ctx)
{
    const struct topic_table *t = e->pubsub ? &e->pubsub->tables[kind] : NULL;

    for (size_t i = 0; t && i < t->head_count; i++)
        for (const struct topic *topic = t->heads[i]; topic; topic = topic->next)
            use(ctx, name_of(topic));
}

/* ---- who may not listen any more ---- */

static bool may_go_on(const struct client *c)
{
    for (int kind = 0; kind < PUBSUB_KINDS; kind++)
        for (size_t i = 0; i < pubsub_count_of(c, (enum pubsub_kind)kind); i++)
            if (!acl_may_listen(c->user, pubsub_name_of(c, (enum pubsub_kind)kind, i),
                                kind == PUBSUB_PATTERN))
                return false;
    return true;
}

void pubsub_judge(struct engine *e, const struct acl_user *u)
{
    for (struct client *c = e->subscriber_count ? e->oldest : NULL; c; c = c->newer)
        if (c->subscriber && c->user && (!u || c->user == u) && !may_go_on(c))
            c->host->kill(c);
}

/* ---- slots ---- */

static void leave(struct engine *e, struct topic *t)
{
    struct buf *message = &e->pubsub->message;

    while (t->subscribers.count > 0) {
        struct subscription *s = t->subscribers.items[t->subscribers.count - 1];
        struct client *c = s->client;
        size_t left = pubsub_count_of(c, PUBSUB_SHARD) - 1;
        bool is_last = t->subscribers.count == 1;

        buf_clear(message);
        buf_puts(message, c->reply.resp == 3 ? ">3\r\n" : "*3\r\n");
        put_bulk(message, STR("sunsubscribe"));
        put_bulk(message, name_of(t));
        buf_printf(message, ":%zu\r\n", left);
        pubsub_push(e, c, message->ptr, message->len);
        end(e, PUBSUB_SHARD, s);
        settle(e, c);
        if (is_last)
            return; /* the topic is gone */
    }
}

void pubsub_leave_slots(struct engine *e, const struct slot_set *gone)
{
    const struct topic_table *t = e->pubsub ? &e->pubsub->tables[PUBSUB_SHARD] : NULL;

    for (size_t i = 0; t && i < t->head_count; i++)
        for (struct topic *topic = t->heads[i], *next; topic; topic = next) {
            struct str name = name_of(topic);

            next = topic->next;
            if (slot_set_has(gone, slot_of_key(name.ptr, name.len)))
                leave(e, topic);
        }
}

void pubsub_fini(struct engine *e)
{
    if (!e->pubsub)
        return;
    for (int kind = 0; kind < PUBSUB_KINDS; kind++)
        free(e->pubsub->tables[kind].heads);
    buf_fini(&e->pubsub->message);
    buf_fini(&e->pubsub->own);
    free(e->pubsub);
    e->pubsub = NULL;
}
