#include "cacheengine/keyspace/value.h"
#include "cacheengine/types/sequence.h"
#include "types_play.h"

#include <stddef.h>

/* A sink that keeps what is written. */
struct kept {
    struct sink sink;
    struct buf bytes;
};

static struct err keep(struct sink *s, const void *bytes, size_t len)
{
    buf_add(&container_of(s, struct kept, sink)->bytes, bytes, len);
    return OK;
}

static struct entry *entry(struct harness *h, const char *name)
{
    return db_peek(h->db, keyspace_key(&h->ks, str_of(name)));
}

static void save(struct harness *h, int version, struct kept *k)
{
    struct record_writer w;

    *k = (struct kept){.sink = {keep}};
    record_writer_init(&w, &k->sink);
    w.version = version;
    cr_assert(value_save(&w, h->db, entry(h, "l")));
    cr_assert_not(err_failed(record_flush(&w)));
    record_writer_fini(&w);
}

/* Loads a value under key "m". */
static struct err load(struct harness *h, struct str bytes)
{
    struct value *v = calloc(1, sizeof(*v));
    struct key k = keyspace_key(&h->ks, str_of("m"));
    struct record_reader r;
    uint8_t type;

    record_reader_memory(&r, bytes);
    struct err e = record_get_byte(&r, &type);
    if (!err_failed(e))
        e = value_load(&r, type, h->db, k, v);
    if (!err_failed(e))
        value_put(h->db, k, v, NO_DEADLINE);
    value_fini(v);
    free(v);
    return e;
}

static void push(struct harness *h, int count, size_t len)
{
    char *word = play_word(len);
    struct str argv[] = {
        str_of("rpush"), str_of("l"), {word, len},
          str_of("-77")
    };

    for (int i = 0; i < count; i++) {
        word[0] = (char)('a' + i % 26);
        play_run(h, argv, 4);
    }
    free(word);
}

Test(sequence_record, a_list_of_any_form_comes_back)
{
    static const struct {
        int count;
        size_t len;
    } shapes[] = {
        {1,   0   },
        {20,  10  },
        {300, 40  },
        {30,  3000},
        {90,  700 }
    };

    for (size_t i = 0; i < countof(shapes); i++)
        for (int version = 9; version <= RECORD_VERSION; version++) {
            struct harness h;
            struct kept k;

            harness_begin(&h);
            push(&h, shapes[i].count, shapes[i].len);
            save(&h, version, &k);
            cr_assert_not(err_failed(load(&h, buf_str(&k.bytes))));
            char *want = strdup(play_line(&h, "LRANGE l 0 -1"));
            cr_expect_str_eq(play_line(&h, "LRANGE m 0 -1"), want);
            free(want);
            want = strdup(play_line(&h, "OBJECT ENCODING l"));
            cr_expect_str_eq(play_line(&h, "OBJECT ENCODING m"), want);
            free(want);
            buf_fini(&k.bytes);
            harness_end(&h);
        }
}

Test(sequence_record, a_cut_off_record_is_refused_and_leaves_nothing)
{
    struct harness h;
    struct kept k;

    harness_begin(&h);
    push(&h, 30, 3000);
    save(&h, RECORD_VERSION, &k);
    size_t used = h.ks.account.used_bytes;
    for (size_t len = 0; len < k.bytes.len; len += 7)
        cr_expect(err_failed(load(&h, (struct str){k.bytes.ptr, len})));
    cr_expect_eq(h.ks.account.used_bytes, used);
    buf_fini(&k.bytes);
    harness_end(&h);
}

Test(sequence_record, what_no_list_can_be_is_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
        int code;
    } bad[] = {
        {"\x01\x00",                                    2,  ERR_NOT_FOUND}, /* no elements */
        {"\x12\x00",                                    2,  ERR_NOT_FOUND}, /* no nodes */
        {"\x12\x01\x03\x01x",                           5,  ERR_CORRUPT  }, /* a strange node */
        {"\x12\x01\x01\x00",                            4,  ERR_CORRUPT  }, /* an empty one alone */
        {"\x12\x01\x02\x07\x07\0\0\0\0\0\xff",          11, ERR_NOT_FOUND}, /* an empty node */
        {"\x12\x01\x02\x07\x07\0\0\0\1\0\xff",          11, ERR_CORRUPT  }, /* a wrong count */
        {"\x0a\x0b\x0b\0\0\0\x0a\0\0\0\0\0\xff",        13, ERR_NOT_FOUND}, /* an empty ziplist */
        {"\x12\x02\x01\x01x\x02\x07\x08\0\0\0\0\0\xff", 14, ERR_CORRUPT  }, /* a wrong length */
    };
    struct harness h;

    harness_begin(&h);
    for (size_t i = 0; i < countof(bad); i++)
        cr_expect_eq(load(&h, (struct str){bad[i].bytes, bad[i].len}).code, bad[i].code, "row %zu",
                     i);
    cr_expect_eq(db_count(h.db), 0);
    harness_end(&h);
}
