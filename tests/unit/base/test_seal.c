#include "base/seal.h"

#include <criterion/criterion.h>

#include <string.h>

struct memory {
    struct sink sink;
    struct source source;
    struct buf bytes;
    size_t given;
};

static struct err memory_write(struct sink *s, const void *bytes, size_t len)
{
    buf_add(&container_of(s, struct memory, sink)->bytes, bytes, len);
    return OK;
}

static struct err memory_read(struct source *s, void *to, size_t max, size_t *got)
{
    struct memory *m = container_of(s, struct memory, source);

    *got = m->bytes.len - m->given < max ? m->bytes.len - m->given : max;
    if (*got > 1000)
        *got = 1000;
    if (*got)
        memcpy(to, m->bytes.ptr + m->given, *got);
    m->given += *got;
    return OK;
}

static struct memory memory(void)
{
    return (struct memory){{memory_write}, {memory_read}, BUF_EMPTY, 0};
}

static const uint8_t one[SEAL_KEY_BYTES] = "one key of thirty-two bytes.....";
static const uint8_t other[SEAL_KEY_BYTES] = "the other, of as many bytes.....";

/* A file of so many bytes. */
static void seal(struct memory *m, const uint8_t *key, size_t len)
{
    struct seal_key *k = seal_key_new(key);
    struct sealer s;

    *m = memory();
    cr_assert_not(err_failed(sealer_stream(&s, k, SEAL_SNAPSHOT, &m->sink)));
    for (size_t i = 0; i < len; i += 10)
        cr_assert_not(err_failed(s.sink.write(&s.sink, "0123456789", len - i < 10 ? len - i : 10)));
    cr_assert_not(err_failed(sealer_finish(&s)));
    sealer_fini(&s);
    seal_key_free(k);
}

/* Reads it; *len is how many good bytes were given before the end or the failure. */
static struct err unseal(struct memory *m, const uint8_t *key, enum seal_purpose purpose,
                         bool may_be_unfinished, size_t *len)
{
    struct seal_key *k = key ? seal_key_new(key) : NULL;
    struct unsealer u;
    char room[777];
    size_t got = 1;

    *len = 0;
    m->given = 0;
    struct err e = unsealer_begin(&u, k, purpose, &m->source);
    u.may_be_unfinished = may_be_unfinished;
    while (!err_failed(e) && got > 0) {
        e = u.source.read(&u.source, room, sizeof(room), &got);
        for (size_t i = 0; !err_failed(e) && i < got; i++)
            cr_assert_eq(room[i], '0' + (char)((*len + i) % 10));
        *len += err_failed(e) ? 0 : got;
    }
    unsealer_fini(&u);
    seal_key_free(k);
    return e;
}

Test(seal, what_was_sealed_comes_back_and_is_not_to_be_read_before)
{
    static const size_t lengths[] = {0, 1, 100, SEAL_CHUNK_BYTES, SEAL_CHUNK_BYTES + 1, 1000003};

    for (size_t i = 0; i < countof(lengths); i++) {
        struct memory m;
        size_t len;

        seal(&m, one, lengths[i]);
        cr_assert(seal_is_sealed(m.bytes.ptr, m.bytes.len));
        cr_assert_null(memmem(m.bytes.ptr, m.bytes.len, "01234567", 8));
        cr_assert_not(err_failed(unseal(&m, one, SEAL_SNAPSHOT, false, &len)));
        cr_assert_eq(len, lengths[i]);
        buf_fini(&m.bytes);
    }
}

Test(seal, the_same_content_is_never_sealed_alike)
{
    struct memory a, b;

    seal(&a, one, 1000);
    seal(&b, one, 1000);
    cr_assert_eq(a.bytes.len, b.bytes.len);
    cr_assert_neq(memcmp(a.bytes.ptr + SEAL_HEAD_BYTES, b.bytes.ptr + SEAL_HEAD_BYTES, 1000), 0);
    buf_fini(&a.bytes);
    buf_fini(&b.bytes);
}

Test(seal, another_key_none_and_another_kind_are_told_apart)
{
    struct memory m;
    size_t len;

    seal(&m, one, 100);
    struct err e = unseal(&m, other, SEAL_SNAPSHOT, false, &len);
    cr_assert(err_is(e, ERR_DENIED));
    cr_assert_str_eq(e.why, "the file is sealed under another key");
    e = unseal(&m, NULL, SEAL_SNAPSHOT, false, &len);
    cr_assert(err_is(e, ERR_DENIED));
    cr_assert_str_eq(e.why, "the file is sealed, and there is no key for it");
    e = unseal(&m, one, SEAL_APPEND, false, &len);
    cr_assert(err_is(e, ERR_CORRUPT));
    cr_assert_str_eq(e.why, "the sealed file is of another kind: it was exchanged");
    buf_fini(&m.bytes);
}

Test(seal, every_changed_bit_is_found)
{
    struct memory m;
    size_t len;

    seal(&m, one, 50);
    for (size_t at = 0; at < m.bytes.len; at++) {
        m.bytes.ptr[at] ^= (char)(1 << at % 8);
        struct err e = unseal(&m, one, SEAL_SNAPSHOT, false, &len);
        cr_assert(err_failed(e), "byte %zu", at);
        cr_assert_eq(len, at < SEAL_HEAD_BYTES + 4 + 50 + 16 ? 0 : 50, "byte %zu", at);
        m.bytes.ptr[at] ^= (char)(1 << at % 8);
    }
    buf_fini(&m.bytes);
}

