/*
 * Reading anything as an append-only file, with bytes that come by one or many at a time: the same
 * commands are found, and what was found before a cut or damage is found without it too.
 */
#include "cacheengine/persist/append_read.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct drip {
    struct source source;
    const char *at;
    size_t left, step;
};

static struct err drip_read(struct source *s, void *to, size_t max, size_t *got)
{
    struct drip *d = container_of(s, struct drip, source);

    *got = d->left < max ? d->left : max;
    if (d->step && *got > d->step)
        *got = d->step;
    if (*got)
        memcpy(to, d->at, *got);
    d->at += *got;
    d->left -= *got;
    return OK;
}

struct finding {
    uint64_t commands, bytes, where;
    int code;
    enum append_read_state state;
};

static struct finding read_all(const uint8_t *data, size_t size, size_t step)
{
    struct drip d = {{drip_read}, (const char *)data, size, step};
    struct finding f = {.state = APPEND_COMMAND};
    struct append_reader r;

    append_reader_init(&r, &d.source);
    while (f.code == 0 && f.state == APPEND_COMMAND) {
        f.code = append_read(&r, &f.state).code;
        f.commands++;
        for (uint32_t i = 0; f.code == 0 && f.state == APPEND_COMMAND && i < r.argc; i++)
            f.bytes += r.argv[i].len;
    }
    f.where = append_reader_where(&r);
    check(f.where <= size);
    append_reader_fini(&r);
    return f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct finding whole = read_all(data, size, 0), drips = read_all(data, size, 1);

    check(whole.commands == drips.commands && whole.bytes == drips.bytes);
    check(whole.code == drips.code && whole.where == drips.where);
    struct finding sound = read_all(data, (size_t)whole.where, 3);
    check(sound.code == 0 && sound.state == APPEND_END && sound.bytes == whole.bytes);
    return 0;
}
