/*
 * The network: one epoll loop that reads, runs and writes in rounds.
 *
 * A round takes all sockets that have something to read. Each is read once into a shared buffer;
 * what came is cut into calls, many clients' calls form a batch, the keys of a batch are
 * prefetched, and then it runs in order. Each client's replies go out with one write when its last
 * call has run.
 */
#ifndef LARDER_NET_LOOP_H
#define LARDER_NET_LOOP_H

#include "base/arena.h"
#include "cacheengine/net/transport.h"
#include "cacheengine/proto/protocol.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LISTENERS_MAX 64
#define BATCH_CALLS   64
#define BATCH_ARGS    512
#define READ_POOL     (512 * 1024)
#define READ_MAX      (64 * 1024) /* of one client in a round */
#define READ_MIN      (16 * 1024) /* room that a client must find in the shared buffer */

/* What an epoll event belongs to; first member of each. */
enum watch_kind {
    WATCH_CONN,
    WATCH_LISTENER,
    WATCH_SIGNAL,
    WATCH_LINK,
    WATCH_FD,
    WATCH_HANDSHAKES,
    WATCH_ADMIN,
};

struct listener {
    enum watch_kind kind;
    int fd;
    bool is_unix, is_admin;
    bool is_tls;      /* takes nothing else, whatever larder-tls-mode says */
    char address[64]; /* of TCP: as `bind` has it, and the port */
    int64_t port;
    bool is_wanted, is_new; /* while the settings are taken over */
    const char *path;       /* of a unix socket: removed at the end */
};

struct loop;
struct outlink;
struct resolver;

/* Where a connection stands before it can be read. */
enum conn_stage {
    CONN_OPEN,    /* ready */
    CONN_UNKNOWN, /* its first byte will tell TLS from plain */
    CONN_SHAKING, /* its transport is away (handshake.h) */
};

struct conn {
    enum watch_kind kind;
    struct transport transport;
    struct loop *loop;
    struct client client;
    struct parse_state parse;
    struct blob *input; /* what came and is not used up; NULL mostly */
    size_t input_len;
    struct str feed;        /* in a round: what is being cut into calls */
    uint32_t calls;         /* in the present batch, not run yet */
    bool is_feeding;        /* more calls may come of this round's input */
    bool is_parked;         /* its client waits: nothing is read, cut or run */
    bool is_resumed;        /* in loop->resumed */
    const char *feed_begin; /* of this round's input */
    size_t noted;           /* of a primary: bytes of it that the replica was told of */
    struct conn *next_resumed;
    enum conn_stage stage;
    bool takes_plain,
        is_silent;  /* of an unknown one: plain is taken; what is refused is not told */
    bool is_unread; /* in loop->unread */
    struct handshake *handshake;
    struct conn *next_unread;
    struct conn *next_held,
        **at_held;  /* replies wait for the append-only file; NULL: they do not */
    bool is_posted; /* in loop->posted */
    struct conn *next_posted;
    bool is_unix;
    bool waits_to_write; /* EPOLLOUT is asked for */
    bool is_doomed;      /* in loop->doomed */
    struct conn *next_doomed;
    int64_t soft_since_ms; /* over the soft output limit since; 0 = not */
    /* Of the owner's, when it was not read for a while: boot time up to which it had been. */
    int64_t heard_ms;
};

struct batch {
    struct cmd_call calls[BATCH_CALLS];
    struct str args[BATCH_ARGS];
    uint64_t hashes[BATCH_ARGS];
    struct parse_room room;
    struct arena arena;
    uint32_t count;
    uint32_t at; /* the call that runs */
};

struct loop {
    struct engine *engine;
    const struct protocol *protocol;
    int epoll_fd;
    int admin_fd; /* an epoll of its own, for what comes over the admin socket: it is served first
                   */
    int signal_fd;
    bool is_running; /* rounds: their events may name what is doomed meanwhile */
    bool is_urged;   /* a signal asked for the end while it was under way */
    enum watch_kind signal_kind, admin_kind;
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    struct conn *doomed;          /* to be freed when the round is over */
    struct conn *held;            /* to be sent what waits, once it is written */
    struct conn *resumed;         /* parked ones that may go on when the round is over */
    struct conn *posted;          /* to be sent what came for them, before the next wait */
    struct conn *unread;          /* there is more to read, of which the sockets do not know */
    struct outlink *links;        /* that are dialled or stand (link.h) */
    struct outlink *closed_links; /* to be freed when the round is over */
    struct resolver *resolver;    /* of the links' names */
    struct tls *tls;              /* NULL: none is configured */
    struct handshakes *handshakes;
    enum watch_kind handshakes_kind;
    struct batch *batch;
    char *pool; /* the shared read buffer */
    size_t pool_used;
    bool is_amid;     /* a command runs, and what others ask for meanwhile is answered */
    int64_t heard_ms; /* boot time up to which all that came over the admin socket was read */
    /* Boot times before the last two waits: what the second found, the first did not find yet. */
    int64_t waited_ms, waited_before_ms;
    uint64_t admin_looked_ticks; /* when the admin socket was looked at last */
    uint64_t busy_since; /* engine_ticks of the end of the last wait; 0: there was none yet */
    int64_t tick_at_ms;  /* boot time of the next engine_tick */
    int64_t sweep_at_ms; /* of the next look at idle clients */
    /* Boot time before which nothing is accepted, as descriptors ran out; 0 = all is well. */
    int64_t accept_at_ms;
};

