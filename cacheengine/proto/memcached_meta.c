/*
 * Flags of meta commands. One that comes twice, or that is not known, ends the reading; what is
 * wrong with a value is kept until the end, and the last one is told: as memcached does.
 */
#include "cacheengine/proto/memcached_meta.h"

#include "base/shape_text.h"
#include "cacheengine/keyspace/number.h"

#define BAD_TOKEN "CLIENT_ERROR bad token in command line format"

/* ---- keys ---- */

/* Six bits; -1 for a byte that is passed over. The padding counts as zeros. */
static int base64_digit(char ch)
{
    if (ch >= 'A' && ch <= 'Z')
        return ch - 'A';
    if (ch >= 'a' && ch <= 'z')
        return ch - 'a' + 26;
    if (ch >= '0' && ch <= '9')
        return ch - '0' + 52;
    if (ch == '=')
        return 0;
    return ch == '+' ? 62 : ch == '/' ? 63 : -1;
}

static size_t base64_digits(struct str text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += base64_digit(text.ptr[i]) >= 0;
    return n;
}

/* Returns how many bytes that makes; 0 when it is not valid. */
static size_t base64_decode(struct str text, char *to)
{
    uint32_t bits = 0, have = 0, pads = 0;
    size_t len = 0;

    if (base64_digits(text) % 4)
        return 0;
    for (size_t i = 0; i < text.len && (pads == 0 || have % 4 != 0); i++) {
        int digit = base64_digit(text.ptr[i]);

        if (digit < 0)
            continue;
        pads += text.ptr[i] == '=';
        bits = bits << 6 | (uint32_t)digit;
        if (++have % 4)
            continue;
        to[len++] = (char)(bits >> 16);
        to[len++] = (char)(bits >> 8);
        to[len++] = (char)bits;
    }
    return pads > 2 ? 0 : len - pads;
}

/* The flag b stands anywhere behind the key, but for me, which takes no other. */
static bool has_encoded_key(const struct cmd_call *c)
{
    if (str_is(c->argv[0], "me"))
        return c->argc > 2 && str_is(c->argv[2], "b");
    for (uint32_t i = 2; i < c->argc && i < MC_META_WORDS; i++)
        if (c->argv[i].ptr[0] == 'b')
            return true;
    return false;
}

void mc_meta_decode_key(struct cmd_call *c, struct arena *a)
{
    if (c->argc < 3 || c->argv[1].len > MC_KEY_MAX || !has_encoded_key(c))
        return;
    char *bytes = arena_alloc(a, c->argv[1].len + 3);

    c->argv[1] = (struct str){bytes, base64_decode(c->argv[1], bytes)};
}

/* ---- flags ---- */

static const char *read_deadline(struct str value, int64_t now_ms, int64_t *out)
{
    int32_t exptime;

    if (!mc_read_i32(value, &exptime))
        return BAD_TOKEN;
    *out = mc_deadline(exptime, now_ms);
    return NULL;
}

static const char *read_mode(struct str value, struct mc_meta *out)
{
    if (value.len != 1)
        return "CLIENT_ERROR incorrect length for M token";
    out->mode = value.ptr[0];
    return NULL;
}

/* Flags with a value. Sets *problem when it is wrong; false when the flag is none of these. */
static bool read_valued(char flag, struct str value, int64_t now_ms, struct mc_meta *out,
                        const char **problem)
{
    switch (flag) {
    case 'N':
        out->vivifies = true;
        *problem = read_deadline(value, now_ms, &out->vivify_ms);
        return true;
    case 'T':
        *problem = read_deadline(value, now_ms, &out->deadline_ms);
        out->has_ttl = !*problem;
        return true;
    case 'R': *problem = read_deadline(value, now_ms, &out->recache_ms); return true;
    case 'F': *problem = mc_read_u32(value, &out->flags) ? NULL : MC_BAD_FORMAT; return true;
    case 'C':
        out->has_cas = mc_read_u64(value, &out->cas);
        *problem = out->has_cas ? NULL : BAD_TOKEN;
        return true;
    case 'M': *problem = read_mode(value, out); return true;
    case 'J':
        *problem =
            mc_read_u64(value, &out->initial) ? NULL : "CLIENT_ERROR invalid numeric initial value";
        return true;
    case 'D':
        *problem =
            mc_read_u64(value, &out->delta) ? NULL : "CLIENT_ERROR invalid numeric delta value";
        return true;
    default: return false;
    }
}

/* Flags that are there or not; false when it is not known. */
static bool read_plain(char flag, struct mc_meta *out)
{
    switch (flag) {
    case 'q': out->is_quiet = true; return true;
    case 'b': out->has_encoded_key = true; return true;
    case 'v': out->wants_value = true; return true;
    case 'l':
    case 'h': out->wants_last_use = true; return true;
    case 'u': out->leaves_age = true; return true;
    case 'I': out->spoils = true; return true;
    /* What is merely returned; P and L are left to proxies. */
    case 'O':
    case 'P':
    case 'L':
    case 'k':
    case 's':
    case 't':
    case 'c':
    case 'f': return true;
    default: return false;
    }
}

