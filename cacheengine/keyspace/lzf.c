/* The only user of liblzf. */
#include "cacheengine/keyspace/lzf.h"

#include <liblzf/lzf.h>
#include <limits.h>

size_t lzf_pack(const void *from, size_t len, void *to, size_t room)
{
    if (len == 0 || len > UINT_MAX || room > UINT_MAX)
        return 0;
    return lzf_compress(from, (unsigned)len, to, (unsigned)room);
}

bool lzf_unpack(const void *from, size_t packed_len, void *to, size_t len)
{
    if (packed_len == 0 || len == 0 || packed_len > UINT_MAX || len > UINT_MAX)
        return false;
    return lzf_decompress(from, (unsigned)packed_len, to, (unsigned)len) == len;
}