Test(seal, every_cut_is_found_and_so_is_what_was_added)
{
    struct memory m;
    size_t len;

    seal(&m, one, 50);
    size_t whole = m.bytes.len;
    for (m.bytes.len = 0; m.bytes.len < whole; m.bytes.len++)
        cr_assert(err_failed(unseal(&m, one, SEAL_SNAPSHOT, false, &len)), "%zu", m.bytes.len);
    buf_putc(&m.bytes, 'x');
    struct err e = unseal(&m, one, SEAL_SNAPSHOT, false, &len);
    cr_assert_str_eq(e.why, "something stands behind the end of the sealed file");
    buf_fini(&m.bytes);
}

Test(seal, chunks_cannot_change_places_nor_come_from_another_file)
{
    struct memory m, n;
    size_t len, chunk = 4 + SEAL_CHUNK_BYTES + 16;
    char *a, *b, *copy = malloc(chunk);

    seal(&m, one, 3 * SEAL_CHUNK_BYTES);
    seal(&n, one, 3 * SEAL_CHUNK_BYTES);
    a = m.bytes.ptr + SEAL_HEAD_BYTES;
    b = a + chunk;
    memcpy(copy, a, chunk);
    memcpy(a, b, chunk);
    memcpy(b, copy, chunk);
    cr_assert(err_is(unseal(&m, one, SEAL_SNAPSHOT, false, &len), ERR_CORRUPT));
    cr_assert_eq(len, 0);
    memcpy(b, a, chunk);
    memcpy(a, copy, chunk);
    memcpy(b, n.bytes.ptr + SEAL_HEAD_BYTES + chunk, chunk);
    cr_assert(err_is(unseal(&m, one, SEAL_SNAPSHOT, false, &len), ERR_CORRUPT));
    cr_assert_eq(len, SEAL_CHUNK_BYTES);
    free(copy);
    buf_fini(&m.bytes);
    buf_fini(&n.bytes);
}

Test(seal, a_file_whose_writer_died_is_ended_by_its_reader_once_and_for_all)
{
    struct memory m = memory();
    struct seal_key *k = seal_key_new(one);
    struct sealer s;
    struct unsealer u;
    char room[100];
    size_t len, got;

    cr_assert_not(err_failed(sealer_begin(&s, k, SEAL_APPEND, &m.bytes)));
    sealer_seal(&s, STR("0123456789"), &m.bytes);
    sealer_seal(&s, STR("0123456789"), &m.bytes);
    size_t sound = m.bytes.len;
    sealer_seal(&s, STR("0123456789"), &m.bytes);
    m.bytes.len -= 3;
    sealer_fini(&s);
    cr_assert(err_is(unseal(&m, one, SEAL_APPEND, false, &len), ERR_CORRUPT));
    cr_assert_not(err_failed(unseal(&m, one, SEAL_APPEND, true, &len)));
    cr_assert_eq(len, 20);

    m.given = 0;
    cr_assert_not(err_failed(unsealer_begin(&u, k, SEAL_APPEND, &m.source)));
    u.may_be_unfinished = true;
    do
        cr_assert_not(err_failed(u.source.read(&u.source, room, sizeof(room), &got)));
    while (got > 0);
    cr_assert(u.is_unfinished);
    cr_assert_eq(u.passed, sound);
    m.bytes.len = sound;
    unsealer_end_file(&u, &m.bytes);
    unsealer_fini(&u);
    cr_assert_not(err_failed(unseal(&m, one, SEAL_APPEND, false, &len)));
    cr_assert_eq(len, 20);
    seal_key_free(k);
    buf_fini(&m.bytes);
}

Test(seal, a_key_knows_itself)
{
    struct seal_key *k = seal_key_new(one);
    char secret[] = "secret";

    cr_assert(seal_key_is(k, one));
    cr_assert_not(seal_key_is(k, other));
    seal_wipe(secret, sizeof(secret));
    cr_assert_eq(secret[0], 0);
    seal_key_free(k);
    seal_key_free(NULL);
}

Test(seal, a_stream_can_be_read_from_any_chunk)
{
    struct memory m;
    struct seal_key *k = seal_key_new(one);
    struct unsealer u;
    char room[100];
    size_t len = 3 * SEAL_CHUNK_BYTES + 7, got;

    seal(&m, one, len);
    cr_assert_not(err_failed(unsealer_begin(&u, k, SEAL_SNAPSHOT, &m.source)));
    for (uint64_t chunk = 4; chunk-- > 0;) {
        m.given = seal_chunk_at(chunk);
        unsealer_seek(&u, chunk);
        cr_assert_not(err_failed(u.source.read(&u.source, room, sizeof(room), &got)));
        cr_assert_eq(got, chunk == 3 ? 7 : sizeof(room));
        cr_assert_eq(room[0], (char)('0' + chunk * SEAL_CHUNK_BYTES % 10));
    }
    m.given = seal_chunk_at(1);
    unsealer_seek(&u, 2);
    cr_assert(err_is(u.source.read(&u.source, room, sizeof(room), &got), ERR_CORRUPT));
    unsealer_fini(&u);
    seal_key_free(k);
    buf_fini(&m.bytes);
}
