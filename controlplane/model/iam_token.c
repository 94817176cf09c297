/*
 * The request that was signed is put together again from its parts, in the one form that Signature
 * Version 4 gives them, so that it does not matter how the token was written.
 */
#include "controlplane/model/iam_token.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define ALGORITHM     "AWS4-HMAC-SHA256"
#define SERVICE       "elasticache"
#define TERMINATOR    "aws4_request"
#define EMPTY_SHA256  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CLOCK_SKEW_MS (300 * (int64_t)1000)
#define DATE_LEN      16 /* 20150202T120000Z */
#define DAY_LEN       8

static struct err invalid(const char *why)
{
    return err_make(ERR_INVALID, why);
}

/* --- taking apart --- */

static int hex_value(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* NULL for a percent sign that stands alone, or a NUL. */
static const char *decode(struct arena *a, struct str text)
{
    char *out = arena_alloc(a, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        out[len] = text.ptr[i];
        if (text.ptr[i] == '%') {
            bool is_whole = i + 2 < text.len;
            int high = is_whole ? hex_value(text.ptr[i + 1]) : -1;
            int low = is_whole ? hex_value(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0 || (high | low) == 0)
                return NULL;
            out[len] = (char)(high << 4 | low);
            i += 2;
        }
        len++;
    }
    out[len] = '\0';
    return out;
}

static int by_name(const void *x, const void *y)
{
    const struct iam_parameter *a = x, *b = y;
    int order = strcmp(a->name, b->name);

    return order ? order : strcmp(a->value, b->value);
}

static const char *value_of(const struct iam_token *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->parameters[i].name, name) == 0)
            return t->parameters[i].value;
    return "";
}

static struct err parse_query(struct arena *a, struct str query, struct iam_token *out)
{
    vec_of(struct iam_parameter) parameters = VEC_EMPTY;

    while (query.len > 0) {
        struct str value = str_cut(&query, '&');
        struct iam_parameter p = {.name = decode(a, str_cut(&value, '='))};

        p.value = decode(a, value);
        if (!p.name || !p.value)
            return invalid("the token is not a well-formed URL");
        *vec_add(a, &parameters) = p;
    }
    if (parameters.count > 0)
        qsort(parameters.items, parameters.count, sizeof(*parameters.items), by_name);
    for (size_t i = 1; i < parameters.count; i++)
        if (strcmp(parameters.items[i - 1].name, parameters.items[i].name) == 0)
            return invalid("the token has a parameter twice");
    out->parameters = parameters.items;
    out->count = parameters.count;
    return OK;
}

struct err iam_token_parse(struct arena *a, const char *text, struct iam_token *out)
{
    struct str rest = str_of(text);
    struct iam_token t = {0};

    if (str_starts(rest, "http://"))
        rest = (struct str){rest.ptr + 7, rest.len - 7};
    size_t mark = str_find(rest, '?');
    struct str place = str_cut(&rest, '?');
    if (mark == SIZE_MAX || place.len < 2 || place.ptr[place.len - 1] != '/' ||
        str_find(place, '/') != place.len - 1)
        return invalid("the token is not a presigned request");
    t.host = str_dup(a, (struct str){place.ptr, place.len - 1});
    TRY(parse_query(a, rest, &t));
    struct str credential = str_of(value_of(&t, "X-Amz-Credential"));
    t.access_key = str_dup(a, str_cut(&credential, '/'));
    if (!*t.access_key)
        return invalid("the token has no credential");
    *out = t;
    return OK;
}

/* --- what it is for, and when --- */

