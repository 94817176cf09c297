/* Keys are compared as they are: case matters everywhere but in the reserved prefix. */
#include "controlplane/model/tags.h"

#include "base/arena.h"
#include "contract/faults.h"
#include "controlplane/model/durability.h"

#include <string.h>
#include <strings.h>

/* Characters of UTF-8 text: all bytes but those that continue one. */
static size_t characters(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static bool has_key(const struct tag *tags, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(tags[i].key, key) == 0)
            return true;
    return false;
}

static struct err tag_check(struct arena *a, const struct tag *t)
{
    int64_t ms;

    if (*t->key == '\0')
        return err_make(FAULT_INVALID_PARAMETER_VALUE, "Tag keys must not be empty.");
    if (characters(t->key) > TAG_KEY_MAX)
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "The tag key %s is longer than %d characters.", t->key, TAG_KEY_MAX);
    if (strncasecmp(t->key, "aws:", 4) == 0)
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "The tag key %s is not allowed: the prefix aws: is reserved.", t->key);
    if (characters(t->value) > TAG_VALUE_MAX)
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "The value of the tag %s is longer than %d characters.", t->key,
                          TAG_VALUE_MAX);
    if (strcmp(t->key, PROMOTE_STALE_TAG) == 0 && !promote_stale_parse(t->value, &ms))
        return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                          "Invalid value %s for the tag " PROMOTE_STALE_TAG
                          ". It must be never or a number of seconds, at most 86400.",
                          t->value);
    return OK;
}

struct err tags_check(struct arena *a, const struct tag *tags, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        TRY(tag_check(a, &tags[i]));
        if (has_key(tags, i, tags[i].key))
            return err_format(a, FAULT_INVALID_PARAMETER_VALUE,
                              "The tag key %s is given more than once.", tags[i].key);
    }
    return OK;
}

struct err tags_check_quota(const struct tag *old, size_t old_count, const struct tag *new,
                            size_t new_count)
{
    size_t total = old_count;

    for (size_t i = 0; i < new_count; i++)
        total += !has_key(old, old_count, new[i].key);
    if (total > TAGS_MAX)
        return err_make(FAULT_TAG_QUOTA_PER_RESOURCE_EXCEEDED,
                        "A resource can have at most 50 tags.");
    return OK;
}
