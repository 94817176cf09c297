/* The list of protocols, and room for what parsers find. */
#include "cacheengine/proto/protocol.h"

#include "base/arena.h"

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

uint64_t *parse_hashes(struct parse_room *room, size_t count)
{
    uint64_t *hashes = room->hashes;

    if ((size_t)(room->hashes_end - hashes) < count)
        return arena_alloc(room->arena, count * sizeof(*hashes));
    room->hashes += count;
    return hashes;
}
