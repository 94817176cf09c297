/* One request through the api with a handler behind it that checks what it was given. */
#ifndef LARDER_TESTS_FUZZ_API_EXCHANGE_H
#define LARDER_TESTS_FUZZ_API_EXCHANGE_H

#include "controlplane/api/api.h"

/* Aborts when the answer is none that may ever be given: a 5xx, no body, bad UTF-8. */
void exchange(enum api_auth auth, const struct api_request *request);

#endif
