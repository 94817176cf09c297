/*
 * Topologies of any words, one after the other to one node. Lines are topologies, spaces stand
 * between words, "#x" for an id; "H" begins one of records of hand-overs in place of a topology.
 * What is taken must hold together; what is refused must say why and change nothing.
 */
#include "base/buf.h"
#include "cacheengine/cluster/show.h"
#include "cacheengine/keyspace/settings.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORDS_MAX 2000

static struct str word_of(struct arena *a, struct str text)
{
    static const char digits[] = "0123456789abcdef";

    if (text.len != 2 || text.ptr[0] != '#')
        return text;
    char *id = arena_alloc(a, CLUSTER_ID_LEN + 1);
    memset(id, digits[(uint8_t)text.ptr[1] % 16], CLUSTER_ID_LEN);
    id[CLUSTER_ID_LEN] = 0;
    return (struct str){id, CLUSTER_ID_LEN};
}

static size_t words_of(struct arena *a, struct str line, struct str *out)
{
    size_t count = 0;

    while (line.len > 0 && count < WORDS_MAX)
        out[count++] = word_of(a, str_cut(&line, ' '));
    return count;
}

/* What must be true of every topology in force. */
static void check_sound(const struct cluster *c)
{
    const struct topology *t = c->topology;
    uint32_t assigned = 0, of_shards = 0, nodes = 0;

    check(t->self < t->node_count);
    for (uint32_t slot = 0; slot < SLOT_COUNT; slot++) {
        assigned += t->owner[slot] != NO_SHARD;
        check(t->owner[slot] == NO_SHARD || t->owner[slot] < t->shard_count);
        check(t->next_owner[slot] == NO_SHARD || t->next_owner[slot] < t->shard_count);
        check(c->owner[slot] == NO_SHARD || c->owner[slot] < t->shard_count);
    }
    for (uint32_t i = 0; i < t->shard_count; i++) {
        of_shards += t->shards[i].slot_count;
        nodes += t->shards[i].node_count;
        check(topology_primary(t, i)->shard == i && topology_primary(t, i)->is_primary);
    }
    check(assigned == t->assigned_count && of_shards == assigned && nodes == t->node_count);
}

static void show_all(const struct cluster *c)
{
    struct settings s = {.announced_ip = "", .announced_hostname = ""};
    struct cluster_view v = {.cluster = c, .settings = &s};
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    show_nodes(&v, &text);
    show_info(&v, &text);
    check(text.len > 0);
}

/* Gives slots away as a migration would. */
static void hand_over(struct cluster *c, uint32_t slot)
{
    const struct topology *t = c->topology;
    struct handover one = {.stage = HANDOVER_HANDED, .host = "h", .port = 1};

    memset(one.id, "0123456789abcdef"[slot % 16], CLUSTER_ID_LEN);
    memcpy(one.from, t->shards[0].id, sizeof(one.from));
    memcpy(one.to, t->shards[slot % t->shard_count].id, sizeof(one.to));
    memcpy(one.token, one.id, sizeof(one.token));
    slot_set_add(&one.slots, slot % SLOT_COUNT);
    check(cluster_hand_over(c, &one) || c->handovers.count == HANDOVERS_MAX);
}

/* Words as records; what was read must be the same when it is read again. */
static void take_records(struct cluster *c, struct arena *a, const struct str *words, size_t count)
{
    struct handovers taken = {0}, again = {0};
    struct err e = handovers_decode(&taken, a, words, count);

    if (err_failed(e)) {
        check(e.why && *e.why && taken.count == 0);
        return;
    }
    struct str text = handovers_text(&taken, a);
    check(!err_failed(handovers_parse(&again, a, text)) && again.count == taken.count);
    check(str_eq(text, handovers_text(&again, a)));
    handovers_fini(&again);
    cluster_take_handovers(c, &taken);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size};
    struct str *words = calloc(WORDS_MAX, sizeof(*words));
    struct cluster c;

    cluster_init(&c, "0000000000000000000000000000000000000000",
                 "1111111111111111111111111111111111111111");
    while (rest.len > 0) {
        struct arena a = {0};
        struct str line = str_cut(&rest, '\n');
        uint64_t before = c.topology->epoch;
        size_t count = words_of(&a, line, words);

        if (count > 0 && str_is(words[0], "H")) {
            take_records(&c, &a, words + 1, count - 1);
            check_sound(&c);
            arena_fini(&a);
            continue;
        }
        struct err e = cluster_set(&c, &a, words, count, 1);

        check(err_failed(e) ? e.why && *e.why && c.topology->epoch == before : c.word_count > 0);
        check_sound(&c);
        if (line.len > 0)
            hand_over(&c, (uint8_t)line.ptr[line.len - 1] * 67U);
        arena_fini(&a);
    }
    check_sound(&c);
    show_all(&c);
    cluster_fini(&c);
    free(words);
    return 0;
}
