/* Payloads of DUMP out of random bytes that are nearly right: every length, count and size fits,
 * but for a few bytes that are changed at the end. */
#ifndef LARDER_TESTS_FUZZ_DUMP_BUILD_H
#define LARDER_TESTS_FUZZ_DUMP_BUILD_H

#include "base/buf.h"

#include <stdint.h>

/* Adds type byte and value to `out`. */
void build_value(const uint8_t *data, size_t size, struct buf *out);

#endif
