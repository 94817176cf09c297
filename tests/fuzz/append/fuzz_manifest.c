/* Reading anything as a manifest; one that is taken is written, and reads as the same again. */
#include "base/arena.h"
#include "cacheengine/persist/manifest.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = {0};
    struct manifest m = {0}, again = {0};
    struct buf text = BUF_EMPTY, same = BUF_EMPTY;
    char *copy = arena_alloc(&a, size + 1);

    if (size)
        memcpy(copy, data, size);
    if (!memchr(data, 0, size) && !err_failed(manifest_parse(&m, &a, (struct str){copy, size})) &&
        m.count > 0) {
        manifest_format(&m, &text);
        if (!err_failed(manifest_parse(&again, &a, buf_str(&text)))) {
            manifest_format(&again, &same);
            check(str_eq(buf_str(&text), buf_str(&same)));
        }
    }
    manifest_fini(&m);
    manifest_fini(&again);
    buf_fini(&text);
    buf_fini(&same);
    arena_fini(&a);
    return 0;
}
