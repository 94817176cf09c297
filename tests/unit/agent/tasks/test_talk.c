#include "agent/tasks/talk.h"
#include "scene.h"

#include <criterion/criterion.h>

#include <string.h>

static struct scene s;
static struct talk *talk;
static char heard[256], broken[128];
static bool closes; /* from within the call */

static void on_reply(void *context, struct str reply)
{
    (void)context;
    strncat(heard, reply.ptr, reply.len);
    strcat(heard, "|");
    if (closes)
        talk_close(talk);
}

static void on_broken(void *context, const char *why)
{
    (void)context;
    strcpy(broken, why);
    if (closes)
        talk_close(talk);
}

static void begin(void)
{
    scene_open(&s);
}

static void end(void)
{
    scene_close(&s);
}

TestSuite(talk, .init = begin, .fini = end, .timeout = 60);

static void open_talk(void)
{
    talk = talk_open(&(struct talk_conf){.loop = s.loop,
                                         .host = &s.host,
                                         .node = s.n,
                                         .on_reply = on_reply,
                                         .on_broken = on_broken});
}

static void await(const char *text, const char *what)
{
    for (int64_t end_ms = scene_patience(&s); strcmp(text, what) != 0;)
        scene_turn(&s, end_ms, what);
}

Test(talk, commands_are_said_in_order_and_replies_come_whole)
{
    open_talk();
    talk_say(talk, "PING", NULL);
    talk_say(talk, "GET", "k", NULL);
    scene_accept(&s);
    scene_hear(&s, "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    scene_say(&s, "+PONG\r\n$5\r\nhe");
    await(heard, "+PONG\r\n|");
    scene_say(&s, "llo\r\n");
    await(heard, "+PONG\r\n|$5\r\nhello\r\n|");
    talk_close(talk);
}

Test(talk, an_engine_that_hangs_up_is_told_of_once)
{
    open_talk();
    talk_say(talk, "PING", NULL);
    scene_accept(&s);
    scene_hear(&s, "*1\r\n$4\r\nPING\r\n");
    fd_close(&s.fd);
    await(broken, "the engine hung up");
    talk_close(talk);
}

Test(talk, nobody_there_is_told_from_the_loop)
{
    fd_close(&s.listener);
    open_talk();
    talk_say(talk, "PING", NULL);
    cr_assert_str_eq(broken, "");
    closes = true;
    await(broken, "the engine takes no orders");
}

Test(talk, it_may_be_closed_from_within_a_call)
{
    closes = true;
    open_talk();
    talk_say(talk, "PING", NULL);
    scene_accept(&s);
    scene_say(&s, "+PONG\r\n+MORE\r\n");
    await(heard, "+PONG\r\n|");
    loop_turn(s.loop, 5);
    cr_assert_str_eq(heard, "+PONG\r\n|", "and says nothing then");
    cr_assert_str_eq(broken, "");
}

Test(talk, an_answer_that_is_none_breaks_it)
{
    open_talk();
    scene_accept(&s);
    scene_say(&s, "what\r\n");
    await(broken, "the engine answers what nobody understands");
    talk_close(talk);
}

Test(talk, errors_are_told_from_answers)
{
    cr_assert(talk_is_error(str_of("-ERR no\r\n")));
    cr_assert_not(talk_is_error(str_of("+OK\r\n")));
    cr_assert_str_eq(talk_error_text(&s.arena, str_of("-ERR no\r\n")), "ERR no");
    cr_assert_str_eq(talk_error_text(&s.arena, str_of("+OK\r\n")), "+OK");
}
