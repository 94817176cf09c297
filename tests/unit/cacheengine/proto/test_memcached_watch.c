#include "cacheengine/proto/memcached_watch.h"
#include "memcached_fixture.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <sys/uio.h>

static struct mc_fixture f;
static struct client watcher;

static void open_it(void)
{
    static const char *const options[] = {"larder-memcached-watcher-buffer 512",
                                          "larder-memcached-worker-buffer 512", NULL};

    mc_open(&f, options);
    mc_ask(&f, "version\r\n");
}

static void close_it(void)
{
    engine_client_remove(&f.engine, &watcher);
    mc_close(&f);
}

TestSuite(memcached_watch, .init = open_it, .fini = close_it);

/* What waits for the watcher, as text; sent by that. */
static const char *heard(char out[4096])
{
    struct iovec pieces[64];
    size_t len = 0;
    int count = reply_gather(&watcher.reply, pieces, 64);

    for (int i = 0; i < count; i++) {
        memcpy(out + len, pieces[i].iov_base, pieces[i].iov_len);
        len += pieces[i].iov_len;
    }
    out[len] = '\0';
    reply_sent(&watcher.reply, len);
    return out;
}

static void watch(unsigned kinds)
{
    struct mc_watch *w = &mc_state_of(&f.engine)->watchers;

    engine_client_add(&f.engine, &watcher, NULL);
    w->engine = &f.engine;
    w->all[w->count++] = (struct mc_watcher){.client = &watcher, .kinds = kinds};
    w->kinds = kinds;
}

Test(memcached_watch, what_is_watched_is_told_in_its_order)
{
    char out[4096];

    watch(MC_FETCHERS | MC_MUTATIONS);
    mc_ask(&f, "set a/ 0 0 3\r\nabc\r\nget a/\r\n");
    heard(out);
    const char *miss = strstr(out, "type=item_get key=a%2F status=not_found clsid=0");
    const char *store = strstr(out, "type=item_store key=a%2F status=stored cmd=set ttl=0 clsid=1");
    const char *hit = strstr(out, "type=item_get key=a%2F status=found clsid=1");
    cr_assert(miss && store && hit && miss < store && store < hit);
    cr_assert(strstr(hit, "size=3\n"));
}

Test(memcached_watch, who_does_not_read_loses_lines_and_is_told_how_many)
{
    char out[4096];
    const struct mc_watch *w = &mc_state_of(&f.engine)->watchers;

    watch(MC_FETCHERS);
    for (int i = 0; i < 100; i++)
        mc_ask(&f, "get a\r\n");
    cr_assert_gt(w->skipped, 50);
    cr_assert_eq(w->skipped + w->sent, 100);
    cr_assert_leq(reply_pending(&watcher.reply), 1024);
    heard(out);
    mc_ask(&f, "get a\r\n");
    cr_assert(strstr(heard(out), "skipped="));
    mc_ask(&f, "get a\r\n");
    cr_assert_not(strstr(heard(out), "skipped="));
}

Test(memcached_watch, who_is_gone_watches_no_more)
{
    watch(MC_FETCHERS);
    engine_client_remove(&f.engine, &watcher);
    cr_assert_eq(mc_state_of(&f.engine)->watchers.count, 0);
    cr_assert_eq(mc_state_of(&f.engine)->watchers.kinds, 0);
    mc_ask(&f, "get a\r\n");
    engine_client_add(&f.engine, &watcher, NULL);
}

Test(memcached_watch, the_command_takes_its_words)
{
    engine_client_add(&f.engine, &watcher, NULL);
    cr_assert_str_eq(mc_ask(&f, "watch nosuch\r\n"), "ERROR\r\n");
    f.engine.settings.memcached_may_watch = false;
    cr_assert_str_eq(mc_ask(&f, "watch\r\n"), "CLIENT_ERROR watch commands not allowed\r\n");
    f.engine.settings.memcached_may_watch = true;
    cr_assert_str_eq(mc_ask(&f, "watch rawcmds evictions connevents\r\n"), "OK\r\n");
    cr_assert_eq(mc_state_of(&f.engine)->watchers.kinds, MC_EVICTIONS | MC_CONNEVENTS);
    cr_assert_str_eq(mc_ask(&f, "version\r\n"), "", "what it sends is not looked at");
}
