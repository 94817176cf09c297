/*
 * Pieces are small enough to be held in memory and written by the way; so a transfer of any length
 * keeps no thread and no connection, and goes on over whichever is there.
 */
#include "controlplane/front/transfers.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/vault/kept.h"
#include "controlplane/vault/vault.h"

#include <string.h>

#define SNAPSHOTS "/agent/v1/snapshots/"
#define PARTS     "/agent/v1/parts/"

bool transfers_own_path(struct str path)
{
    return str_starts(path, SNAPSHOTS) || str_starts(path, PARTS);
}

/* What stands behind "name=" in the query; empty when there is none. */
static struct str query_value(struct str query, const char *name)
{
    while (query.len > 0) {
        struct str value = str_cut(&query, '&');
        if (str_is(str_cut(&value, '='), name))
            return value;
    }
    return (struct str){0};
}

static bool query_number(struct str query, const char *name, int64_t *out)
{
    return str_to_i64(query_value(query, name), out) && *out >= 0;
}

static struct err bad_request(void)
{
    return err_make(FAULT_MALFORMED_INPUT, "a transfer names a number and a place");
}

/* How the vault's errors are told. */
static struct err as_fault(struct err e)
{
    switch (e.code) {
    case ERR_NOT_FOUND: return err_make(FAULT_TRANSFER_UNKNOWN, e.why);
    case ERR_CONFLICT:
    case ERR_CORRUPT: return err_make(FAULT_TRANSFER_BROKEN, e.why);
    default: return e;
    }
}

static struct err put(struct vault *v, struct arena *a, const struct api_request *r,
                      struct api_response *out)
{
    struct str number = {r->path.ptr + strlen(SNAPSHOTS), r->path.len - strlen(SNAPSHOTS)};
    struct str sha256 = query_value(r->query, "sha256");
    int64_t task_id, place;

    if (strcmp(r->method, "PUT") != 0)
        return err_make(FAULT_METHOD_NOT_ALLOWED, NULL);
    if (!str_to_i64(number, &task_id))
        return bad_request();
    out->status = 200;
    out->content_type = "application/json";
    buf_puts(&out->body, "{}");
    if (sha256.len > 0 && query_number(r->query, "bytes", &place))
        return as_fault(vault_keep(v, a, task_id, place, str_dup(a, sha256)));
    if (!query_number(r->query, "from", &place) || r->body.len > VAULT_PIECE_BYTES)
        return bad_request();
    return as_fault(vault_take(v, a, task_id, place, r->body));
}

static struct err get(struct vault *v, struct arena *a, const struct api_request *r,
                      struct api_response *out)
{
    struct str number = {r->path.ptr + strlen(PARTS), r->path.len - strlen(PARTS)};
    int64_t part_id, from;
    scoped(kept_file_close) struct kept_file file = {.fd = -1};
    size_t got;

    if (strcmp(r->method, "GET") != 0)
        return err_make(FAULT_METHOD_NOT_ALLOWED, NULL);
    if (!str_to_i64(number, &part_id) || !query_number(r->query, "from", &from))
        return bad_request();
    struct err e = vault_read(v, a, part_id, &file);
    if (!err_failed(e))
        e = kept_file_read(&file, from, buf_reserve(&out->body, VAULT_PIECE_BYTES),
                           VAULT_PIECE_BYTES, &got);
    if (err_failed(e))
        return as_fault(e);
    out->body.len += got;
    out->status = 200;
    out->content_type = "application/octet-stream";
    return OK;
}

struct err transfers_handle(struct vault *v, struct arena *a, const struct api_request *request,
                            struct api_response *out)
{
    struct err e = !v                                     ? err_make(FAULT_UNKNOWN_PATH, NULL)
                   : str_starts(request->path, SNAPSHOTS) ? put(v, a, request, out)
                                                          : get(v, a, request, out);
    if (err_failed(e)) {
        buf_fini(&out->body);
        *out = (struct api_response){0};
    }
    return e;
}
