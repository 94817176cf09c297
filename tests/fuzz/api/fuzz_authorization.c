/* The Authorization header, in both modes; the text behind a line feed is the URL's query. */
#include "base/arena.h"
#include "base/err.h"
#include "exchange.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(arena_fini) struct arena a = {0};
    struct str query = {(const char *)data, size};
    struct str header = str_cut(&query, '\n');
    struct api_request request = {.method = "POST",
                                  .path = STR("/"),
                                  .query = query,
                                  .body = STR("Action=DescribeEvents"),
                                  .authorization = header.len ? str_dup(&a, header) : NULL,
                                  .amz_date = "20240102T030405Z"};

    exchange(API_AUTH_SCOPED, &request);
    exchange(API_AUTH_OPEN, &request);
    return 0;
}
