/* The first line of a script, where it says what it is: words with spaces between. */
#include "base/arena.h"
#include "base/str.h"
#include "cacheengine/script/libraries.h"

#include <string.h>

const char *const script_flag_names[SCRIPT_FLAG_NAMES] = {
    "no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys",
};

uint32_t script_flag_of(struct str name)
{
    for (uint32_t i = 0; i < SCRIPT_FLAG_NAMES; i++)
        if (str_is_nocase(name, script_flag_names[i]))
            return 1U << i;
    return 0;
}

/* What a backslash and this letter stand for. */
static char escaped(char c)
{
    static const char letters[] = "nrtba", meant[] = "\n\r\t\b\a";
    const char *at = strchr(letters, c);

    return c && at ? meant[at - letters] : c;
}

/* The next word, quotes taken off, in `a`; of no length at the end. False: a quote is not closed.
 */
static bool next_word(struct arena *a, struct str *line, struct str *out)
{
    char *to, quote = 0;

    while (line->len > 0 && strchr(" \t\r", *line->ptr))
        *line = (struct str){line->ptr + 1, line->len - 1};
    to = arena_alloc(a, line->len + 1);
    *out = (struct str){to, 0};
    for (; line->len > 0 && (quote || !strchr(" \t\r", *line->ptr));
         *line = (struct str){line->ptr + 1, line->len - 1}) {
        char c = *line->ptr;

        if (c == quote || (!quote && (c == '"' || c == '\''))) {
            quote = quote ? 0 : c;
            continue;
        }
        if (quote == '"' && c == '\\' && line->len > 1) {
            *line = (struct str){line->ptr + 1, line->len - 1};
            c = escaped(*line->ptr);
        }
        to[out->len++] = c;
    }
    return !quote;
}

static bool has_prefix(struct str word, const char *prefix)
{
    size_t len = strlen(prefix);

    return word.len >= len && str_is_nocase((struct str){word.ptr, len}, prefix);
}

/* The line without its end; false: the text is this line alone. */
static bool first_line(struct str text, struct str *out)
{
    const char *end = memchr(text.ptr, '\n', text.len);

    if (!end)
        return false;
    *out = (struct str){text.ptr, (size_t)(end - text.ptr)};
    return true;
}

static const char *read_flags(struct arena *a, struct str list, uint32_t *flags)
{
    while (list.len > 0) {
        struct str name = str_cut(&list, ',');
        uint32_t flag = script_flag_of(name);

        if (!flag)
            return arena_printf(a, "Unexpected flag in script shebang: %.*s", STR_ARG(name));
        *flags |= flag;
    }
    return NULL;
}

const char *script_header_read(struct arena *a, struct str text, struct script_header *out)
{
    struct str line, word;
    const char *wrong = NULL;

    *out = (struct script_header){.flags = SCRIPT_PLAIN};
    if (!has_prefix(text, "#!"))
        return NULL;
    if (!first_line(text, &line))
        return "Invalid script shebang";
    *out = (struct script_header){.bytes = line.len};
    if (!next_word(a, &line, &word))
        return "Invalid engine in script shebang";
    if (!str_is(word, "#!lua"))
        return arena_printf(a, "Unexpected engine in script shebang: %.*s", STR_ARG(word));
    while (!wrong) {
        if (!next_word(a, &line, &word))
            return "Invalid engine in script shebang";
        if (word.len == 0)
            break;
        if (has_prefix(word, "flags="))
            wrong = read_flags(a, (struct str){word.ptr + 6, word.len - 6}, &out->flags);
        else
            wrong = arena_printf(a, "Unknown lua shebang option: %.*s", STR_ARG(word));
    }
    return wrong;
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_')
            return false;
    }
    return name.len > 0;
}

const char *library_name_check(struct str name)
{
    return is_name(name) ? NULL
                         : "Library names can only contain letters, numbers, or underscores(_) and "
                           "must be at least one character long";
}

const char *library_header_read(struct arena *a, struct str text, struct script_header *out)
{
    struct str line, engine, word;

    *out = (struct script_header){0};
    if (!has_prefix(text, "#!"))
        return "Missing library metadata";
    if (!first_line(text, &line))
        return "Invalid library metadata";
    out->bytes = line.len;
    if (!next_word(a, &line, &engine))
        return "Invalid library metadata";
    for (;;) {
        if (!next_word(a, &line, &word))
            return "Invalid library metadata";
        if (word.len == 0)
            break;
        if (!has_prefix(word, "name="))
            return arena_printf(a, "Invalid metadata value given: %.*s", STR_ARG(word));
        if (out->name.ptr)
            return "Invalid metadata value, name argument was given multiple times";
        out->name = (struct str){word.ptr + 5, word.len - 5};
    }
    if (!out->name.ptr)
        return "Library name was not given";
    const char *wrong = library_name_check(out->name);
    if (wrong)
        return wrong;
    if (!str_is_nocase(engine, "#!lua"))
        return arena_printf(a, "Engine '%.*s' not found", (int)engine.len - 2, engine.ptr + 2);
    return NULL;
}
