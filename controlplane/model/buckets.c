/* Lines of two words, or of five. */
#include "controlplane/model/buckets.h"

#include "base/arena.h"
#include "base/vec.h"

#include <string.h>

#define WORDS_MAX 5

static size_t split(struct str line, struct str *words)
{
    size_t count = 0;

    for (line = str_trim(line); line.len > 0 && count <= WORDS_MAX; line = str_trim(line)) {
        size_t len = 0;
        while (len < line.len && line.ptr[len] != ' ' && line.ptr[len] != '\t')
            len++;
        words[count++] = (struct str){line.ptr, len};
        line = (struct str){line.ptr + len, line.len - len};
    }
    return count;
}

static bool is_url(struct str text)
{
    return str_starts(text, "http://") || str_starts(text, "https://");
}

static struct err parse_line(struct arena *a, int number, struct str line, struct bucket *out)
{
    struct str words[WORDS_MAX + 1];
    size_t count = split(line, words);

    if (count == 2 && str_starts(words[1], "/")) {
        *out = (struct bucket){.name = str_dup(a, words[0]), .dir = str_dup(a, words[1])};
        return OK;
    }
    if (count != WORDS_MAX || !is_url(words[1]))
        return err_format(a, ERR_INVALID,
                          "line %d: behind the bucket's name stands a folder's absolute path, or a "
                          "URL, a region, an access key and its secret",
                          number);
    while (str_ends(words[1], "/"))
        words[1].len--;
    *out = (struct bucket){.name = str_dup(a, words[0]),
                           .url = str_dup(a, words[1]),
                           .region = str_dup(a, words[2]),
                           .access_key = str_dup(a, words[3]),
                           .secret_key = str_dup(a, words[4])};
    return OK;
}

struct err buckets_parse(struct arena *a, struct str text, struct buckets *out)
{
    vec_of(struct bucket) all = VEC_EMPTY;

    for (int number = 1; text.len > 0; number++) {
        struct str line = str_trim(str_cut(&text, '\n'));
        struct bucket bucket;
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        TRY(parse_line(a, number, line, &bucket));
        *vec_add(a, &all) = bucket;
    }
    *out = (struct buckets){all.items, all.count};
    return OK;
}

const struct bucket *bucket_find(const struct buckets *all, const char *name)
{
    for (size_t i = 0; all && i < all->count; i++)
        if (strcmp(all->items[i].name, name) == 0)
            return &all->items[i];
    return NULL;
}

bool bucket_arn_parse(const char *arn, const char **out_path)
{
    static const char *const beginnings[] = {
        "arn:aws:s3:::", "arn:aws-cn:s3:::", "arn:aws-us-gov:s3:::"};

    for (size_t i = 0; i < countof(beginnings); i++) {
        if (strncmp(arn, beginnings[i], strlen(beginnings[i])) != 0)
            continue;
        const char *path = arn + strlen(beginnings[i]), *slash = strchr(path, '/');
        if (!slash || slash == path || !slash[1] || strstr(path, "..") || strchr(path, ','))
            return false;
        *out_path = path;
        return true;
    }
    return false;
}

void bucket_path_split(struct arena *a, const char *path, const char **out_bucket,
                       const char **out_key)
{
    struct str rest = str_of(path);

    *out_bucket = str_dup(a, str_cut(&rest, '/'));
    *out_key = str_dup(a, rest);
}
