/* Secrets, by command: the one place that knows where they stand. */
#include "cacheengine/dispatch/secret.h"

#include "base/command.h"
#include "base/err.h"
#include "cacheengine/keyspace/call.h"

#include <string.h>

bool secret_is_directive(struct str name)
{
    static const char *const names[] = {"requirepass",
                                        "masterauth",
                                        "masteruser",
                                        "primaryauth",
                                        "primaryuser",
                                        "tls-key-file-pass",
                                        "tls-client-key-file-pass"};

    for (size_t i = 0; i < countof(names); i++)
        if (str_is_nocase(name, names[i]))
            return true;
    return false;
}

static bool is_after(const struct cmd_call *c, uint32_t arg, uint32_t distance, const char *word)
{
    return arg > distance && str_is_nocase(c->argv[arg - distance], word);
}

/* MIGRATE host port key db timeout ... AUTH password | AUTH2 user password; keys come last. */
static bool is_secret_of_migrate(const struct cmd_call *c, uint32_t arg)
{
    for (uint32_t i = 6; i < arg; i++) {
        if (str_is_nocase(c->argv[i], "keys"))
            return false;
        if (str_is_nocase(c->argv[i], "auth") && arg == i + 1)
            return true;
        if (str_is_nocase(c->argv[i], "auth2") && (arg == i + 1 || arg == i + 2))
            return true;
    }
    return false;
}

bool secret_is_argument(const struct cmd_call *c, uint32_t arg)
{
    const char *name = c->cmd->name;

    /* The owner's commands carry keys and tokens. */
    if (c->cmd->is_internal)
        return arg >= 1;
    if (strcmp(name, "auth") == 0)
        return arg >= 1;
    if (strcmp(name, "acl|setuser") == 0 || strcmp(name, "acl|deluser") == 0 ||
        strcmp(name, "acl|getuser") == 0)
        return arg >= 2;
    if (strcmp(name, "config|set") == 0)
        return arg >= 3 && arg % 2 == 1 && secret_is_directive(c->argv[arg - 1]);
    if (strcmp(name, "hello") == 0)
        return is_after(c, arg, 1, "auth") || is_after(c, arg, 2, "auth");
    if (strcmp(name, "migrate") == 0)
        return is_secret_of_migrate(c, arg);
    return false;
}
