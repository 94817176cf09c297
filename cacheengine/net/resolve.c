/*
 * Resolving names. The one idea: the thread and the loop own one share of the result each, and who
 * lets go last frees it; so nobody ever waits for a resolver, not even to give up.
 */
#include "cacheengine/net/resolve.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct resolution {
    atomic_int shares;
    int ends[2];         /* a pipe: the thread closes [1] when it is done */
    atomic_bool is_done; /* what it found may be read: the pipe alone orders no memory */
    char *host;
    char port[8];
    int failed; /* of getaddrinfo */
    struct addrinfo *found;
};

static void drop_share(struct resolution *r)
{
    if (atomic_fetch_sub(&r->shares, 1) > 1)
        return;
    if (r->found)
        freeaddrinfo(r->found);
    close(r->ends[0]);
    free(r->host);
    free(r);
}

static void look_up(struct resolution *r, int flags)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};

    r->failed = getaddrinfo(r->host, r->port, &hints, &r->found);
}

static void finish(struct resolution *r)
{
    atomic_store_explicit(&r->is_done, true, memory_order_release);
    close(r->ends[1]);
    drop_share(r);
}

static void *look_up_aside(void *arg)
{
    look_up(arg, 0);
    finish(arg);
    return NULL;
}

/* Signals are the loop's: they must not come to the thread. */
static int start_thread(struct resolution *r)
{
    sigset_t all, old;
    pthread_t thread;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = pthread_create(&thread, NULL, look_up_aside, r);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!failed)
        pthread_detach(thread);
    return failed;
}

struct err resolve_begin(const char *host, int port, struct resolution **out)
{
    struct resolution *r = calloc(1, sizeof(*r));

    check(r);
    if (pipe2(r->ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        free(r);
        return err_sys(errno, "there is no pipe for resolving a name");
    }
    r->host = strdup(host);
    check(r->host);
    snprintf(r->port, sizeof(r->port), "%d", port);
    atomic_init(&r->shares, 2);
    look_up(r, AI_NUMERICHOST);
    int failed = 0;
    if (r->failed == EAI_NONAME)
        failed = start_thread(r);
    else
        finish(r);
    if (failed) {
        finish(r);
        drop_share(r);
        return err_sys(failed, "there is no thread for resolving a name");
    }
    *out = r;
    return OK;
}

int resolve_fd(const struct resolution *r)
{
    return r->ends[0];
}

struct err resolve_result(struct resolution *r, const struct addrinfo **out)
{
    if (!atomic_load_explicit(&r->is_done, memory_order_acquire))
        return err_make(ERR_UNAVAILABLE, "the name is still being looked up");
    if (r->failed)
        return err_make(ERR_UNAVAILABLE, gai_strerror(r->failed));
    *out = r->found;
    return OK;
}

void resolve_end(struct resolution *r)
{
    if (r)
        drop_share(r);
}
