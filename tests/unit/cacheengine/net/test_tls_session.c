/* Sessions: bytes come through whole, whatever the sizes of reads, writes and the socket. */
#include "tls_fixture.h"

#include <errno.h>
#include <string.h>

struct ends {
    struct tls_fixture f;
    struct tls *tls;
    struct transport a, b;
};

static void begin(struct ends *e, const char *lines)
{
    tls_begin(&e->f);
    tls_set(&e->f, lines);
    cr_assert_not(err_failed(tls_open(&e->f.settings, &e->f.a, &e->tls)));
    tls_pair(e->tls, &e->a, &e->b);
    cr_assert(tls_shake(&e->a, &e->b));
}

static void end(struct ends *e)
{
    transport_close(&e->a);
    transport_close(&e->b);
    tls_close(e->tls);
    tls_end(&e->f);
}

/* How many records lie unread in a socket. */
static int records_in(int fd)
{
    static unsigned char bytes[1 << 18];
    ssize_t len = recv(fd, bytes, sizeof(bytes), MSG_PEEK), at = 0;
    int count = 0;

    for (; at + 5 <= len; count++)
        at += 5 + bytes[at + 3] * 256 + bytes[at + 4];
    return count;
}

static void drain(struct transport *t)
{
    char room[1024];

    while (transport_read(t, room, sizeof(room)) > 0)
        ;
}

Test(tls_session, a_read_with_nothing_there_says_again)
{
    struct ends e;
    char room[8];

    begin(&e, "");
    drain(&e.b); /* tickets */
    cr_assert_eq(transport_read(&e.b, room, sizeof(room)), -1);
    cr_assert_eq(errno, EAGAIN);
    cr_assert_not(e.b.is_pending);
    end(&e);
}

Test(tls_session, small_pieces_share_a_record)
{
    static char byte[] = "x";
    struct iovec pieces[64];
    struct ends e;
    char room[128];

    begin(&e, "");
    drain(&e.b);
    for (size_t i = 0; i < countof(pieces); i++)
        pieces[i] = (struct iovec){byte, 1};
    cr_assert_eq(transport_writev(&e.a, pieces, countof(pieces)), 64);
    cr_assert_eq(records_in(e.b.fd), 1);
    cr_assert_eq(transport_read(&e.b, room, sizeof(room)), 64);
    end(&e);
}

Test(tls_session, big_pieces_fill_records)
{
    static char big[40000];
    struct iovec pieces[] = {
        {big, 10         },
        {big, sizeof(big)},
        {big, 10         }
    };
    struct ends e;

    begin(&e, "");
    drain(&e.b);
    cr_assert_eq(transport_writev(&e.a, pieces, 3), 40020);
    cr_assert_eq(records_in(e.b.fd), 3);
    end(&e);
}

Test(tls_session, what_does_not_fit_a_read_is_pending)
{
    struct ends e;
    char room[16] = {0};

    begin(&e, "");
    drain(&e.b);
    cr_assert_eq(transport_writev(&e.a, &(struct iovec){"hello", 5}, 1), 5);
    cr_assert_eq(transport_writev(&e.a, &(struct iovec){"world", 5}, 1), 5);
    cr_assert_eq(transport_read(&e.b, room, 3), 3);
    cr_assert(e.b.is_pending);
    cr_assert_eq(transport_read(&e.b, room + 3, 13), 7);
    cr_assert_str_eq(room, "helloworld");
    cr_assert_not(e.b.is_pending);
    end(&e);
}

Test(tls_session, a_full_socket_takes_the_rest_later)
{
    static char sent[1 << 20], got[1 << 20];
    size_t out = 0, in = 0;
    bool was_full = false;
    struct ends e;

    begin(&e, "");
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (char)(i * 7 + i / 977);
    while (in < sizeof(got)) {
        ssize_t n = 1;

        while (n > 0 && out < sizeof(sent)) {
            /* Two pieces, cut elsewhere every time: what is offered again must be what it was. */
            size_t left = sizeof(sent) - out, cut = left / 3;
            struct iovec pieces[] = {
                {sent + out,       cut       },
                {sent + out + cut, left - cut}
            };

            n = transport_writev(&e.a, pieces, 2);
            cr_assert(n > 0 || errno == EAGAIN);
            was_full |= n < 0;
            out += n > 0 ? (size_t)n : 0;
        }
        n = transport_read(&e.b, got + in, sizeof(got) - in < 70001 ? sizeof(got) - in : 70001);
        cr_assert(n > 0 || errno == EAGAIN);
        in += n > 0 ? (size_t)n : 0;
    }
    cr_assert(was_full);
    cr_assert_eq(memcmp(sent, got, sizeof(got)), 0);
    end(&e);
}

Test(tls_session, the_end_comes_behind_the_last_bytes)
{
    struct ends e;
    char room[16];

    begin(&e, "");
    cr_assert_eq(transport_writev(&e.a, &(struct iovec){"bye", 3}, 1), 3);
    transport_close(&e.a);
    cr_assert_eq(transport_read(&e.b, room, sizeof(room)), 3);
    cr_assert_eq(transport_read(&e.b, room, sizeof(room)), 0);
    end(&e);
}

Test(tls_session, damaged_records_break_it_for_good)
{
    struct ends e;
    char room[16];

    begin(&e, "");
    drain(&e.b);
    cr_assert_eq(write(e.a.fd, "\x17\x03\x03\x00\x14garbagegarbagegarba", 25), 25);
    cr_assert_eq(transport_read(&e.b, room, sizeof(room)), -1);
    cr_assert_eq(errno, EPROTO);
    cr_assert(strlen(transport_why(&e.b)) > 0);
    cr_assert_eq(transport_read(&e.b, room, sizeof(room)), -1);
    cr_assert_eq(transport_writev(&e.b, &(struct iovec){"x", 1}, 1), -1);
    cr_assert_eq(errno, EPIPE);
    end(&e);
}

Test(tls_session, one_without_a_certificate_has_no_name)
{
    struct ends e;
    char name[TLS_NAME_BYTES];

    begin(&e, "");
    cr_assert_not(tls_session_peer_name(e.a.session, name)); /* nobody asked for it */
    end(&e);
    begin(&e, "tls-auth-clients yes");
    cr_assert(tls_session_peer_name(e.a.session, name));
    cr_assert_str_eq(name, "one");
    end(&e);
}
