/*
 * Commands out of a stream. The one idea: a command is cut when all of it stands in the window;
 * until then its parts only say how much is missing.
 */
#include "cacheengine/persist/append_read.h"

#include <stdlib.h>
#include <string.h>

#define STEP         (64 * 1024)
#define LINE_LIMIT   (64 * 1024)
#define NUMBER_LIMIT 32 /* bytes of a line that is a number */
#define WORDS_MAX    (1024 * 1024 * 1024)
#define WORDS_AT_ONE 1024 /* room that is made before so many have come */

/* How cutting goes on. */
enum cutting { CUT_WHOLE, CUT_MORE, CUT_BAD };

void append_reader_init(struct append_reader *r, struct source *from)
{
    *r = (struct append_reader){.from = from};
}

void append_reader_fini(struct append_reader *r)
{
    buf_fini(&r->window);
    free(r->argv);
    *r = (struct append_reader){0};
}

/* Brings about `more` further bytes into the window. */
static struct err fill(struct append_reader *r, size_t more)
{
    size_t got;

    if (more < STEP)
        more = STEP;
    if (r->at > 0 && r->at >= r->window.len / 2) {
        r->passed += r->at;
        buf_consume(&r->window, r->at);
        r->at = 0;
    }
    /* In steps: what a length promises need not come. */
    if (more > 1U << 20)
        more = 1U << 20;
    char *to = buf_reserve(&r->window, more);
    TRY(r->from->read(r->from, to, more, &got));
    r->window.len += got;
    r->is_at_end = got == 0;
    return OK;
}

/* A line that begins at *at with this letter, and its number; *at is moved behind it. */
static enum cutting cut_number(const struct append_reader *r, size_t *at, char letter, int64_t max,
                               int64_t *out)
{
    struct str rest = {r->window.ptr + *at, r->window.len - *at};

    if (rest.len == 0)
        return CUT_MORE;
    if (rest.ptr[0] != letter)
        return CUT_BAD;
    /* However much has come: else it would matter in which parts bytes come. */
    const char *end = memchr(rest.ptr, '\n', rest.len < NUMBER_LIMIT ? rest.len : NUMBER_LIMIT);
    if (!end)
        return rest.len < NUMBER_LIMIT ? CUT_MORE : CUT_BAD;
    size_t len = (size_t)(end - rest.ptr);
    if (len < 2 || rest.ptr[len - 1] != '\r' ||
        !str_to_i64((struct str){rest.ptr + 1, len - 2}, out) || *out < 0 || *out > max)
        return CUT_BAD;
    *at += len + 1;
    return CUT_WHOLE;
}

static void make_room(struct append_reader *r, int64_t words)
{
    if (words <= r->room)
        return;
    r->room = (uint32_t)words;
    r->argv = realloc(r->argv, r->room * sizeof(*r->argv));
    check(r->argv);
}

/* Cuts the command at r->at; *missing is a guess at how many bytes are still to come. */
static enum cutting cut_command(struct append_reader *r, size_t *end, size_t *missing)
{
    size_t at = r->at;
    int64_t words, len;

    *missing = 0;
    enum cutting c = cut_number(r, &at, '*', WORDS_MAX, &words);
    if (c != CUT_WHOLE)
        return c;
    if (words < 1)
        return CUT_BAD;
    r->argc = 0;
    for (int64_t i = 0; i < words; i++) {
        c = cut_number(r, &at, '$', RECORD_STRING_MAX, &len);
        if (c != CUT_WHOLE)
            return c;
        if (r->window.len - at < (size_t)len + 2) {
            *missing = (size_t)len + 2 - (r->window.len - at);
            return CUT_MORE;
        }
        if (memcmp(r->window.ptr + at + len, "\r\n", 2) != 0)
            return CUT_BAD;
        if (r->argc == r->room)
            make_room(r, r->room ? 2 * (int64_t)r->room : WORDS_AT_ONE);
        r->argv[r->argc++] = (struct str){r->window.ptr + at, (size_t)len};
        at += (size_t)len + 2;
    }
    *end = at;
    return CUT_WHOLE;
}

/* Passes over lines of annotation; false when one is not whole yet. */
static bool skip_annotations(struct append_reader *r)
{
    while (r->at < r->window.len && r->window.ptr[r->at] == '#') {
        const char *from = r->window.ptr + r->at;
        const char *end = memchr(from, '\n', r->window.len - r->at);

        if (!end)
            return false;
        r->at += (size_t)(end - from) + 1;
    }
    return true;
}

static struct err bad(void)
{
    return err_make(ERR_INVALID, "what stands here is no command");
}

struct err append_read(struct append_reader *r, enum append_read_state *out)
{
    size_t end = 0, missing = 0;

    for (;;) {
        enum cutting c = CUT_MORE;

        if (skip_annotations(r)) {
            c = r->at < r->window.len ? cut_command(r, &end, &missing) : CUT_MORE;
        } else if (r->window.len - r->at > LINE_LIMIT) {
            return bad();
        }
        if (c == CUT_BAD)
            return bad();
        if (c == CUT_WHOLE) {
            r->at = end;
            *out = APPEND_COMMAND;
            return OK;
        }
        if (r->is_at_end) {
            *out = r->at == r->window.len ? APPEND_END : APPEND_CUT;
            return OK;
        }
        TRY(fill(r, missing));
    }
}
