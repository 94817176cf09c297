/* Setting TLS up with the loop; what clients see of it is in tests/conformance/test_tls.py. */
#include "cacheengine/dispatch/host.h"
#include "net_fixture.h"
#include "tls_fixture.h"

Test(secure, a_loop_without_a_certificate_does_not_open)
{
    struct net_fixture n;
    const char *const options[] = {"larder-tls-mode required", NULL};

    net_configure(&n, options);
    struct err e = loop_open(&n.loop, &n.engine, &n.a);
    cr_assert(err_failed(e));
    cr_assert_str_eq(e.why, "No tls-cert-file configured!");
    loop_close(&n.loop);
    engine_fini(&n.engine);
    arena_fini(&n.a);
    rmdir(n.dir);
}

Test(secure, certificates_can_come_and_change_while_it_runs)
{
    struct tls_fixture f;
    struct net_fixture n;

    tls_begin(&f);
    net_configure(&n, NULL);
    cr_assert_not(err_failed(loop_open(&n.loop, &n.engine, &n.a)));
    cr_assert_null(n.loop.tls);
    cr_assert_not(err_failed(loop_secure(&n.loop, &n.a)));
    cr_assert_null(n.loop.tls);
    struct settings plain = n.engine.settings;
    n.engine.settings = f.settings;
    n.engine.settings.bind = plain.bind;
    cr_assert_not(err_failed(loop_secure(&n.loop, &n.a)));
    cr_assert(n.loop.tls);
    n.engine.settings.tls_key_file = f.settings.tls_ca_file;
    cr_assert(err_failed(n.engine.host->retune_tls(&n.engine, &n.a)));
    n.engine.settings = plain;
    loop_close(&n.loop);
    engine_fini(&n.engine);
    arena_fini(&n.a);
    rmdir(n.dir);
    tls_end(&f);
}
