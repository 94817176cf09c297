/* Looking things up in the generated tables. */
#include "base/shape.h"

#include <string.h>

const struct op_desc *service_op(const struct service_desc *s, const char *name)
{
    for (size_t low = 0, high = s->op_count; low < high;) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, s->ops[middle].name);
        if (order == 0)
            return &s->ops[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct shape_member *shape_find(const struct shape *s, const char *name)
{
    for (size_t i = 0; i < s->member_count; i++)
        if (strcmp(s->members[i].name, name) == 0)
            return &s->members[i];
    return NULL;
}
