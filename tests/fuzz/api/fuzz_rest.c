/* Resources: "METHOD path?query" in the first line, the JSON body behind it. */
#include "exchange.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *method_of(struct str word)
{
    static const char *const methods[] = {"GET", "POST", "PATCH", "PUT", "DELETE"};

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (str_is(word, methods[i]))
            return methods[i];
    return "HEAD";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = {(const char *)data, size};
    struct str line = str_cut(&body, '\n');
    struct str method = str_cut(&line, ' ');
    struct str path = str_cut(&line, '?');
    struct api_request request = {.method = method_of(method),
                                  .path = path,
                                  .query = line,
                                  .body = body,
                                  .content_type = "application/json"};

    exchange(API_AUTH_OPEN, &request);
    return 0;
}
