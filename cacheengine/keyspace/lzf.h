/* Compression of strings as RDB files have it: the door to liblzf. */
#ifndef LARDER_KEYSPACE_LZF_H
#define LARDER_KEYSPACE_LZF_H

#include <stdbool.h>
#include <stddef.h>

/* The most that one compressed byte can stand for: three bytes repeat at most 264. */
#define LZF_RATIO_MAX 88

/* Compresses to at most `room` bytes; returns how many it took, 0 when it would be more. */
size_t lzf_pack(const void *from, size_t len, void *to, size_t room);

/* Undoes it; false unless exactly `len` bytes come out. Any input is safe. */
bool lzf_unpack(const void *from, size_t packed_len, void *to, size_t len);

#endif
