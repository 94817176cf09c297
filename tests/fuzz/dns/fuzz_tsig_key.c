/* Files with keys for signed updates: both forms, whatever stands in them. */
#include "base/arena.h"
#include "controlplane/dns/tsig_key.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    scoped(arena_fini) struct arena a = {0};
    struct tsig_key key;
    struct err e = tsig_key_parse(&a, (struct str){(const char *)data, size}, &key);

    if (!err_failed(e))
        check(key.name[strlen(key.name) - 1] == '.' && strlen(key.secret) % 4 == 0);
    return 0;
}
