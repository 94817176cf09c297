/*
 * Random valid commands on strings and deadlines against the simplest model that can be: an array
 * of values and times. Each two bytes of the input are one command on one of 16 keys; every reply
 * must be what the model says.
 */
#include "../../unit/cacheengine/proto/resp_fixture.h"

#include <inttypes.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEYS      16
#define VALUE_MAX 40000

struct model_key {
    bool is_there;
    size_t len;
    int64_t end_ms; /* NO_DEADLINE: never */
    char value[VALUE_MAX];
};

struct model {
    struct resp_fixture f;
    struct model_key keys[KEYS];
    struct buf request, want;
};

static int64_t now_ms(const struct model *m)
{
    return m->f.engine.keyspace.now_ms;
}

static void ask(struct model *m, const char *want, size_t want_len)
{
    struct str got = resp_send(&m->f, &m->f.main, m->request.ptr, m->request.len);

    if (got.len != want_len || memcmp(got.ptr, want, want_len) != 0)
        fprintf(stderr, "asked %.200s\ngot %.*s\nwant %.*s\n", buf_cstr(&m->request),
                (int)(got.len < 300 ? got.len : 300), got.ptr,
                (int)(want_len < 300 ? want_len : 300), want);
    check(got.len == want_len && memcmp(got.ptr, want, want_len) == 0);
}

static void begin(struct model *m, int argc)
{
    buf_clear(&m->request);
    buf_printf(&m->request, "*%d\r\n", argc);
}

static void arg(struct model *m, const char *bytes, size_t len)
{
    buf_printf(&m->request, "$%zu\r\n", len);
    buf_add(&m->request, bytes, len);
    buf_puts(&m->request, "\r\n");
}

static void word(struct model *m, const char *text)
{
    arg(m, text, strlen(text));
}

static void number(struct model *m, int64_t v)
{
    char text[32];

    snprintf(text, sizeof(text), "%" PRId64, v);
    word(m, text);
}

static void key(struct model *m, int k)
{
    char text[32];

    snprintf(text, sizeof(text), "key:%d", k);
    word(m, text);
}

static void want_bulk(struct model *m, const char *bytes, size_t len)
{
    buf_clear(&m->want);
    buf_printf(&m->want, "$%zu\r\n", len);
    buf_add(&m->want, bytes, len);
    buf_puts(&m->want, "\r\n");
    ask(m, m->want.ptr, m->want.len);
}

static void want_int(struct model *m, int64_t v)
{
    char text[32];

    ask(m, text, (size_t)snprintf(text, sizeof(text), ":%" PRId64 "\r\n", v));
}

static void want_text(struct model *m, const char *text)
{
    ask(m, text, strlen(text));
}

/* Lengths around every border of the representation. */
static size_t length_of(uint8_t chance)
{
    static const size_t sizes[] = {0,   1,    5,     10,    44,    45,    254,   255,
                                   256, 1000, 12287, 12288, 12289, 16384, 20000, 30000};

    return sizes[chance % 16];
}

static void do_set(struct model *m, int k, uint8_t chance)
{
    struct model_key *mk = &m->keys[k];
    bool has_end = chance & 0x80, keeps = (chance & 0x60) == 0x60;

    mk->len = length_of(chance);
    memset(mk->value, 'a' + chance % 26, mk->len);
    if (chance % 5 == 0)
        mk->len = (size_t)snprintf(mk->value, VALUE_MAX, "%d", (int)chance * 1000003);
    if (!keeps)
        mk->end_ms = NO_DEADLINE;
    begin(m, 3 + (keeps ? 1 : has_end ? 2 : 0));
    word(m, "SET");
    key(m, k);
    arg(m, mk->value, mk->len);
    if (keeps) {
        word(m, "KEEPTTL");
        mk->end_ms = mk->is_there ? mk->end_ms : NO_DEADLINE;
    } else if (has_end) {
        word(m, "PX");
        number(m, 1 + chance * 10);
        mk->end_ms = now_ms(m) + 1 + chance * 10;
    }
    mk->is_there = true;
    want_text(m, "+OK\r\n");
}

