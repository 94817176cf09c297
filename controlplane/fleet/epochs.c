/* The order of the questions: the store, what the host did before, and only then how long ago. */
#include "controlplane/fleet/epochs.h"

#include "base/arena.h"
#include "base/log.h"
#include "contract/faults.h"
#include "controlplane/fleet/hosts.h"
#include "controlplane/store/leader.h"

/* It obeyed this one since this one was started: it was taken away. */
static struct err yield(struct store *store, struct arena *a, const struct epoch_word *word)
{
    log_error("a host of this control plane obeys another one", f_str("host", word->host_id),
              f_int("its_epoch", word->epoch), f_int("epoch", store_epoch(store)));
    store_leader_yield(store, a, word->epoch);
    return err_make(FAULT_SERVICE_UNAVAILABLE, "this control plane leads no longer");
}

struct err epochs_judge(struct store *store, struct presence_table *present, struct arena *a,
                        const struct epoch_word *word)
{
    int64_t own = store_instance(store);

    if (own == 0 || word->leader == own) {
        presence_obeys(present, word->host_id);
        return OK;
    }
    if (word->epoch < store_epoch(store))
        return OK;
    TRY(store_leader_check(store, a));
    if (presence_has_obeyed(present, word->host_id))
        return yield(store, a, word);
    if (word->heard_ms < EPOCH_HEARD_MS)
        return err_format(a, FAULT_SERVICE_UNAVAILABLE,
                          "this host obeys another control plane, of epoch %lld, which answered it "
                          "%lld ms ago; this one has epoch %lld",
                          (long long)word->epoch, (long long)word->heard_ms,
                          (long long)store_epoch(store));
    return store_leader_outgrow(store, a, word->epoch);
}

bool epochs_share_numbers(struct store *store, const struct epoch_word *word)
{
    return word->leader == 0 || store_instance(store) == 0 ||
           word->leader == store_instance(store) || word->leader == store_instance_before(store);
}
