/* Any bytes as what an engine answers: to each question, and to orders. */
#include "agent/drivers/conf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define PREFIXES_MAX 200

/* A reply is whole at one length, and at no shorter one. */
static void check_prefixes(const char *text, size_t whole)
{
    for (size_t len = 0; len < whole && len < PREFIXES_MAX; len++) {
        struct str rest = {text, len}, first;
        check(resp_cut(&rest, &first) == DRIVER_PARTIAL && rest.len == len);
    }
}

static void cut_all(const char *text, size_t len)
{
    struct str rest = {text, len}, first;

    while (rest.len > 0) {
        struct str before = rest;
        if (resp_cut(&rest, &first) != DRIVER_GOOD) {
            check(rest.ptr == before.ptr && rest.len == before.len);
            return;
        }
        check(rest.len < before.len && first.len > 0 && first.ptr == before.ptr);
        check_prefixes(before.ptr, before.len - rest.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct driver_question *const questions[] = {
        &resp_probe, &resp_stats, &resp_role, &driver_greeted, &memcached_probe, &memcached_stats};
    char *text = malloc(len ? len : 1); /* of its very size, so that each byte beyond is found */
    struct driver_stats stats = DRIVER_STATS_UNKNOWN;

    check(text != NULL);
    memcpy(text, data, len);
    for (size_t i = 0; i < countof(questions); i++)
        questions[i]->read((struct str){text, len}, &stats);
    cut_all(text, len);
    free(text);
    return 0;
}
