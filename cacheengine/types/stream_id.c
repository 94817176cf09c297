/* Names of entries: arithmetic, text, bytes. */
#include "cacheengine/types/stream_id.h"

#include "cacheengine/keyspace/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 128 /* longer texts are no names */

bool stream_id_increase(struct stream_id *id)
{
    if (id->seq < UINT64_MAX) {
        id->seq++;
        return true;
    }
    if (id->ms == UINT64_MAX)
        return false;
    *id = (struct stream_id){id->ms + 1, 0};
    return true;
}

bool stream_id_decrease(struct stream_id *id)
{
    if (id->seq > 0) {
        id->seq--;
        return true;
    }
    if (id->ms == 0)
        return false;
    *id = (struct stream_id){id->ms - 1, UINT64_MAX};
    return true;
}

/* As strtoull has it, but for negative numbers. */
static bool parse_u64(const char *text, uint64_t *out)
{
    int64_t small;
    char *end;

    if (number_parse_i64(text, strlen(text), &small)) {
        *out = (uint64_t)small;
        return small >= 0;
    }
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *text && *end == 0;
}

bool stream_id_parse(struct str text, enum stream_id_form form, uint64_t missing_seq,
                     struct stream_id *out, bool *is_generated)
{
    char copy[TEXT_MAX];
    struct stream_id id = {0, missing_seq};

    if (is_generated)
        *is_generated = false;
    if (text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = 0;
    if (strcmp(copy, "-") == 0 || strcmp(copy, "+") == 0) {
        if (form == STREAM_ID_BOUND)
            *out = *copy == '-' ? STREAM_ID_MIN : STREAM_ID_MAX;
        return form == STREAM_ID_BOUND;
    }
    char *dash = strchr(copy, '-');
    if (dash)
        *dash = 0;
    if (!parse_u64(copy, &id.ms))
        return false;
    if (dash && form == STREAM_ID_GENERATED && strcmp(dash + 1, "*") == 0) {
        id.seq = 0;
        *is_generated = true;
    } else if (dash && !parse_u64(dash + 1, &id.seq)) {
        return false;
    }
    *out = id;
    return true;
}

unsigned stream_id_write(char *out, struct stream_id id)
{
    unsigned len = number_write_u64(out, id.ms);

    out[len++] = '-';
    return len + number_write_u64(out + len, id.seq);
}

static void store_u64(uint8_t *out, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(out, &v, sizeof(v));
}

static uint64_t load_u64(const uint8_t *in)
{
    uint64_t v;

    memcpy(&v, in, sizeof(v));
    return __builtin_bswap64(v);
}

void stream_id_store(uint8_t *out, struct stream_id id)
{
    store_u64(out, id.ms);
    store_u64(out + 8, id.seq);
}

struct stream_id stream_id_load(const uint8_t *in)
{
    return (struct stream_id){load_u64(in), load_u64(in + 8)};
}
