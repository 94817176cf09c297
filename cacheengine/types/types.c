/* One line per collection type. */
#include "cacheengine/types/types.h"

#include "cacheengine/types/collection.h"
#include "cacheengine/types/sequence.h"
#include "cacheengine/types/stream.h"
#include "cacheengine/types/t_zset.h"

void types_register(struct keyspace *ks)
{
    keyspace_set_type(ks, TYPE_LIST, &list_type_ops);
    keyspace_set_type(ks, TYPE_HASH, &hash_type_ops);
    keyspace_set_type(ks, TYPE_SET, &set_type_ops);
    keyspace_set_type(ks, TYPE_ZSET, &zset_type_ops);
    keyspace_set_type(ks, TYPE_STREAM, &stream_type_ops);
}
