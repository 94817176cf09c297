/* Key positions: a loop over the key specifications of a command. */
#include "cacheengine/dispatch/keys.h"

#include "base/arena.h"

/* Where the search of a specification begins; 0 when its keyword is not there. */
static uint32_t begin_of(const struct command_keys *spec, const struct str *argv, uint32_t argc)
{
    if (!spec->keyword)
        return (uint32_t)spec->begin;
    if (spec->from >= 0) {
        for (uint32_t i = (uint32_t)spec->from; i + 1 < argc; i++)
            if (str_is_nocase(argv[i], spec->keyword))
                return i + 1;
        return 0;
    }
    for (int64_t i = (int64_t)argc + spec->from; i > 0; i--)
        if (str_is_nocase(argv[i], spec->keyword))
            return (uint32_t)i + 1;
    return 0;
}

/* First and last position of a specification's keys; false when there are none. */
static bool range_of(const struct command_keys *spec, const struct str *argv, uint32_t argc,
                     int64_t *first, int64_t *last)
{
    int64_t begin = spec->is_unknown ? 0 : begin_of(spec, argv, argc), number;

    if (begin == 0 || begin >= argc)
        return false;
    *first = begin;
    if (spec->is_counted) {
        if (begin + spec->count_at >= argc || !str_to_i64(argv[begin + spec->count_at], &number))
            return false;
        *first = begin + spec->first;
        if (number < 1 || number > argc)
            return false;
        *last = *first + (number - 1) * spec->step;
        return *last < argc;
    }
    if (spec->last >= 0)
        *last = begin + spec->last;
    else if (spec->limit > 1)
        *last = begin + ((int64_t)argc - begin) / spec->limit + spec->last;
    else
        *last = (int64_t)argc + spec->last;
    return *last < argc;
}

static bool has_word(const struct str *argv, uint32_t argc, uint32_t from, const char *word)
{
    for (uint32_t i = from; i < argc; i++)
        if (str_is_nocase(argv[i], word))
            return true;
    return false;
}

/* The flags of a specification that says that they depend on the other arguments. */
static uint32_t flags_of(const struct command *cmd, const struct command_keys *spec,
                         const struct str *argv, uint32_t argc)
{
    uint32_t flags = spec->flags & ~(uint32_t)KEY_VARIABLE_FLAGS;

    if (!(spec->flags & KEY_VARIABLE_FLAGS))
        return flags;
    if (strcmp(cmd->name, "set") == 0 && !has_word(argv, argc, 3, "get"))
        return KEY_OW | KEY_UPDATE;
    if (strcmp(cmd->name, "bitfield") == 0 && !has_word(argv, argc, 2, "set") &&
        !has_word(argv, argc, 2, "incrby"))
        return KEY_RO | KEY_ACCESS;
    return flags;
}

/* Where SORT, the one command with an unknown key that it writes, has that key: behind the last
 * STORE. 0: there is none. */
static uint32_t sort_store(const struct str *argv, uint32_t argc)
{
    uint32_t place = 0;

    for (uint32_t i = 2; i < argc; i++) {
        if (str_is_nocase(argv[i], "limit"))
            i += 2;
        else if (str_is_nocase(argv[i], "get") || str_is_nocase(argv[i], "by"))
            i++;
        else if (str_is_nocase(argv[i], "store") && i + 1 < argc)
            place = i + 1;
    }
    return place;
}

static struct key_place *find(struct arena *a, const struct command *cmd, const struct str *argv,
                              uint32_t argc, uint32_t left_out, uint32_t *count)
{
    struct key_place *out = arena_array(a, (size_t)argc * (cmd->key_specs + 1), sizeof(*out));
    int64_t first, last;

    *count = 0;
    for (uint32_t i = 0; i < cmd->key_specs; i++) {
        const struct command_keys *spec = &cmd->keys[i];

        if (spec->is_unknown && (spec->flags & KEY_OW) && sort_store(argv, argc))
            out[(*count)++] = (struct key_place){sort_store(argv, argc), spec->flags};
        if ((spec->flags & left_out) || !range_of(spec, argv, argc, &first, &last))
            continue;
        uint32_t flags = flags_of(cmd, spec, argv, argc);
        for (int64_t at = first; at <= last; at += spec->step)
            out[(*count)++] = (struct key_place){(uint32_t)at, flags};
    }
    return out;
}

struct key_place *keys_find(struct arena *a, const struct command *cmd, const struct str *argv,
                            uint32_t argc, uint32_t *count)
{
    return find(a, cmd, argv, argc, KEY_NOT_KEY, count);
}

struct key_place *slots_find(struct arena *a, const struct command *cmd, const struct str *argv,
                             uint32_t argc, uint32_t *count)
{
    return find(a, cmd, argv, argc, 0, count);
}
