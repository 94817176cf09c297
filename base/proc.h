/*
 * Child processes: started without a race, watched by pidfd, ended by it. A pidfd means this
 * process and no later one of the same number.
 */
#ifndef LARDER_BASE_PROC_H
#define LARDER_BASE_PROC_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;
struct buf;

/* A descriptor of ours and the number it gets in the child. */
struct proc_fd {
    int ours;
    int theirs;
};

struct proc_spec {
    const char *const
        *argv;       /* NULL-terminated; argv[0] is looked up in $PATH unless it has a slash */
    const char *dir; /* working directory; NULL keeps ours */
    const char *const
        *env; /* "NAME=value" lines that replace or join ours; NULL-terminated, or NULL */
    const struct proc_fd *fds; /* all other descriptors above 2 are closed in the child */
    size_t fd_count;
    bool is_quiet;       /* 0, 1 and 2 are /dev/null unless `fds` names them */
    bool is_own_session; /* setsid: no terminal, no part of our process group */
    int death_signal;    /* sent to the child when the *thread* that starts it ends; 0 for none */
    bool has_all_files;  /* raises the soft limit of open files to the hard one */
};

struct proc {
    pid_t pid; /* 0: none */
    int pidfd; /* readable once it ended; close-on-exec */
};

#define PROC_NONE ((struct proc){0, -1})

/*
 * Starts a child. When the call succeeds the program is running: what hinders exec (ERR_NOT_FOUND:
 * no such program; ERR_IO) comes back as this call's error, its sentence in `a`. Signals are at
 * their defaults and unblocked in the child. The caller owns `out`: proc_wait, then proc_fini.
 */
must_use struct err proc_spawn(struct arena *a, const struct proc_spec *spec, struct proc *out);

/* How a process ended. */
struct proc_exit {
    bool is_signal; /* ended by signal `number`; else it is the exit status */
    int number;
};

/* "exit status 1", "signal 9 (Killed)"; in `a`. */
char *proc_exit_text(struct arena *a, struct proc_exit exit);

/* Waits for the end and reaps; `timeout_ms` below 0 waits for ever. ERR_TIMEOUT while it runs. */
must_use struct err proc_wait(struct proc *p, int timeout_ms, struct proc_exit *out);

/* Signals exactly this process. ERR_NOT_FOUND when it ended. */
must_use struct err proc_signal(const struct proc *p, int signal);

/* Closes the pidfd. The process goes on if it runs. */
void proc_fini(struct proc *p);

/* SIGKILL and reap, then proc_fini: for scoped(). */
void proc_kill(struct proc *p);

/*
 * Runs a program to its end and adds what it wrote to standard output and error (at most
 * `max_bytes`) to `out`. ERR_TIMEOUT (it is killed), ERR_LIMIT, and as proc_spawn. A failing status
 * is no error.
 */
must_use struct err proc_run(struct arena *a, const char *const *argv, int timeout_ms,
                             size_t max_bytes, struct buf *out, struct proc_exit *out_exit);

/* Has `signal` sent to this process when the thread that started it ends (0: never). */
void proc_die_with_parent(int signal);

enum proc_haste { PROC_AS_ALL, PROC_NICER, PROC_REAL_TIME };

/* Asks that this thread, which has little to do and is to do it at once, runs before all others: by
 * a real-time class, or where that is not allowed by a niceness below zero. Children begin as all
 * others do. Returns what was granted. */
enum proc_haste proc_hasten(void);

/* Programs that this one starts get none of the capabilities that its starter gave to it; and it
 * gives them up itself unless it `needs` them. What root may do is root's. */
void proc_limit_capabilities(bool needs);

/* In words, for logs; a literal. */
const char *proc_haste_name(enum proc_haste haste);

/* The kernel's boot id: another one means that every process of before is gone; in `a`. ERR_IO. */
must_use struct err proc_boot_id(struct arena *a, const char **out);

#endif
