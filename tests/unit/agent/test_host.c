#include "agent/host.h"
#include "base/arena.h"
#include "base/fs.h"
#include "base/rng.h"
#include "contract/agent.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena arena;
static struct rng rng;
static char folder[64];

static void begin(void)
{
    strcpy(folder, "/tmp/larder-host-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    rng_seed_system(&rng);
}

static void end(void)
{
    cr_assert_not(err_failed(fs_remove_tree(folder)));
}

TestSuite(host, .init = begin, .fini = end);

Test(host, the_id_stays_and_the_incarnation_does_not)
{
    const struct host_options options = {
        .state_dir = folder, .region = "eu-west-1", .pool = "127.1.0.0/16"};
    struct agent_host one, two;

    cr_assert_not(err_failed(host_describe(&arena, &rng, &options, &one)));
    cr_assert_not(err_failed(host_describe(&arena, &rng, &options, &two)));
    cr_assert_str_eq(one.host_id, two.host_id);
    cr_assert_str_neq(one.incarnation, two.incarnation);
    cr_assert_eq(strlen(one.host_id), 36);
}

Test(host, what_is_not_given_is_found_out)
{
    const struct host_options options = {
        .state_dir = folder, .region = "eu-west-1", .pool = "127.1.0.0/16"};
    struct agent_host found;
    char name[256];

    cr_assert_not(err_failed(host_describe(&arena, &rng, &options, &found)));
    cr_assert_eq(gethostname(name, sizeof(name)), 0);
    cr_assert_str_eq(found.name, name);
    cr_assert_str_eq(found.zone, "eu-west-1a");
    cr_assert_eq(found.memory_bytes.value, host_memory_bytes());
    cr_assert_gt(found.memory_bytes.value, 64 << 20);
    cr_assert_geq(found.v_cpus.value, 1);
}

Test(host, what_is_given_holds)
{
    const struct host_options options = {.state_dir = folder,
                                         .region = "eu-west-1",
                                         .zone = "eu-west-1c",
                                         .name = "h7",
                                         .pool = "127.1.0.0/16",
                                         .memory_bytes = 123,
                                         .vcpus = 9};
    struct agent_host given;

    cr_assert_not(err_failed(host_describe(&arena, &rng, &options, &given)));
    cr_assert_str_eq(given.zone, "eu-west-1c");
    cr_assert_str_eq(given.name, "h7");
    cr_assert(given.memory_bytes.value == 123 && given.v_cpus.value == 9);
}

Test(host, a_damaged_id_is_not_replaced_in_silence)
{
    static const char *const bad[] = {"", "x", "00000000-0000-0000-0000-00000000000Z"};
    const struct host_options options = {
        .state_dir = folder, .region = "eu-west-1", .pool = "127.1.0.0/16"};
    struct agent_host host;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *path = fs_join(&arena, folder, "host-id");
        cr_assert_not(err_failed(fs_write_atomic(path, str_of(bad[i]), 0600, FS_NO_SYNC)));
        struct err e = host_describe(&arena, &rng, &options, &host);
        cr_expect(err_is(e, ERR_CORRUPT), "%s", bad[i]);
        cr_expect_not_null(strstr(e.why, "host-id"));
    }
}

Test(host, the_state_directory_belongs_to_one_agent)
{
    int first = -1, second = -1;

    cr_assert_not(err_failed(host_lock(&arena, folder, &first)));
    struct err e = host_lock(&arena, folder, &second);
    cr_assert(err_is(e, ERR_CONFLICT));
    cr_assert_not_null(strstr(e.why, arena_printf(&arena, "(pid %d)", (int)getpid())), "%s", e.why);
    fd_close(&first);
    cr_assert_not(err_failed(host_lock(&arena, folder, &second)));
    fd_close(&second);
    cr_assert(err_is(host_lock(&arena, "/nonexistent", &second), ERR_IO));
}
