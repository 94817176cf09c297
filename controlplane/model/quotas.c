/* One table, made from quotas.def. */
#include "controlplane/model/quotas.h"

#include "base/arena.h"

#include <stddef.h>

static const struct {
    const char *name;
    size_t at;
    int most;
} rows[] = {
#define QUOTA(member, name, usual, most) {name, offsetof(struct quotas, member), most},
#include "controlplane/model/quotas.def"
#undef QUOTA
};

const struct quotas quotas_usual = {
#define QUOTA(member, name, usual, most) .member = (usual),
#include "controlplane/model/quotas.def"
#undef QUOTA
};

static const char *all_names(struct arena *a)
{
    const char *text = "";

    for (size_t i = 0; i < countof(rows); i++)
        text = arena_printf(a, "%s%s%s", text, i ? ", " : "", rows[i].name);
    return text;
}

static struct err set(struct arena *a, struct str one, struct quotas *q)
{
    struct str number = one, name = str_cut(&number, '=');
    int64_t value;

    for (size_t i = 0; i < countof(rows); i++) {
        if (!str_is(name, rows[i].name))
            continue;
        if (!str_to_i64(number, &value) || value < 1 || value > rows[i].most)
            return err_format(a, ERR_INVALID, "%s is a number from 1 to %d", rows[i].name,
                              rows[i].most);
        *(int *)((char *)q + rows[i].at) = (int)value;
        return OK;
    }
    return err_format(a, ERR_INVALID, "'%.*s' is no quota; there are %s", STR_ARG(name),
                      all_names(a));
}

struct err quotas_read(struct arena *a, const char *text, struct quotas *out)
{
    struct quotas q = quotas_usual;

    for (struct str rest = str_of(text); rest.len > 0;)
        TRY(set(a, str_trim(str_cut(&rest, ',')), &q));
    *out = q;
    return OK;
}
