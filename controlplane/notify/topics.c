/* Lines of two words. */
#include "controlplane/notify/topics.h"

#include "base/arena.h"
#include "base/vec.h"

static struct str next_word(struct str *rest)
{
    *rest = str_trim(*rest);
    size_t len = 0;
    while (len < rest->len && rest->ptr[len] != ' ' && rest->ptr[len] != '\t')
        len++;
    struct str word = {rest->ptr, len};
    *rest = str_trim((struct str){rest->ptr + len, rest->len - len});
    return word;
}

static bool is_url(struct str text)
{
    return str_starts(text, "http://") || str_starts(text, "https://");
}

static struct err parse_line(struct arena *a, int number, struct str line, struct topic *out)
{
    struct str arn = next_word(&line), url = next_word(&line);

    if (!str_starts(arn, "arn:"))
        return err_format(a, ERR_INVALID, "line %d: %.*s is not the ARN of a topic", number,
                          STR_ARG(arn));
    if (!is_url(url) || line.len > 0)
        return err_format(a, ERR_INVALID, "line %d: behind the ARN stands one URL of http or https",
                          number);
    *out = (struct topic){str_dup(a, arn), str_dup(a, url)};
    return OK;
}

struct err topics_parse(struct arena *a, struct str text, struct topics *out)
{
    vec_of(struct topic) topics = VEC_EMPTY;

    for (int number = 1; text.len > 0; number++) {
        struct str line = str_cut(&text, '\n');
        struct topic topic;
        line = str_trim(str_cut(&line, '#'));
        if (line.len == 0)
            continue;
        TRY(parse_line(a, number, line, &topic));
        *vec_add(a, &topics) = topic;
    }
    *out = (struct topics){topics.items, topics.count};
    return OK;
}
