/* A place that takes names, refuses them for a while or forgets them, and who brings them there. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/fs.h"
#include "controlplane/dns/follower.h"

#include <criterion/criterion.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 10000

/* What was brought there, as lines "name=address,address;" in the order of the pushes. */
static struct place {
    pthread_mutex_t lock;
    char said[8192];
    atomic_int pushes, refusals;
    atomic_bool is_refusing;
} place = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct arena a;
static char folder[64];
static struct follower *f;

static struct err take(void *context, struct arena *scratch, const struct follower_name *names,
                       size_t count)
{
    struct place *p = context;

    if (atomic_load(&p->is_refusing)) {
        atomic_fetch_add(&p->refusals, 1);
        return err_make(ERR_UNAVAILABLE, "not now");
    }
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(p->said);
        len += (size_t)snprintf(p->said + len, sizeof(p->said) - len, "%s=", names[i].name);
        for (size_t k = 0; k < names[i].count; k++)
            len += (size_t)snprintf(p->said + len, sizeof(p->said) - len, "%s%s", k ? "," : "",
                                    net_addr_host_text(scratch, &names[i].addresses[k]));
        snprintf(p->said + len, sizeof(p->said) - len, ";");
    }
    pthread_mutex_unlock(&p->lock);
    atomic_fetch_add(&p->pushes, 1);
    return OK;
}

static struct follower_conf conf_of(void)
{
    return (struct follower_conf){
        .what = "a place",
        .context = &place,
        .push = take,
        .names_max = 10,
        .addresses_max = 10,
        .memory = fs_join(&a, folder, "names"),
    };
}

static void start(const struct follower_conf *conf)
{
    struct err e = follower_start(&a, conf, &f);

    cr_assert_eq(e.code, ERR_OK, "%s", e.why);
}

