#include "cacheengine/keyspace/value.h"
#include "keyspace_fixture.h"

/* A sink in memory. */
struct memory {
    struct sink sink;
    struct buf bytes;
};

static struct err memory_write(struct sink *s, const void *bytes, size_t len)
{
    buf_add(&container_of(s, struct memory, sink)->bytes, bytes, len);
    return OK;
}

static void save(struct fixture *f, const char *key, struct memory *m)
{
    struct record_writer w;

    record_writer_init(&w, &m->sink);
    cr_assert(value_save(&w, f->db, db_find(f->db, key_text(f, key))));
    cr_assert_not(err_failed(record_flush(&w)));
    record_writer_fini(&w);
}

static struct err load(struct fixture *f, struct str bytes, const char *key, struct value *v)
{
    struct record_reader r;
    uint8_t type;

    record_reader_memory(&r, bytes);
    cr_assert_not(err_failed(record_get_byte(&r, &type)));
    return value_load(&r, type, f->db, key_text(f, key), v);
}

Test(value, strings_of_every_form_come_back_in_it)
{
    static char long_text[50000];
    const struct {
        struct str text;
        enum entry_form form;
    } rows[] = {
        {STR(""),                     FORM_PLAIN  },
        {STR("12345"),                FORM_NUMBER },
        {STR("-9223372036854775808"), FORM_NUMBER },
        {STR("0012"),                 FORM_PLAIN  },
        {{long_text, 12288},          FORM_PLAIN  },
        {{long_text, 12289},          FORM_OUTSIDE},
        {{long_text, 50000},          FORM_OUTSIDE},
    };
    struct fixture f;
    struct value v = {0};

    fixture_begin(&f);
    for (size_t i = 0; i < sizeof(long_text); i++)
        long_text[i] = (char)(i * i >> 3);
    for (size_t i = 0; i < countof(rows); i++) {
        struct memory m = {{memory_write}, BUF_EMPTY};
        struct number_text digits;

        db_set_string(f.db, key_text(&f, "from"), rows[i].text, NO_DEADLINE);
        save(&f, "from", &m);
        cr_assert_not(err_failed(load(&f, buf_str(&m.bytes), "to", &v)));
        struct entry *e = value_put(f.db, key_text(&f, "to"), &v, NO_DEADLINE);
        cr_expect(str_eq(db_string(e, &digits), rows[i].text), "row %zu", i);
        cr_expect_eq(entry_form(e), rows[i].form, "row %zu", i);
        buf_fini(&m.bytes);
    }
    value_fini(&v);
    fixture_end(&f);
}

Test(value, what_is_not_put_is_dropped_without_a_rest)
{
    static char long_text[50000];
    struct fixture f;
    struct value v = {0};
    struct memory m = {{memory_write}, BUF_EMPTY};

    fixture_begin(&f);
    db_set_string(f.db, key_text(&f, "from"), (struct str){long_text, sizeof(long_text)},
                  NO_DEADLINE);
    save(&f, "from", &m);
    size_t before = f.ks.account.used_bytes;
    cr_assert_not(err_failed(load(&f, buf_str(&m.bytes), "to", &v)));
    cr_expect_gt(f.ks.account.used_bytes, before);
    value_drop(f.db, &v);
    cr_expect_eq(f.ks.account.used_bytes, before);
    buf_fini(&m.bytes);
    value_fini(&v);
    fixture_end(&f);
}

Test(value, types_that_the_engine_lacks_are_refused_by_name)
{
    static const struct {
        struct str bytes;
        const char *word;
    } rows[] = {
        {STR("\x07"), "module" },
        {STR("\x16"), "hash"   },
        {STR("\x17"), "unknown"},
        {STR("\x1a"), "unknown"},
        {STR("\x15"), "stream" },
        {STR("\x08"), "unknown"},
        {STR("\x40"), "unknown"},
    };
    struct fixture f;
    struct value v = {0};

    fixture_begin(&f);
    for (size_t i = 0; i < countof(rows); i++) {
        struct err e = load(&f, rows[i].bytes, "to", &v);

        cr_expect_eq(e.code, ERR_UNSUPPORTED);
        cr_expect(strstr(e.why, rows[i].word), "%s", e.why);
    }
    value_fini(&v);
    fixture_end(&f);
}
