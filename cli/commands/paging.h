/* All pages of a paginated operation as one result, with aws-cli's NextToken. */
#ifndef LARDER_CLI_COMMANDS_PAGING_H
#define LARDER_CLI_COMMANDS_PAGING_H

#include "base/err.h"

#include <stdint.h>

struct arena;
struct call_paging;
struct op_desc;
struct paginator_desc;
struct remote;
struct remote_fault;
struct str;

/* A call over many pages. */
struct paged_call {
    const struct op_desc *op;
    const struct paginator_desc *pages;
    const struct call_paging *paging;
    void *in;               /* changed: it carries the token from page to page */
    void *out;              /* set: the results of all pages in a struct of op->out, nothing else */
    const char *next_token; /* set: where to go on, or NULL */
};

/*
 * Calls the operation until its pages or the items asked for run out. Everything lives in `a`.
 * Errors as remote_call; ERR_INVALID for a starting token that is none; ERR_CORRUPT when the
 * service gives the same token twice.
 */
must_use struct err paging_call(struct remote *r, struct arena *a, struct paged_call *call,
                                struct remote_fault *fault);

/* The tokens that aws-cli prints and takes: base64 of {"Marker": ..., "boto_truncate_amount": n}.
 */
struct page_token {
    const char *service_token; /* NULL: the first page */
    int64_t skip;              /* items of that page that were shown already */
};

char *page_token_write(struct arena *a, const char *member, const struct page_token *t);
must_use struct err page_token_read(struct arena *a, const char *member, const char *text,
                                    struct page_token *out);

#endif
