/* A service made of canned answers: an HTTP server in a thread of the test, one connection per
 * request. */
#ifndef LARDER_TESTS_STUB_SERVICE_H
#define LARDER_TESTS_STUB_SERVICE_H

#include <pthread.h>
#include <stddef.h>

enum { STUB_REQUESTS_MAX = 32, STUB_REQUEST_BYTES = 16384 };

struct stub_answer {
    int status;
    const char *body;
};

struct stub {
    char url[64];
    const struct stub_answer *answers; /* one after the other; the last one for ever */
    size_t answer_count;
    size_t request_count;
    char requests[STUB_REQUESTS_MAX][STUB_REQUEST_BYTES]; /* as they came, head and body */
    int listen_fd;
    pthread_t thread;
};

struct stub *stub_start(const struct stub_answer *answers, size_t count);
void stub_stop(struct stub *s);

#endif
