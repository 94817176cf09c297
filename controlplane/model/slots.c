/* A bit per slot while slots are compared, text everywhere else. */
#include "controlplane/model/slots.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

static bool has(const struct slot_map *map, unsigned slot)
{
    return map->bits[slot / 64] >> (slot % 64) & 1;
}

static bool slot_parse(struct str text, uint64_t *out)
{
    return str_to_u64(text, out) && *out < SLOTS_ALL;
}

static bool add_run(struct slot_map *map, struct str run)
{
    uint64_t first, last;
    bool is_open = str_ends(run, "-");
    struct str low = str_cut(&run, '-');

    if (is_open || !slot_parse(low, &first))
        return false;
    last = first;
    if (run.len > 0 && !slot_parse(run, &last))
        return false;
    if (last < first)
        return false;
    for (uint64_t slot = first; slot <= last; slot++) {
        if (has(map, (unsigned)slot))
            return false;
        map->bits[slot / 64] |= (uint64_t)1 << (slot % 64);
    }
    return true;
}

bool slots_add(struct slot_map *map, const char *text)
{
    struct str rest = str_of(text);

    if (str_ends(rest, ","))
        return false;
    do {
        if (!add_run(map, str_trim(str_cut(&rest, ','))))
            return false;
    } while (rest.len > 0);
    return true;
}

size_t slots_count(const struct slot_map *map)
{
    size_t count = 0;

    for (size_t i = 0; i < countof(map->bits); i++)
        count += (size_t)__builtin_popcountll(map->bits[i]);
    return count;
}

char *slots_text(struct arena *a, const struct slot_map *map)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    for (unsigned slot = 0; slot < SLOTS_ALL; slot++) {
        unsigned last = slot;
        if (!has(map, slot))
            continue;
        while (last + 1 < SLOTS_ALL && has(map, last + 1))
            last++;
        if (text.len > 0)
            buf_putc(&text, ',');
        buf_printf(&text, last > slot ? "%u-%u" : "%u", slot, last);
        slot = last;
    }
    return str_dup(a, buf_str(&text));
}

char *slots_even(struct arena *a, size_t index, size_t count)
{
    size_t share = SLOTS_ALL / count, extra = SLOTS_ALL % count;
    size_t first = index * share + (index < extra ? index : extra);
    size_t last = first + share + (index < extra ? 1 : 0) - 1;

    return arena_printf(a, first == last ? "%zu" : "%zu-%zu", first, last);
}
