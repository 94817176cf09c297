/* Command lines and the files that they name. */
#include "base/arena.h"
#include "base/fs.h"
#include "controlplane/commandline/options.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena a;
static char folder[64];

static void open_fixture(void)
{
    snprintf(folder, sizeof(folder), "/tmp/larder-options-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void close_fixture(void)
{
    cr_expect_eq(fs_remove_tree(folder).code, ERR_OK);
    arena_fini(&a);
}

TestSuite(options, .init = open_fixture, .fini = close_fixture);

/* A file of this content. */
static const char *file_of(const char *content)
{
    static int count;
    const char *path = fs_join(&a, folder, arena_printf(&a, "f%d", count++));

    cr_assert_eq(fs_write_atomic(path, str_of(content), 0600, FS_NO_SYNC).code, ERR_OK);
    return path;
}

/* Up to two flags with their values; NULL for none. */
static struct err check_line(const char *flag, const char *value, const char *other,
                             const char *its_value, struct options *out)
{
    char *argv[8] = {"larderd", "--state-dir", "/s"};
    int argc = 3, status;
    const char *words[] = {flag, value, other, its_value};

    for (size_t i = 0; i < countof(words); i++)
        if (words[i])
            argv[argc++] = arena_strdup(&a, words[i]);
    cr_assert(options_read(&a, argc, argv, out, &status));
    return options_check(&a, out);
}

Test(options, little_has_to_be_given)
{
    struct options o;

    cr_assert_eq(check_line(NULL, NULL, NULL, NULL, &o).code, ERR_OK);
    cr_expect_str_eq(o.state_dir, "/s");
    cr_expect_str_eq(o.listen, "127.0.0.1:9379");
    cr_expect_eq(o.cpu_overcommit, 32);
    cr_expect_str_eq(o.auth, "scoped");
    cr_expect_str_eq(o.account, "000000000000");
    cr_expect_eq(o.regions.count, 1);
    cr_expect_str_eq(o.regions.items[0], "us-east-1");
    cr_expect_null(o.token);
    cr_expect_eq(o.keys.count, 0);
    cr_expect_eq(o.declared_network.len, 0);
}

Test(options, files_are_read)
{
    struct options o;

    cr_assert_eq(check_line("--token-file", file_of("  a-token-of-20-letters\n"), "--keys-file",
                            file_of("# who\nAKIA1 secret1\n\n AKIA2   secret2 \n"), &o)
                     .code,
                 ERR_OK);
    cr_expect_str_eq(o.token, "a-token-of-20-letters");
    cr_assert_eq(o.keys.count, 2);
    cr_expect_str_eq(o.keys.items[1].access_key, "AKIA2");
    cr_expect_str_eq(o.keys.items[1].secret, "secret2");
    cr_assert_eq(
        check_line("--network-file", file_of("{}"), "--region", "us-east-1, eu-west-1", &o).code,
        ERR_OK);
    cr_expect(str_is(o.declared_network, "{}"));
    cr_assert_eq(o.regions.count, 2);
    cr_expect_str_eq(o.regions.items[1], "eu-west-1");
}

Test(options, what_is_wrong_is_named)
{
    const struct {
        const char *flag, *value, *other, *its_value, *why;
    } rows[] = {
        {"--region",           "US East",        NULL,           NULL,     "--region US East: give names"       },
        {"--region",           "a,a",            NULL,           NULL,     "--region a,a: a stands twice"       },
        {"--region",           "a,,b",           NULL,           NULL,     "--region a,,b: give names"          },
        {"--account",          "12",             NULL,           NULL,     "--account 12: an account has twelve"},
        {"--account",          "00000000000x",   NULL,           NULL,     "--account 00000000000x: "           },
        {"--listen",           "localhost:9379", NULL,           NULL,     "--listen localhost:9379: give"      },
        {"--listen",           "0.0.0.0:0",      "--auth",       "open",   "--auth open is for loopback"        },
        {"--listen",           "0.0.0.0:0",      "--iam-tokens", "scoped", "--iam-tokens scoped is for"         },
        {"--log-dir",          "here",           NULL,           NULL,     "--log-dir here: give an absolute"   },
        {"--token-file",       "/nonexistent",   NULL,           NULL,     "--token-file /nonexistent: "        },
        {"--token-file",       "/dev/null",      NULL,           NULL,     "--token-file /dev/null: a token has"},
        {"--keys-file",        file_of("AKIA1"), NULL,           NULL,     "--keys-file /tmp/"                  },
        {"--keys-file",        file_of("a b c"), NULL,           NULL,     "--keys-file /tmp/"                  },
        {"--topics",           file_of("{"),     NULL,           NULL,     "--topics /tmp/"                     },
        {"--buckets",          file_of("{"),     NULL,           NULL,     "--buckets /tmp/"                    },
        {"--log-destinations", file_of("{"),     NULL,           NULL,     "--log-destinations /tmp/"           },
        {"--network-file",     "/nonexistent",   NULL,           NULL,     "--network-file /nonexistent: "      },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct options o;
        struct err e =
            check_line(rows[i].flag, rows[i].value, rows[i].other, rows[i].its_value, &o);
        cr_expect_eq(e.code, ERR_INVALID, "%s %s", rows[i].flag, rows[i].value);
        cr_expect(e.why && strncmp(e.why, rows[i].why, strlen(rows[i].why)) == 0, "%s", e.why);
    }
}

Test(options, quotas_are_the_usual_ones_but_for_those_that_are_named)
{
    struct options o;

    cr_assert_eq(check_line(NULL, NULL, NULL, NULL, &o).code, ERR_OK);
    cr_expect_eq(o.quotas.shards_per_group, quotas_usual.shards_per_group);
    cr_assert_eq(check_line("--quota", "shards-per-group=500", NULL, NULL, &o).code, ERR_OK);
    cr_expect_eq(o.quotas.shards_per_group, 500);
    cr_expect_eq(o.quotas.nodes_per_group, quotas_usual.nodes_per_group);
    struct err e = check_line("--quota", "shards-per-group=5000", NULL, NULL, &o);
    cr_assert_eq(e.code, ERR_INVALID);
    cr_expect_not_null(strstr(e.why, "--quota shards-per-group=5000: "));
}
