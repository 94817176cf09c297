/* Snapshots on the wire. The one idea: the mark cannot come before the end, so it is enough to hold
 * back as many bytes as it has, and to look at them whenever more have come. */
#include "cacheengine/repl/payload.h"

#include <string.h>

void payload_begin(struct payload *p, const struct greeting *h)
{
    *p = (struct payload){.left = h->length};
    memcpy(p->mark, h->mark, sizeof(p->mark));
}

bool payload_is_whole(const struct payload *p)
{
    if (p->left >= 0)
        return p->left == 0;
    return p->tail_len == sizeof(p->mark) && memcmp(p->tail, p->mark, sizeof(p->mark)) == 0;
}

size_t payload_wants(const struct payload *p, size_t max)
{
    if (payload_is_whole(p))
        return 0;
    return p->left >= 0 && (uint64_t)p->left < max ? (size_t)p->left : max;
}

size_t payload_pass(struct payload *p, char *bytes, size_t len)
{
    if (p->left >= 0) {
        p->left -= (int64_t)len;
        p->passed += len;
        return len;
    }
    memmove(bytes + p->tail_len, bytes, len);
    memcpy(bytes, p->tail, p->tail_len);
    len += p->tail_len;
    p->tail_len = len < sizeof(p->tail) ? len : sizeof(p->tail);
    len -= p->tail_len;
    memcpy(p->tail, bytes + len, p->tail_len);
    p->passed += len;
    return len;
}