static bool parse_date(const char *text, int64_t *out_ms)
{
    static const char form[] = "dddddddd"
                               "T"
                               "dddddd"
                               "Z";
    int parts[6] = {0};
    static const int widths[] = {4, 2, 2, 2, 2, 2};

    if (strlen(text) != DATE_LEN)
        return false;
    for (size_t i = 0; i < DATE_LEN; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    for (int i = 0; i < 6; i++) {
        text += i == 3; /* the T */
        for (int k = 0; k < widths[i]; k++)
            parts[i] = parts[i] * 10 + *text++ - '0';
    }
    struct tm tm = {.tm_year = parts[0] - 1900,
                    .tm_mon = parts[1] - 1,
                    .tm_mday = parts[2],
                    .tm_hour = parts[3],
                    .tm_min = parts[4],
                    .tm_sec = parts[5]};
    *out_ms = (int64_t)timegm(&tm) * 1000;
    return true;
}

static const char *scope_of(struct arena *a, const char *date, const char *region)
{
    return arena_printf(a, "%.*s/%s/" SERVICE "/" TERMINATOR, DAY_LEN, date, region);
}

static struct err check_scope(struct arena *a, const struct iam_token *t,
                              const struct iam_purpose *purpose)
{
    const char *date = value_of(t, "X-Amz-Date");
    const char *wanted =
        arena_printf(a, "%s/%s", t->access_key, scope_of(a, date, purpose->region));

    if (strcmp(value_of(t, "X-Amz-Algorithm"), ALGORITHM) != 0)
        return invalid("the token is not signed by " ALGORITHM);
    if (strcmp(value_of(t, "X-Amz-SignedHeaders"), "host") != 0)
        return invalid("the token must sign the header host and no other");
    if (strcmp(value_of(t, "X-Amz-Credential"), wanted) != 0)
        return invalid("the token is scoped to another day, region or service");
    return OK;
}

static struct err check_time(const struct iam_token *t, int64_t now_ms, int64_t *out_left_ms)
{
    int64_t signed_ms, life_s;

    if (!parse_date(value_of(t, "X-Amz-Date"), &signed_ms))
        return invalid("the token has no date");
    if (!str_to_i64(str_of(value_of(t, "X-Amz-Expires")), &life_s) || life_s < 1 ||
        life_s * 1000 > IAM_TOKEN_LIFE_MS)
        return invalid("the token must hold for 1 to 900 seconds");
    if (signed_ms > now_ms + CLOCK_SKEW_MS)
        return invalid("the token is from the future");
    if (signed_ms + life_s * 1000 <= now_ms)
        return invalid("the token has expired");
    *out_left_ms = signed_ms + life_s * 1000 - now_ms;
    return OK;
}

struct err iam_token_check(struct arena *a, const struct iam_token *t,
                           const struct iam_purpose *purpose, int64_t *out_left_ms)
{
    const char *type = purpose->is_serverless ? "ServerlessCache" : "";

    if (strcasecmp(t->host, purpose->cache) != 0)
        return invalid("the token is for another cache");
    if (strcmp(value_of(t, "Action"), "connect") != 0)
        return invalid("the token's action is not connect");
    if (strcasecmp(value_of(t, "User"), purpose->user) != 0)
        return invalid("the token is for another user");
    if (strcmp(value_of(t, "ResourceType"), type) != 0)
        return invalid("the token is for another type of cache");
    TRY(check_scope(a, t, purpose));
    return check_time(t, purpose->now_ms, out_left_ms);
}

/* --- who signed it --- */

static bool is_plain(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("-._~", c));
}

static void put_encoded(struct buf *out, const char *text)
{
    for (; *text; text++)
        if (is_plain(*text))
            buf_putc(out, *text);
        else
            buf_printf(out, "%%%02X", (unsigned char)*text);
}

static void put_canonical(struct buf *out, const struct iam_token *t)
{
    const char *between = "";

    buf_puts(out, "GET\n/\n");
    for (size_t i = 0; i < t->count; i++) {
        const struct iam_parameter *p = &t->parameters[i];
        if (strcmp(p->name, "X-Amz-Signature") == 0)
            continue;
        buf_puts(out, between);
        put_encoded(out, p->name);
        buf_putc(out, '=');
        put_encoded(out, p->value);
        between = "&";
    }
    buf_printf(out, "\nhost:%s\n\nhost\n" EMPTY_SHA256, t->host);
}

static void sign(unsigned char *key, size_t *key_len, const char *text)
{
    unsigned char sum[DIGEST_SHA256_BYTES];

    digest_hmac_sha256(key, *key_len, text, strlen(text), sum);
    memcpy(key, sum, sizeof(sum));
    *key_len = sizeof(sum);
}

#define SECRET_MAX 256

/* The signature in hexadecimal digits; `scope` is what stands behind the access key. */
static void signature_of(struct arena *a, const struct iam_token *t, const char *secret,
                         char out[2 * DIGEST_SHA256_BYTES + 1])
{
    scoped(buf_fini) struct buf canonical = BUF_EMPTY;
    unsigned char sum[DIGEST_SHA256_BYTES], key[4 + SECRET_MAX];
    char hex[2 * DIGEST_SHA256_BYTES + 1];
    const char *credential = value_of(t, "X-Amz-Credential");
    const char *scope = credential + strlen(t->access_key) + 1;
    size_t key_len = 4 + strlen(secret);

    put_canonical(&canonical, t);
    digest_sha256(canonical.ptr, canonical.len, sum);
    digest_hex(sum, sizeof(sum), hex);
    memcpy(key, "AWS4", 4);
    memcpy(key + 4, secret, strlen(secret));
    for (struct str rest = str_of(scope); rest.len > 0;)
        sign(key, &key_len, str_dup(a, str_cut(&rest, '/')));
    sign(key, &key_len,
         arena_printf(a, ALGORITHM "\n%s\n%s\n%s", value_of(t, "X-Amz-Date"), scope, hex));
    digest_hex(key, DIGEST_SHA256_BYTES, out);
    explicit_bzero(key, sizeof(key));
}

bool iam_token_is_signed(struct arena *a, const struct iam_token *t, const char *secret)
{
    const char *given = value_of(t, "X-Amz-Signature");
    char wanted[2 * DIGEST_SHA256_BYTES + 1];
    unsigned difference = 0;

    if (strlen(secret) > SECRET_MAX || strlen(given) != sizeof(wanted) - 1 ||
        strlen(value_of(t, "X-Amz-Credential")) <= strlen(t->access_key))
        return false;
    signature_of(a, t, secret, wanted);
    for (size_t i = 0; i < sizeof(wanted) - 1; i++)
        difference |= (unsigned char)given[i] ^ (unsigned char)wanted[i];
    return difference == 0;
}
