/*
 * HyperLogLogs of anybody's making: they are read and changed without a step outside, and those
 * whose registers are right keep every register through changes and in both forms.
 */
#include "base/err.h"
#include "cacheengine/types/hll.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes of exactly this size. */
static uint8_t *exactly(const uint8_t *bytes, size_t len, size_t room)
{
    uint8_t *copy = malloc(room ? room : 1);

    check(copy);
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

static void must_say(const uint8_t *bytes, size_t len, const uint8_t *registers)
{
    static uint8_t read[HLL_REGISTERS], dense[HLL_DENSE_BYTES];
    uint32_t sparse[HLL_REGISTER_MAX + 1], other[HLL_REGISTER_MAX + 1];
    struct str s = {(const char *)bytes, len};

    memset(read, 0, sizeof(read));
    check(hll_merge(read, s) && memcmp(read, registers, sizeof(read)) == 0);
    hll_write_dense(registers, bytes, dense);
    check(hll_histogram(s, sparse));
    check(hll_histogram((struct str){(const char *)dense, sizeof(dense)}, other));
    check(memcmp(sparse, other, sizeof(sparse)) == 0);
    (void)hll_estimate(sparse);
}

/* Raises registers that the end of the input names. */
static void change(const uint8_t *data, size_t size, struct str s, uint8_t *registers,
                   bool is_right)
{
    struct hll_sparse sparse = {.len = s.len, .limit = s.len + size % 7};
    uint8_t *bytes = exactly((const uint8_t *)s.ptr, s.len, s.len);

    for (size_t i = 0; i < CHANGES && 3 * i + 3 <= size; i++) {
        const uint8_t *at = data + size - 3 * i - 3;
        struct hll_mark m = {(at[0] | (uint32_t)at[1] << 8) % HLL_REGISTERS,
                             (uint8_t)(at[2] % 51 + 1)};
        uint8_t *room = exactly(bytes, sparse.len, sparse.len + HLL_SPARSE_GROWTH);

        free(bytes);
        bytes = room;
        sparse.bytes = bytes;
        enum hll_change looked = hll_sparse_look(&sparse, m), done;
        if (i % 2)
            hll_sparse_rewind(&sparse);
        done = hll_sparse_raise(&sparse, m);
        check(done == looked || done == HLL_TOO_BIG);
        if (is_right && done == HLL_RAISED)
            registers[m.index] = m.value;
        if (is_right) {
            check(done != HLL_DAMAGED);
            must_say(bytes, sparse.len, registers);
        }
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t registers[HLL_REGISTERS];
    uint8_t *bytes = exactly(data, size, size);
    struct str s = {(const char *)bytes, size};

    if (hll_is_one(s) && !hll_is_dense(s)) {
        memset(registers, 0, sizeof(registers));
        bool is_right = hll_merge(registers, s);
        if (is_right)
            must_say(bytes, size, registers);
        change(data, size, s, registers, is_right);
    }
    free(bytes);
    return 0;
}
