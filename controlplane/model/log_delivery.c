/* A list of names, and a folder for those that are not in it. */
#include "controlplane/model/log_delivery.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"
#include "contract/faults.h"

#include <string.h>

#define SLOW_LOG_SINCE   "6.0"
#define ENGINE_LOG_SINCE "6.2"

static bool is_url(struct str text)
{
    return str_starts(text, "file:/") || str_starts(text, "http://") ||
           str_starts(text, "https://");
}

static struct err parse_line(struct arena *a, int number, struct str line,
                             struct log_destination *out)
{
    struct str name = str_cut(&line, ' '), url = str_trim(line);

    if (!is_url(url) || str_find(url, ' ') != SIZE_MAX)
        return err_format(a, ERR_INVALID,
                          "line %d: behind the name stands one URL of file:/, http or https",
                          number);
    *out = (struct log_destination){str_dup(a, name), str_dup(a, url)};
    return OK;
}

struct err log_destinations_parse(struct arena *a, struct str text, struct log_destinations *out)
{
    vec_of(struct log_destination) list = VEC_EMPTY;

    for (int number = 1; text.len > 0; number++) {
        struct str line = str_trim(str_cut(&text, '\n'));
        struct log_destination one;
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        TRY(parse_line(a, number, line, &one));
        *vec_add(a, &list) = one;
    }
    out->items = list.items;
    out->count = list.count;
    return OK;
}

/* A name as that of a file: what could lead elsewhere is written in hexadecimal. */
static void put_file_name(struct buf *out, const char *name)
{
    for (const char *p = name; *p; p++) {
        bool is_plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                        (*p >= '0' && *p <= '9') || *p == '-' || *p == '_' ||
                        (*p == '.' && p != name);
        if (is_plain)
            buf_putc(out, *p);
        else
            buf_printf(out, "%%%02X", (unsigned char)*p);
    }
}

const char *log_destination_url(struct arena *a, const struct log_destinations *all,
                                const struct log_delivery *d)
{
    scoped(buf_fini) struct buf url = BUF_EMPTY;

    for (size_t i = 0; all && i < all->count; i++)
        if (strcmp(all->items[i].name, d->destination) == 0)
            return all->items[i].url;
    if (!all || !all->dir)
        return "";
    buf_printf(&url, "file:%s/%s/", all->dir, d->destination_type);
    put_file_name(&url, d->destination);
    buf_puts(&url, ".log");
    return str_dup(a, buf_str(&url));
}

struct err log_delivery_check_engine(struct arena *a, const char *log_type,
                                     const struct engine_version *v)
{
    const char *since = strcmp(log_type, LOG_SLOW) == 0 ? SLOW_LOG_SINCE : ENGINE_LOG_SINCE;

    if (strcmp(v->engine, "memcached") == 0)
        return err_make(FAULT_INVALID_PARAMETER_COMBINATION,
                        "Log delivery is not supported for memcached clusters.");
    if (strcmp(v->engine, "redis") == 0 && version_compare(v->reported, since) < 0)
        return err_format(a, FAULT_INVALID_PARAMETER_COMBINATION,
                          "The log type %s is not supported for redis %s: it needs version %s or "
                          "later.",
                          log_type, v->reported, since);
    return OK;
}
