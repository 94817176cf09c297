/*
 * A replica whose primary says anything: the introduction, the snapshot's head and bytes, the
 * stream. The first byte chooses how snapshots are taken in and how much comes at a time; "<cut>"
 * in the rest breaks the connection, and the replica comes back for more.
 *
 * Besides not to crash, a replica that was promoted serves what it has, and all memory is booked.
 */
#include "../../unit/cacheengine/dispatch/replica_fixture.h"
#include "base/log.h"

static const char *const ways[] = {"repl-diskless-load disabled", "repl-diskless-load swapdb",
                                   "repl-diskless-load flush-before-load",
                                   "repl-diskless-load on-empty-db"};

/* One connection's worth of bytes. */
static void connect_and_say(struct replica_play *p, const char *bytes, size_t len)
{
    resp_advance(&p->f, 1100);
    (void)replica_tick(&p->f.engine);
    if (p->is_dialled && p->f.engine.replica->state == REPLICA_CONNECTS)
        p->link.user->connected(&p->link);
    if (p->is_dialled)
        play_say(p, bytes, len);
    if (p->is_adopted)
        (void)resp_send(&p->f, &p->primary, "", 0);
    p->is_ended = true;
    if (p->is_dialled)
        p->link.user->readable(&p->link);
    play_lose(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct replica_play p;
    struct str rest = {(const char *)data, size};

    log_setup("fuzz", LOG_LEVEL_ERROR + 1);
    if (size < 2)
        return 0;
    play_open(&p, (const char *const[]){ways[data[0] % 4], "databases 4", NULL});
    p.step = data[0] & 0x80 ? 1 + (data[0] >> 3) % 16 : SIZE_MAX;
    rest = (struct str){rest.ptr + 1, rest.len - 1};
    (void)resp_ask(&p.f, "SET own old");
    (void)resp_ask(&p.f, "REPLICAOF 10.0.0.1 6379");
    for (int i = 0; rest.len > 0 && i < 8; i++) {
        const char *cut = memmem(rest.ptr, rest.len, "<cut>", 5);
        size_t len = cut ? (size_t)(cut - rest.ptr) : rest.len;

        connect_and_say(&p, rest.ptr, len);
        len += cut ? 5 : 0;
        rest = (struct str){rest.ptr + len, rest.len - len};
    }
    repl_become_primary(&p.f.engine, 0);
    check(strncmp(resp_ask(&p.f, "SET own new"), "+OK", 3) == 0);
    play_close(&p);
    return 0;
}
