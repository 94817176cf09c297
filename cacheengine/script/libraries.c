/*
 * Libraries. The one idea: what is loaded stands apart, seen by nobody, until it is whole and fits;
 * then it is linked in with what it replaces going out, so a failure leaves everything as it was.
 */
#include "cacheengine/script/libraries.h"

#include "base/arena.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

struct libraries {
    const struct script_host *host;
    struct account *account;
    size_t limit_bytes;
    struct machine *machine; /* NULL until the first library */
    struct map by_name, functions;
    size_t bytes; /* of all libraries that are linked in */
};

struct libraries *libraries_new(const struct script_host *host, struct account *account,
                                size_t limit_bytes)
{
    struct libraries *all = calloc(1, sizeof(*all));

    check(all);
    *all = (struct libraries){.host = host, .account = account, .limit_bytes = limit_bytes};
    map_init(&all->by_name);
    map_init(&all->functions);
    return all;
}

void libraries_free(struct libraries *all)
{
    if (!all)
        return;
    libraries_flush(all);
    machine_free(all->machine);
    free(all);
}

/* ---- names ---- */

#define FUNCTION_NAME_MAX 512

/* Functions are called by their names in any case. */
struct folded {
    char text[FUNCTION_NAME_MAX];
};

static struct str lower(struct str name, struct folded *room)
{
    for (size_t i = 0; i < name.len; i++)
        room->text[i] =
            (char)(name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? name.ptr[i] + 32 : name.ptr[i]);
    return (struct str){room->text, name.len};
}

