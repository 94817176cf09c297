/*
 * Until when an engine may take writes, said to itself or to its shim. What cannot be said now is
 * said with the next renewal: nothing waits for an answer, and one who does not read is called
 * anew.
 */
#include "agent/peers/inside.h"
#include "base/buf.h"
#include "base/fs.h"
#include "base/shim_protocol.h"

#include <errno.h>
#include <sys/socket.h>

#define DRAIN_STEP 4096

static void add_word(struct buf *out, const char *word)
{
    buf_printf(out, "$%zu\r\n%s\r\n", str_of(word).len, word);
}

static void add_number(struct buf *out, int64_t number)
{
    scoped(buf_fini) struct buf word = BUF_EMPTY;

    buf_printf(&word, "%lld", (long long)number);
    add_word(out, buf_cstr(&word));
}

/* A lease is from when it was sent, so that it ends for the engine as it does here. */
static void for_engine(const struct held *h, struct buf *out)
{
    buf_puts(out, "*5\r\n");
    add_word(out, "LARDER.LEASE");
    add_number(out, h->lease.term);
    add_number(out, h->lease.ms);
    add_word(out, "AT");
    add_number(out, lease_holder_until_ms(&h->holder) - h->lease.ms);
}

static void for_shim(const struct held *h, int64_t until_ms, struct buf *out)
{
    const struct shim_command command = {.command = SHIM_LEASE,
                                         .until_ms = until_ms,
                                         .control = h->lease.socket,
                                         .greeting = h->lease.greeting,
                                         .fence = h->lease.fence,
                                         .unfence = h->lease.unfence};

    jsonline_write(SHIM_COMMAND_LINE, &command, out);
}

static bool send_all(struct held *h, struct buf *text)
{
    const char *socket = h->lease.teller == PEERS_TELL_SHIM ? SHIM_SOCKET : h->lease.socket;

    if (h->fd < 0)
        h->fd = net_connect_unix_in(h->lease.dir, socket);
    if (h->fd >= 0 &&
        send(h->fd, text->ptr, text->len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)text->len)
        return true;
    fd_close(&h->fd);
    return false;
}

void tell_until(struct held *h)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;
    int64_t until_ms = lease_holder_until_ms(&h->holder);

    if (until_ms <= h->told_ms)
        return;
    if (h->lease.teller == PEERS_TELL_SHIM)
        for_shim(h, until_ms, &text);
    else
        for_engine(h, &text);
    if (send_all(h, &text))
        h->told_ms = until_ms;
}

void tell_none(struct held *h)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (h->lease.teller != PEERS_TELL_SHIM)
        return;
    for_shim(h, 0, &text);
    send_all(h, &text);
}

void tell_drain(struct held *h)
{
    char data[DRAIN_STEP];
    ssize_t got = 1;

    while (h->fd >= 0 && got > 0)
        got = recv(h->fd, data, sizeof(data), MSG_DONTWAIT);
    if (h->fd >= 0 && (got == 0 || (errno != EAGAIN && errno != EINTR)))
        fd_close(&h->fd);
}