static void do_get(struct model *m, int k, uint8_t chance)
{
    struct model_key *mk = &m->keys[k];
    bool takes = chance % 8 == 0;

    begin(m, 2);
    word(m, takes ? "GETDEL" : "GET");
    key(m, k);
    if (!mk->is_there)
        want_text(m, "$-1\r\n");
    else
        want_bulk(m, mk->value, mk->len);
    mk->is_there = mk->is_there && !takes;
}

static void do_append(struct model *m, int k, uint8_t chance)
{
    struct model_key *mk = &m->keys[k];
    size_t more = length_of(chance), len = mk->is_there ? mk->len : 0;

    if (len + more > VALUE_MAX)
        return;
    if (!mk->is_there)
        mk->end_ms = NO_DEADLINE;
    memset(mk->value + len, 'A' + chance % 26, more);
    mk->len = len + more;
    mk->is_there = true;
    begin(m, 3);
    word(m, "APPEND");
    key(m, k);
    arg(m, mk->value + len, more);
    want_int(m, (int64_t)mk->len);
}

static void do_setrange(struct model *m, int k, uint8_t chance)
{
    struct model_key *mk = &m->keys[k];
    size_t offset = length_of(chance), len = mk->is_there ? mk->len : 0, part = chance % 16;

    if (offset + part > VALUE_MAX)
        return;
    begin(m, 4);
    word(m, "SETRANGE");
    key(m, k);
    number(m, (int64_t)offset);
    if (part > 0) {
        if (!mk->is_there)
            mk->end_ms = NO_DEADLINE;
        if (offset > len)
            memset(mk->value + len, 0, offset - len);
        memset(mk->value + offset, '0' + chance % 10, part);
        mk->len = offset + part > len ? offset + part : len;
        mk->is_there = true;
        arg(m, mk->value + offset, part);
        want_int(m, (int64_t)mk->len);
    } else {
        arg(m, "", 0);
        want_int(m, (int64_t)len);
    }
}

/* True when the value is an integer in canonical form. */
static bool as_number(const struct model_key *mk, int64_t *out)
{
    char text[32], again[32];
    int64_t v;

    if (!mk->is_there) {
        *out = 0;
        return true;
    }
    if (mk->len == 0 || mk->len > 20 || memchr(mk->value, 0, mk->len))
        return false;
    memcpy(text, mk->value, mk->len);
    text[mk->len] = 0;
    if (sscanf(text, "%" SCNd64, &v) != 1)
        return false;
    snprintf(again, sizeof(again), "%" PRId64, v);
    *out = v;
    return strcmp(text, again) == 0;
}

static void do_incr(struct model *m, int k, uint8_t chance)
{
    struct model_key *mk = &m->keys[k];
    int64_t by = (int64_t)(int8_t)chance * 0x1000000000000, v;

    begin(m, 3);
    word(m, "INCRBY");
    key(m, k);
    number(m, by);
    if (!as_number(mk, &v)) {
        want_text(m, "-ERR value is not an integer or out of range\r\n");
        return;
    }
    if (__builtin_add_overflow(v, by, &v)) {
        want_text(m, "-ERR increment or decrement would overflow\r\n");
        return;
    }
    if (!mk->is_there)
        mk->end_ms = NO_DEADLINE;
    mk->is_there = true;
    mk->len = (size_t)snprintf(mk->value, VALUE_MAX, "%" PRId64, v);
    want_int(m, v);
}

static void do_del(struct model *m, int k, uint8_t chance)
{
    begin(m, 2);
    word(m, chance % 2 ? "DEL" : "UNLINK");
    key(m, k);
    want_int(m, m->keys[k].is_there);
    m->keys[k].is_there = false;
}

static void do_expire(struct model *m, int k, uint8_t chance)
{
    struct model_key *mk = &m->keys[k];
    int64_t in_ms = ((int64_t)chance - 20) * 20;

    begin(m, 3);
    word(m, "PEXPIRE");
    key(m, k);
    number(m, in_ms);
    want_int(m, mk->is_there);
    mk->end_ms = now_ms(m) + in_ms;
    if (in_ms <= 0)
        mk->is_there = false;
}

