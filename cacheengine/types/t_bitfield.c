/*
 * BITFIELD: numbers of any width in the bits of a string. All its words are read before the first
 * takes effect; the string is made as long as the farthest write needs, once.
 */
#include "base/arena.h"
#include "base/command.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/bits.h"
#include "cacheengine/types/changed.h"
#include "cacheengine/types/t_bitmap.h"
#include "contract/command_procs.h"

enum field_kind { FIELD_GET, FIELD_SET, FIELD_ADD };

/* What is done when a number does not fit. */
enum field_overflow { OVERFLOW_WRAP, OVERFLOW_SATURATE, OVERFLOW_FAIL };

struct field_step {
    enum field_kind kind;
    enum field_overflow overflow;
    bool is_signed;
    unsigned width;
    uint64_t at;
    int64_t value; /* to be set or added */
};

/* ---- reading the words ---- */

static bool type_parse(struct cmd_call *c, uint32_t arg, struct field_step *step)
{
    struct str text = c->argv[arg];
    int64_t width = 0;

    step->is_signed = text.len > 0 && text.ptr[0] == 'i';
    if ((step->is_signed || (text.len > 0 && text.ptr[0] == 'u')) &&
        number_parse_i64(text.ptr + 1, text.len - 1, &width) && width >= 1 &&
        width <= (step->is_signed ? 64 : 63)) {
        step->width = (unsigned)width;
        return true;
    }
    reply_error(c->reply, "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is "
                          "not supported but i64 is.");
    return false;
}

static bool overflow_parse(struct cmd_call *c, uint32_t arg, enum field_overflow *out)
{
    static const char *const words[] = {"wrap", "sat", "fail"};

    for (size_t i = 0; i < countof(words); i++)
        if (call_is(c, arg, words[i])) {
            *out = (enum field_overflow)i;
            return true;
        }
    reply_error(c->reply, "ERR Invalid OVERFLOW type specified");
    return false;
}

/* Which step begins at this argument, and with how many more; false when none does. */
static bool step_begins(const struct cmd_call *c, uint32_t arg, enum field_kind *kind,
                        uint32_t *more)
{
    static const struct {
        const char *word;
        uint32_t more;
    } kinds[] = {
        [FIELD_GET] = {"get",    2},
        [FIELD_SET] = {"set",    3},
        [FIELD_ADD] = {"incrby", 3},
    };

    for (size_t i = 0; i < countof(kinds); i++)
        if (call_is(c, arg, kinds[i].word) && c->argc - arg > kinds[i].more) {
            *kind = (enum field_kind)i;
            *more = kinds[i].more;
            return true;
        }
    return false;
}

/* Reads all steps into `out`, which has room for as many as there are arguments; false after the
 * error was sent. */
static bool steps_parse(struct cmd_call *c, struct field_step *out, uint32_t *count)
{
    enum field_overflow overflow = OVERFLOW_WRAP;

    *count = 0;
    for (uint32_t i = 2, more; i < c->argc; i += more + 1) {
        struct field_step *step = &out[*count];

        if (call_is(c, i, "overflow") && c->argc - i > 1) {
            more = 1;
            if (!overflow_parse(c, i + 1, &overflow))
                return false;
            continue;
        }
        if (!step_begins(c, i, &step->kind, &more)) {
            reply_syntax_error(c->reply);
            return false;
        }
        step->overflow = overflow;
        if (!type_parse(c, i + 1, step) || !bitmap_offset(c, i + 2, step->width, &step->at) ||
            (more == 3 && !call_int(c, i + 3, &step->value)))
            return false;
        ++*count;
    }
    return true;
}

/* ---- numbers of a width ---- */

/* The number that these low bits mean. */
static int64_t meaning(const struct field_step *step, uint64_t bits)
{
    unsigned unused = 64 - step->width;

    return step->is_signed ? (int64_t)(bits << unused) >> unused : (int64_t)bits;
}

/* The number that is stored for the exact result, by the step's rule for what does not fit; false
 * when the old one is to be left alone. */
