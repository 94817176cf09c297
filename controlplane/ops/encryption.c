/* Which versions can encrypt at all, which can take both kinds of connections, and which step
 * follows which. */
#include "controlplane/ops/encryption.h"

#include "contract/faults.h"

#include <string.h>

#define COMBINATION(...) fault(c, FAULT_INVALID_PARAMETER_COMBINATION, __VA_ARGS__)

static bool is_engine(const struct engine_version *v, const char *engine)
{
    return strcmp(v->engine, engine) == 0;
}

/* Redis had it in one release of 3.2, and again from 4.0.10 on. */
static bool can_encrypt(const struct engine_version *v)
{
    if (is_engine(v, "memcached"))
        return version_compare(v->reported, "1.6.12") >= 0;
    return is_engine(v, "valkey") || strcmp(v->reported, "3.2.6") == 0 ||
           version_compare(v->reported, "4.0.10") >= 0;
}

static bool can_take_both(const struct engine_version *v)
{
    return is_engine(v, "valkey") ||
           (is_engine(v, "redis") && version_compare(v->reported, "7.0") >= 0);
}

static struct err check_version(struct call *c, const struct engine_version *v, enum tls_mode mode)
{
    if (mode != TLS_OFF && !can_encrypt(v))
        return COMBINATION("In-transit encryption is not supported for %s %s.", v->engine,
                           v->reported);
    if (mode == TLS_PREFERRED && !can_take_both(v))
        return COMBINATION("TransitEncryptionMode preferred is not supported for %s %s.", v->engine,
                           v->reported);
    return OK;
}

struct err encryption_choose(struct call *c, struct opt_bool enabled, const char *mode,
                             const struct engine_version *v, enum tls_mode *out)
{
    enum tls_mode chosen = enabled.value ? TLS_REQUIRED : TLS_OFF;

    if (mode && *mode) {
        if (!enabled.value)
            return COMBINATION("TransitEncryptionMode needs TransitEncryptionEnabled.");
        check(tls_mode_parse(mode, &chosen)); /* the model lists the words */
    }
    TRY(check_version(c, v, chosen));
    *out = chosen;
    return OK;
}

struct err encryption_change(struct call *c, struct opt_bool enabled, const char *mode,
                             const struct engine_version *v, enum tls_mode now, enum tls_mode *out)
{
    enum tls_mode wanted = now;

    if (enabled.has)
        wanted = !enabled.value ? TLS_OFF : now == TLS_OFF ? TLS_REQUIRED : now;
    if (mode && *mode) {
        if (wanted == TLS_OFF)
            return COMBINATION("TransitEncryptionMode needs TransitEncryptionEnabled.");
        check(tls_mode_parse(mode, &wanted));
    }
    if (wanted != now && !can_take_both(v))
        return COMBINATION("In-transit encryption can only be set when a cache with %s %s is "
                           "created.",
                           v->engine, v->reported);
    if (now == TLS_OFF && wanted == TLS_REQUIRED)
        return COMBINATION("In-transit encryption must first be enabled with "
                           "TransitEncryptionMode preferred.");
    if (now == TLS_REQUIRED && wanted == TLS_OFF)
        return COMBINATION("TransitEncryptionMode must be preferred before in-transit encryption "
                           "can be disabled.");
    *out = wanted;
    return OK;
}
