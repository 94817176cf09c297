#include "cacheengine/keyspace/item.h"
#include "keyspace_fixture.h"

static const char long_text[20000] = {[0 ... 19999] = 'v'};

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

Test(item, values_of_every_length_are_read_as_they_were_stored)
{
    static const size_t lengths[] = {0, 1, 100, 12270, 12275, 12276, 12288, 20000};
    struct fixture f;
    struct item it;

    fixture_begin(&f);
    for (size_t i = 0; i < countof(lengths); i++) {
        for (uint32_t flags = 0; flags < 2; flags++) {
            struct str value = {long_text, lengths[i]};

            item_read(item_set(f.db, key_text(&f, "k"), flags, value, NO_DEADLINE), &it);
            cr_assert(str_eq(it.value, value), "%zu", lengths[i]);
            cr_assert_eq(it.flags, flags);
            cr_assert_eq(it.cas, 0);
            cr_assert_eq(it.blob != NULL, item_stands_outside(key_text(&f, "k"), lengths[i]));
        }
    }
    fixture_end(&f);
}

Test(item, a_cas_stands_where_it_can_be_changed)
{
    struct fixture f;
    struct item it;
    struct item like = {.flags = 7, .cas = 77, .marks = ITEM_STALE};

    fixture_begin(&f);
    item_read(item_set_edited(f.db, key_text(&f, "k"), &like, STR("abc"), NO_DEADLINE), &it);
    cr_assert_eq(it.cas, 77);
    cr_assert_eq(it.marks, ITEM_STALE);
    cr_assert(item_note(&it, 78, ITEM_TAKEN | ITEM_ENCODED));
    item_read(it.entry, &it);
    cr_assert_eq(it.cas, 78);
    cr_assert_eq(it.marks, ITEM_TAKEN | ITEM_ENCODED);
    cr_assert_eq(it.flags, 7);
    cr_assert(str_is(it.value, "abc"));
    item_read(item_set(f.db, key_text(&f, "k"), 7, STR("abc"), NO_DEADLINE), &it);
    cr_assert_not(item_note(&it, 1, 0), "there is no room for one");
    cr_assert_eq(it.cas, 0);
    cr_assert(item_note(&it, 0, ITEM_STALE), "but for marks there is");
    item_read(item_set(f.db, key_text(&f, "p"), 0, STR("abc"), NO_DEADLINE), &it);
    cr_assert_not(item_note(&it, 0, ITEM_STALE), "a plain one has room for neither");
    cr_assert(item_note(&it, 0, 0));
    item_read(item_set(f.db, key_text(&f, "k"), 0, (struct str){long_text, 20000}, NO_DEADLINE),
              &it);
    cr_assert(item_note(&it, ITEM_CAS_MAX, ITEM_STALE | ITEM_TAKEN));
    item_read(it.entry, &it);
    cr_assert_eq(it.cas, ITEM_CAS_MAX);
    cr_assert_eq(it.marks, ITEM_STALE | ITEM_TAKEN);
    cr_assert_eq(it.flags, 0);
    fixture_end(&f);
}

static struct str saved(struct memory *m, const struct item *it)
{
    struct record_writer w;

    buf_clear(&m->bytes);
    record_writer_init(&w, &m->sink);
    item_save(&w, it);
    cr_assert_not(err_failed(record_flush(&w)));
    record_writer_fini(&w);
    return buf_str(&m->bytes);
}

Test(item, records_bring_values_back_without_their_cas)
{
    static const struct str values[] = {
        STR(""), STR("12"), STR("0012"), STR("text"), {long_text, 12280},
            {long_text, 20000}
    };
    struct memory m = {{memory_write}, BUF_EMPTY};
    struct value v = {0};
    struct fixture f;

    fixture_begin(&f);
    for (size_t i = 0; i < countof(values); i++) {
        for (uint32_t flags = 0; flags < 2; flags++) {
            struct key k = key_text(&f, "k");
            struct record_reader r;
            struct item it;
            uint8_t type;

            item_read(item_set(f.db, k, flags, values[i], NO_DEADLINE), &it);
            enum entry_form form = entry_form(it.entry);
            (void)item_note(&it, 77, ITEM_STALE);
            record_reader_memory(&r, saved(&m, &it));
            cr_assert_not(err_failed(record_get_byte(&r, &type)));
            cr_assert_eq(type, RECORD_STRING);
            db_delete(f.db, k, false);
            cr_assert_not(err_failed(item_load(&r, type, f.db, k, flags, &v)));
            item_read(value_put(f.db, k, &v, NO_DEADLINE), &it);
            cr_assert_eq(entry_form(it.entry), form);
            cr_assert(str_eq(it.value, values[i]));
            cr_assert_eq(it.flags, flags);
            cr_assert_eq(it.cas, 0);
        }
    }
    value_fini(&v);
    buf_fini(&m.bytes);
    fixture_end(&f);
}

Test(item, what_is_none_is_not_loaded)
{
    struct record_reader r;
    struct value v = {0};
    struct fixture f;

    fixture_begin(&f);
    record_reader_memory(&r, STR("\x01\x01"
                                 "a"));
    cr_assert(err_is(item_load(&r, RECORD_LIST, f.db, key_text(&f, "k"), 0, &v), ERR_UNSUPPORTED));
    record_reader_memory(&r, STR("\x05"
                                 "abc"));
    cr_assert(err_is(item_load(&r, RECORD_STRING, f.db, key_text(&f, "k"), 0, &v), ERR_CORRUPT));
    value_fini(&v);
    fixture_end(&f);
}

Test(item, keys_are_what_a_request_can_name)
{
    cr_assert(item_key_is_fine(STR("k")));
    cr_assert(item_key_is_fine((struct str){long_text, 250}));
    cr_assert(item_key_is_fine(STR("\xff\t\r")));
    cr_assert_not(item_key_is_fine(STR("")));
    cr_assert_not(item_key_is_fine((struct str){long_text, 251}));
    cr_assert_not(item_key_is_fine(STR("a b")));
    cr_assert_not(item_key_is_fine(STR("a\n")));
    cr_assert_not(item_key_is_fine(STR("a\0b")));
}
