/*
 * A sealed file that somebody has changed: the first bytes say where and how. What is read is what
 * was sealed, as far as it goes, or the change is found.
 */
#include "base/seal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
    struct source source;
    struct str left;
};

static struct err memory_read(struct source *s, void *to, size_t max, size_t *got)
{
    struct memory *m = container_of(s, struct memory, source);

    *got = m->left.len < max ? m->left.len : max;
    if (*got)
        memcpy(to, m->left.ptr, *got);
    m->left.ptr += *got;
    m->left.len -= *got;
    return OK;
}

/* Up to five bytes: where (2), what instead (1), how much is cut off (2). */
static bool change(struct buf *file, const uint8_t *data, size_t size)
{
    if (size < 5)
        return false;
    size_t at = (size_t)(data[0] | data[1] << 8) % file->len;
    size_t cut = (size_t)(data[3] | data[4] << 8) % (file->len + 1);
    bool is_changed = data[2] != 0 && at < file->len - cut;
    file->ptr[at] ^= (char)data[2];
    file->len -= cut;
    return is_changed || cut > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t bytes[SEAL_KEY_BYTES] = "a key that everybody knows......";
    struct seal_key *k = seal_key_new(bytes);
    struct buf file = BUF_EMPTY;
    struct sealer s;
    struct unsealer u;
    size_t got = 1, read = 0;
    char room[64];

    check(!err_failed(sealer_begin(&s, k, SEAL_APPEND, &file)));
    for (size_t at = 0; at < size; at += 50)
        sealer_seal(&s, (struct str){(const char *)data + at, size - at < 50 ? size - at : 50},
                    &file);
    sealer_end(&s, &file);
    sealer_fini(&s);
    bool is_changed = change(&file, data, size);
    struct memory m = {{memory_read}, buf_str(&file)};
    struct err e = unsealer_begin(&u, k, SEAL_APPEND, &m.source);
    while (!err_failed(e) && got > 0) {
        e = u.source.read(&u.source, room, sizeof(room), &got);
        check(err_failed(e) || got == 0 || memcmp(room, data + read, got) == 0);
        read += err_failed(e) ? 0 : got;
    }
    check(is_changed == err_failed(e));
    check(is_changed || read == size);
    unsealer_fini(&u);
    seal_key_free(k);
    buf_fini(&file);
    return 0;
}
