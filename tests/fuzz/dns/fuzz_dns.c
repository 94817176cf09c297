/* Any bytes as a DNS message: the first byte says over which transport. */
#include "base/err.h"
#include "nameserver/answer.h"
#include "nameserver/zone.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct zone *zone_make(void)
{
    struct zone *z = zone_new("cache.larder.internal", 1);
    struct net_addr addresses[100];

    for (size_t i = 0; i < countof(addresses); i++)
        check(net_addr_parse_host(i % 2 ? STR("127.0.0.1") : STR("::1"), &addresses[i]));
    check(!err_failed(zone_upsert(z, "a.b.cache.larder.internal", addresses, 2, 5)));
    check(!err_failed(zone_upsert(z, "many.cache.larder.internal", addresses, 100, 5)));
    return z;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct zone *z;
    static uint8_t out[ANSWER_STREAM_MAX];
    struct net_addr here;

    if (len == 0)
        return 0;
    if (!z)
        z = zone_make();
    check(net_addr_parse_host(STR("127.0.0.1"), &here));
    struct answer_call call = {
        .query = data + 1, .query_len = len - 1, .is_stream = data[0] & 1, .here = &here};
    size_t size = dns_answer(z, &call, out);
    check(size == 0 || (size >= 12 && memcmp(out, data + 1, 2) == 0 && (out[2] & 0x80)));
    check(call.is_stream || size <= ANSWER_UDP_MAX);
    return 0;
}
