/* The list of protocols, and room for what parsers find. */
#include "cacheengine/proto/protocol.h"

#include "base/arena.h"
#include "cacheengine/keyspace/db.h"

const struct protocol *protocol_of(const struct settings *settings)
{
#ifdef LARDER_HAS_MEMCACHED
    if (settings->protocol == PROTOCOL_MEMCACHED)
        return &protocol_memcached;
#endif
    return settings->protocol == PROTOCOL_RESP ? &protocol_resp : NULL;
}

struct str *parse_args(struct parse_room *room, size_t count)
{
    struct str *args = room->args;

    if ((size_t)(room->args_end - args) < count)
        return arena_alloc(room->arena, count * sizeof(*args));
    room->args += count;
    return args;
}

static uint64_t *room_for_hashes(struct parse_room *room, size_t count)
{
    uint64_t *hashes = room->hashes;

    if ((size_t)(room->hashes_end - hashes) < count)
        return arena_alloc(room->arena, count * sizeof(*hashes));
    room->hashes += count;
    return hashes;
}

void parse_keys(const struct engine *e, struct parse_room *room, struct cmd_call *call,
                uint32_t first, uint32_t step, uint32_t count)
{
    uint64_t *hashes = room_for_hashes(room, count);

    for (uint32_t i = 0; i < count; i++) {
        struct str key = call->argv[first + i * step];

        hashes[i] = keyspace_hash(&e->keyspace, key.ptr, key.len);
        if (i < KEYS_AHEAD)
            db_prefetch_bucket(call->db, hashes[i]);
    }
    call->hashes = hashes;
    call->key_first = first;
    call->key_step = step;
    call->key_count = count;
}
