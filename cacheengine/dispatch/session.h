/* What connection commands share: names, the text that describes a client. */
#ifndef LARDER_DISPATCH_SESSION_H
#define LARDER_DISPATCH_SESSION_H

#include "base/buf.h"
#include "cacheengine/dispatch/engine.h"

/* Names (of clients, of libraries) hold printable characters without spaces. */
bool session_name_is_valid(struct str name);

/* Sets an owned text; an empty one removes it. */
void session_set_text(char **text, struct str value);

/* Back to a new connection's state: RESET. */
void session_reset(struct engine *e, struct client *c);

/* The line of CLIENT LIST, with its line feed. */
void session_describe(const struct client *c, int64_t passed_ms, struct buf *out);

/* The kinds that CLIENT LIST and CLIENT KILL select by. */
enum session_kind { SESSION_NORMAL, SESSION_REPLICA, SESSION_MASTER, SESSION_PUBSUB };

enum session_kind session_kind(const struct client *c);

/* By its name; false when there is no such kind. */
bool session_kind_find(struct str name, enum session_kind *out);

/* The client of an id; NULL when there is none. */
struct client *session_by_id(const struct engine *e, int64_t id);

/* Clients of the admin socket are the owner's and not shown to others. */
bool session_is_shown(const struct cmd_call *c, const struct client *o);

/* Whom a client that tracks redirects to: 0 nobody, -1 when it does not track. */
int64_t session_redirect(const struct client *c);

/* Memory that a client takes: its connection, what it has sent, what it is still to be sent, its
 * transaction. */
size_t session_bytes(const struct client *c);

#endif
