/* Arrays and nothing else. */
#include "tests/fuzz/collections/model.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIVERSE_BYTES (1 << 18)

/* Members whose form is a matter of care. */
static const char *const odd[] = {
    "",
    "0",
    "-0",
    "00",
    "007",
    "+1",
    "-1",
    "63",
    "64",
    "127",
    "128",
    "-128",
    "-129",
    "32767",
    "32768",
    "-32769",
    "2147483647",
    "2147483648",
    "-2147483649",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "1.5",
    "\1a",
    "\3key",
    " 1",
    "1 ",
    "inf",
};

/* Lengths at which an element's head, its place or a limit changes. */
static const unsigned lengths[] = {1,   9,   10,  11,   63,   64,   65,   126,  127,
                                   128, 129, 255, 1023, 1024, 1025, 4095, 4096, 9000};

static bool is_taken(const struct model *m, unsigned count, struct str text)
{
    for (unsigned i = 0; i < count; i++)
        if (str_eq(m->texts[i], text))
            return true;
    return false;
}

void model_init(struct model *m)
{
    size_t used = 0;

    *m = (struct model){.bytes = malloc(UNIVERSE_BYTES)};
    check(m->bytes);
    for (unsigned i = 0; i < MODEL_MEMBERS; i++) {
        char *at = m->bytes + used;
        size_t len;

        if (i < countof(odd)) {
            len = strlen(odd[i]);
            memcpy(at, odd[i], len);
        } else if (i < 128) {
            int v = (int)(i - 28) * (i % 7 == 0 ? 100003 : 1) * (i % 2 ? 1 : -1);

            /* No text is there twice. */
            do
                len = (size_t)snprintf(at, 24, "%d", v);
            while (is_taken(m, i, (struct str){at, len}) && (v += 200));
        } else if (i < 128 + countof(lengths)) {
            len = lengths[i - 128];
            memset(at, 'a' + (int)(i - 128), len);
        } else {
            len = (size_t)snprintf(at, 24, "member:%06u", i);
        }
        m->texts[i] = (struct str){at, len};
        used += len + 1;
        check(used < UNIVERSE_BYTES);
    }
}

int model_index(const struct model *m, struct str text)
{
    for (int i = 0; i < MODEL_MEMBERS; i++)
        if (str_eq(m->texts[i], text))
            return i;
    return -1;
}

void model_drop(struct model_key *k)
{
    memset(k, 0, sizeof(*k));
}

bool model_set(struct model_key *k, enum model_type type, uint8_t member, struct model_value v)
{
    bool is_new = !k->members[member].is_there;

    check(k->type == MODEL_NONE || k->type == type);
    k->type = type;
    k->count += is_new;
    k->members[member] = v;
    k->members[member].is_there = true;
    return is_new;
}

bool model_remove(struct model_key *k, uint8_t member)
{
    if (!k->members[member].is_there)
        return false;
    k->members[member].is_there = false;
    if (--k->count == 0)
        model_drop(k);
    return true;
}
