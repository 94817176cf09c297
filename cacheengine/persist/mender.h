/*
 * A thread that puts torn memory together again: pages of 4 KiB into huge ones of 2 MiB.
 *
 * What a fork costs is the copying of page tables, so it goes by the number of pages: ten gigabytes
 * are 3 to 4 milliseconds on huge pages and two or three hundred on small ones. The data stands on
 * huge pages (heap.h) until a child shares it: then the first write to one tears it into small
 * pages, and so it stays when the child has gone. Big values, which the system's allocator holds,
 * begin on small ones. The system's own thread that looks for such pages needs hours for what is
 * done here in seconds.
 *
 * A pass goes over all of the process's memory, piece by piece, touches nothing that is whole or
 * has holes, and rests as long after each piece that it mended, for others wait meanwhile who
 * need memory or touch that piece: a few tenths of a millisecond. Memory that a child shares must
 * not be mended: it would be doubled. Where huge pages are turned off (transparent_hugepage is
 * `never`) or the kernel is older than 6.1 nothing is done.
 */
#ifndef LARDER_PERSIST_MENDER_H
#define LARDER_PERSIST_MENDER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct mender {
    pthread_t thread;
    bool is_started;             /* there is a thread to be joined */
    atomic_bool is_running;      /* a pass is on its way */
    atomic_bool is_ending;       /* it is to stop */
    atomic_uint_fast64_t looked; /* pieces, of all passes */
    atomic_uint_fast64_t mended; /* of which: put together */
};

/* Begins a pass; false when one is still on its way, or none is possible. */
bool mender_begin(struct mender *m);

/* Has the pass stop, within a piece or two; does not wait for that. */
void mender_stop(struct mender *m);

static inline bool mender_runs(const struct mender *m)
{
    return atomic_load_explicit(&m->is_running, memory_order_acquire);
}

/* Stops it and waits. Accepts a zeroed one, which is also how one begins. */
void mender_fini(struct mender *m);

#endif
