/*
 * CBOR (RFC 8949) as Smithy's RPC v2 uses it: read into the tree that JSON is read into, and
 * written from values by the tables. The only user of libcbor.
 */
#ifndef LARDER_CONTROLPLANE_API_CBOR_H
#define LARDER_CONTROLPLANE_API_CBOR_H

#include "base/err.h"
#include "base/json.h"
#include "base/shape.h"
#include "base/str.h"

struct arena;
struct buf;

/*
 * Reads one item, all of `text`, into a tree in `a`. Tags are passed over (an epoch time is its
 * number); a byte string becomes base64; undefined is null. ERR_LIMIT for what is nested deeper
 * than `max_depth`; ERR_INVALID for anything else that is not CBOR, that is no tree of ours (keys
 * must be text, numbers finite), or cut.
 */
must_use struct err cbor_parse(struct arena *a, struct str text, int max_depth, struct json *out);

/* Writes a value; absent members are left out, timestamps are epoch seconds with tag 1. */
void cbor_write(struct buf *out, const struct shape *s, const void *value);

/* Writes a map of texts. */
void cbor_write_texts(struct buf *out, const char *const (*pairs)[2], size_t count);

#endif
