/*
 * Plays the agents of many hosts against one larderd: fleet HOST PORT AGENTS ZONES MEMORY-BYTES
 * JITTER-MS LOSS-PERCENT. Reads orders from its input, a line each, and writes what it sees:
 *
 *     crash N GAP-MS    ends N primaries, one each GAP-MS (all at once with 0)  -> failover
 * MICROSECONDS, for each zone LETTER       all hosts of a zone are gone return            all hosts
 * that are gone are back stat              -> stat {...}
 */
#include "actors.h"
#include "base/err.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define EVENTS    256
#define TRIES     100000
#define LINE_MOST 256
#define ARGUMENTS 8

struct play {
    struct world world;
    int crashes_left;
    int64_t crash_gap_us, crash_at_us;
    struct buf orders;
    bool is_over;
};

static int64_t number_of(const char *text)
{
    int64_t value = 0;

    check(str_to_i64(str_of(text), &value));
    return value;
}

/* --- orders --- */

static void crash_one(struct play *p)
{
    struct world *w = &p->world;

    for (int i = 0; i < TRIES && w->nodes.count > 0; i++) {
        struct node *n = w->nodes.items[rng_below(&w->rng, w->nodes.count)];
        if (!node_may_crash(n))
            continue;
        node_crash(n);
        return;
    }
    printf("nobody can crash\n");
    fflush(stdout);
}

static void crash_due(struct play *p, int64_t now)
{
    while (p->crashes_left > 0 && now >= p->crash_at_us) {
        p->crashes_left--;
        p->crash_at_us += p->crash_gap_us;
        crash_one(p);
    }
}

static void say_stat(struct world *w)
{
    int64_t running = 0, primaries = 0, replicas = 0, linked = 0, nodes = 0;

    for (int i = 0; i < w->count; i++)
        vec_each(at, &w->actors[i].nodes) {
            nodes++;
            running += (*at)->is_running;
            primaries += (*at)->is_running && (*at)->role == ROLE_PRIMARY;
            replicas += (*at)->is_running && (*at)->role == ROLE_REPLICA;
            linked += (*at)->is_link_up;
        }
    printf(
        "stat {\"nodes\":%lld,\"running\":%lld,\"primaries\":%lld,\"replicas\":%lld,"
        "\"linked\":%lld,\"syncs\":%lld,\"reports\":%lld,\"failovers\":%lld,\"surprises\":%lld,\"told_ms\":%lld}\n",
        (long long)nodes, (long long)running, (long long)primaries, (long long)replicas,
        (long long)linked, (long long)w->syncs, (long long)w->reports, (long long)w->failovers,
        (long long)w->surprises, (long long)((w->told_us - w->crashed_us) / 1000));
    fflush(stdout);
}

static void obey(struct play *p, struct str line)
{
    struct world *w = &p->world;
    struct str word = str_cut(&line, ' ');
    int64_t count = 0, gap_ms = 0;

    if (str_is(word, "crash")) {
        (void)str_to_i64(str_cut(&line, ' '), &count);
        (void)str_to_i64(line, &gap_ms);
        p->crashes_left = (int)count;
        p->crash_gap_us = gap_ms * 1000;
        p->crash_at_us = now_us();
    } else if (str_is(word, "zone")) {
        for (int i = 0; i < w->count && line.len == 1; i++)
            if ('a' + i % w->zones == line.ptr[0])
                actor_leave(&w->actors[i]);
    } else if (str_is(word, "return")) {
        for (int i = 0; i < w->count; i++)
            if (w->actors[i].is_away)
                actor_return(&w->actors[i]);
    } else if (str_is(word, "stat")) {
        say_stat(w);
    }
}

static void read_orders(struct play *p)
{
    char text[LINE_MOST];

    ssize_t got = read(STDIN_FILENO, text, sizeof(text));
    p->is_over = got <= 0;
    if (got > 0)
        buf_add(&p->orders, text, (size_t)got);
    struct str rest = buf_str(&p->orders);
    size_t before = rest.len;
    while (str_find(rest, '\n') != SIZE_MAX)
        obey(p, str_cut(&rest, '\n'));
    buf_consume(&p->orders, before - rest.len);
}

/* --- the loop --- */

static void run(struct play *p)
{
    struct epoll_event events[EVENTS];

    while (!p->is_over) {
        int64_t now = now_us();
        crash_due(p, now);
        int64_t next = world_step(&p->world, now);
        if (p->crashes_left > 0 && p->crash_at_us < next)
            next = p->crash_at_us;
        int64_t left_us = next - now_us();
        int wait_ms = next == INT64_MAX ? -1 : left_us <= 0 ? 0 : (int)(left_us / 1000) + 1;
        int count = epoll_wait(p->world.epoll_fd, events, EVENTS, wait_ms);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr)
                wire_ready(events[i].data.ptr, events[i].events);
            else
                read_orders(p);
        }
    }
}

int main(int argc, char **argv)
{
    static struct play p;
    struct world *w = &p.world;
    struct rlimit files;

    check(argc == ARGUMENTS);
    check(getrlimit(RLIMIT_NOFILE, &files) == 0);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    w->server = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_port = htons((uint16_t)number_of(argv[2]))};
    check(inet_pton(AF_INET, argv[1], &w->server.sin_addr) == 1);
    w->count = (int)number_of(argv[3]);
    w->zones = (int)number_of(argv[4]);
    w->memory_bytes = number_of(argv[5]);
    w->jitter_ms = (int)number_of(argv[6]);
    w->loss_percent = (int)number_of(argv[7]);
    rng_seed(&w->rng, 1);
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event orders = {.events = EPOLLIN};
    check(epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &orders) == 0);
    world_open(w);
    run(&p);
    return 0;
}
