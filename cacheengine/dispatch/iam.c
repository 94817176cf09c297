/*
 * Questions and verdicts about tokens. The one idea: whoever waits runs its command again when
 * the verdict is there, and finds it where it had asked; so AUTH and HELLO are the same with and
 * without a wait.
 */
#include "cacheengine/dispatch/iam.h"

#include "base/digest.h"
#include "base/rng.h"
#include "cacheengine/dispatch/block.h"
#include "cacheengine/keyspace/wait.h"

#include <stdlib.h>

#define SALT_BYTES 16

/* Verdicts: sets of a few places, of which the one that ends first gives way. */
#define VERDICT_SETS 512
#define VERDICT_WAYS 4

/* Questions that nobody reads pile up to so much; then there is no listener. */
#define UNREAD_MAX (1024 * 1024)

enum question_state { QUESTION_FREE, QUESTION_OPEN, QUESTION_ALLOWED, QUESTION_DENIED };

struct iam_question {
    enum question_state state;
    uint64_t id; /* never used twice; its remainder is the place in the table */
    unsigned char sum[DIGEST_SHA256_BYTES];
    struct client *waiting; /* linked by next_asking */
    char *user, *token;     /* owned; for a listener that comes later */
    uint32_t user_len, token_len;
};

struct iam_verdict {
    unsigned char sum[DIGEST_SHA256_BYTES];
    int64_t until_ms; /* on the clock of passed_ms */
    bool is_allowed;
};

struct iam {
    unsigned char salt[SALT_BYTES];
    struct client *listener;
    uint32_t open_count; /* questions that are not free */
    struct iam_question questions[IAM_QUESTIONS_MAX];
    struct iam_verdict verdicts[VERDICT_SETS][VERDICT_WAYS];
};

static struct iam *iam_of(struct engine *e)
{
    if (!e->iam) {
        e->iam = calloc(1, sizeof(*e->iam));
        check(e->iam);
        rng_system_bytes(e->iam->salt, sizeof(e->iam->salt));
        for (uint64_t i = 0; i < IAM_QUESTIONS_MAX; i++)
            e->iam->questions[i].id = i;
        account_add(&e->keyspace.account, sizeof(*e->iam));
    }
    return e->iam;
}

/* The same for the same user and token alone. */
static void sum_of(const struct iam *iam, struct str user, struct str token,
                   unsigned char out[DIGEST_SHA256_BYTES])
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    buf_add(&text, iam->salt, sizeof(iam->salt));
    buf_printf(&text, "%zu ", user.len);
    buf_add_str(&text, user);
    buf_add_str(&text, token);
    digest_sha256(text.ptr, text.len, out);
    explicit_bzero(text.ptr, text.len);
}

/* ---- verdicts ---- */

static struct iam_verdict *set_of(struct iam *iam, const unsigned char *sum)
{
    return iam->verdicts[(sum[0] | sum[1] << 8) % VERDICT_SETS];
}

static const struct iam_verdict *find_verdict(struct iam *iam, const unsigned char *sum,
                                              int64_t now_ms)
{
    const struct iam_verdict *set = set_of(iam, sum);

    for (int i = 0; i < VERDICT_WAYS; i++)
        if (set[i].until_ms > now_ms && memcmp(set[i].sum, sum, sizeof(set[i].sum)) == 0)
            return &set[i];
    return NULL;
}

static void keep_verdict(struct iam *iam, const unsigned char *sum, bool is_allowed,
                         int64_t until_ms)
{
    struct iam_verdict *set = set_of(iam, sum), *place = &set[0];

    for (int i = 1; i < VERDICT_WAYS; i++)
        if (set[i].until_ms < place->until_ms)
            place = &set[i];
    memcpy(place->sum, sum, sizeof(place->sum));
    place->is_allowed = is_allowed;
    place->until_ms = until_ms;
}

void iam_forget_verdicts(struct engine *e)
{
    if (e->iam)
        memset(e->iam->verdicts, 0, sizeof(e->iam->verdicts));
}

/* ---- questions ---- */

static struct iam_question *find_question(struct iam *iam, const unsigned char *sum)
{
    for (size_t i = 0; iam->open_count > 0 && i < IAM_QUESTIONS_MAX; i++)
        if (iam->questions[i].state != QUESTION_FREE &&
            memcmp(iam->questions[i].sum, sum, sizeof(iam->questions[i].sum)) == 0)
            return &iam->questions[i];
    return NULL;
}

static char *keep(struct engine *e, struct str s)
{
    char *copy = malloc(s.len + 1);

    check(copy);
    memcpy(copy, s.ptr, s.len);
    account_add(&e->keyspace.account, s.len + 1);
    return copy;
}

static void let_go(struct engine *e, char *text, size_t len)
{
    explicit_bzero(text, len);
    free(text);
    account_sub(&e->keyspace.account, len + 1);
}

static struct iam_question *question_new(struct engine *e, const unsigned char *sum,
                                         struct str user, struct str token)
{
    struct iam *iam = iam_of(e);
    struct iam_question *q = iam->questions;

