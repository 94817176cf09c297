/* Contexts: what is refused, and that a refused change changes nothing. */
#include "tls_fixture.h"

static struct err try_open(struct tls_fixture *f)
{
    struct tls *tls = NULL;
    struct err e = tls_open(&f->settings, &f->a, &tls);

    tls_close(tls);
    return e;
}

Test(tls, is_wanted_where_a_setting_asks_for_it)
{
    struct settings s = {0};

    cr_assert_not(tls_is_wanted(&s));
    s.tls_port = 1;
    cr_assert(tls_is_wanted(&s));
    s = (struct settings){.tls_mode = TLS_PREFERRED};
    cr_assert(tls_is_wanted(&s));
    s = (struct settings){.tls_replication = true};
    cr_assert(tls_is_wanted(&s));
}

Test(tls, works_after_a_rest)
{
    struct tls_fixture f;
    struct transport a, b;
    struct tls *tls;

    tls_rest();
    tls_begin(&f);
    cr_assert_not(err_failed(tls_open(&f.settings, &f.a, &tls)));
    tls_rest();
    tls_pair(tls, &a, &b);
    cr_assert(tls_shake(&a, &b));
    transport_close(&a);
    transport_close(&b);
    tls_close(tls);
    tls_end(&f);
}

Test(tls, what_cannot_serve_is_refused_with_the_reason)
{
    static const struct {
        const char *lines, *why;
    } cases[] = {
        {"tls-cert-file ''",                          "No tls-cert-file"           },
        {"tls-key-file ''",                           "No tls-key-file"            },
        {"tls-cert-file %s/none.crt",                 "none.crt"                   },
        {"tls-key-file %s/two.key",                   "mismatch"                   },
        {"tls-cert-file %s/one.key",                  "certificate '"              },
        {"tls-ca-cert-file %s/none",                  "certificate authority"      },
        {"tls-ca-cert-file ''\ntls-auth-clients yes", "Either tls-ca-cert-file"    },
        {"tls-ca-cert-file ''\ntls-replication yes",  "Either tls-ca-cert-file"    },
        {"tls-protocols 'TLSv1.2 SSLv3'",             "use a combination"          },
        {"tls-ciphers nonsense",                      "tls-ciphers 'nonsense'"     },
        {"tls-ciphersuites nonsense",                 "tls-ciphersuites 'nonsense'"},
        {"tls-dh-params-file %s/one.key",             "tls-dh-params-file"         },
    };

    for (size_t i = 0; i < countof(cases); i++) {
        struct tls_fixture f;

        tls_begin(&f);
        cr_assert_not(err_failed(try_open(&f)));
        tls_set(&f, cases[i].lines);
        struct err e = try_open(&f);
        cr_assert(err_failed(e), "%s", cases[i].lines);
        cr_assert(strstr(e.why, cases[i].why), "%s: %s", cases[i].lines, e.why);
        tls_end(&f);
    }
}

Test(tls, a_refused_change_leaves_the_old_certificate_in_use)
{
    struct transport a, b;
    struct tls_fixture f;
    struct tls *tls;
    char name[TLS_NAME_BYTES];

    tls_begin(&f);
    cr_assert_not(err_failed(tls_open(&f.settings, &f.a, &tls)));
    tls_set(&f, "tls-cert-file %s/two.crt");
    cr_assert(err_failed(tls_reload(tls, &f.settings, &f.a)));
    tls_pair(tls, &a, &b);
    cr_assert(tls_shake(&a, &b));
    cr_assert(tls_session_peer_name(b.session, name));
    cr_assert_str_eq(name, "one");
    transport_close(&a);
    transport_close(&b);
    tls_close(tls);
    tls_end(&f);
}

Test(tls, a_changed_certificate_is_shown_to_new_sessions_and_old_ones_go_on)
{
    struct transport a, b, c, d;
    struct tls_fixture f;
    struct tls *tls;
    char name[TLS_NAME_BYTES], got[4] = {0};

    tls_begin(&f);
    cr_assert_not(err_failed(tls_open(&f.settings, &f.a, &tls)));
    tls_pair(tls, &a, &b);
    cr_assert(tls_shake(&a, &b));
    tls_set(&f, "tls-cert-file %s/two.crt\ntls-key-file %s/two.key\ntls-ca-cert-file %s/two.crt");
    cr_assert_not(err_failed(tls_reload(tls, &f.settings, &f.a)));
    tls_pair(tls, &c, &d);
    cr_assert(tls_shake(&c, &d));
    cr_assert(tls_session_peer_name(d.session, name));
    cr_assert_str_eq(name, "two");
    cr_assert_eq(transport_writev(&a, &(struct iovec){"old", 3}, 1), 3);
    cr_assert_eq(transport_read(&b, got, 3), 3);
    cr_assert_str_eq(got, "old");
    struct transport *all[] = {&a, &b, &c, &d};
    for (size_t i = 0; i < countof(all); i++)
        transport_close(all[i]);
    tls_close(tls);
    tls_end(&f);
}

Test(tls, an_outgoing_end_checks_whom_it_meets)
{
    static const struct {
        const char *lines;
        bool succeeds;
    } cases[] = {
        {"",                            true },
        {"tls-ca-cert-file %s/two.crt", false}, /* another authority */
        {"larder-tls-check-host yes",   false}, /* the certificate is of "one" */
    };

    for (size_t i = 0; i < countof(cases); i++) {
        struct transport a, b;
        struct tls_fixture f;
        struct tls *tls;

        tls_begin(&f);
        tls_set(&f, cases[i].lines);
        cr_assert_not(err_failed(tls_open(&f.settings, &f.a, &tls)));
        tls_pair(tls, &a, &b);
        cr_assert_eq(tls_shake(&a, &b), cases[i].succeeds, "%s", cases[i].lines);
        if (!cases[i].succeeds)
            cr_assert(strlen(transport_why(&b)) > 0);
        transport_close(&a);
        transport_close(&b);
        tls_close(tls);
        tls_end(&f);
    }
}

Test(tls, without_an_authority_nothing_goes_out)
{
    struct tls_fixture f;
    struct transport t;
    struct tls *tls;

    tls_begin(&f);
    tls_set(&f, "tls-ca-cert-file ''");
    cr_assert_not(err_failed(tls_open(&f.settings, &f.a, &tls)));
    cr_assert(err_failed(transport_connect(&t, -1, tls, "somewhere.test")));
    tls_close(tls);
    tls_end(&f);
}