/* Opens epoll, the signal descriptor and the listeners for clients that the settings name. They are
 * served from then on amid what loads (host.h), and by loop_run. */
must_use struct err loop_open(struct loop *l, struct engine *e, struct arena *a);
void loop_close(struct loop *l);

/* Reads a connection, and cuts what came into calls. */
void loop_serve(struct loop *l, struct conn *c);

/* One round: waits at most so long, takes what has come, runs it, sends. */
void loop_round(struct loop *l, int wait_ms);

/* Runs until a signal or SHUTDOWN ends it. */
void loop_run(struct loop *l);

/* ---- listen.c ---- */

/* Those for clients; and the owner's, who finds an engine that has its data, or waits for the key
 * of its files. */
must_use struct err listeners_open(struct loop *l, struct arena *a);
must_use struct err listeners_open_admin(struct loop *l, struct arena *a);
void listeners_close(struct loop *l);

/* Takes over changed addresses and ports: those that stay are not touched. When one cannot be
 * listened on, all is as before. */
must_use struct err listeners_reopen(struct loop *l, struct arena *a);

/* Stops and resumes looking for new connections. */
void listeners_rest(const struct loop *l, bool rests);

/* ---- conn.c ---- */

/* Takes over an accepted socket. */
void conn_open(struct loop *l, int fd, const struct listener *from);

/* Takes over the transport of a link, whose other side sends requests from now on; `rest` is what
 * has come of them already. NULL when the system refuses the socket, which is closed then. */
struct client *conn_adopt(struct loop *l, struct transport t, struct str rest);
void conn_close(struct conn *c);

/* Reads once, or takes what TLS has opened already. False when the connection is at its end:
 * nothing more will come, or it broke. */
bool conn_read(struct conn *c);

/* The other side sends no more: what it is still to be sent is sent before the end. */
void conn_drain(struct conn *c);

/* Sends what is pending. */
void conn_write(struct conn *c);

/* Comes back to it in this round or the next, though its socket may stay silent. */
void conn_read_again(struct conn *c);

/* Marks it for closing at the end of the round; nothing more runs for it. */
void conn_doom(struct conn *c);

/* Of the primary's connection: its input is used up to this byte of the round. */
void conn_note_used(struct conn *c, size_t end);

/* After the last call of a round: keeps the rest of the input, sends, closes if that was asked for.
 */
void conn_finish(struct conn *c);

/* Tells epoll what the connection wants now. */
void conn_ask(const struct conn *c);

/* Stops a connection whose client waits behind the call that ends at `input_end`, for keys or until
 * less of it is held; lets it go on. */
void conn_park(struct conn *c, size_t input_end);
void conn_unpark(struct conn *c);

/* Writes what was told to the append-only file, then the replies that waited for it. */
void conns_send_held(struct loop *l);
/* Sends what was added outside the clients' turns. */
void conns_send_posted(struct loop *l);

/* Idle and overfull clients. */
void conns_sweep(struct loop *l);

static inline struct conn *conn_of(const struct client *client)
{
    return container_of(client, struct conn, client);
}

/* ---- secure.c ---- */

/* Sets TLS up as the settings have it; again when they have changed. */
must_use struct err loop_secure(struct loop *l, struct arena *a);

/* The first byte of a connection has come, or its end: it becomes open, shakes hands, or goes. */
void conn_greet(struct conn *c);

/* Books a TLS session of a connection, or its end. */
void conn_book_session(struct conn *c, bool is_added);

/* A connection that ends lets go of its handshake, or of its session's place in the books. */
void conn_leave_handshake(struct conn *c);

/* Takes back the connections whose handshakes have ended. */
void loop_take_shaken(struct loop *l);

/* ---- batch.c ---- */

/* Cuts what a client has sent into calls; runs the batch whenever it is full. */
void batch_feed(struct loop *l, struct conn *c);

/* Prefetches and runs what is in the batch. */
void batch_run(struct loop *l);

/* Runs what is left in a batch whose present call takes long, but for the calls of `occupied`, and
 * of those who are obeyed whatever runs. */
void batch_run_others(struct batch *b, const struct client *occupied);

/* ---- notify.c ---- */

/* Tells the service manager that is named by NOTIFY_SOCKET, if any. */
void notify_ready(void);

#endif
