#include "cacheengine/persist/mender.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define PIECE  (2UL << 20)
#define PIECES 12

/* Aligned memory of the given number of pieces, with a byte in each small page. */
static char *memory(size_t pieces)
{
    char *room = mmap(NULL, (pieces + 1) * PIECE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cr_assert_neq(room, MAP_FAILED);
    char *at = (char *)(((uintptr_t)room + PIECE - 1) & ~(PIECE - 1));
    (void)madvise(at, pieces * PIECE, MADV_HUGEPAGE);
    for (size_t i = 0; i < pieces * PIECE; i += 4096)
        at[i] = (char)(i >> 12);
    return at;
}

static bool is_unchanged(const char *at, size_t pieces)
{
    for (size_t i = 0; i < pieces * PIECE; i += 4096)
        if (at[i] != (char)(i >> 12))
            return false;
    return true;
}

/* Kilobytes of huge pages that this process has. */
static long huge_kib(void)
{
    FILE *f = fopen("/proc/self/smaps_rollup", "re");
    char line[256];
    long kib = 0;

    while (f && fgets(line, sizeof(line), f))
        (void)sscanf(line, "AnonHugePages: %ld", &kib);
    if (f)
        fclose(f);
    return kib;
}

static bool is_turned_off(void)
{
    FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
    char line[128] = "[never]";

    if (f && fgets(line, sizeof(line), f))
        fclose(f);
    return strstr(line, "[never]");
}

/* Whether there are huge pages to be had on this machine at present. */
static bool system_has_them(void)
{
    char *at = memory(1);

    return !is_turned_off() && madvise(at, PIECE, MADV_COLLAPSE) == 0;
}

/* Writes to each piece while a child shares it. */
static void tear(char *at, size_t pieces)
{
    int ends[2];
    char byte;

    cr_assert_eq(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[1]);
        (void)!read(ends[0], &byte, 1);
        _exit(0);
    }
    for (size_t i = 0; i < pieces; i++)
        at[i * PIECE] = 0;
    close(ends[0]);
    close(ends[1]);
    cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static void run_through(struct mender *m)
{
    cr_assert(mender_begin(m));
    while (mender_runs(m))
        usleep(1000);
}

Test(mender, what_a_child_has_torn_is_put_together_and_no_byte_changes)
{
    struct mender m = {0};

    if (!system_has_them())
        cr_skip_test("this system has no huge pages");
    char *at = memory(PIECES);
    tear(at, PIECES);
    long torn = huge_kib();
    run_through(&m);
    cr_assert_geq(atomic_load(&m.mended), 1);
    cr_assert_geq(atomic_load(&m.looked), PIECES);
    cr_assert_gt(huge_kib(), torn);
    cr_assert(is_unchanged(at, PIECES));
    mender_fini(&m);
}

Test(mender, what_has_holes_is_not_filled)
{
    struct mender m = {0};
    unsigned char there[512];

    char *at = memory(2);
    for (size_t i = 0; i < 64; i++)
        (void)madvise(at + i * 8192, 4096, MADV_DONTNEED);
    run_through(&m);
    cr_assert_eq(mincore(at, PIECE, there), 0);
    for (size_t i = 0; i < 64; i++)
        cr_assert_eq(there[2 * i] & 1, 0, "page %zu", 2 * i);
    mender_fini(&m);
}

Test(mender, a_pass_stops_when_it_is_told_and_the_next_one_begins_anew)
{
    struct mender m = {0};

    memory(PIECES);
    mender_fini(&m);
    cr_assert(mender_begin(&m));
    mender_stop(&m);
    while (mender_runs(&m))
        usleep(1000);
    uint64_t looked = atomic_load(&m.looked);
    run_through(&m);
    if (!is_turned_off())
        cr_assert_geq(atomic_load(&m.looked), looked + PIECES);
    mender_fini(&m);
    cr_assert_not(mender_runs(&m));
}
