#include "cacheengine/types/sequence.h"
#include "types_play.h"

#define LISTPACK  "$8\r\nlistpack\r\n"
#define QUICKLIST "$9\r\nquicklist\r\n"

static const char *encoding(struct harness *h)
{
    return play_line(h, "OBJECT ENCODING l");
}

/* Pushes `count` texts of `len` bytes one by one. */
static void push(struct harness *h, int count, size_t len)
{
    char *word = play_word(len);
    struct str argv[] = {
        str_of("rpush"), str_of("l"), {word, len}
    };

    for (int i = 0; i < count; i++)
        play_run(h, argv, 3);
    free(word);
}

static struct entry *entry(struct harness *h)
{
    return db_peek(h->db, keyspace_key(&h->ks, str_of("l")));
}

Test(sequence, a_short_list_stands_beside_its_key)
{
    struct harness h;

    harness_begin(&h);
    push(&h, 40, 20);
    cr_expect_eq(entry_form(entry(&h)), FORM_PLAIN);
    push(&h, 40, 20);
    cr_expect_eq(entry_form(entry(&h)), FORM_OUTSIDE);
    cr_expect_str_eq(encoding(&h), LISTPACK);
    play_line(&h, "LTRIM l 0 5");
    cr_expect_eq(entry_form(entry(&h)), FORM_PLAIN);
    cr_expect_str_eq(play_line(&h, "LLEN l"), ":6\r\n");
    harness_end(&h);
}

/* 7 bytes of a listpack are around the elements, and 3 around each text of 64 to 124 bytes; of what
 * is to be added the text alone counts. */
Test(sequence, is_said_to_be_what_its_bytes_would_be)
{
    struct harness h;

    harness_begin(&h);
    push(&h, 79, 100);
    push(&h, 1, 8192 - 7 - 79 * 103);
    cr_expect_str_eq(encoding(&h), LISTPACK);
    play_line(&h, "RPOP l");
    push(&h, 1, 8192 - 7 - 79 * 103 + 1);
    cr_expect_str_eq(encoding(&h), QUICKLIST);
    play_line(&h, "LTRIM l 0 39");
    cr_expect_str_eq(encoding(&h), QUICKLIST);
    play_line(&h, "LTRIM l 0 38");
    cr_expect_str_eq(encoding(&h), LISTPACK);
    harness_end(&h);
}

Test(sequence, a_limit_may_be_a_number_of_elements)
{
    struct harness h;

    harness_begin(&h);
    h.settings.list_packed_size = 4;
    push(&h, 4, 10);
    cr_expect_str_eq(encoding(&h), LISTPACK);
    push(&h, 1, 10);
    cr_expect_str_eq(encoding(&h), QUICKLIST);
    play_line(&h, "LTRIM l 0 2");
    cr_expect_str_eq(encoding(&h), QUICKLIST);
    play_line(&h, "LPOP l");
    cr_expect_str_eq(encoding(&h), LISTPACK);
    cr_expect_eq(entry_form(entry(&h)), FORM_PLAIN);
    play_line(&h, "DEL l");
    h.settings.list_packed_size = 0;
    push(&h, 1, 1);
    cr_expect_str_eq(encoding(&h), LISTPACK);
    push(&h, 1, 1);
    cr_expect_str_eq(encoding(&h), QUICKLIST);
    harness_end(&h);
}

Test(sequence, each_limit_in_bytes_holds)
{
    static const size_t limits[] = {4096, 8192, 16384, 32768, 65536, 65536};

    for (int i = 0; i < (int)countof(limits); i++) {
        struct harness h;

        harness_begin(&h);
        h.settings.list_packed_size = -1 - i;
        push(&h, (int)((limits[i] - 7) / 103), 100);
        cr_expect_str_eq(encoding(&h), LISTPACK);
        push(&h, 1, 100);
        cr_expect_str_eq(encoding(&h), QUICKLIST);
        harness_end(&h);
    }
}

Test(sequence, nothing_is_left_of_deleted_lists)
{
    struct harness h;

    harness_begin(&h);
    play_line(&h, "SET other value");
    size_t before = h.ks.account.used_bytes;
    push(&h, 500, 100);
    push(&h, 20, 5000);
    play_line(&h, "COPY l m");
    play_line(&h, "RENAME m n");
    play_line(&h, "DEL l n");
    while (!keyspace_free_some(&h.ks, 1000))
        ;
    cr_expect_eq(h.ks.account.used_bytes, before);
    harness_end(&h);
}

Test(sequence, a_longer_key_leaves_no_room_beside_it)
{
    struct harness h;
    char *name = play_word(15500);
    struct str argv[] = {
        str_of("rename"), str_of("l"), {name, 15500}
    };

    harness_begin(&h);
    push(&h, 9, 100);
    play_run(&h, argv, 3);
    argv[0] = str_of("lindex");
    argv[1] = argv[2];
    argv[2] = str_of("-1");
    play_run(&h, argv, 3);
    cr_expect(str_starts(buf_str(&h.said), "$100\r\nwww"));
    harness_end(&h);
    free(name);
}

/* Whether walks, changes and encodings hold in every form. */
Test(sequence, is_one_thing_in_all_forms)
{
    for (int texts_len = 10; texts_len <= 5000; texts_len *= 7) {
        struct harness h;

        harness_begin(&h);
        push(&h, 30, (size_t)texts_len);
        play_line(&h, "LSET l 3 x");
        play_line(&h, "LINSERT l AFTER x y");
        play_line(&h, "LINSERT l BEFORE x 12");
        cr_expect_str_eq(play_line(&h, "LRANGE l 3 5"), "*3\r\n$2\r\n12\r\n$1\r\nx\r\n$1\r\ny\r\n");
        cr_expect_str_eq(play_line(&h, "LPOS l y RANK -1"), ":5\r\n");
        cr_expect_str_eq(play_line(&h, "LREM l 0 x"), ":1\r\n");
        cr_expect_str_eq(play_line(&h, "LLEN l"), ":31\r\n");
        harness_end(&h);
    }
}
