/* A certificate that signs itself, and its key, as files. */
#ifndef LARDER_TESTS_TLS_CERTIFICATE_H
#define LARDER_TESTS_TLS_CERTIFICATE_H

#include "base/err.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

/* DIR/NAME.crt and DIR/NAME.key, of common name NAME. */
static inline void certificate_make(const char *dir, const char *name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);
    char path[128];

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, subject);
    X509_set_pubkey(cert, key);
    check(X509_sign(cert, key, EVP_sha256()) > 0);
    snprintf(path, sizeof(path), "%s/%s.crt", dir, name);
    FILE *file = fopen(path, "w");
    check(PEM_write_X509(file, cert));
    fclose(file);
    snprintf(path, sizeof(path), "%s/%s.key", dir, name);
    file = fopen(path, "w");
    check(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
    fclose(file);
    X509_free(cert);
    EVP_PKEY_free(key);
}

#endif
