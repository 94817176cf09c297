/*
 * What requests do to items (keyspace/item.h). A big value that is taken over from the read buffer
 * has room for flags and cas where its command line stood.
 */
#include "cacheengine/keyspace/number.h"
#include "cacheengine/proto/memcached.h"

/* ---- writing ---- */

size_t mc_item_size(size_t key_len, uint32_t flags, size_t value_len)
{
    return MC_ITEM_HEAD + key_len + 1 + (flags ? sizeof(flags) : 0) + value_len + 2;
}

bool mc_item_fits(const struct engine *e, size_t key_len, uint32_t flags, size_t value_len)
{
    return mc_item_size(key_len, flags, value_len) <= (size_t)e->settings.memcached_item_max;
}

/* True when nothing is to be kept; what was there is removed. */
static bool is_gone_at_once(struct cmd_call *c, struct key k, int64_t deadline_ms)
{
    if (deadline_ms != MC_AT_ONCE)
        return false;
    if (db_delete(c->db, k, c->ks->settings->lazy_server_del))
        call_changed(c, k, EVENT_GENERIC, "del");
    return true;
}

void mc_item_put(struct cmd_call *c, struct key k, uint32_t flags, struct str value,
                 int64_t deadline_ms)
{
    if (is_gone_at_once(c, k, deadline_ms))
        return;
    db_note_new(c->db, item_set(c->db, k, flags, value, deadline_ms));
    call_changed(c, k, EVENT_STRING, "set");
}

uint64_t mc_new_cas(struct cmd_call *c)
{
    return c->engine->settings.memcached_has_cas ? ++mc_state(c)->last_cas : 0;
}

/* The body's buffer as a blob, its prefix written over the end of what stood in front of it. */
static struct blob *take_body(struct cmd_call *c, uint32_t flags, uint32_t body_arg)
{
    struct blob *b = call_take(c, body_arg);

    if (!b)
        return NULL;
    if (b->skip < ITEM_BLOB_PREFIX) {
        blob_drop(&c->ks->account, b);
        return NULL;
    }
    b->skip -= ITEM_BLOB_PREFIX;
    b->len += ITEM_BLOB_PREFIX;
    item_blob_begin(b, flags);
    return b;
}

void mc_item_put_body(struct cmd_call *c, struct key k, const struct item *notes, uint32_t body_arg,
                      int64_t deadline_ms)
{
    struct str body = c->argv[body_arg];
    struct entry *e;
    struct blob *b;

    if (is_gone_at_once(c, k, deadline_ms))
        return;
    bool is_outside = item_stands_outside(k, body.len);
    if (is_outside && (b = take_body(c, notes->flags, body_arg)))
        e = db_set_blob(c->db, k, b, deadline_ms);
    else if (!is_outside && notes->cas)
        e = item_set_edited(c->db, k, notes, body, deadline_ms);
    else
        e = item_set(c->db, k, notes->flags, body, deadline_ms);
    if (is_outside && notes->cas) {
        struct item it;

        item_read(e, &it);
        check(item_note(&it, notes->cas, 0));
    }
    db_note_new(c->db, e);
    call_changed(c, k, EVENT_STRING, "set");
}

/* ---- cas and marks ---- */

static void note(struct cmd_call *c, struct key k, struct item *it, uint64_t cas, unsigned marks)
{
    if (item_note(it, cas, marks))
        return;
    it->cas = cas;
    it->marks = marks;
    item_read(item_set_edited(c->db, k, it, it->value, KEEP_DEADLINE), it);
}

uint64_t mc_item_cas(struct cmd_call *c, struct key k, struct item *it)
{
    if (!it->cas && c->engine->settings.memcached_has_cas)
        note(c, k, it, mc_new_cas(c), it->marks);
    return it->cas;
}

void mc_item_mark(struct cmd_call *c, struct key k, struct item *it, unsigned marks)
{
    if (it->marks != marks)
        note(c, k, it, it->cas, marks);
}

void mc_item_spoil(struct cmd_call *c, struct key k, struct item *it)
{
    note(c, k, it, mc_new_cas(c), (it->marks | ITEM_STALE) & ~(unsigned)ITEM_TAKEN);
    call_changed(c, k, EVENT_STRING, "set");
}

bool mc_item_touch(struct cmd_call *c, struct key k, struct entry **e, int64_t deadline_ms)
{
    if (deadline_ms == MC_AT_ONCE) {
        db_delete_entry(c->db, k, *e, c->ks->settings->lazy_user_del);
        call_changed(c, k, EVENT_GENERIC, "del");
        return false;
    }
    *e = db_set_deadline(c->db, k, *e, deadline_ms);
    call_changed(c, k, EVENT_GENERIC, "expire");
    return true;
}

/* ---- adding to a value ---- */

/* Both parts as one value in the scratch arena. */
static struct str joined(struct cmd_call *c, struct str a, struct str b)
{
    char *bytes = arena_alloc(c->scratch, a.len + b.len + 1);

    memcpy(bytes, a.ptr, a.len);
    memcpy(bytes + a.len, b.ptr, b.len);
    return (struct str){bytes, a.len + b.len};
}

/* Grows a blob that nobody else holds at its end. */
static void blob_append(struct cmd_call *c, struct item *it, struct str more)
{
    struct blob *b = it->blob;
    size_t len = b->len + more.len;

    if (b->skip + len > b->room)
        b = blob_grow(&c->ks->account, b, len + len / 4);
    memcpy(blob_ptr(b) + b->len, more.ptr, more.len);
    b->len = len;
    item_blob_begin(b, it->flags);
    entry_set_outside(it->entry, b);
}

void mc_item_append(struct cmd_call *c, struct key k, struct item *it, struct str more)
{
    enum entry_form form = entry_form(it->entry);
    size_t len = it->value.len + more.len;
    struct entry *e = it->entry;

    if (it->blob && !blob_is_shared(it->blob)) {
        blob_append(c, it, more);
    } else if (item_stands_outside(k, len)) {
        e = db_set_blob(c->db, k, item_blob(&c->ks->account, it->flags, it->value, more),
                        KEEP_DEADLINE);
    } else if (form == FORM_PLAIN || form == FORM_EDITED) {
        size_t old = entry_value_len(it->entry);

        check(item_note(it, 0, 0));
        e = db_resize(c->db, k, it->entry, old + more.len);
        memcpy(entry_value(e) + old, more.ptr, more.len);
    } else {
        e = item_set(c->db, k, it->flags, joined(c, it->value, more), KEEP_DEADLINE);
    }
    db_note_new(c->db, e);
    call_changed(c, k, EVENT_STRING, "append");
}

void mc_item_prepend(struct cmd_call *c, struct key k, struct item *it, struct str more)
{
    struct entry *e;

    if (item_stands_outside(k, it->value.len + more.len))
        e = db_set_blob(c->db, k, item_blob(&c->ks->account, it->flags, more, it->value),
                        KEEP_DEADLINE);
    else
        e = item_set(c->db, k, it->flags, joined(c, more, it->value), KEEP_DEADLINE);
    db_note_new(c->db, e);
    call_changed(c, k, EVENT_STRING, "prepend");
}
