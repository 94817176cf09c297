/*
 * Runs a program on one core: settle CORE PROGRAM ARGUMENTS...
 *
 * It ends with whoever started it, and goes ahead of other processes there where that is allowed.
 * A small program of its own, because what a Python child does before it runs its program would
 * count as the CPU time of a server's start.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    cpu_set_t core;

    if (argc < 3)
        return 2;
    CPU_ZERO(&core);
    CPU_SET(strtoul(argv[1], NULL, 10), &core);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (sched_setaffinity(0, sizeof(core), &core))
        perror("settle: affinity");
    (void)setpriority(PRIO_PROCESS, 0, -15);
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
