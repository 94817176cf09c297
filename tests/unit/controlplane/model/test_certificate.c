#include "controlplane/model/certificate.h"

#include <criterion/criterion.h>

Test(certificate, modes_and_words_are_one)
{
    enum tls_mode mode;

    for (int i = TLS_OFF; i <= TLS_REQUIRED; i++) {
        cr_assert(tls_mode_parse(tls_mode_name((enum tls_mode)i), &mode));
        cr_assert_eq(mode, (enum tls_mode)i);
    }
    cr_assert_not(tls_mode_parse("off", &mode));
}