static void do_persist(struct model *m, int k, uint8_t chance)
{
    struct model_key *mk = &m->keys[k];

    (void)chance;
    begin(m, 2);
    word(m, "PERSIST");
    key(m, k);
    want_int(m, mk->is_there && mk->end_ms != NO_DEADLINE);
    mk->end_ms = NO_DEADLINE;
}

static void do_pttl(struct model *m, int k, uint8_t chance)
{
    const struct model_key *mk = &m->keys[k];

    (void)chance;
    begin(m, 2);
    word(m, "PTTL");
    key(m, k);
    if (!mk->is_there)
        want_int(m, -2);
    else
        want_int(m, mk->end_ms == NO_DEADLINE ? -1 : mk->end_ms - now_ms(m));
}

static void do_rename(struct model *m, int k, uint8_t chance)
{
    int to = chance % KEYS;

    begin(m, 3);
    word(m, "RENAME");
    key(m, k);
    key(m, to);
    if (!m->keys[k].is_there) {
        want_text(m, "-ERR no such key\r\n");
        return;
    }
    want_text(m, "+OK\r\n");
    if (to == k)
        return;
    memcpy(&m->keys[to], &m->keys[k], sizeof(m->keys[k]));
    m->keys[k].is_there = false;
}

static void do_copy(struct model *m, int k, uint8_t chance)
{
    int to = chance % KEYS;
    bool works = m->keys[k].is_there && !m->keys[to].is_there;

    begin(m, 3);
    word(m, "COPY");
    key(m, k);
    key(m, to);
    if (to == k) {
        want_text(m, "-ERR source and destination objects are the same\r\n");
        return;
    }
    want_int(m, works);
    if (works)
        memcpy(&m->keys[to], &m->keys[k], sizeof(m->keys[k]));
}

static void do_getrange(struct model *m, int k, uint8_t chance)
{
    const struct model_key *mk = &m->keys[k];
    size_t from = length_of(chance), to = length_of((uint8_t)(chance >> 4));
    size_t len = mk->is_there ? mk->len : 0;

    begin(m, 4);
    word(m, "GETRANGE");
    key(m, k);
    number(m, (int64_t)from);
    number(m, (int64_t)to);
    if (from >= len || from > to)
        want_bulk(m, "", 0);
    else
        want_bulk(m, mk->value + from, (to < len ? to + 1 : len) - from);
}

static void do_pass(struct model *m, int k, uint8_t chance)
{
    (void)k;
    resp_advance(&m->f, chance * 4);
    engine_tick(&m->f.engine);
    for (int i = 0; i < KEYS; i++)
        if (m->keys[i].end_ms != NO_DEADLINE && m->keys[i].end_ms <= now_ms(m))
            m->keys[i].is_there = false;
}

static void (*const actions[16])(struct model *m, int k, uint8_t chance) = {
    do_set,     do_set,  do_get,    do_append, do_setrange, do_incr, do_del, do_expire,
    do_persist, do_pttl, do_rename, do_copy,   do_getrange, do_pass, do_get, do_append,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model *m = calloc(1, sizeof(*m));
    int64_t live = 0;

    check(m);
    resp_open(&m->f, NULL);
    for (int i = 0; i < KEYS; i++)
        m->keys[i].end_ms = NO_DEADLINE;
    for (size_t i = 0; i + 1 < size; i += 2)
        actions[data[i] >> 4](m, data[i] & 15, data[i + 1]);
    /* What is left is what the model has, and a key that is gone leaves nothing behind. */
    for (int i = 0; i < KEYS; i++) {
        do_get(m, i, 1);
        live += m->keys[i].is_there;
    }
    begin(m, 1);
    word(m, "DBSIZE");
    want_int(m, live);
    check(keyspace_flush(&m->f.engine.keyspace, -1, false) == (uint64_t)live);
    resp_close(&m->f);
    buf_fini(&m->request);
    buf_fini(&m->want);
    free(m);
    return 0;
}
