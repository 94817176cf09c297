/* The control plane's metrics are its public face for such questions; no door of our own is needed.
 */
#include "cli/up/probe.h"

#include "base/arena.h"
#include "base/http.h"

enum { PROBE_TIMEOUT_MS = 2000 };

#define HEARD "larder_hosts{state=\"heard\"} "

bool probe_hosts_in(struct str metrics, size_t *out)
{
    while (metrics.len > 0) {
        struct str line = str_cut(&metrics, '\n');
        uint64_t count;
        if (!str_starts(line, HEARD))
            continue;
        const struct str number = {line.ptr + sizeof(HEARD) - 1, line.len - (sizeof(HEARD) - 1)};
        if (!str_to_u64(str_trim(number), &count))
            return false;
        *out = (size_t)count;
        return true;
    }
    return false;
}

struct err probe_hosts(struct http *h, struct arena *a, const char *url, size_t *out)
{
    const struct http_request request = {.url = arena_printf(a, "%s/metrics", url),
                                         .timeout_ms = PROBE_TIMEOUT_MS,
                                         .connect_timeout_ms = PROBE_TIMEOUT_MS};
    struct http_response response;

    TRY(http_send(h, a, &request, &response));
    if (response.status != 200 || !probe_hosts_in(response.body, out))
        return err_make(ERR_CORRUPT, "the control plane does not say how many hosts it hears");
    return OK;
}
