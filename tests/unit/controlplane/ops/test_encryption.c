#include "contract/faults.h"
#include "controlplane/ops/encryption.h"
#include "world.h"

#include <criterion/criterion.h>

TestSuite(encryption, .init = world_open, .fini = world_close, .timeout = 60);

#define NOT_GIVEN ((struct opt_bool){0})

static const struct engine_version *version(const char *engine, const char *reported)
{
    const struct engine_version *v = engine_version_reported(engine, reported);

    cr_assert_not_null(v, "%s %s", engine, reported);
    return v;
}

Test(encryption, versions_say_what_can_be_chosen)
{
    const struct {
        const char *engine, *reported;
        struct opt_bool enabled;
        const char *mode;
        int result; /* an enum tls_mode; -1: refused */
    } rows[] = {
        {"redis",     "7.1.0",  NOT_GIVEN,      NULL,        TLS_OFF      },
        {"redis",     "7.1.0",  BOOL_OF(false), NULL,        TLS_OFF      },
        {"redis",     "7.1.0",  BOOL_OF(true),  NULL,        TLS_REQUIRED },
        {"redis",     "7.1.0",  BOOL_OF(true),  "required",  TLS_REQUIRED },
        {"redis",     "7.1.0",  BOOL_OF(true),  "preferred", TLS_PREFERRED},
        {"redis",     "7.1.0",  NOT_GIVEN,      "preferred", -1           },
        {"redis",     "6.2.6",  BOOL_OF(true),  NULL,        TLS_REQUIRED },
        {"redis",     "6.2.6",  BOOL_OF(true),  "preferred", -1           },
        {"valkey",    "7.2.6",  BOOL_OF(true),  "preferred", TLS_PREFERRED},
        {"memcached", "1.6.6",  BOOL_OF(true),  NULL,        -1           },
        {"memcached", "1.6.12", BOOL_OF(true),  NULL,        TLS_REQUIRED },
    };
    struct call c = world_call();

    for (size_t i = 0; i < countof(rows); i++) {
        enum tls_mode mode = TLS_OFF;
        struct err e = encryption_choose(&c, rows[i].enabled, rows[i].mode,
                                         version(rows[i].engine, rows[i].reported), &mode);
        if (rows[i].result < 0)
            cr_expect_eq(e.code, FAULT_INVALID_PARAMETER_COMBINATION, "row %zu", i);
        else
            cr_expect(!err_failed(e) && (int)mode == rows[i].result, "row %zu", i);
    }
}

Test(encryption, a_change_goes_one_step_at_a_time)
{
    const struct {
        enum tls_mode now;
        struct opt_bool enabled;
        const char *mode;
        int result; /* an enum tls_mode; -1: refused */
    } rows[] = {
        {TLS_OFF,       NOT_GIVEN,      NULL,        TLS_OFF      },
        {TLS_OFF,       BOOL_OF(false), NULL,        TLS_OFF      },
        {TLS_OFF,       BOOL_OF(true),  NULL,        -1           },
        {TLS_OFF,       BOOL_OF(true),  "required",  -1           },
        {TLS_OFF,       NOT_GIVEN,      "preferred", -1           },
        {TLS_OFF,       BOOL_OF(true),  "preferred", TLS_PREFERRED},
        {TLS_PREFERRED, NOT_GIVEN,      "required",  TLS_REQUIRED },
        {TLS_PREFERRED, BOOL_OF(false), NULL,        TLS_OFF      },
        {TLS_REQUIRED,  BOOL_OF(true),  NULL,        TLS_REQUIRED },
        {TLS_REQUIRED,  NOT_GIVEN,      "preferred", TLS_PREFERRED},
        {TLS_REQUIRED,  BOOL_OF(false), NULL,        -1           },
    };
    struct call c = world_call();
    enum tls_mode mode;

    for (size_t i = 0; i < countof(rows); i++) {
        struct err e = encryption_change(&c, rows[i].enabled, rows[i].mode,
                                         version("redis", "7.1.0"), rows[i].now, &mode);
        if (rows[i].result < 0)
            cr_expect_eq(e.code, FAULT_INVALID_PARAMETER_COMBINATION, "row %zu", i);
        else
            cr_expect(!err_failed(e) && (int)mode == rows[i].result, "row %zu", i);
    }
    expect(encryption_change(&c, BOOL_OF(true), "preferred", version("redis", "6.2.6"), TLS_OFF,
                             &mode),
           FAULT_INVALID_PARAMETER_COMBINATION, NULL);
}
