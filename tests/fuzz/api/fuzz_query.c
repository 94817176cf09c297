/* Forms: the first byte decides between POST and GET, the rest is the text. */
#include "exchange.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct api_request request = {.method = "POST", .path = STR("/")};
    struct str text = {(const char *)data + 1, size - 1};

    if (size == 0)
        return 0;
    if (data[0] == 'G') {
        request.method = "GET";
        request.query = text;
    } else {
        request.body = text;
    }
    exchange(API_AUTH_OPEN, &request);
    return 0;
}
