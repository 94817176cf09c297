/* Questions about tokens: from an engine that the test plays to a control plane that it plays, too.
 */
#include "agent/supervise/loop.h"
#include "agent/tokens.h"
#include "base/net.h"
#include "tasks/scene.h"

#include <criterion/criterion.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN "*2\r\n$10\r\nLARDER.IAM\r\n$6\r\nLISTEN\r\n"

static struct scene s;
static struct tokens *tokens;
static int listener, plane; /* the control plane's */
static struct agent_host host = {.host_id = "h", .incarnation = "i"};

static void set_rules(const char *rule)
{
    struct agent_node_users users = {
        .rules = {.has = true, .count = 1, .items = &rule}
    };
    s.goal.users = &users;
    node_set_goal(s.n, &s.goal);
}

static const char *url;

static void begin(void)
{
    struct net_addr address;

    scene_open(&s);
    cr_assert(net_addr_parse(STR("127.0.0.1:0"), &address));
    cr_assert_not(err_failed(net_listen_tcp(&s.arena, &address, &listener)));
    address = net_addr_of_socket(listener);
    url = arena_printf(&s.arena, "http://%s", net_addr_text(&s.arena, &address));
    const struct tokens_conf conf = {
        .loop = s.loop, .programs = &s.host, .host = &host, .url = &url, .token = "tok"};
    cr_assert_not(err_failed(tokens_open(&conf, &tokens)));
    set_rules("ann on iam ~* +@all");
    plane = -1;
}

static void end(void)
{
    tokens_forget(s.n);
    tokens_close(tokens);
    tokens_close(NULL);
    fd_close(&plane);
    fd_close(&listener);
    scene_close(&s);
}

TestSuite(tokens, .init = begin, .fini = end, .timeout = 60);

static void listen_begins(void)
{
    tokens_look(tokens, s.n);
    scene_accept(&s);
    scene_hear(&s, LISTEN);
    scene_say(&s, "+OK\r\n");
}

/* What the control plane is sent. */
static const char *plane_hears(const char *what)
{
    static char text[4096];
    size_t len = 0;

    text[0] = '\0';
    for (int64_t end_ms = scene_patience(&s); !strstr(text, what);) {
        if (plane < 0)
            plane = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        ssize_t got = plane < 0 ? -1 : recv(plane, text + len, sizeof(text) - 1 - len, 0);
        len += got > 0 ? (size_t)got : 0;
        text[len] = '\0';
        scene_turn(&s, end_ms, what);
    }
    return text;
}

static void plane_says(int status, const char *body)
{
    const char *text = arena_printf(&s.arena, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s",
                                    status, strlen(body), body);
    cr_assert_eq(send(plane, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void engine_asks(int id)
{
    scene_say(
        &s, arena_printf(&s.arena,
                         "*5\r\n$3\r\niam\r\n$6\r\nverify\r\n:%d\r\n$3\r\nann\r\n$6\r\nto\"ken\r\n",
                         id));
}

Test(tokens, a_question_is_asked_and_its_verdict_brought_back)
{
    listen_begins();
    engine_asks(7);
    const char *heard = plane_hears("}");
    cr_assert_not_null(strstr(heard, "POST /agent/v1/verify-token "));
    cr_assert_not_null(strstr(heard, "Authorization: Bearer tok\r\n"));
    cr_assert_not_null(strstr(heard, "\"NodeId\":1,\"User\":\"ann\",\"Token\":\"to\\\"ken\""));
    plane_says(200, "{\"IsAllowed\":true,\"HoldsMs\":900}");
    scene_hear(
        &s, "*5\r\n$10\r\nLARDER.IAM\r\n$7\r\nVERDICT\r\n$1\r\n7\r\n$5\r\nallow\r\n$3\r\n900\r\n");
    scene_say(&s, ":1\r\n");

    engine_asks(8);
    plane_hears("}");
    plane_says(200, "{\"IsAllowed\":false,\"HoldsMs\":0,\"Why\":\"no\"}");
    scene_hear(&s,
               "*5\r\n$10\r\nLARDER.IAM\r\n$7\r\nVERDICT\r\n$1\r\n8\r\n$4\r\ndeny\r\n$1\r\n0\r\n");
}

Test(tokens, a_control_plane_that_does_not_judge_says_neither_yes_nor_no)
{
    listen_begins();
    engine_asks(7);
    plane_hears("}");
    plane_says(500, "{}");
    engine_asks(8);
    plane_hears("}");
    plane_says(200, "{\"IsAllowed\":true,\"HoldsMs\":1}");
    scene_hear(&s,
               "*5\r\n$10\r\nLARDER.IAM\r\n$7\r\nVERDICT\r\n$1\r\n8\r\n$5\r\nallow\r\n$1\r\n1\r\n");
}

Test(tokens, an_engine_that_hangs_up_is_called_again)
{
    listen_begins();
    engine_asks(7);
    plane_hears("}");
    fd_close(&s.fd);
    scene_accept(&s);
    scene_hear(&s, LISTEN);
}

Test(tokens, only_engines_with_iam_users_are_listened_to)
{
    set_rules("iam on >iams ~iam*");
    tokens_look(tokens, s.n);
    cr_assert_null(s.n->ear, "a name is no rule");
    set_rules("ann on ~* iam");
    tokens_look(tokens, s.n);
    cr_assert_not_null(s.n->ear);
    s.n->state = NODE_STOPPING;
    tokens_look(tokens, s.n);
    cr_assert_null(s.n->ear);
    s.n->state = NODE_RUNNING;
    strcpy(s.n->run.driver, "redis");
    tokens_look(tokens, s.n);
    cr_assert_null(s.n->ear);
}

Test(tokens, what_is_no_question_is_not_taken_for_one)
{
    static const char *const others[] = {
        "+OK\r\n",
        ":1\r\n",
        "*5\r\n$3\r\niam\r\n$6\r\nverify\r\n:x\r\n$1\r\na\r\n$1\r\nb\r\n",
        "*5\r\n$3\r\niam\r\n$6\r\nverify\r\n:1\r\n$1\r\na\r\n",
        "*5\r\n$3\r\niam\r\n$6\r\nverify\r\n:1\r\n$9\r\na\r\n$1\r\nb\r\n",
        "*5\r\n$3\r\niam\r\n$5\r\nother\r\n:1\r\n$1\r\na\r\n$1\r\nb\r\n",
        "*4\r\n$3\r\niam\r\n$6\r\nverify\r\n:1\r\n$1\r\na\r\n",
        "*5",
        "",
    };
    struct tokens_question q;

    for (size_t i = 0; i < countof(others); i++)
        cr_assert_not(tokens_read_question(&s.arena, str_of(others[i]), &q), "%s", others[i]);
    cr_assert_not(tokens_read_question(
        &s.arena, STR("*5\r\n$3\r\niam\r\n$6\r\nverify\r\n:1\r\n$2\r\na\0\r\n$1\r\nb\r\n"), &q));
}
