/* A marker is the base64 of the last name on the page: names may go between two pages, so it says
 * where to go on and not which row to find. */
#include "controlplane/ops/page.h"

#include "base/arena.h"
#include "base/shape_text.h"
#include "contract/faults.h"
#include "controlplane/model/quotas.h"

#include <string.h>

struct err page_bad_marker(struct call *c, const char *marker)
{
    return fault(c, FAULT_INVALID_PARAMETER_VALUE, "The Marker %s is not valid.", marker);
}

struct err page_marker_read(struct call *c, const char *marker, const char **out)
{
    struct opt_blob blob;

    *out = "";
    if (!marker || !*marker)
        return OK;
    if (!base64_read(c->arena, str_of(marker), &blob) || blob.len == 0 ||
        memchr(blob.ptr, '\0', blob.len))
        return page_bad_marker(c, marker);
    *out = arena_strndup(c->arena, (const char *)blob.ptr, blob.len);
    return OK;
}

struct err page_open(struct call *c, struct opt_int max_records, const char *marker,
                     struct page *out)
{
    struct page page = {RECORDS_DEFAULT, ""};

    if (max_records.has) {
        if (max_records.value < RECORDS_MIN || max_records.value > RECORDS_MAX)
            return fault(c, FAULT_INVALID_PARAMETER_VALUE,
                         "Invalid value %lld for MaxRecords. It must be between %d and %d.",
                         (long long)max_records.value, RECORDS_MIN, RECORDS_MAX);
        page.limit = (int)max_records.value;
    }
    TRY(page_marker_read(c, marker, &page.after));
    *out = page;
    return OK;
}

char *page_marker(struct call *c, const char *last)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    base64_write(&text, last, strlen(last));
    return str_dup(c->arena, buf_str(&text));
}
