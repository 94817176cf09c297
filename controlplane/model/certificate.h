/* Encryption in transit as plain data. Text is never NULL; "" means not given. */
#ifndef LARDER_CONTROLPLANE_MODEL_CERTIFICATE_H
#define LARDER_CONTROLPLANE_MODEL_CERTIFICATE_H

#include <stdbool.h>
#include <stdint.h>

/* PREFERRED: plain connections are taken beside encrypted ones, on the same port. */
enum tls_mode { TLS_OFF, TLS_PREFERRED, TLS_REQUIRED };

/* "", "preferred", "required": as stored and as the interface has it. */
const char *tls_mode_name(enum tls_mode mode);
bool tls_mode_parse(const char *name, enum tls_mode *out);

/* Who certifies nodes; PEM. */
struct authority {
    const char *certificate, *private_key;
    int64_t not_after_ms;
};

struct node_certificate {
    int64_t node_id;
    const char *names; /* what it was issued for, comma separated */
    const char *certificate, *private_key;
    int64_t not_after_ms;
    int64_t revision; /* 1, and one more with each replacement; 0: the node has none */
};

#endif
