#include "base/fs.h"
#include "controlplane/vault/kept.h"

#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "10112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static char path[] = "/tmp/larder-kept-XXXXXX";

static void begin(void)
{
    close(mkstemp(path));
}

static void end(void)
{
    unlink(path);
}

TestSuite(kept, .init = begin, .fini = end);

/* So many bytes of which each is told from its neighbours, in pieces of that length. */
static void write_file(size_t len, size_t piece)
{
    char *text = malloc(len + 1);
    struct kept_writer *w;

    for (size_t i = 0; i < len; i++)
        text[i] = (char)(i % 251);
    cr_assert_not(err_failed(kept_writer_open(open(path, O_RDWR | O_TRUNC), KEY, &w)));
    for (size_t at = 0; at < len; at += piece)
        cr_assert_not(err_failed(
            kept_writer_add(w, (struct str){text + at, len - at < piece ? len - at : piece})));
    cr_assert_not(err_failed(kept_writer_end(w)));
    kept_writer_close(w);
    free(text);
}

static struct err open_file(struct kept_file *f, const char *key, size_t len)
{
    return kept_file_open(f, open(path, O_RDWR), key, (int64_t)len);
}

static void expect_bytes(struct kept_file *f, size_t from, size_t max, size_t expected)
{
    unsigned char *room = malloc(max + 1);
    size_t got;

    cr_assert_not(err_failed(kept_file_read(f, (int64_t)from, room, max, &got)));
    cr_assert_eq(got, expected, "%zu from %zu", got, from);
    for (size_t i = 0; i < got; i++)
        cr_assert_eq(room[i], (from + i) % 251);
    free(room);
}

Test(kept, what_was_written_is_read_from_anywhere)
{
    static const size_t lengths[] = {1, SEAL_CHUNK_BYTES, 3 * SEAL_CHUNK_BYTES + 17};
    static const size_t pieces[] = {1000, SEAL_CHUNK_BYTES, 512 * 1024};

    for (size_t i = 0; i < countof(lengths) * countof(pieces); i++) {
        size_t len = lengths[i / countof(pieces)];
        struct kept_file f;
        write_file(len, pieces[i % countof(pieces)]);
        cr_assert_not(err_failed(open_file(&f, KEY, len)));
        expect_bytes(&f, 0, len + 1, len);
        expect_bytes(&f, len, 10, 0);
        expect_bytes(&f, len - 1, 10, 1);
        expect_bytes(&f, len / 2, 10, len - len / 2 < 10 ? len - len / 2 : 10);
        for (size_t at = 0; at < len; at += 40000) /* each goes on where the last one ended */
            expect_bytes(&f, at, 40000, len - at < 40000 ? len - at : 40000);
        kept_file_close(&f);
    }
}

Test(kept, the_disk_has_nothing_of_it_and_changes_are_found_out)
{
    char *text = calloc(1, 200000);
    struct kept_file f;
    char room[16];
    size_t got;

    write_file(100000, 4096);
    int fd = open(path, O_RDWR);
    ssize_t len = read(fd, text, 200000);
    for (ssize_t i = 0; i + 8 < len; i++)
        cr_assert_neq(memcmp(text + i, "\x10\x11\x12\x13\x14\x15\x16\x17", 8), 0);
    text[70000] ^= 1; /* in the second chunk */
    cr_assert_eq(pwrite(fd, text + 70000, 1, 70000), 1);
    close(fd);
    cr_assert_not(err_failed(open_file(&f, KEY, 100000)));
    expect_bytes(&f, 0, 1000, 1000);
    cr_assert(err_is(kept_file_read(&f, 70000, room, sizeof(room), &got), ERR_CORRUPT));
    expect_bytes(&f, 1000, 1000, 1000);
    kept_file_close(&f);
    cr_assert(err_is(open_file(&f, OTHER, 100000), ERR_DENIED));
    free(text);
}

Test(kept, files_from_before_are_plain)
{
    struct kept_file f;
    char room[16] = "";
    size_t got;

    cr_assert_not(err_failed(fs_write_atomic(path, STR("abcdef"), 0600, FS_NO_SYNC)));
    cr_assert_not(err_failed(open_file(&f, "", 6)));
    cr_assert_not(err_failed(kept_file_read(&f, 2, room, sizeof(room), &got)));
    cr_assert_str_eq(room, "cdef");
    cr_assert_eq(got, 4);
    kept_file_close(&f);
    cr_assert_not(err_failed(open_file(&f, "", 9)));
    cr_assert(err_is(kept_file_read(&f, 2, room, sizeof(room), &got), ERR_CORRUPT));
    kept_file_close(&f);
}
