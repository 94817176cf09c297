/* Encryption in transit, as requests ask for it; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_ENCRYPTION_H
#define LARDER_CONTROLPLANE_OPS_ENCRYPTION_H

#include "controlplane/model/catalog.h"
#include "controlplane/model/certificate.h"
#include "controlplane/ops/call.h"

/*
 * What TransitEncryptionEnabled and TransitEncryptionMode (NULL: not given) of a create mean for a
 * cache of that version. FAULT_INVALID_PARAMETER_COMBINATION.
 */
must_use struct err encryption_choose(struct call *c, struct opt_bool enabled, const char *mode,
                                      const struct engine_version *v, enum tls_mode *out);

/*
 * The same for a change of what is `now`: one step at a time between off, preferred and required,
 * so that clients can follow. FAULT_INVALID_PARAMETER_COMBINATION.
 */
must_use struct err encryption_change(struct call *c, struct opt_bool enabled, const char *mode,
                                      const struct engine_version *v, enum tls_mode now,
                                      enum tls_mode *out);

#endif
