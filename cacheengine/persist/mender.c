/*
 * Mending. The one idea: the kernel is asked piece by piece to put a page together, and how long
 * that took tells whether there was something to do.
 */
#include "cacheengine/persist/mender.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define PIECE        (2UL << 20) /* a huge page */
#define SMALL_PAGE   4096
#define SMALL_PAGES  (PIECE / SMALL_PAGE)
#define HOLES_MAX    (SMALL_PAGES / 16) /* more would be filled at a cost */
#define MAPPING_MAX  (256UL << 30)      /* what is larger is a sanitizer's */
#define WHOLE_US     20                 /* a piece that was whole takes less */
#define REFUSALS_MAX 8                  /* in a row: there are no huge pages to be had */

/* A pass. */
struct pass {
    struct mender *mender;
    char *warm;   /* addresses of a huge page */
    bool is_warm; /* the kernel has one at hand whose memory is there */
    unsigned refusals;
};

/* Of this thread's own time, which does not count who else was let run. */
static int64_t spent_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool is_over(const struct pass *p)
{
    return atomic_load_explicit(&p->mender->is_ending, memory_order_relaxed) ||
           p->refusals >= REFUSALS_MAX;
}

/* Takes a huge page and gives it back, so that the kernel has it at hand: where the memory is that
 * of a virtual machine its first use may take milliseconds, and everybody would wait for that if it
 * were within the mending. */
static void warm_up(struct pass *p)
{
    *(volatile char *)p->warm = 1;
    (void)madvise(p->warm, PIECE, MADV_DONTNEED);
    p->is_warm = true;
}

static bool has_holes(char *at)
{
    unsigned char there[SMALL_PAGES];
    unsigned holes = 0;

    if (mincore(at, PIECE, there) != 0)
        return true;
    for (size_t i = 0; i < SMALL_PAGES; i++)
        holes += !(there[i] & 1);
    return holes > HOLES_MAX;
}

/* The memory may be gone by now, or be another's: either way no byte of it changes. */
static void mend_piece(struct pass *p, char *at)
{
    struct mender *m = p->mender;

    atomic_fetch_add_explicit(&m->looked, 1, memory_order_relaxed);
    if (has_holes(at))
        return;
    if (!p->is_warm)
        warm_up(p);
    int64_t before = spent_us();
    bool is_refused = madvise(at, PIECE, MADV_COLLAPSE) != 0;
    int64_t took_us = spent_us() - before;
    p->refusals = !is_refused                         ? 0
                  : errno == ENOMEM || errno == EBUSY ? p->refusals + 1
                                                      : p->refusals;
    if (took_us < WHOLE_US)
        return;
    if (!is_refused)
        atomic_fetch_add_explicit(&m->mended, 1, memory_order_relaxed);
    p->is_warm = false;
    usleep((useconds_t)took_us);
}

/* A line of the list of mappings: "begin-end rw-p offset device inode  name". */
static bool is_data(const char *line, uintptr_t *begin, uintptr_t *end)
{
    unsigned long inode;
    char mode[5], name[16] = "";

    if (sscanf(line, "%lx-%lx %4s %*s %*s %lu %15s", begin, end, mode, &inode, name) < 4)
        return false;
    bool is_plain = !*name || strcmp(name, "[heap]") == 0 || strncmp(name, "[anon:", 6) == 0;
    return inode == 0 && is_plain && strcmp(mode, "rw-p") == 0 && *end - *begin <= MAPPING_MAX;
}

static void mend_mapping(struct pass *p, const char *line)
{
    uintptr_t begin, end;

    if (!is_data(line, &begin, &end))
        return;
    begin = (begin + PIECE - 1) & ~(PIECE - 1);
    for (uintptr_t at = begin; at + PIECE <= end && !is_over(p); at += PIECE)
        mend_piece(p, (char *)at);
}

static void mend_all(struct pass *p)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];

    while (maps && !is_over(p) && fgets(line, sizeof(line), maps))
        mend_mapping(p, line);
    if (maps)
        fclose(maps);
}

static bool is_turned_off(void)
{
    FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    char line[128];
    bool is_on = f && fgets(line, sizeof(line), f) && !strstr(line, "[never]");

    if (f)
        fclose(f);
    return !is_on;
}

static void *run(void *arg)
{
    struct pass p = {.mender = arg};
    char *room = mmap(NULL, 2 * PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (room != MAP_FAILED && !is_turned_off()) {
        p.warm = (char *)(((uintptr_t)room + PIECE - 1) & ~(PIECE - 1));
        (void)madvise(p.warm, PIECE, MADV_HUGEPAGE);
        mend_all(&p);
    }
    if (room != MAP_FAILED)
        munmap(room, 2 * PIECE);
    atomic_store_explicit(&p.mender->is_running, false, memory_order_release);
    return NULL;
}

bool mender_begin(struct mender *m)
{
    if (mender_runs(m))
        return false;
    if (m->is_started)
        pthread_join(m->thread, NULL);
    atomic_store(&m->is_ending, false);
    atomic_store(&m->is_running, true);
    m->is_started = pthread_create(&m->thread, NULL, run, m) == 0;
    if (!m->is_started)
        atomic_store(&m->is_running, false);
    return m->is_started;
}

void mender_stop(struct mender *m)
{
    atomic_store(&m->is_ending, true);
}

void mender_fini(struct mender *m)
{
    mender_stop(m);
    if (m->is_started)
        pthread_join(m->thread, NULL);
    m->is_started = false;
}
