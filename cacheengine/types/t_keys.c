/* Keys of any type: removing, renaming, copying, moving, counting. */
#include "base/command.h"
#include "cacheengine/keyspace/call.h"
#include "cacheengine/keyspace/slot_walk.h"
#include "contract/command_procs.h"

/* Removes the keys from argument 1 on. */
static void delete_keys(struct cmd_call *c, bool lazily)
{
    int64_t count = 0;

    for (uint32_t i = 1; i < c->argc; i++) {
        struct key k = call_key(c, i);

        if (!db_delete(c->db, k, lazily))
            continue;
        call_changed(c, k, EVENT_GENERIC, "del");
        count++;
    }
    reply_int(c->reply, count);
}

void cmd_del(struct cmd_call *c)
{
    delete_keys(c, c->ks->settings->lazy_user_del);
}

void cmd_unlink(struct cmd_call *c)
{
    delete_keys(c, true);
}

void cmd_exists(struct cmd_call *c)
{
    int64_t count = 0;

    for (uint32_t i = 1; i < c->argc; i++)
        count += db_look(c->db, call_key(c, i)) != NULL;
    reply_int(c->reply, count);
}

void cmd_touch(struct cmd_call *c)
{
    int64_t count = 0;

    c->ks->spares_age = false;
    for (uint32_t i = 1; i < c->argc; i++)
        count += db_read(c->db, call_key(c, i)) != NULL;
    reply_int(c->reply, count);
}

void cmd_type(struct cmd_call *c)
{
    const struct entry *e = db_look(c->db, call_key(c, 1));

    reply_status(c->reply, e ? db_type_name(c->db, e) : "none");
}

void cmd_dbsize(struct cmd_call *c)
{
    reply_int(c->reply, (int64_t)db_shown_count(c->db));
}

/* ---- renaming ---- */

/* Renames argument 1 to argument 2. False when the new name is taken and must not be. */
static bool rename_key(struct cmd_call *c, bool only_if_free)
{
    struct key from = call_key(c, 1), to = call_key(c, 2);
    bool is_same = from.len == to.len && memcmp(from.ptr, to.ptr, to.len) == 0;

    if (is_same)
        return !only_if_free;
    if (db_find(c->db, to)) {
        if (only_if_free)
            return false;
        db_delete(c->db, to, c->ks->settings->lazy_server_del);
    }
    db_rename(c->db, from, to);
    call_changed(c, from, EVENT_GENERIC, "rename_from");
    call_changed(c, to, EVENT_GENERIC, "rename_to");
    return true;
}

void cmd_rename(struct cmd_call *c)
{
    if (!db_find(c->db, call_key(c, 1))) {
        reply_no_key(c->reply);
        return;
    }
    rename_key(c, false);
    reply_ok(c->reply);
}

void cmd_renamenx(struct cmd_call *c)
{
    if (!db_find(c->db, call_key(c, 1)))
        reply_no_key(c->reply);
    else
        reply_int(c->reply, rename_key(c, true));
}

/* ---- to other keys and databases ---- */

/* The database that an argument names; NULL after the error was sent. */
static struct db *db_argument(struct cmd_call *c, uint32_t arg)
{
    int64_t id;

    if (!call_int_within(c, arg, INT32_MIN, INT32_MAX, NULL, &id))
        return NULL;
    if (id < 0 || id >= c->ks->db_count) {
        reply_error(c->reply, "ERR DB index is out of range");
        return NULL;
    }
    return &c->ks->dbs[id];
}

static bool is_same_object(struct cmd_call *c, const struct db *to, struct key from, struct key k)
{
    if (to != c->db || from.len != k.len || memcmp(from.ptr, k.ptr, k.len) != 0)
        return false;
    reply_error(c->reply, "ERR source and destination objects are the same");
    return true;
}

/* Says that a key of another database than the call's was changed. */
static void changed_in(struct cmd_call *c, struct db *db, struct key k, const char *event)
{
    struct db *own = c->db;

    c->db = db;
    call_changed(c, k, EVENT_GENERIC, event);
    c->db = own;
}

void cmd_copy(struct cmd_call *c)
{
    struct key from = call_key(c, 1), to = call_key(c, 2);
    struct db *db = c->db;
    bool replaces = false;

    for (uint32_t i = 3; i < c->argc; i++) {
        if (call_is(c, i, "replace")) {
            replaces = true;
        } else if (call_is(c, i, "db") && i + 1 < c->argc) {
            db = db_argument(c, ++i);
            if (!db)
                return;
        } else {
            reply_syntax_error(c->reply);
            return;
        }
    }
    if (is_same_object(c, db, from, to))
        return;
    struct entry *e = db_read(c->db, from);
    bool is_taken = e && db_find(db, to);
    if (!e || (is_taken && !replaces)) {
        reply_int(c->reply, 0);
        return;
    }
    if (is_taken) {
        db_delete(db, to, c->ks->settings->lazy_server_del);
        /* The removal may have moved what the source stands in. */
        e = db_peek(c->db, from);
    }
    db_copy(c->db, e, db, to, entry_deadline(e));
    changed_in(c, db, to, "copy_to");
    reply_int(c->reply, 1);
}

void cmd_move(struct cmd_call *c)
{
    struct key k = call_key(c, 1);

    if (c->ks->has_slots) {
        reply_error(c->reply, "ERR MOVE is not allowed in cluster mode");
        return;
    }
    struct db *to = db_argument(c, 2);
    if (!to || is_same_object(c, to, k, k))
        return;
    struct entry *e = db_find(c->db, k);
    if (!e || db_find(to, k)) {
        reply_int(c->reply, 0);
        return;
    }
    db_copy(c->db, e, to, k, entry_deadline(e));
    db_delete_entry(c->db, k, e, true);
    call_changed(c, k, EVENT_GENERIC, "move_from");
    changed_in(c, to, k, "move_to");
    reply_int(c->reply, 1);
}
