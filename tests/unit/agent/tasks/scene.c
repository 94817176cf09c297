#include "scene.h"

#include "base/clock.h"
#include "base/fs.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void scene_open(struct scene *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    *s = (struct scene){
        .folder = "/tmp/larder-task-XXXXXX",
        .fd = -1,
        .program = {.driver = &driver_bundled,                                .path = "/bin/larder-engine", .version = "0.1.0"},
        .host = { .program_count = 1},
        .goal = {                                                                                       .node_id = INT_OF(1),
                    .state = "running",
                    .engine = "redis",
                    .address = "127.0.0.1",
                    .port = INT_OF(6379)},
    };
    s->host.programs = &s->program;
    cr_assert_not_null(mkdtemp(s->folder));
    cr_assert_not(err_failed(loop_open(&clock_system, &s->loop)));
    nodes_init(&s->nodes, s->folder, "boot-1");
    s->n = nodes_add(&s->nodes, 1);
    node_set_goal(s->n, &s->goal);
    s->n->state = NODE_RUNNING;
    s->n->is_ready = s->n->is_named = true;
    s->n->run = (struct node_run){.driver = "bundled", .pid = 42, .started_ms = 1};
    cr_assert_not(err_failed(fs_make_dirs(s->n->dir, 0700)));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/admin.sock", s->n->dir);
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(s->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(s->listener, 8), 0);
}

void scene_close(struct scene *s)
{
    nodes_fini(&s->nodes);
    loop_close(s->loop);
    fd_close(&s->fd);
    fd_close(&s->listener);
    cr_assert_not(err_failed(fs_remove_tree(s->folder)));
    arena_fini(&s->arena);
}

int64_t scene_patience(struct scene *s)
{
    return loop_now_ms(s->loop) + PATIENCE_MS;
}

void scene_turn(struct scene *s, int64_t end_ms, const char *missing)
{
    loop_turn(s->loop, 5);
    cr_assert_lt(loop_now_ms(s->loop), end_ms, "%s", missing);
}

void scene_accept(struct scene *s)
{
    fd_close(&s->fd);
    for (int64_t end_ms = scene_patience(s); s->fd < 0;) {
        scene_turn(s, end_ms, "nobody called");
        s->fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
}

void scene_say(struct scene *s, const char *text)
{
    cr_assert_eq(send(s->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

void scene_hear(struct scene *s, const char *expected)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    for (int64_t end_ms = scene_patience(s); text.len < strlen(expected);) {
        scene_turn(s, end_ms, expected);
        ssize_t got = recv(s->fd, buf_reserve(&text, 65536), 65536, 0);
        if (got > 0)
            text.len += (size_t)got;
    }
    cr_assert_str_eq(buf_cstr(&text), expected);
}