static bool is_same_function(struct str a, struct str b)
{
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* ---- one library ---- */

static struct library *library_new(struct str name, struct str text)
{
    size_t bytes = sizeof(struct library) + name.len + text.len;
    struct library *l = malloc(bytes);

    check(l);
    *l = (struct library){.bytes = bytes};
    memcpy(l->texts, name.ptr, name.len);
    memcpy(l->texts + name.len, text.ptr, text.len);
    l->name = (struct str){l->texts, name.len};
    l->text = (struct str){l->texts + name.len, text.len};
    return l;
}

static void library_free(struct libraries *all, struct library *l)
{
    while (l->functions) {
        struct function *f = l->functions;

        l->functions = f->next;
        machine_forget(all->machine, f->ref);
        free(f);
    }
    free(l);
}

static void list_free(struct libraries *all, struct library *list)
{
    while (list) {
        struct library *l = list;

        list = l->next;
        library_free(all, l);
    }
}

const char *library_add(struct library *l, struct str name, struct str description, uint32_t flags,
                        int ref)
{
    const char *wrong = library_name_check(name);
    struct function **last = &l->functions;

    if (wrong)
        return wrong;
    if (name.len > FUNCTION_NAME_MAX)
        return "Function names can have 512 characters at most";
    for (; *last; last = &(*last)->next)
        if (is_same_function((*last)->name, name))
            return "Function already exists in the library";
    size_t bytes = sizeof(struct function) + name.len + 1 + description.len;
    struct function *f = malloc(bytes);
    check(f);
    *f = (struct function){.library = l, .flags = flags, .ref = ref};
    memcpy(f->texts, name.ptr, name.len);
    f->texts[name.len] = 0;
    f->name = (struct str){f->texts, name.len};
    if (description.ptr) {
        memcpy(f->texts + name.len + 1, description.ptr, description.len);
        f->description = (struct str){f->texts + name.len + 1, description.len};
    }
    *last = f;
    l->function_count++;
    l->bytes += bytes;
    return NULL;
}

/* ---- linking ---- */

static void link_in(struct libraries *all, struct library *l)
{
    struct folded room;

    (void)map_put(&all->by_name, l->name, l);
    for (struct function *f = l->functions; f; f = f->next)
        (void)map_put(&all->functions, lower(f->name, &room), f);
    all->bytes += l->bytes;
    account_add(all->account, l->bytes);
}

static void unlink_from(struct libraries *all, struct library *l)
{
    struct folded room;

    (void)map_take(&all->by_name, l->name);
    for (struct function *f = l->functions; f; f = f->next)
        (void)map_take(&all->functions, lower(f->name, &room));
    all->bytes -= l->bytes;
    account_sub(all->account, l->bytes);
}

/* Links a list in; what is in the way goes to *removed where it may. NULL, or what is wrong: then
 * some may be linked in already. */
static const char *join(struct libraries *all, struct arena *a, struct library *list,
                        enum library_policy policy, struct library **removed)
{
    for (struct library *l = list; l; l = l->next) {
        struct library *old = libraries_find(all, l->name);

        if (!old)
            continue;
        if (policy != LIBRARY_REPLACE)
            return arena_printf(a, "Library %.*s already exists", STR_ARG(l->name));
        unlink_from(all, old);
        old->next = *removed;
        *removed = old;
    }
    for (struct library *l = list; l; l = l->next)
        for (struct function *f = l->functions; f; f = f->next)
            if (libraries_find_function(all, f->name))
                return arena_printf(a, "Function %.*s already exists", STR_ARG(f->name));
    for (struct library *l = list; l; l = l->next)
        link_in(all, l);
    return NULL;
}

/* ---- loading ---- */

/* Runs the text of a library; what comes of it is linked nowhere yet. */
static const char *make(struct libraries *all, struct arena *a, struct str text, int64_t limit_ms,
                        struct library **out)
{
    struct script_header header;
    const char *wrong = library_header_read(a, text, &header);

    if (wrong)
        return wrong;
    if (!all->machine)
        all->machine = machine_new(MACHINE_FUNCTIONS, all->host, all->account, all->limit_bytes);
    if (!all->machine)
        return "scripts may not have enough memory to run at all";
    struct library *l = library_new(header.name, text);
    struct str code = {text.ptr + header.bytes, text.len - header.bytes};
    wrong = machine_load_library(all->machine, a, code, l, limit_ms);
    if (!wrong && l->function_count == 0)
        wrong = "No functions registered";
    if (wrong) {
        library_free(all, l);
        return wrong;
    }
    *out = l;
    return NULL;
}

const char *libraries_load(struct libraries *all, struct arena *a, struct str text,
                           enum library_policy policy, int64_t limit_ms, struct library **out)
{
    struct script_header header;
    struct library *l = NULL, *removed = NULL;
    const char *wrong = library_header_read(a, text, &header);

    if (!wrong && policy == LIBRARY_ADD && libraries_find(all, header.name))
        wrong = arena_printf(a, "Library '%.*s' already exists", STR_ARG(header.name));
    if (!wrong)
        wrong = make(all, a, text, limit_ms, &l);
    if (wrong)
        return wrong;
    wrong = join(all, a, l, policy, &removed);
    if (wrong) {
        if (removed)
            link_in(all, removed);
        library_free(all, l);
        return wrong;
    }
    list_free(all, removed);
    *out = l;
    return NULL;
}

/* Links a list of libraries in again that were unlinked. */
static void restore(struct libraries *all, struct library *list)
{
    for (struct library *l = list; l; l = l->next)
        link_in(all, l);
}

/* Two that are loaded together must not have anything of the same name. */
static const char *clash(struct arena *a, const struct library *x, const struct library *y)
{
    if (str_eq(x->name, y->name))
        return arena_printf(a, "Library '%.*s' already exists", STR_ARG(y->name));
    for (const struct function *f = x->functions; f; f = f->next)
        for (const struct function *g = y->functions; g; g = g->next)
            if (is_same_function(f->name, g->name))
                return arena_printf(a, "Function %.*s already exists", STR_ARG(g->name));
    return NULL;
}

const char *libraries_load_all(struct libraries *all, struct arena *a, const struct str *texts,
                               size_t count, enum library_policy policy, bool flushes)
{
    struct library *list = NULL, **last = &list, *removed = NULL;
    const char *wrong = NULL;

    for (size_t i = 0; !wrong && i < count; i++) {
        wrong = make(all, a, texts[i], 0, last);
        if (wrong)
            break;
        for (const struct library *l = list; l != *last && !wrong; l = l->next)
            wrong = clash(a, l, *last);
        last = &(*last)->next;
    }
    while (!wrong && flushes && all->by_name.count > 0) {
        struct library *old = NULL;

        map_each(slot, &all->by_name)
            old = slot->value;
        unlink_from(all, old);
        old->next = removed;
        removed = old;
    }
    if (!wrong)
        wrong = join(all, a, list, policy, &removed);
    if (wrong)
        restore(all, removed);
    list_free(all, wrong ? list : removed);
    return wrong;
}

/* ---- the rest ---- */

struct library *libraries_find(const struct libraries *all, struct str name)
{
    return map_get(&all->by_name, name);
}

struct function *libraries_find_function(const struct libraries *all, struct str name)
{
    struct folded room;

    /* No name is longer. */
    if (name.len > FUNCTION_NAME_MAX)
        return NULL;
    return map_get(&all->functions, lower(name, &room));
}

void libraries_remove(struct libraries *all, struct library *l)
{
    unlink_from(all, l);
    library_free(all, l);
}

void libraries_flush(struct libraries *all)
{
    /* Without the machine there is nothing to be forgotten one by one. */
    map_each(slot, &all->by_name) {
        struct library *l = slot->value;

        account_sub(all->account, l->bytes);
        while (l->functions) {
            struct function *f = l->functions;

            l->functions = f->next;
            free(f);
        }
        free(l);
    }
    map_fini(&all->by_name);
    map_fini(&all->functions);
    map_init(&all->by_name);
    map_init(&all->functions);
    all->bytes = 0;
    machine_free(all->machine);
    all->machine = NULL;
}

static int by_name(const void *a, const void *b)
{
    const struct library *x = *(struct library *const *)a, *y = *(struct library *const *)b;
    size_t len = x->name.len < y->name.len ? x->name.len : y->name.len;
    int order = memcmp(x->name.ptr, y->name.ptr, len);

    return order ? order : (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

struct library **libraries_list(const struct libraries *all, struct arena *a, size_t *count)
{
    struct library **out = arena_array(a, all->by_name.count + 1, sizeof(struct library *));

    *count = 0;
    map_each(slot, &all->by_name)
        out[(*count)++] = slot->value;
    qsort(out, *count, sizeof(struct library *), by_name);
    return out;
}

void libraries_run(struct libraries *all, const struct function *f, struct script_run *run,
                   const struct machine_words *w)
{
    machine_run(all->machine, f->ref, run, w);
}

struct libraries_facts libraries_facts(const struct libraries *all)
{
    if (!all)
        return (struct libraries_facts){0};
    return (struct libraries_facts){.libraries = all->by_name.count,
                                    .functions = all->functions.count,
                                    .library_bytes = all->bytes,
                                    .machine_bytes = machine_bytes(all->machine)};
}
