/* JSON 1.0 and CBOR: the first byte decides between them, the second names the operation, the rest
 * is the body. */
#include "exchange.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TARGET "GraniteServiceVersion20100801"

static const struct {
    const char *target;
    struct str path;
} names[] = {
    {TARGET ".GetMetricData",       STR("/service/" TARGET "/operation/GetMetricData")      },
    {TARGET ".GetMetricStatistics", STR("/service/" TARGET "/operation/GetMetricStatistics")},
    {TARGET ".ListMetrics",         STR("/service/" TARGET "/operation/ListMetrics")        },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t i = data[1] % 3;
    struct api_request request = {
        .method = "POST",
        .path = STR("/"),
        .body = {(const char *)data + 2, size - 2},
        .amz_target = names[i].target,
        .content_type = "application/x-amz-json-1.0"
    };

    if (data[0] == 'C') {
        request.path = names[i].path;
        request.content_type = "application/cbor";
    }
    exchange(API_AUTH_OPEN, &request);
    return 0;
}
