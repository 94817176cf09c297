/* HyperLogLogs seen from inside, for tests: PFDEBUG, PFSELFTEST. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/command.h"
#include "base/rng.h"
#include "cacheengine/types/changed.h"
#include "cacheengine/types/t_hyperloglog.h"
#include "contract/command_procs.h"

#include <math.h>

/* ---- PFDEBUG ---- */

/* The registers of a key, which is a dense one from then on; NULL after the error. */
static uint8_t *to_dense(struct cmd_call *c, struct key k, struct str s, bool *has_changed)
{
    uint8_t *registers = arena_zalloc(c->scratch, HLL_REGISTERS), head[HLL_HEAD_BYTES];

    if (!hll_merge(registers, s)) {
        hll_say_damaged(c);
        return NULL;
    }
    *has_changed = !hll_is_dense(s);
    if (*has_changed) {
        memcpy(head, s.ptr, sizeof(head));
        hll_store_dense(c, k, registers, head);
        c->dirty++;
    }
    return registers;
}

static void debug_getreg(struct cmd_call *c, struct key k, struct str s)
{
    bool has_changed;
    const uint8_t *registers = to_dense(c, k, s, &has_changed);

    if (!registers)
        return;
    reply_array(c->reply, HLL_REGISTERS);
    for (uint32_t i = 0; i < HLL_REGISTERS; i++)
        reply_int(c->reply, registers[i]);
}

static void debug_todense(struct cmd_call *c, struct key k, struct str s)
{
    bool has_changed;

    if (to_dense(c, k, s, &has_changed))
        reply_int(c->reply, has_changed);
}

static void debug_encoding(struct cmd_call *c, struct key k, struct str s)
{
    (void)k;
    reply_status(c->reply, hll_is_dense(s) ? "dense" : "sparse");
}

static void debug_decode(struct cmd_call *c, struct key k, struct str s)
{
    const uint8_t *at = (const uint8_t *)s.ptr + HLL_HEAD_BYTES;
    const uint8_t *end = (const uint8_t *)s.ptr + s.len;
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    struct hll_run run;

    (void)k;
    if (hll_is_dense(s)) {
        reply_error(c->reply, "ERR HLL encoding is not sparse");
        return;
    }
    for (; at < end && (run = hll_run_at(at, end)).bytes > 0; at += run.bytes) {
        const char *gap = text.len > 0 ? " " : "";

        if (run.value)
            buf_printf(&text, "%sv:%u,%u", gap, run.value, run.count);
        else
            buf_printf(&text, "%s%c:%u", gap, run.bytes == 2 ? 'Z' : 'z', run.count);
    }
    reply_bulk_str(c->reply, buf_str(&text));
}

static const struct {
    const char *word;
    void (*run)(struct cmd_call *c, struct key k, struct str s);
} subcommands[] = {
    {"getreg",   debug_getreg  },
    {"decode",   debug_decode  },
    {"encoding", debug_encoding},
    {"todense",  debug_todense },
};

void cmd_pfdebug(struct cmd_call *c)
{
    struct key k = call_key(c, 2);
    const struct entry *e = db_find(c->db, k);
    struct str s;

    if (!e) {
        reply_error(c->reply, "ERR The specified key does not exist");
        return;
    }
    if (!hll_bytes_of(c, e, &s))
        return;
    for (size_t i = 0; i < countof(subcommands); i++)
        if (call_is(c, 1, subcommands[i].word)) {
            subcommands[i].run(c, k, s);
            return;
        }
    reply_errorf(c->reply, "ERR Unknown PFDEBUG subcommand '%.*s'",
                 (int)strnlen(c->argv[1].ptr, c->argv[1].len < 128 ? c->argv[1].len : 128),
                 c->argv[1].ptr);
}

/* ---- PFSELFTEST ---- */

#define TEST_ROUNDS   20
#define TEST_ELEMENTS 1000000
#define TEST_SPARSE   1000 /* of them go into a sparse one, too */

/* Registers keep what was put into them, whatever their neighbours have. */
static bool test_registers(struct cmd_call *c, uint8_t *dense)
{
    uint8_t *registers = arena_alloc(c->scratch, HLL_REGISTERS), head[HLL_HEAD_BYTES] = {0};

    for (int round = 0; round < TEST_ROUNDS; round++) {
        for (uint32_t i = 0; i < HLL_REGISTERS; i++)
            registers[i] = (uint8_t)(rng_next(&c->ks->rng) & HLL_REGISTER_MAX);
        hll_write_dense(registers, head, dense);
        for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
            uint8_t is = hll_dense_get(dense, i);

            if (is == registers[i])
                continue;
            reply_errorf(c->reply, "ERR TESTFAILED Register %u should be %u but is %u", i,
                         registers[i], is);
            return false;
        }
    }
    return true;
}

static uint64_t estimate_of(const void *bytes, size_t len)
{
    uint32_t histogram[HLL_REGISTER_MAX + 1];

    return hll_histogram((struct str){bytes, len}, histogram) ? hll_estimate(histogram) : 0;
}

/* Both forms say the same, and that is near the truth: six times the error to be expected. */
static bool test_estimate(struct cmd_call *c, const uint8_t *dense, const struct hll_sparse *sparse,
                          uint64_t count)
{
    uint64_t estimate = estimate_of(dense, HLL_DENSE_BYTES);
    double error = fabs((double)estimate - (double)count);
    double most = count == 10 ? 1 : ceil(1.04 / sqrt(HLL_REGISTERS) * 6 * (double)count);

    if (sparse && estimate_of(sparse->bytes, sparse->len) != estimate) {
        reply_error(c->reply, "ERR TESTFAILED dense/sparse disagree");
        return false;
    }
    if (error > most) {
        reply_errorf(c->reply, "ERR TESTFAILED Too big error. card:%llu abserr:%.0f",
                     (unsigned long long)count, error);
        return false;
    }
    return true;
}

static bool test_estimates(struct cmd_call *c, uint8_t *dense)
{
    struct hll_sparse sparse = {.bytes = arena_alloc(c->scratch, HLL_SPARSE_MAX),
                                .len = HLL_EMPTY_BYTES,
                                .limit = HLL_SPARSE_MAX - HLL_SPARSE_GROWTH};
    uint64_t chance = rng_next(&c->ks->rng), checkpoint = 1;
    bool is_sparse = true;

    hll_write_empty(sparse.bytes);
    hll_write_dense(arena_zalloc(c->scratch, HLL_REGISTERS), sparse.bytes, dense);
    for (uint64_t i = 1; i <= TEST_ELEMENTS; i++) {
        uint64_t element = i ^ chance;
        struct hll_mark m = hll_mark_of((struct str){(const char *)&element, sizeof(element)});

        (void)hll_dense_raise(dense, m);
        hll_sparse_rewind(&sparse);
        is_sparse = is_sparse && i <= TEST_SPARSE && hll_sparse_raise(&sparse, m) <= HLL_RAISED;
        if (i != checkpoint)
            continue;
        if (!test_estimate(c, dense, is_sparse ? &sparse : NULL, i))
            return false;
        checkpoint *= 10;
    }
    return true;
}

void cmd_pfselftest(struct cmd_call *c)
{
    uint8_t *dense = arena_alloc(c->scratch, HLL_DENSE_BYTES);

    if (test_registers(c, dense) && test_estimates(c, dense))
        reply_ok(c->reply);
}
