/* One record for each shard: the highest term, and to whom it is granted until when. */
#include "lease/voter.h"

#include "base/err.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#define CLOCKS_DIFFER_BY 1000 /* one in so many */

struct vote {
    int64_t shard;
    int64_t term;     /* the highest that was granted, promised or read of the disk */
    int64_t holder;   /* who renewed it; 0: nobody did */
    int64_t until_ms; /* what was granted has run out by then, whoever has it */
    int64_t ended;    /* the holder of that term, and all before it, have ended; 0 for none */
    int64_t since_ms; /* it is known */
    int64_t known_ms; /* what was granted before the voter knew the shard has run out by then */
    int ms;           /* nothing longer is granted */
    bool is_promised; /* the term was promised, since the voter knows the shard */
};

struct lease_voter {
    struct map votes; /* by the bytes of the shard's number */
};

static struct str key_of(const int64_t *shard)
{
    return (struct str){(const char *)shard, sizeof(*shard)};
}

static struct vote *find(const struct lease_voter *v, int64_t shard)
{
    return map_get(&v->votes, key_of(&shard));
}

struct lease_voter *lease_voter_new(void)
{
    struct lease_voter *v = calloc(1, sizeof(*v));

    check(v != NULL);
    map_init(&v->votes);
    return v;
}

void lease_voter_free(struct lease_voter *v)
{
    if (!v)
        return;
    map_each(slot, &v->votes)
        free(slot->value);
    map_fini(&v->votes);
    free(v);
}

int64_t lease_grant_ms(int ms)
{
    return ms + (ms + CLOCKS_DIFFER_BY - 1) / CLOCKS_DIFFER_BY + LEASE_MARGIN_MS;
}

/* It may have granted so much already, before it knew. */
static void take_length(struct vote *vote, int ms)
{
    vote->ms = ms < 1 ? 1 : ms > LEASE_MS_MAX ? LEASE_MS_MAX : ms;
    if (vote->since_ms + lease_grant_ms(vote->ms) > vote->known_ms)
        vote->known_ms = vote->since_ms + lease_grant_ms(vote->ms);
}

void lease_voter_know(struct lease_voter *v, int64_t shard, int64_t term, int ms, int64_t now_ms)
{
    struct vote *vote = find(v, shard);

    if (!vote) {
        vote = calloc(1, sizeof(*vote));
        check(vote != NULL);
        *vote = (struct vote){.shard = shard,
                              .term = term,
                              .until_ms = INT64_MIN,
                              .since_ms = now_ms,
                              .known_ms = INT64_MIN};
        map_put(&v->votes, key_of(&shard), vote);
    }
    take_length(vote, ms);
    if (term > vote->term) {
        vote->term = term;
        vote->holder = 0;
        vote->is_promised = false;
    }
}

void lease_voter_forget(struct lease_voter *v, int64_t shard)
{
    free(map_take(&v->votes, key_of(&shard)));
}

bool lease_voter_knows(const struct lease_voter *v, int64_t shard)
{
    return find(v, shard) != NULL;
}

int64_t lease_voter_term(const struct lease_voter *v, int64_t shard)
{
    const struct vote *vote = find(v, shard);
    return vote ? vote->term : 0;
}

static bool is_granted(const struct vote *vote, const struct lease_entry *asked)
{
    return asked->term > vote->term ||
           (asked->term == vote->term && (!vote->holder || vote->holder == asked->holder));
}

bool lease_voter_renew(struct lease_voter *v, const struct lease_entry *asked, int64_t now_ms,
                       struct lease_entry *out)
{
    struct vote *vote = find(v, asked->shard);

    if (!vote)
        return false;
    *out = *asked;
    if (!is_granted(vote, asked)) {
        out->term = vote->term;
        out->ms = 0;
        return true;
    }
    if (out->ms > vote->ms)
        out->ms = vote->ms;
    int64_t until_ms = now_ms + lease_grant_ms(out->ms);
    if (until_ms > vote->until_ms)
        vote->until_ms = until_ms;
    if (asked->term > vote->term)
        vote->is_promised = false;
    vote->term = asked->term;
    vote->holder = asked->holder;
    return true;
}

bool lease_voter_answer(struct lease_voter *v, const struct lease_datagram *asked, int64_t now_ms,
                        struct lease_datagram *out)
{
    out->kind = LEASE_ANSWER;
    out->voter = asked->voter;
    out->sequence = asked->sequence;
    out->count = 0;
    for (size_t i = 0; i < asked->count; i++)
        if (lease_voter_renew(v, &asked->entries[i], now_ms, &out->entries[out->count]))
            out->count++;
    return out->count > 0;
}

void lease_voter_ended(struct lease_voter *v, int64_t shard, int64_t term)
{
    struct vote *vote = find(v, shard);

    if (!vote)
        return;
    if (term > vote->ended)
        vote->ended = term;
    if (vote->holder && vote->term <= term)
        vote->until_ms = INT64_MIN;
}

/* Nothing that is not known of any more can hold: it ran out, or the terms up to the one before
 * this one ended. */
static int64_t unknown_until(const struct vote *vote, int64_t term)
{
    return vote->ended > 0 && term == vote->ended + 1 ? INT64_MIN : vote->known_ms;
}

int64_t lease_voter_may_promise_ms(const struct lease_voter *v, int64_t shard, int64_t term)
{
    const struct vote *vote = find(v, shard);

    if (!vote || term < vote->term || (term == vote->term && vote->holder))
        return INT64_MAX;
    if (term == vote->term && vote->is_promised)
        return INT64_MIN;
    int64_t unknown_ms = unknown_until(vote, term);
    return vote->until_ms > unknown_ms ? vote->until_ms : unknown_ms;
}

bool lease_voter_promise(struct lease_voter *v, int64_t shard, int64_t term, int64_t now_ms)
{
    if (lease_voter_may_promise_ms(v, shard, term) > now_ms)
        return false;
    struct vote *vote = find(v, shard);
    vote->term = term;
    vote->holder = 0;
    vote->is_promised = true;
    return true;
}
