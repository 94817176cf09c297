/* Nothing is compiled: inventories are small, and most calls have one filter. */
#include "controlplane/ops/filters.h"

#include "base/arena.h"
#include "contract/faults.h"

#include <string.h>

void trait_add(struct traits *t, const char *name, const char *text)
{
    *vec_add(t->arena, &t->list) = (struct trait){name, text ? text : ""};
}

void trait_add_bool(struct traits *t, const char *name, bool value)
{
    trait_add(t, name, value ? "true" : "false");
}

void trait_add_tags(struct traits *t, const struct ec2_tag_list *tags)
{
    for (size_t i = 0; i < tags->count; i++) {
        trait_add(t, arena_printf(t->arena, "tag:%s", tags->items[i].key), tags->items[i].value);
        trait_add(t, "tag-key", tags->items[i].key);
    }
}

static bool is_on_tags(const char *name)
{
    return strncmp(name, "tag:", 4) == 0 || strcmp(name, "tag-key") == 0;
}

struct err filters_check(struct call *c, const struct ec2_filter_list *filters,
                         const char *const *names)
{
    for (size_t i = 0; i < filters->count; i++) {
        const char *name = filters->items[i].name ? filters->items[i].name : "";
        bool is_known = is_on_tags(name);
        for (size_t k = 0; names[k]; k++)
            is_known |= strcmp(names[k], name) == 0;
        if (!is_known)
            return fault(c, FAULT_INVALID_PARAMETER_VALUE, "The filter '%s' is invalid", name);
    }
    return OK;
}

/* Where a star was passed, the text behind it may begin later: one step back is enough, for the
 * last star can take what those before it could. */
bool wildcard_match(const char *pattern, const char *text)
{
    const char *star = NULL, *again = NULL;

    while (*text) {
        bool is_escaped = *pattern == '\\' && pattern[1];
        if (!is_escaped && *pattern == '*') {
            star = pattern++;
            again = text;
        } else if (is_escaped ? pattern[1] == *text : *pattern == '?' || *pattern == *text) {
            pattern += is_escaped ? 2 : 1;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool passes(const struct ec2_filter *f, const struct traits *t)
{
    for (size_t i = 0; i < t->list.count; i++) {
        const struct trait *trait = &t->list.items[i];
        if (strcmp(trait->name, f->name) != 0)
            continue;
        for (size_t k = 0; k < f->values.count; k++)
            if (f->values.items[k] && wildcard_match(f->values.items[k], trait->text))
                return true;
    }
    return false;
}

bool filters_pass(const struct ec2_filter_list *filters, const struct traits *t)
{
    for (size_t i = 0; i < filters->count; i++)
        if (!passes(&filters->items[i], t))
            return false;
    return true;
}
