/* The text is "name=value" words with spaces between; no value has a space in it. */
#include "controlplane/model/parked.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

const struct parked parked_nothing = {"", "", "", "", 0, "", "", 0, 0};

static const struct {
    const char *name;
    size_t at;
} words[] = {
    {"engine",     offsetof(struct parked, engine)         },
    {"version",    offsetof(struct parked, engine_version) },
    {"parameters", offsetof(struct parked, parameter_group)},
    {"type",       offsetof(struct parked, node_type)      },
    {"remove",     offsetof(struct parked, removals)       },
    {"zones",      offsetof(struct parked, zones)          },
};

static const struct {
    const char *name;
    size_t at;
} numbers[] = {
    {"count",   offsetof(struct parked, node_count)   },
    {"percent", offsetof(struct parked, scale_percent)},
    {"minutes", offsetof(struct parked, scale_minutes)},
};

static const char *word_get(const struct parked *p, size_t i)
{
    return *(const char *const *)((const char *)p + words[i].at);
}

static int64_t *number_of(struct parked *p, size_t i)
{
    return (int64_t *)((char *)p + numbers[i].at);
}

static int64_t number_get(const struct parked *p, size_t i)
{
    return *(const int64_t *)((const char *)p + numbers[i].at);
}

bool parked_is_empty(const struct parked *p)
{
    for (size_t i = 0; i < countof(words); i++)
        if (*word_get(p, i))
            return false;
    return p->node_count == 0;
}

const char *parked_text(struct arena *a, const struct parked *p)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    for (size_t i = 0; i < countof(numbers); i++)
        if (number_get(p, i) > 0)
            buf_printf(&text, "%s%s=%lld", text.len ? " " : "", numbers[i].name,
                       (long long)number_get(p, i));
    for (size_t i = 0; i < countof(words); i++)
        if (*word_get(p, i))
            buf_printf(&text, "%s%s=%s", text.len ? " " : "", words[i].name, word_get(p, i));
    return str_dup(a, buf_str(&text));
}

static void word_take(struct arena *a, struct str name, struct str value, struct parked *out)
{
    for (size_t i = 0; i < countof(numbers); i++)
        if (str_is(name, numbers[i].name) && !str_to_i64(value, number_of(out, i)))
            *number_of(out, i) = 0;
    for (size_t i = 0; i < countof(words); i++)
        if (str_is(name, words[i].name))
            *(const char **)((char *)out + words[i].at) = str_dup(a, value);
}

void parked_parse(struct arena *a, const char *text, struct parked *out)
{
    *out = parked_nothing;
    for (struct str rest = str_of(text); rest.len > 0;) {
        struct str value = str_cut(&rest, ' ');
        struct str name = str_cut(&value, '=');
        word_take(a, name, value, out);
    }
}