static void open_fixture(void)
{
    snprintf(folder, sizeof(folder), "/tmp/larder-follower-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void close_fixture(void)
{
    follower_stop(f);
    cr_expect_eq(fs_remove_tree(folder).code, ERR_OK);
    arena_fini(&a);
}

TestSuite(follower, .init = open_fixture, .fini = close_fixture);

static void set(const char *name, const char *address)
{
    struct net_addr parsed;

    if (address)
        cr_assert(net_addr_parse_host(str_of(address), &parsed));
    follower_set(f, name, &parsed, address ? 1 : 0, 5);
}

static bool has_said(const char *text)
{
    pthread_mutex_lock(&place.lock);
    bool has = strstr(place.said, text) != NULL;
    pthread_mutex_unlock(&place.lock);
    return has;
}

static void wait_said(const char *text)
{
    for (int i = 0; i < PATIENCE_MS && !has_said(text); i++)
        usleep(1000);
    cr_assert(has_said(text), "never \"%s\" in \"%s\"", text, place.said);
}

static void forget(void)
{
    pthread_mutex_lock(&place.lock);
    place.said[0] = '\0';
    pthread_mutex_unlock(&place.lock);
}

static bool memory_has(const char *line)
{
    scoped(buf_fini) struct buf content = BUF_EMPTY;

    cr_assert_eq(fs_read_all(fs_join(&a, folder, "names"), 65536, &content).code, ERR_OK);
    return strstr(buf_cstr(&content), line) != NULL;
}

Test(follower, brings_what_changed_and_nothing_twice)
{
    struct follower_conf conf = conf_of();

    start(&conf);
    set("a", "127.0.0.1");
    wait_said("a=127.0.0.1;");
    set("a", "127.0.0.1");
    set("b", "::1");
    wait_said("b=::1;");
    set("a", "127.0.0.2");
    wait_said("a=127.0.0.2;");
    set("a", NULL);
    wait_said("a=;");
    set("a", NULL);
    set("never", NULL);
    set("c", "127.0.0.3");
    wait_said("c=127.0.0.3;");
    cr_expect_str_eq(place.said, "a=127.0.0.1;b=::1;a=127.0.0.2;a=;c=127.0.0.3;");
}

Test(follower, a_place_that_was_away_gets_everything_again)
{
    struct follower_conf conf = conf_of();

    start(&conf);
    set("a", "127.0.0.1");
    wait_said("a=127.0.0.1;");
    atomic_store(&place.is_refusing, true);
    set("b", "127.0.0.2");
    set("b", "127.0.0.3");
    for (int i = 0; i < PATIENCE_MS && atomic_load(&place.refusals) < 2; i++)
        usleep(1000);
    cr_assert_geq(atomic_load(&place.refusals), 2, "it is tried again");
    forget();
    atomic_store(&place.is_refusing, false);
    wait_said("b=127.0.0.3;");
    wait_said("a=127.0.0.1;");
}

Test(follower, a_place_is_told_everything_now_and_then)
{
    struct follower_conf conf = conf_of();

    conf.refresh_ms = 20;
    start(&conf);
    set("a", "127.0.0.1");
    wait_said("a=127.0.0.1;a=127.0.0.1;");
}

Test(follower, pushes_have_their_limits)
{
    struct follower_conf conf = conf_of();
    struct net_addr many[30];
    char name[16];

    for (size_t i = 0; i < countof(many); i++)
        cr_assert(net_addr_parse_host(str_of("127.0.0.9"), &many[i]));
    start(&conf);
    atomic_store(&place.is_refusing, true);
    set("a", "127.0.0.1");
    for (int i = 0; i < PATIENCE_MS && atomic_load(&place.refusals) < 1; i++)
        usleep(1000);
    for (int i = 0; i < 24; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        set(name, "127.0.0.1");
    }
    follower_set(f, "many", many, countof(many), 5);
    atomic_store(&place.is_refusing, false);
    for (int i = 0; i < 24; i++) {
        snprintf(name, sizeof(name), "n%d=", i);
        wait_said(name);
    }
    wait_said("many=127.0.0.9,");
    cr_expect_geq(atomic_load(&place.pushes), 4, "26 names, one of them alone");
}

Test(follower, names_of_a_program_that_died_are_taken_back_once_all_are_known)
{
    struct follower_conf conf = conf_of();

    start(&conf);
    set("stays", "127.0.0.1");
    set("goes", "127.0.0.2");
    wait_said("stays=127.0.0.1;");
    wait_said("goes=127.0.0.2;");
    follower_stop(f);
    cr_expect(memory_has("+stays\n"));
    cr_expect(memory_has("+goes\n"));
    forget();

    start(&conf);
    set("stays", "127.0.0.1");
    wait_said("stays=127.0.0.1;");
    cr_expect_not(has_said("goes"));
    follower_settle(f);
    wait_said("goes=;");
    follower_stop(f);
    cr_expect(memory_has("-goes\n"));
    forget();

    start(&conf);
    follower_settle(f);
    wait_said("stays=;");
    cr_expect_not(has_said("goes"));
}

Test(follower, a_torn_memory_is_read_as_far_as_it_makes_sense)
{
    struct follower_conf conf = conf_of();

    cr_assert_eq(fs_write_atomic(conf.memory, str_of("+a.z\n\n+\n*b.z\n+c d\n+e.z\n-e.z\n+f"), 0600,
                                 FS_NO_SYNC)
                     .code,
                 ERR_OK);
    start(&conf);
    follower_settle(f);
    wait_said("a.z=;");
    wait_said("f=;");
    cr_expect_eq(strlen(place.said), strlen("a.z=;f=;"), "%s", place.said);
}

Test(follower, a_whole_place_waits_until_all_are_known_and_always_gets_all)
{
    struct follower_conf conf = conf_of();

    conf.names_max = 0;
    conf.memory = NULL;
    start(&conf);
    set("a", "127.0.0.1");
    set("b", "127.0.0.2");
    usleep(20000); /* long enough for a push that must not be; a slow machine lets it pass, never
                      fail */
    cr_expect_str_eq(place.said, "");
    follower_settle(f);
    wait_said("a=127.0.0.1;");
    wait_said("b=127.0.0.2;");
    forget();
    set("b", NULL);
    wait_said("b=;");
    wait_said("a=127.0.0.1;");
    forget();
    set("c", "127.0.0.3");
    wait_said("c=127.0.0.3;");
    wait_said("a=127.0.0.1;");
    cr_expect_not(has_said("b="));
}

Test(follower, an_empty_whole_place_is_told_that_there_is_nothing)
{
    struct follower_conf conf = conf_of();

    conf.names_max = 0;
    conf.memory = NULL;
    start(&conf);
    follower_settle(f);
    for (int i = 0; i < PATIENCE_MS && atomic_load(&place.pushes) < 1; i++)
        usleep(1000);
    cr_expect_eq(atomic_load(&place.pushes), 1);
}

static bool may_push(void *context)
{
    const atomic_bool *may = context;
    return atomic_load(may);
}

Test(follower, who_may_not_tell_tells_nothing)
{
    static atomic_bool may;
    struct follower_conf conf = conf_of();

    conf.may_push = may_push;
    conf.may_push_context = &may;
    start(&conf);
    set("a", "10.0.0.1");
    usleep(50000);
    cr_assert_not(has_said("a="));
    atomic_store(&may, true);
    wait_said("a=10.0.0.1;");
}