const char *mc_meta_read(const struct cmd_call *c, uint32_t first, uint32_t end,
                         struct mc_meta *out)
{
    uint64_t seen[2] = {0};
    const char *problem = NULL;

    *out = (struct mc_meta){.delta = 1, .recache_ms = NO_DEADLINE, .deadline_ms = NO_DEADLINE};
    for (uint32_t i = first; i < end; i++) {
        const char *wrong = NULL;
        uint8_t flag = (uint8_t)c->argv[i].ptr[0];

        if (flag >= 127 || (seen[flag / 64] & 1ULL << flag % 64))
            return "CLIENT_ERROR duplicate flag";
        seen[flag / 64] |= 1ULL << flag % 64;
        struct str value = {c->argv[i].ptr + 1, c->argv[i].len - 1};
        if (!read_valued((char)flag, value, c->ks->now_ms, out, &wrong) &&
            !read_plain((char)flag, out))
            return "CLIENT_ERROR invalid flag";
        if (flag == 'b' && c->argv[1].len == 0)
            wrong = "CLIENT_ERROR error decoding key";
        /* Wrong client flags have no line of their own. */
        if (wrong && !(flag == 'F' && problem))
            problem = wrong;
    }
    return problem;
}

static bool read_store_mode(const struct mc_meta *m, enum mc_mode *out)
{
    switch (m->mode) {
    case 0:
    case 'S': *out = m->has_cas ? MC_CAS : MC_SET; return true;
    case 'R': *out = m->has_cas ? MC_CAS : MC_REPLACE; return true;
    case 'E': *out = MC_ADD; return true;
    case 'A': *out = MC_APPEND; return true;
    case 'P': *out = MC_PREPEND; return true;
    default: return false;
    }
}

const char *mc_meta_read_store(const struct cmd_call *c, uint32_t end, struct mc_meta *out,
                               enum mc_mode *out_mode)
{
    const char *problem = mc_meta_read(c, 3, end, out);

    if (problem)
        return problem;
    if (!read_store_mode(out, out_mode))
        return "CLIENT_ERROR invalid mode for ms M token";
    for (uint32_t i = 3; i < end; i++)
        if (c->argv[i].ptr[0] == 'O' && c->argv[i].len > MC_OPAQUE_MAX)
            return MC_OPAQUE_TOO_LONG;
    return NULL;
}

/* ---- parts of a reply ---- */

char *mc_meta_text(char *to, const char *text)
{
    size_t len = strlen(text);

    memcpy(to, text, len);
    return to + len;
}

char *mc_meta_number(char *to, char flag, uint64_t v)
{
    *to++ = ' ';
    *to++ = flag;
    return to + number_write_u64(to, v);
}

int64_t mc_seconds_left(int64_t deadline_ms, int64_t now_ms)
{
    return deadline_ms > now_ms ? (deadline_ms - now_ms + 999) / 1000 : 0;
}

char *mc_meta_ttl(char *to, int64_t deadline_ms, int64_t now_ms)
{
    if (deadline_ms == NO_DEADLINE)
        return mc_meta_text(to, " t-1");
    return mc_meta_number(to, 't', (uint64_t)mc_seconds_left(deadline_ms, now_ms));
}

char *mc_meta_opaque(char *to, struct str word)
{
    *to++ = ' ';
    memcpy(to, word.ptr, word.len);
    return to + word.len;
}

char *mc_meta_key_bytes(char *to, struct str key, bool *was_encoded)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    *was_encoded = *was_encoded || !item_key_is_fine(key);
    if (*was_encoded)
        base64_write(&text, key.ptr, key.len);
    else
        buf_add(&text, key.ptr, key.len);
    memcpy(to, text.ptr, text.len);
    return to + text.len;
}

char *mc_meta_key(char *to, struct str key, bool is_encoded)
{
    to = mc_meta_key_bytes(mc_meta_text(to, " k"), key, &is_encoded);
    return is_encoded ? mc_meta_text(to, " b") : to;
}

bool mc_meta_echo(char **to, const struct cmd_call *c, uint32_t end, struct str key,
                  const struct mc_meta *m)
{
    for (uint32_t i = 2; i < end; i++) {
        struct str word = c->argv[i];

        if (word.ptr[0] == 'O' && word.len > MC_OPAQUE_MAX)
            return false;
        if (word.ptr[0] == 'O')
            *to = mc_meta_opaque(*to, word);
        else if (word.ptr[0] == 'k')
            *to = mc_meta_key(*to, key, m->has_encoded_key);
    }
    return true;
}