static bool fit(const struct field_step *step, __int128 exact, int64_t *out)
{
    uint64_t mask = ~0ULL >> (64 - step->width);
    int64_t max = (int64_t)(mask >> step->is_signed);
    int64_t min = step->is_signed ? -max - 1 : 0;

    if (exact >= min && exact <= max) {
        *out = (int64_t)exact;
        return true;
    }
    if (step->overflow == OVERFLOW_SATURATE)
        *out = exact > max ? max : min;
    else
        *out = meaning(step, (uint64_t)exact & mask);
    return step->overflow != OVERFLOW_FAIL;
}

/* What a step would store if there were room for any number. To an unsigned number a negative one
 * is a very large one when it is set, and less when it is added. */
static __int128 exact_result(const struct field_step *step, int64_t old)
{
    if (step->kind == FIELD_ADD)
        return (__int128)old + step->value;
    return step->is_signed ? (__int128)step->value : (__int128)(uint64_t)step->value;
}

/* Runs a step that writes; true when it did, and changed something. */
static bool step_write(struct cmd_call *c, const struct field_step *step, char *bytes, size_t len)
{
    int64_t old = meaning(step, bits_get(bytes, len, step->at, step->width)), now;

    if (!fit(step, exact_result(step, old), &now)) {
        reply_null(c->reply);
        return false;
    }
    reply_int(c->reply, step->kind == FIELD_SET ? old : now);
    bits_put(bytes, step->at, step->width, (uint64_t)now);
    return now != old;
}

/* ---- the commands ---- */

static void read_fields(struct cmd_call *c, const struct field_step *steps, uint32_t count)
{
    struct number_text digits;
    bool ok;
    const struct entry *e = call_read(c, call_key(c, 1), TYPE_STRING, &ok);

    if (!ok)
        return;
    struct str s = e ? db_string(e, &digits) : (struct str){NULL, 0};
    reply_array(c->reply, count);
    for (uint32_t i = 0; i < count; i++)
        reply_int(c->reply,
                  meaning(&steps[i], bits_get(s.ptr, s.len, steps[i].at, steps[i].width)));
}

/* The last bit that a step writes; false when none does. */
static bool last_written(const struct field_step *steps, uint32_t count, uint64_t *out)
{
    bool writes = false;

    *out = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (steps[i].kind == FIELD_GET)
            continue;
        uint64_t last = steps[i].at + steps[i].width - 1;

        writes = true;
        *out = last > *out ? last : *out;
    }
    return writes;
}

static void write_fields(struct cmd_call *c, const struct field_step *steps, uint32_t count,
                         uint64_t last)
{
    struct key k = call_key(c, 1);
    uint64_t changes = 0;
    size_t len;
    bool ok, has_grown;
    struct entry *e = call_find(c, k, TYPE_STRING, &ok);

    if (!ok)
        return;
    char *bytes = bitmap_edit(c, k, e, last, &len, &has_grown);
    reply_array(c->reply, count);
    for (uint32_t i = 0; i < count; i++)
        if (steps[i].kind != FIELD_GET)
            changes += step_write(c, &steps[i], bytes, len);
        else
            reply_int(c->reply,
                      meaning(&steps[i], bits_get(bytes, len, steps[i].at, steps[i].width)));
    if (changes > 0 || has_grown)
        changed_by(c, k, EVENT_STRING, "setbit", changes > 0 ? changes : 1);
}

static void bitfield(struct cmd_call *c, bool may_write)
{
    struct field_step *steps = arena_array(c->scratch, c->argc, sizeof(*steps));
    uint32_t count;
    uint64_t last;

    if (!steps_parse(c, steps, &count))
        return;
    if (!last_written(steps, count, &last))
        read_fields(c, steps, count);
    else if (may_write)
        write_fields(c, steps, count, last);
    else
        reply_error(c->reply, "ERR BITFIELD_RO only supports the GET subcommand");
}

void cmd_bitfield(struct cmd_call *c)
{
    bitfield(c, true);
}

void cmd_bitfield_ro(struct cmd_call *c)
{
    bitfield(c, false);
}
