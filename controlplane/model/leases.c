/* Sets of voters are words with spaces between: few, and told as they are stored. */
#include "controlplane/model/leases.h"

#include "base/arena.h"
#include "base/str.h"

#include <string.h>

static struct str words_of(const char *voters)
{
    return str_of(voters ? voters : "");
}

int shard_lease_ms(const struct shard_lease *l)
{
    return l->ms > 0 ? l->ms : SHARD_LEASE_MS;
}

int shard_lease_most_ms(const struct shard_lease *l)
{
    int ms = shard_lease_ms(l);
    return l->most_ms > ms ? l->most_ms : ms;
}

bool voters_have(const char *voters, const char *host_id)
{
    for (struct str rest = words_of(voters); rest.len > 0;)
        if (str_is(str_cut(&rest, ' '), host_id))
            return true;
    return false;
}

size_t voters_count(const char *voters)
{
    size_t count = 0;

    for (struct str rest = words_of(voters); rest.len > 0; count++)
        str_cut(&rest, ' ');
    return count;
}

const char *voters_with(struct arena *a, const char *voters, const char *host_id)
{
    const char *before = voters ? voters : "";
    return arena_printf(a, "%s%s%s", before, *before ? " " : "", host_id);
}

const char *voters_without(struct arena *a, const char *voters, const char *host_id)
{
    const char *left = "";

    for (struct str rest = words_of(voters); rest.len > 0;) {
        struct str word = str_cut(&rest, ' ');
        if (!str_is(word, host_id))
            left = voters_with(a, left, str_dup(a, word));
    }
    return left;
}

void promises_add(struct arena *a, struct promise_list *list, const char *host_id, int64_t shard_id,
                  int64_t term)
{
    struct promise *items = arena_array(a, list->count + 1, sizeof(*items));

    if (list->count)
        memcpy(items, list->items, list->count * sizeof(*items));
    items[list->count] = (struct promise){host_id, shard_id, term};
    *list = (struct promise_list){items, list->count + 1};
}

static bool has_promised(const struct promise_list *promises, struct str voter, int64_t shard_id,
                         int64_t term)
{
    for (size_t i = 0; i < promises->count; i++) {
        const struct promise *p = &promises->items[i];
        if (p->shard_id == shard_id && p->term == term && str_is(voter, p->host_id))
            return true;
    }
    return false;
}

bool promises_suffice(const struct promise_list *promises, const struct shard_lease *lease,
                      int64_t shard_id, int64_t term)
{
    size_t promised = 0, count = 0;

    for (struct str rest = words_of(lease->voters); rest.len > 0; count++)
        promised += has_promised(promises, str_cut(&rest, ' '), shard_id, term);
    return 2 * promised > count;
}
