/* Walking decoded values by their shapes; the layout is that of base/shape.h. */
#include "cli/commands/view.h"

#include "base/err.h"
#include "base/str.h"

#include <string.h>

bool view_member(struct view v, const struct shape_member *m, struct view *out)
{
    const void *value = shape_value(m, v.at);

    if (!value)
        return false;
    *out = (struct view){m->shape, value};
    return true;
}

const struct shape_seq *view_seq(struct view v)
{
    check(v.shape->kind == SHAPE_LIST || v.shape->kind == SHAPE_MAP);
    return v.at;
}

struct view view_item(struct view list, size_t index)
{
    return (struct view){list.shape->item, shape_entry(list.shape, view_seq(list), index)};
}

struct view view_entry(struct view map, size_t index, const char **out_key)
{
    *out_key = *shape_key(map.shape, view_seq(map), index);
    return view_item(map, index);
}

const char *view_text(struct view v)
{
    return v.shape->kind == SHAPE_STRING ? *(const char *const *)v.at : NULL;
}

size_t view_member_size(const struct shape *shape)
{
    return shape->kind == SHAPE_STRUCT ? sizeof(void *) : shape->size;
}

/* Cuts the first step off a path: a name, or "[]". */
static struct str next_step(struct str *path)
{
    if (str_starts(*path, "[]")) {
        path->ptr += 2;
        path->len -= 2;
        if (str_starts(*path, "."))
            path->ptr++, path->len--;
        return STR("[]");
    }
    size_t len = 0;
    while (len < path->len && path->ptr[len] != '.' && path->ptr[len] != '[')
        len++;
    struct str step = {path->ptr, len};
    path->ptr += len;
    path->len -= len;
    if (str_starts(*path, "."))
        path->ptr++, path->len--;
    return step;
}

static bool member_named(struct view v, struct str name, struct view *out)
{
    if (v.shape->kind != SHAPE_STRUCT)
        return false;
    for (size_t i = 0; i < v.shape->member_count; i++)
        if (str_is(name, v.shape->members[i].name))
            return view_member(v, &v.shape->members[i], out);
    return false;
}

static void walk(struct view v, struct str path, view_fn fn, void *context)
{
    struct view next;

    if (path.len == 0) {
        fn(context, v);
        return;
    }
    struct str step = next_step(&path);
    if (str_is(step, "[]")) {
        size_t count = v.shape->kind == SHAPE_LIST ? view_seq(v)->count : 0;
        for (size_t i = 0; i < count; i++)
            walk(view_item(v, i), path, fn, context);
    } else if (member_named(v, step, &next)) {
        walk(next, path, fn, context);
    }
}

void view_each(struct view root, const char *path, view_fn fn, void *context)
{
    walk(root, str_of(path), fn, context);
}

struct found {
    bool has;
    struct view view;
};

static void keep_first(void *context, struct view v)
{
    struct found *f = context;

    if (!f->has)
        *f = (struct found){true, v};
}

bool view_find(struct view root, const char *path, struct view *out)
{
    struct found f = {0};

    view_each(root, path, keep_first, &f);
    if (f.has)
        *out = f.view;
    return f.has;
}
