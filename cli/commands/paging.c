/*
 * Going through pages as botocore's paginator does, because NextToken must mean the same to both: a
 * token of the service plus how many items of that page were shown already.
 */
#include "cli/commands/paging.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/shape_text.h"
#include "cli/commands/options.h"
#include "cli/commands/remote.h"
#include "cli/commands/view.h"

#include <string.h>

enum { TOKEN_DEPTH_MAX = 4 };

#define SKIP_MEMBER "boto_truncate_amount"

/* The items gathered so far; raw, because their type is known to the shape only. */
struct gathered {
    char *items;
    size_t count, capacity;
};

char *page_token_write(struct arena *a, const char *member, const struct page_token *t)
{
    scoped(buf_fini) struct buf json = BUF_EMPTY, text = BUF_EMPTY;

    buf_printf(&json, "{\"%s\": ", member);
    struct json_writer w = JSON_WRITER(&json);
    json_text(&w, t->service_token);
    if (t->skip > 0)
        buf_printf(&json, ", \"" SKIP_MEMBER "\": %lld", (long long)t->skip);
    buf_putc(&json, '}');
    base64_write(&text, json.ptr, json.len);
    return str_dup(a, buf_str(&text));
}

struct err page_token_read(struct arena *a, const char *member, const char *text,
                           struct page_token *out)
{
    const struct err bad =
        err_make(ERR_INVALID, "--starting-token: this is no token of an earlier answer");
    struct page_token token = {0};
    struct opt_blob bytes;
    struct json json;

    if (!base64_read(a, str_of(text), &bytes))
        return bad;
    const struct str content = {(const char *)bytes.ptr, bytes.len};
    if (err_failed(json_parse(a, content, TOKEN_DEPTH_MAX, &json)) || json.kind != JSON_OBJECT)
        return bad;
    token.service_token = json_get_text(&json, member);
    const struct json *skip = json_get(&json, SKIP_MEMBER);
    if (skip && (!json_to_i64(skip, &token.skip) || token.skip < 0))
        return bad;
    if (!token.service_token && !skip)
        return bad;
    *out = token;
    return OK;
}

static void gather(struct arena *a, struct gathered *g, const char *items, size_t count,
                   size_t size)
{
    if (g->count + count > g->capacity) {
        const size_t capacity = 2 * (g->count + count);
        char *larger = arena_array(a, capacity, size);
        if (g->count > 0)
            memcpy(larger, g->items, g->count * size);
        g->items = larger;
        g->capacity = capacity;
    }
    if (count > 0)
        memcpy(g->items + g->count * size, items, count * size);
    g->count += count;
}

/* Zeroes all members of the struct `at` but those on the path. */
static void keep_only(const struct shape *s, void *at, struct str path)
{
    const struct str name = str_cut(&path, '.');

    for (size_t i = 0; i < s->member_count; i++) {
        const struct shape_member *m = &s->members[i];
        void *place = (char *)at + m->offset;
        if (!str_is(name, m->name))
            memset(place, 0, view_member_size(m->shape));
        else if (path.len > 0 && m->shape->kind == SHAPE_STRUCT && *(void **)place)
            keep_only(m->shape, *(void **)place, path);
    }
}

static void set_token(const struct paged_call *c, const char *token)
{
    const struct shape_member *m = shape_find(c->op->in, c->pages->in_token);

    check(m && m->shape->kind == SHAPE_STRING);
    *(const char **)((char *)c->in + m->offset) = token;
}

static const char *token_behind(const struct paged_call *c, const void *page)
{
    struct view v;

    if (!view_find((struct view){c->op->out, page}, c->pages->out_token, &v))
        return NULL;
    const char *token = view_text(v);
    return token && *token ? token : NULL;
}

/* Puts the gathered items in place of the first page's. */
static void finish(struct paged_call *c, void *first, const struct gathered *g)
{
    struct view list;

    keep_only(c->op->out, first, str_of(c->pages->results));
    if (view_find((struct view){c->op->out, first}, c->pages->results, &list))
        *(struct shape_seq *)list.at = (struct shape_seq){true, g->count, g->items};
    c->out = first;
}

/* Adds the page's items up to the limit. True when the limit cut the page: `*out_kept` were taken.
 */
static bool take_page(struct arena *a, const struct paged_call *c, const void *page, int64_t skip,
                      struct gathered *g, int64_t *out_kept)
{
    struct view list;

    *out_kept = 0;
    if (!view_find((struct view){c->op->out, page}, c->pages->results, &list))
        return false;
    const struct shape_seq *seq = view_seq(list);
    const size_t size = list.shape->item->size,
                 from = (size_t)skip < seq->count ? (size_t)skip : seq->count;
    size_t keep = seq->count - from;
    const bool is_cut = c->paging->max_items >= 0 && g->count + keep > (size_t)c->paging->max_items;
    if (is_cut)
        keep = (size_t)c->paging->max_items - g->count;
    gather(a, g, (const char *)seq->items + from * size, keep, size);
    *out_kept = (int64_t)keep;
    return is_cut;
}

struct err paging_call(struct remote *r, struct arena *a, struct paged_call *c,
                       struct remote_fault *fault)
{
    struct page_token at = {0};
    struct gathered items = {0};
    void *first = NULL;
    int64_t kept;

    if (c->paging->starting_token)
        TRY(page_token_read(a, c->pages->in_token, c->paging->starting_token, &at));
    c->next_token = NULL;
    for (;;) {
        void *page = arena_zalloc(a, c->op->out->size);
        set_token(c, at.service_token);
        TRY(remote_call(r, a, c->op, c->in, page, fault));
        if (fault->code)
            return OK;
        first = first ? first : page;
        if (take_page(a, c, page, at.skip, &items, &kept)) {
            at.skip += kept;
            c->next_token = page_token_write(a, c->pages->in_token, &at);
            break;
        }
        const char *next = token_behind(c, page);
        if (!next)
            break;
        if (at.service_token && strcmp(at.service_token, next) == 0)
            return err_make(ERR_CORRUPT, "it gave the same page token twice");
        at = (struct page_token){.service_token = next};
        if (c->paging->max_items >= 0 && items.count == (size_t)c->paging->max_items) {
            c->next_token = page_token_write(a, c->pages->in_token, &at);
            break;
        }
    }
    finish(c, first, &items);
    return OK;
}
