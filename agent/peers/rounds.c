/*
 * Renewals out, answers in, and the same of others' renewals. What goes to one voter goes in one
 * datagram as long as there is room. The vote of this host is asked without a datagram.
 */
#include "agent/peers/inside.h"
#include "base/clock.h"

#include <sys/socket.h>

static int64_t boot_ms(void)
{
    return clock_boot_ms(&clock_system);
}

static void send_datagram(struct peers *p, const struct lease_datagram *d,
                          const struct net_addr *to)
{
    unsigned char bytes[LEASE_DATAGRAM_MAX];

    size_t len = lease_wire_write(d, p->key, bytes);
    if (sendto(p->socket_fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL,
               (const struct sockaddr *)&to->storage, to->len) < 0)
        return; /* lost, as by a network; the next round is another one */
}

/* ---- renewals ---- */

static void vote_here(struct peers *p, struct held *h, int64_t now_ms)
{
    struct lease_entry said;

    if (lease_voter_renew(p->voter, &h->holder.renewal, now_ms, &said))
        lease_holder_take(&h->holder, p->number, now_ms, &said);
}

static size_t find_voter(const struct held *h, uint64_t number)
{
    size_t i = 0;

    while (i < h->lease.voter_count && h->voters[i].number != number)
        i++;
    return i;
}

/* True when an earlier one of the list has that voter, too: it goes along with that one. */
static bool goes_along(const struct peers *p, const struct held *h, uint64_t number)
{
    for (const struct held *before = p->held; before != h; before = before->next)
        if (before->is_renewed && find_voter(before, number) < before->lease.voter_count)
            return true;
    return false;
}

/* All renewals for the voter, of `first` and those behind it. */
static void renew_at(struct peers *p, const struct held *first, const struct peers_voter *voter,
                     uint64_t sequence)
{
    struct lease_datagram d = {.kind = LEASE_RENEW, .voter = voter->number, .sequence = sequence};

    for (const struct held *h = first; h; h = h->next) {
        if (!h->is_renewed || find_voter(h, voter->number) == h->lease.voter_count)
            continue;
        d.entries[d.count++] = h->holder.renewal;
        if (d.count == LEASE_ENTRIES_MAX) {
            send_datagram(p, &d, &voter->address);
            d.count = 0;
        }
    }
    if (d.count > 0)
        send_datagram(p, &d, &voter->address);
}

void rounds_send(struct peers *p, int64_t now_ms)
{
    if (!p->held || !p->has_key)
        return;
    uint64_t sequence = lease_rounds_begin(&p->rounds, now_ms);
    for (struct held *h = p->held; h; h = h->next) {
        if (!h->is_renewed)
            continue;
        for (size_t i = 0; i < h->lease.voter_count; i++)
            if (h->voters[i].number == p->number)
                vote_here(p, h, now_ms);
            else if (!goes_along(p, h, h->voters[i].number))
                renew_at(p, h, &h->voters[i], sequence);
        tell_until(h);
    }
}

/* ---- what comes ---- */

static void take_answer(struct peers *p, const struct lease_datagram *d)
{
    int64_t sent_ms, now_ms = boot_ms();

    if (!lease_rounds_sent(&p->rounds, d->sequence, &sent_ms))
        return;
    lateness_add(&p->late, now_ms - sent_ms, now_ms);
    for (size_t i = 0; i < d->count; i++)
        for (struct held *h = p->held; h; h = h->next)
            if (h->is_renewed && h->lease.shard == d->entries[i].shard &&
                lease_holder_take(&h->holder, d->voter, sent_ms, &d->entries[i]))
                tell_until(h);
}

void rounds_receive(struct peers *p)
{
    unsigned char bytes[LEASE_DATAGRAM_MAX + 1]; /* so that a longer one is seen to be */
    struct net_addr from = {.len = sizeof(from.storage)};
    struct lease_datagram d, said;
    ssize_t got;

    while ((got = recvfrom(p->socket_fd, bytes, sizeof(bytes), MSG_DONTWAIT,
                           (struct sockaddr *)&from.storage, &from.len)) >= 0) {
        bool is_ours = p->has_key && lease_wire_read(bytes, (size_t)got, p->key, &d);
        if (is_ours && d.kind == LEASE_ANSWER)
            take_answer(p, &d);
        else if (is_ours && d.voter == p->number &&
                 lease_voter_answer(p->voter, &d, boot_ms(), &said))
            send_datagram(p, &said, &from);
        from.len = sizeof(from.storage);
    }
}

bool rounds_look(struct peers *p, int64_t now_ms)
{
    bool is_news = false;

    for (struct held *h = p->held; h; h = h->next) {
        bool has = h->is_renewed && lease_holder_until_ms(&h->holder) > now_ms;
        is_news |= has != h->is_known_won;
        h->is_known_won = has;
    }
    return is_news;
}
