/* The hosts file: our lines come, change and go, and others' stay. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "controlplane/dns/dns.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define FIRST       "# Endpoints of Larder: what stands down to the mark of the end is written by it\n"
#define LAST        "# End of the endpoints of Larder\n"

static struct arena a;
static char folder[64];
static const char *path;
static struct dns *d;

static void open_fixture(void)
{
    snprintf(folder, sizeof(folder), "/tmp/larder-hosts-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    path = fs_join(&a, folder, "hosts");
}

static void close_fixture(void)
{
    dns_close(d);
    cr_expect_eq(fs_remove_tree(folder).code, ERR_OK);
    arena_fini(&a);
}

TestSuite(hosts, .init = open_fixture, .fini = close_fixture);

static void write_file(const char *text)
{
    cr_assert_eq(fs_write_atomic(path, str_of(text), 0640, FS_NO_SYNC).code, ERR_OK);
}

static void start(void)
{
    struct dns_conf conf = {.zone = "z", .hosts_file = path, .clock = &clock_system};

    cr_assert_eq(dns_open(&a, &conf, &d).code, ERR_OK);
}

static void wait_content(const char *expected)
{
    struct buf content = BUF_EMPTY;

    for (int i = 0; i < PATIENCE_MS; i++) {
        buf_clear(&content);
        struct err e = fs_read_all(path, 65536, &content);
        if (!err_failed(e) && str_is(buf_str(&content), expected))
            break;
        usleep(1000);
    }
    cr_assert_str_eq(buf_cstr(&content), expected);
    buf_fini(&content);
}

static void set(const char *name, const char *first, const char *second)
{
    const char *addresses[] = {first, second};

    cr_assert_eq(dns_upsert(d, name, addresses, second ? 2 : 1, 5).code, ERR_OK);
}

Test(hosts, others_lines_stay_and_ours_follow)
{
    struct stat now;

    write_file("127.0.0.1 localhost\n" FIRST "127.0.0.9\told.z\n" LAST "10.0.0.1 printer\n");
    start();
    set("b.z", "127.0.0.2", "::1");
    set("a.z", "127.0.0.3", NULL);
    dns_settle(d);
    wait_content("127.0.0.1 localhost\n10.0.0.1 printer\n" FIRST
                 "127.0.0.3\ta.z\n127.0.0.2\tb.z\n::1\tb.z\n" LAST);
    cr_expect_eq(stat(path, &now), 0);
    cr_expect_eq(now.st_mode & 07777, 0640);
    cr_assert_eq(dns_remove(d, "b.z").code, ERR_OK);
    wait_content("127.0.0.1 localhost\n10.0.0.1 printer\n" FIRST "127.0.0.3\ta.z\n" LAST);
}

Test(hosts, a_file_that_is_missing_is_made_and_one_without_an_end_loses_nothing)
{
    start();
    dns_settle(d);
    wait_content(FIRST LAST);
    dns_close(d);
    write_file("10.0.0.1 printer\n" FIRST "10.0.0.2 scanner");
    start();
    set("a.z", "127.0.0.3", NULL);
    dns_settle(d);
    wait_content("10.0.0.1 printer\n10.0.0.2 scanner\n" FIRST "127.0.0.3\ta.z\n" LAST);
}

/* As where a file is mounted by itself: it can be written, but no other put in its place. */
Test(hosts, a_file_that_cannot_be_replaced_is_written_over)
{
    write_file("10.0.0.1 printer with a long line that shall not be left over\n" FIRST
               "127.0.0.1\told.z\n127.0.0.2\tolder.z\n" LAST);
    cr_assert_eq(mkdir(arena_printf(&a, "%s.new", path), 0700), 0);
    start();
    dns_settle(d);
    wait_content("10.0.0.1 printer with a long line that shall not be left over\n" FIRST LAST);
}
