/*
 * The checksum at the end of RDB files and of DUMP payloads: CRC-64 with the Jones polynomial
 * 0xad93d23594c935a9, reflected, beginning with 0 and not inverted ("123456789" gives
 * 0xe9c6d914c4b8d9ca).
 */
#ifndef LARDER_KEYSPACE_CRC64_H
#define LARDER_KEYSPACE_CRC64_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what `crc` stands for followed by these bytes; 0 begins. */
uint64_t crc64(uint64_t crc, const void *bytes, size_t len);

#endif
