/*
 * Hand-overs that no topology has confirmed yet, as records that outlive the process: they are told
 * as an effect (LARDER.SLOTS, for replicas and the append-only file) and stand in the head of every
 * snapshot (the field "larder-slots"), so a node that was started anew, or a replica that was
 * promoted, knows what its shard has given away and what it has taken.
 *
 *     expected   here they may come; nothing of it is this node's
 *     taken      this shard serves them
 *     given      the shard they go to may have taken them: this one does not serve them, come what
 *                may, and asks there until it knows
 *     handed     it has taken them
 *
 * On the wire and on the disk all records of a node are words, nine of each, and always all of
 * them: what comes replaces what was.
 *
 *     STAGE ID SLOTS FROM-SHARD TO-SHARD TOKEN HOST PORT plain|tls
 *
 * ID, SLOTS and the shards are as in a topology (topology.h); the last three say where the source
 * reaches the target, and are "-", 0 and plain where the record is the target's own.
 *
 * A record ends when a topology gives its slots to the shard that has them, or to a third one, or
 * knows that shard no more; slot by slot (one that is only expected: as a whole). A topology that
 * still gives them to the shard that had them was made before, by somebody who did not know: it
 * ends nothing, for else both shards would serve for as long as it takes to tell all nodes. Who
 * wants the slots back says so (LARDER.MIGRATE RETURN).
 */
#ifndef LARDER_CLUSTER_HANDOVER_H
#define LARDER_CLUSTER_HANDOVER_H

#include "cacheengine/cluster/topology.h"

#define HANDOVERS_MAX         64
#define HANDOVER_HOST_MAX     255
#define HANDOVER_RECORD_WORDS 9

/* The field of a snapshot's head: the words with spaces between. */
#define HANDOVER_FIELD "larder-slots"
/* The effect: the words behind its name. */
#define HANDOVER_COMMAND "LARDER.SLOTS"

enum handover_stage {
    HANDOVER_EXPECTED,
    HANDOVER_TAKEN,
    HANDOVER_GIVEN,
    HANDOVER_HANDED,
};
extern const char *const handover_stage_names[];

struct handover {
    enum handover_stage stage;
    char id[CLUSTER_ID_LEN + 1], token[CLUSTER_ID_LEN + 1];
    char from[CLUSTER_ID_LEN + 1], to[CLUSTER_ID_LEN + 1];
    struct slot_set slots;
    char host[HANDOVER_HOST_MAX + 1];
    uint16_t port;
    bool is_secure;
};

struct handovers {
    struct handover *items; /* owned; of two about one slot the later one counts */
    size_t count;
    uint64_t changes; /* grows with each */
};

void handovers_fini(struct handovers *h);

/* NULL: there is none of this id. Holds until the next change. */
struct handover *handover_find(const struct handovers *h, struct str id);

/* Adds one, or puts it in the place of that of the same id. False, and nothing, when there are
 * HANDOVERS_MAX already. */
bool handover_put(struct handovers *h, const struct handover *one);

/* False: there is none. */
bool handover_remove(struct handovers *h, struct str id);

/* Whether slots of it are another's than a topology may say: all but what is only expected. */
static inline bool handover_counts(const struct handover *one)
{
    return one->stage != HANDOVER_EXPECTED;
}

/* Takes off what a topology has decided. */
void handovers_confirm(struct handovers *h, const struct topology *t);

/* All as words in `a`. */
const struct str *handovers_encode(const struct handovers *h, struct arena *a, size_t *count);

/* The same as one text. */
struct str handovers_text(const struct handovers *h, struct arena *a);

/* Reads words into a zeroed `out`, which is the caller's to free. ERR_INVALID with a sentence in
 * `a`. */
must_use struct err handovers_decode(struct handovers *out, struct arena *a,
                                     const struct str *words, size_t count);
must_use struct err handovers_parse(struct handovers *out, struct arena *a, struct str text);

#endif
