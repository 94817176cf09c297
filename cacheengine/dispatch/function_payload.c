/* Libraries as records: each its mark and its text; behind them a version and a checksum. */
#include "cacheengine/dispatch/function_payload.h"

#include "cacheengine/dispatch/scripting.h"
#include "cacheengine/keyspace/crc64.h"
#include "cacheengine/keyspace/record.h"
#include "cacheengine/persist/snapshot.h"

#define FOOTER_BYTES 10

struct buf_sink {
    struct sink sink;
    struct buf *out;
};

static struct err buf_sink_write(struct sink *s, const void *bytes, size_t len)
{
    buf_add(container_of(s, struct buf_sink, sink)->out, bytes, len);
    return OK;
}

void function_records_put(void *engine, struct record_writer *w)
{
    const struct libraries *all = scripting_libraries(engine);
    scoped(arena_fini) struct arena a = {0};
    size_t count = 0;
    struct library **libraries = all ? libraries_list(all, &a, &count) : NULL;

    for (size_t i = 0; i < count; i++) {
        record_put_byte(w, MARK_FUNCTION);
        record_put_string(w, libraries[i]->text);
    }
}

struct err function_records_take(void *engine, struct arena *a, const struct snapshot_loading *l,
                                 enum snapshot_meeting meeting)
{
    struct engine *e = engine;
    const char *wrong;

    if (l->libraries.count == 0 && (meeting != SNAPSHOT_REPLACES || !scripting_libraries(e)))
        return OK;
    wrong = libraries_load_all(
        scripting_of(e)->libraries, a, l->libraries.items, l->libraries.count,
        meeting == SNAPSHOT_MERGES ? LIBRARY_REPLACE : LIBRARY_ADD, meeting == SNAPSHOT_REPLACES);
    return wrong ? err_format(a, ERR_INVALID, "its libraries of functions: %s", wrong) : OK;
}

void function_payload_write(struct engine *e, struct buf *out)
{
    struct buf_sink to = {{buf_sink_write}, out};
    struct record_writer w;

    record_writer_init(&w, &to.sink);
    w.compresses = e->settings.compresses_dumps;
    function_records_put(e, &w);
    record_put_byte(&w, (uint8_t)w.version);
    record_put_byte(&w, 0);
    record_put_u64(&w, record_sum(&w));
    err_ignore(record_flush(&w), "memory does not fail");
    record_writer_fini(&w);
}

static bool is_sealed(const struct engine *e, struct str payload)
{
    struct record_reader r;
    uint8_t version[2];
    uint64_t sum;

    if (payload.len < FOOTER_BYTES)
        return false;
    size_t len = payload.len - FOOTER_BYTES;
    record_reader_memory(&r, (struct str){payload.ptr + len, FOOTER_BYTES});
    if (err_failed(record_get_bytes(&r, version, 2)) || err_failed(record_get_u64(&r, &sum)))
        return false;
    if ((version[0] | version[1] << 8) > RECORD_VERSION)
        return false;
    return e->keyspace.skips_checksums || crc64(0, payload.ptr, len + 2) == sum;
}

/* Reads one record; its text in `a`. */
static const char *read_library(struct record_reader *r, struct arena *a, struct str *out)
{
    struct record_text text = {0};
    uint8_t mark;

    if (err_failed(record_get_byte(r, &mark)))
        return "can not read data type";
    if (mark == MARK_FUNCTION_OLD)
        return "Pre-GA function format not supported";
    if (mark != MARK_FUNCTION)
        return "given type is not a function";
    bool failed = err_failed(record_get_string(r, &text));
    if (!failed)
        *out = str_of(arena_strndup(a, text.text.ptr, text.text.len));
    if (!failed)
        out->len = text.text.len;
    record_text_fini(&text);
    return failed ? "failed loading the given functions payload" : NULL;
}

const char *function_payload_load(struct engine *e, struct arena *a, struct str payload,
                                  enum library_policy policy, bool flushes)
{
    vec_of(struct str) texts = VEC_EMPTY;
    struct record_reader r;

    if (!is_sealed(e, payload))
        return "DUMP payload version or checksum are wrong";
    record_reader_memory(&r, (struct str){payload.ptr, payload.len - FOOTER_BYTES});
    while (r.at < r.end) {
        const char *wrong = read_library(&r, a, vec_add(a, &texts));

        if (wrong)
            return wrong;
    }
    return libraries_load_all(scripting_of(e)->libraries, a, texts.items, texts.count, policy,
                              flushes);
}

const char *function_error(struct arena *a, const char *wrong)
{
    return strncmp(wrong, "ERR ", 4) == 0 ? wrong : arena_printf(a, "ERR %s", wrong);
}
