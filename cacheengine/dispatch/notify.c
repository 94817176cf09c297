/* Notifications. The one idea: a class is a letter, and its bit is the letter's place in the list.
 */
#include "cacheengine/dispatch/notify.h"

#include "cacheengine/dispatch/pubsub.h"

/* In the order in which CONFIG GET shows them; A stands for the first ALL_COUNT. */
static const char letters[] = "g$lshzxetdnKEm";
#define ALL_COUNT 10

enum { NOTIFY_KEYSPACE = 1 << 11, NOTIFY_KEYEVENT = 1 << 12, NOTIFY_ALL = (1 << ALL_COUNT) - 1 };

static uint32_t bit_of(char letter)
{
    const char *at = letter ? strchr(letters, letter) : NULL;

    return at ? UINT32_C(1) << (at - letters) : 0;
}

bool notify_parse(struct str text, uint32_t *out)
{
    uint32_t classes = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint32_t bit = text.ptr[i] == 'A' ? NOTIFY_ALL : bit_of(text.ptr[i]);

        if (!bit)
            return false;
        classes |= bit;
    }
    *out = classes;
    return true;
}

void notify_letters(uint32_t classes, char out[NOTIFY_LETTERS])
{
    bool has_all = (classes & NOTIFY_ALL) == NOTIFY_ALL;
    size_t len = 0;

    if (has_all)
        out[len++] = 'A';
    /* As the reference has it, new keys are not shown beside A. */
    for (size_t i = has_all ? ALL_COUNT + 1 : 0; letters[i]; i++)
        if (classes & (UINT32_C(1) << i))
            out[len++] = letters[i];
    out[len] = 0;
}

void notify_apply(struct engine *e)
{
    uint32_t classes = 0;
    bool is_known = notify_parse(str_of(e->settings.notify_events), &classes);

    check(is_known); /* config.c has looked */
    /* Without a kind of channel there is nobody to tell. */
    e->notify_classes = classes & (NOTIFY_KEYSPACE | NOTIFY_KEYEVENT) ? classes : 0;
    e->keyspace.tells_new = (e->notify_classes & bit_of(EVENT_NEW)) != 0;
    engine_observe(e);
}

void notify_tell(struct engine *e, const struct db *db, struct key k, enum key_event kind,
                 const char *name)
{
    struct str key = {k.ptr, k.len}, event = str_of(name);
    struct buf channel = BUF_EMPTY;

    if (!(e->notify_classes & bit_of((char)kind)))
        return;
    if (e->notify_classes & NOTIFY_KEYSPACE) {
        buf_printf(&channel, "__keyspace@%d__:", db->id);
        buf_add_str(&channel, key);
        (void)pubsub_publish(e, PUBSUB_CHANNEL, buf_str(&channel), event);
    }
    if (e->notify_classes & NOTIFY_KEYEVENT) {
        buf_clear(&channel);
        buf_printf(&channel, "__keyevent@%d__:%s", db->id, name);
        (void)pubsub_publish(e, PUBSUB_CHANNEL, buf_str(&channel), key);
    }
    buf_fini(&channel);
}