    if (iam->open_count == IAM_QUESTIONS_MAX)
        return NULL;
    while (q->state != QUESTION_FREE)
        q++;
    iam->open_count++;
    q->state = QUESTION_OPEN;
    q->id += IAM_QUESTIONS_MAX;
    memcpy(q->sum, sum, sizeof(q->sum));
    q->user = keep(e, user);
    q->token = keep(e, token);
    q->user_len = (uint32_t)user.len;
    q->token_len = (uint32_t)token.len;
    return q;
}

static void question_drop(struct engine *e, struct iam_question *q)
{
    let_go(e, q->user, q->user_len);
    let_go(e, q->token, q->token_len);
    *q = (struct iam_question){.id = q->id};
    e->iam->open_count--;
}

static void tell(const struct iam *iam, const struct iam_question *q)
{
    struct reply *r = &iam->listener->reply;

    reply_push(r, 5);
    reply_bulk_text(r, "iam");
    reply_bulk_text(r, "verify");
    reply_int(r, (int64_t)q->id);
    reply_bulk(r, q->user, q->user_len);
    reply_bulk(r, q->token, q->token_len);
}

/* ---- asking ---- */

static void say_timeout(struct reply *r)
{
    reply_error(r, "WRONGPASS the token could not be verified in time");
}

static bool has_listener(const struct iam *iam)
{
    return iam->listener && !iam->listener->is_killed &&
           reply_pending(&iam->listener->reply) < UNREAD_MAX;
}

/* What forbids to ask, or NULL. */
static const char *reason_not_to_ask(const struct cmd_call *c, const struct iam *iam,
                                     struct str token)
{
    if (token.len > IAM_TOKEN_MAX)
        return "the token is too long";
    if (c->is_inner)
        return "tokens cannot be verified within a transaction";
    return has_listener(iam) ? NULL : "there is nobody to verify tokens now";
}

static void join(struct cmd_call *c, struct iam_question *q)
{
    int64_t until_ms = c->ks->passed_ms + c->engine->settings.iam_timeout_ms;

    c->client->question = q;
    c->client->next_asking = q->waiting;
    q->waiting = c->client;
    call_wait(c, &(struct wait){.until_ms = until_ms, .over = say_timeout});
}

enum iam_answer iam_ask(struct cmd_call *c, struct str user, struct str token, const char **why)
{
    struct iam *iam = iam_of(c->engine);
    unsigned char sum[DIGEST_SHA256_BYTES];

    sum_of(iam, user, token, sum);
    const struct iam_verdict *v = find_verdict(iam, sum, c->ks->passed_ms);
    if (v)
        return v->is_allowed ? IAM_ALLOWED : IAM_DENIED;
    struct iam_question *q = find_question(iam, sum);
    if (q && q->state != QUESTION_OPEN)
        return q->state == QUESTION_ALLOWED ? IAM_ALLOWED : IAM_DENIED;
    *why = reason_not_to_ask(c, iam, token);
    if (*why)
        return IAM_UNAVAILABLE;
    bool is_new = !q;
    if (is_new)
        q = question_new(c->engine, sum, user, token);
    if (!q) {
        *why = "too many tokens are to be verified now";
        return IAM_UNAVAILABLE;
    }
    join(c, q);
    if (is_new) {
        tell(iam, q);
        iam->listener->host->wake(iam->listener);
    }
    return IAM_WAITS;
}

void iam_leave(struct engine *e, struct client *c)
{
    struct iam_question *q = c->question;

    if (!q)
        return;
    struct client **link = &q->waiting;
    while (*link != c)
        link = &(*link)->next_asking;
    *link = c->next_asking;
    c->next_asking = NULL;
    c->question = NULL;
    /* One that is being answered is dropped when all have heard it. */
    if (!q->waiting && q->state == QUESTION_OPEN)
        question_drop(e, q);
}

void iam_forget(struct engine *e, struct client *c)
{
    iam_leave(e, c);
    if (e->iam && e->iam->listener == c)
        e->iam->listener = NULL;
}

/* ---- answering ---- */

void iam_listen(struct engine *e, struct client *c)
{
    struct iam *iam = iam_of(e);

    iam->listener = c;
    for (size_t i = 0; i < IAM_QUESTIONS_MAX; i++)
        if (iam->questions[i].state == QUESTION_OPEN)
            tell(iam, &iam->questions[i]);
}

bool iam_answer(struct engine *e, uint64_t id, bool is_allowed, int64_t ttl_ms)
{
    struct iam_question *q = e->iam ? &e->iam->questions[id % IAM_QUESTIONS_MAX] : NULL;

    if (!q || q->state != QUESTION_OPEN || q->id != id)
        return false;
    if (ttl_ms > 0)
        keep_verdict(e->iam, q->sum, is_allowed, e->keyspace.passed_ms + ttl_ms);
    q->state = is_allowed ? QUESTION_ALLOWED : QUESTION_DENIED;
    while (q->waiting) {
        struct client *c = q->waiting;

        /* Off the list first, whatever its command does now. */
        iam_leave(e, c);
        blocks_again(e, c);
    }
    question_drop(e, q);
    return true;
}

void iam_fini(struct engine *e)
{
    for (size_t i = 0; e->iam && i < IAM_QUESTIONS_MAX; i++)
        if (e->iam->questions[i].state != QUESTION_FREE)
            question_drop(e, &e->iam->questions[i]);
    free(e->iam);
    e->iam = NULL;
}
