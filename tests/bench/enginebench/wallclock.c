/*
 * Preloaded into a server: its wall clock is what a file says, so that a trace of hours runs in
 * seconds and every server sees the same time at the same request. Monotonic clocks, and so all
 * waiting, stay real.
 *
 *     LD_PRELOAD=wallclock.so BENCH_CLOCK=FILE server    FILE begins with milliseconds as an
 * int64_t
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shown_ms;
static int (*real_clock_gettime)(clockid_t id, struct timespec *out);

__attribute__((constructor)) static void open_clock(void)
{
    const char *path = getenv("BENCH_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    real_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    void *mapped =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*shown_ms), PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    if (mapped == MAP_FAILED)
        abort();
    shown_ms = mapped;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    /* Other libraries may begin before this one. */
    if (!shown_ms)
        return (int)syscall(SYS_clock_gettime, id, out);
    if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE)
        return real_clock_gettime(id, out);
    int64_t ms = *shown_ms;
    *out = (struct timespec){ms / 1000, ms % 1000 * 1000000};
    return 0;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}
