#include "cacheengine/dispatch/config.h"
#include "cacheengine/keyspace/settings.h"
#include "cacheengine/proto/memcached_options.h"

#include <criterion/criterion.h>

static struct arena a;
static struct config config;
static struct settings settings;
static struct mc_options options;

static void open_it(void)
{
    arena_init(&a);
    config_init(&config, &settings);
}

static void close_it(void)
{
    config_fini(&config);
    arena_fini(&a);
}

TestSuite(memcached_options, .init = open_it, .fini = close_it);

/* Reads a command line of words with blanks between them. */
static struct err read_line(const char *line)
{
    struct str rest = str_of(line);
    char *argv[32];
    int argc = 0;

    while (rest.len > 0)
        argv[argc++] = str_dup(&a, str_cut(&rest, ' '));
    argv[argc] = NULL;
    return mc_options_read(&config, &a, argc, argv, &options);
}

static bool is_refused(const char *line)
{
    return err_failed(read_line(line));
}

Test(memcached_options, without_any_it_is_as_memcached)
{
    cr_assert_not(is_refused("memcached"));
    cr_assert_eq(settings.protocol, PROTOCOL_MEMCACHED);
    cr_assert_eq(settings.port, 11211);
    cr_assert_eq(settings.max_memory, 64 << 20);
    cr_assert_eq(settings.max_clients, 1024);
    cr_assert_eq(settings.evict_policy, EVICT_ALLKEYS_LRU);
    cr_assert_eq(settings.memcached_item_max, 1 << 20);
    cr_assert_not(settings.memcached_sets_clock);
}

Test(memcached_options, options_become_directives)
{
    cr_assert_not(is_refused("larder-engine --memcached -p 7 -m 100 -M -c 9 -I 512k -C -F -vvv -A "
                             "--listen=127.0.0.1,[::1]:8 -u nobody -o no_modern,idle_timeout=4 -d "
                             "-o no_lru_crawler,worker_logbuf_size=9"));
    cr_assert_eq(settings.port, 8);
    cr_assert_eq(settings.max_memory, 100 << 20);
    cr_assert_eq(settings.evict_policy, EVICT_NONE);
    cr_assert_eq(settings.max_clients, 9);
    cr_assert_eq(settings.memcached_item_max, 512 << 10);
    cr_assert_not(settings.memcached_has_cas);
    cr_assert_not(settings.memcached_may_flush);
    cr_assert_eq(settings.memcached_verbosity, 2);
    cr_assert_eq(settings.idle_timeout_s, 4);
    cr_assert_not(settings.memcached_has_crawler);
    cr_assert_eq(settings.memcached_worker_buffer, 9 << 10);
    cr_assert_str_eq(settings.bind, "127.0.0.1 ::1");
    cr_assert_str_eq(options.user, "nobody");
    cr_assert(options.is_daemon);
}

Test(memcached_options, what_makes_no_sense_is_refused_with_the_reason)
{
    static const char *const lines[] = {
        "memcached -B http",
        "memcached -c 0",
        "memcached -t 0",
        "memcached -I 1000",
        "memcached -I 40m",
        "memcached -o nosuch",
        "memcached -S -B auto",
        "memcached -o ext_path=x",
        "memcached -x",
        "memcached -I 64k -o slab_chunk_max=48k",
        "memcached -o idle_timeout",
    };

    for (size_t i = 0; i < countof(lines); i++)
        cr_assert(is_refused(lines[i]), "%s", lines[i]);
}

Test(memcached_options, a_debug_build_is_known_by_its_name)
{
    cr_assert_not(is_refused("/tmp/memcached-debug -s /tmp/sock"));
    cr_assert(settings.memcached_sets_clock);
    cr_assert_eq(settings.port, 0);
    cr_assert_str_eq(settings.unix_socket, "/tmp/sock");
}

Test(memcached_options, it_is_meant_by_name_or_by_word)
{
    cr_assert(mc_options_are_meant(1, (char *[]){"/usr/bin/memcached", NULL}));
    cr_assert(mc_options_are_meant(2, (char *[]){"larder-engine", "--memcached", NULL}));
    cr_assert_not(mc_options_are_meant(2, (char *[]){"larder-engine", "--port", NULL}));
}
