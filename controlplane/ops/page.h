/* Pages of the Describe calls: MaxRecords and Marker; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_PAGE_H
#define LARDER_CONTROLPLANE_OPS_PAGE_H

#include "base/shape.h"
#include "controlplane/ops/call.h"

struct page {
    int limit;
    const char *after; /* what the last page ended with; "" on the first */
};

/* Reads both members; FAULT_INVALID_PARAMETER_VALUE. What a marker says is not checked: the caller
 * knows what its own look like, and answers with page_bad_marker. */
must_use struct err page_open(struct call *c, struct opt_int max_records, const char *marker,
                              struct page *out);

/* Reads a marker alone; `*out` is "" for none. FAULT_INVALID_PARAMETER_VALUE. */
must_use struct err page_marker_read(struct call *c, const char *marker, const char **out);

struct err page_bad_marker(struct call *c, const char *marker);

/* The marker for a next page that begins behind `last`. */
char *page_marker(struct call *c, const char *last);

#endif
