/* Handshakes in threads: they come back, whatever becomes of them. */
#include "base/clock.h"
#include "cacheengine/net/handshake.h"
#include "tls_fixture.h"

#include <poll.h>

struct hall {
    struct tls_fixture f;
    struct tls *tls;
    struct handshakes *all;
    struct transport far; /* the clients' end */
};

static void begin(struct hall *h)
{
    tls_begin(&h->f);
    cr_assert_not(err_failed(tls_open(&h->f.settings, &h->f.a, &h->tls)));
    cr_assert_not(err_failed(handshakes_open(&h->all, 2)));
}

static void end(struct hall *h)
{
    transport_close(&h->far);
    handshakes_close(h->all);
    tls_close(h->tls);
    tls_end(&h->f);
}

static struct handshake *give(struct hall *h, int64_t ms)
{
    struct transport near;

    tls_pair(h->tls, &near, &h->far);
    return handshakes_begin(h->all, near, h, clock_boot_ms(&clock_system) + ms);
}

static struct handshake *wait_for_one(struct hall *h)
{
    struct pollfd wait = {.fd = handshakes_fd(h->all), .events = POLLIN};
    struct handshake *s;

    while (!(s = handshakes_take(h->all)))
        cr_assert_eq(poll(&wait, 1, 20000), 1);
    return s;
}

static void shake_far_end(struct hall *h)
{
    struct pollfd wait = {.fd = h->far.fd, .events = POLLIN};

    while (transport_handshake(&h->far) == TRANSPORT_WANTS_READ)
        cr_assert_eq(poll(&wait, 1, 20000), 1);
}

Test(handshake, one_that_succeeds_gives_back_a_session_to_use)
{
    struct hall h;

    begin(&h);
    give(&h, 20000);
    shake_far_end(&h);
    struct handshake *s = wait_for_one(&h);
    cr_assert(s->has_succeeded);
    cr_assert_eq(s->owner, &h);
    cr_assert_eq(transport_writev(&s->transport, &(struct iovec){"x", 1}, 1), 1);
    handshake_free(s);
    end(&h);
}

Test(handshake, garbage_fails_with_a_reason)
{
    struct hall h;

    begin(&h);
    give(&h, 20000);
    cr_assert_eq(write(h.far.fd, "\x16garbage and more of it", 23), 23);
    struct handshake *s = wait_for_one(&h);
    cr_assert_not(s->has_succeeded);
    cr_assert(strlen(s->why) > 0);
    handshake_free(s);
    end(&h);
}

Test(handshake, silence_ends_at_the_deadline)
{
    struct hall h;

    begin(&h);
    give(&h, 30);
    struct handshake *s = wait_for_one(&h);
    cr_assert_not(s->has_succeeded);
    cr_assert_str_eq(s->why, "it took too long");
    handshake_free(s);
    end(&h);
}

Test(handshake, one_that_is_given_up_comes_back_without_an_owner)
{
    struct hall h;

    begin(&h);
    handshake_give_up(give(&h, 20000));
    struct handshake *s = wait_for_one(&h);
    cr_assert_not(s->has_succeeded);
    cr_assert_null(s->owner);
    handshake_free(s);
    end(&h);
}

Test(handshake, those_under_way_end_with_the_threads)
{
    struct hall h;
    char byte;

    begin(&h);
    give(&h, 20000);
    handshakes_close(h.all);
    h.all = NULL;
    cr_assert(recv(h.far.fd, &byte, 1, 0) <= 0);
    end(&h);
}
