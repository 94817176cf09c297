/* One table of words. */
#include "controlplane/model/certificate.h"

#include "base/err.h"

#include <string.h>

static const char *const names[] = {
    [TLS_OFF] = "",
    [TLS_PREFERRED] = "preferred",
    [TLS_REQUIRED] = "required",
};

const char *tls_mode_name(enum tls_mode mode)
{
    check((size_t)mode < countof(names));
    return names[mode];
}

bool tls_mode_parse(const char *name, enum tls_mode *out)
{
    for (size_t i = 0; i < countof(names); i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum tls_mode)i;
            return true;
        }
    return false;
}
