#include "agent/tasks/source.h"
#include "base/arena.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct arena arena;
static const struct source_wish wish = {
    .address = "127.0.0.1", .port = 1, .memory_bytes = 1000, .databases = 16};

static void close_arena(void)
{
    arena_fini(&arena);
}

TestSuite(source, .fini = close_arena, .timeout = 30);

#define GOOD \
    "redis_version:7.0.15\r\nrole:master\r\nused_memory_dataset:900\r\nmaster_repl_offset:77\r\n"

Test(source, one_that_can_be_followed_says_how_far_its_stream_is)
{
    struct source_facts facts = {0};

    cr_assert_not(err_failed(source_judge(&arena, &wish, str_of(GOOD "db15:keys=1\r\n"), &facts)));
    cr_assert_eq(facts.offset, 77);
    cr_assert_not(err_failed(source_judge(
        &arena, &wish,
        str_of("redis_version:2.8.21\r\nrole:slave\r\nmaster_link_status:up\r\nused_memory:5\r\n"),
        &facts)));
}

Test(source, what_keeps_from_following_is_told)
{
    static const struct {
        const char *info, *why;
    } rows[] = {
        {"role:master\r\n",                                                  "the source is of version , and 2.8.21 is the least"},
        {"redis_version:2.8.20\r\nrole:master\r\n",
         "the source is of version 2.8.20, and 2.8.21 is the least"                                                              },
        {GOOD "cluster_enabled:1\r\n",                                       "the source has cluster mode enabled"               },
        {GOOD "loading:1\r\n",                                               "the source is loading its data"                    },
        {"redis_version:7.0.0\r\nrole:slave\r\nmaster_link_status:down\r\n",
         "the source is a replica that is not connected to its primary"                                                          },
        {"redis_version:7.0.0\r\nrole:master\r\nused_memory:1001\r\n",
         "the source has 1001 bytes of data, and the nodes have room for 1000"                                                   },
        {GOOD "db16:keys=1,expires=0\r\n",
         "the source has data in database 16, and the nodes have 16 databases"                                                   },
    };
    struct source_facts facts;

    for (size_t i = 0; i < countof(rows); i++) {
        struct err e = source_judge(&arena, &wish, str_of(rows[i].info), &facts);
        cr_assert(err_failed(e), "%s", rows[i].why);
        cr_assert_str_eq(e.why, rows[i].why);
    }
}

/* --- over a socket --- */

struct server {
    int listener;
    struct source_wish wish;
    const char *says;
};

static void *serve(void *context)
{
    struct server *s = context;
    char words[256];

    int fd = accept(s->listener, NULL, NULL);
    cr_assert_geq(fd, 0);
    cr_assert_gt(recv(fd, words, sizeof(words), 0), 0);
    cr_assert_eq(send(fd, s->says, strlen(s->says), MSG_NOSIGNAL), (ssize_t)strlen(s->says));
    close(fd);
    return NULL;
}

static struct err ask_one_that_says(const char *says, struct source_facts *out)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    struct server s = {.listener = socket(AF_INET, SOCK_STREAM, 0), .wish = wish, .says = says};
    pthread_t thread;

    cr_assert_eq(bind(s.listener, (struct sockaddr *)&at, sizeof(at)), 0);
    cr_assert_eq(listen(s.listener, 1), 0);
    cr_assert_eq(getsockname(s.listener, (struct sockaddr *)&at, &len), 0);
    s.wish.port = ntohs(at.sin_port);
    cr_assert_eq(pthread_create(&thread, NULL, serve, &s), 0);
    struct err e = source_ask(&arena, &s.wish, 10000, out);
    pthread_join(thread, NULL);
    close(s.listener);
    return e;
}

Test(source, it_is_asked_as_nobody)
{
    struct source_facts facts = {0};
    struct err e = ask_one_that_says("+PONG\r\n$62\r\nredis_version:7.0.15\r\nrole:master\r\n"
                                     "master_repl_offset:12345\r\n \r\n",
                                     &facts);

    cr_assert_not(err_failed(e), "%s", e.why);
    cr_assert_eq(facts.offset, 12345);
}

Test(source, one_that_refuses_is_believed)
{
    static const struct {
        const char *says, *why;
    } rows[] = {
        {"-NOAUTH Authentication required.\r\n",           "the source asks for a password"                 },
        {"-DENIED Redis is running in protected mode\r\n",
         "the source refuses: DENIED Redis is running in protected mode"                                    },
        {"HTTP/1.1 400 Bad Request\r\n",                   "the source does not speak the protocol of Redis"},
    };
    struct source_facts facts;

    for (size_t i = 0; i < countof(rows); i++) {
        struct err e = ask_one_that_says(rows[i].says, &facts);
        cr_assert(err_failed(e));
        cr_assert_str_eq(e.why, rows[i].why);
    }
    struct err e = ask_one_that_says("+PONG\r\n", &facts);
    cr_assert(err_is(e, ERR_UNAVAILABLE));
    cr_assert_not_null(strstr(e.why, "cannot be reached: it hangs up"));
}

Test(source, nobody_there_is_told)
{
    struct source_wish gone = wish; /* nobody listens on port 1 */
    struct source_facts facts;

    struct err e = source_ask(&arena, &gone, 1000, &facts);
    cr_assert(err_is(e, ERR_UNAVAILABLE));
    cr_assert_not_null(strstr(e.why, "the source 127.0.0.1:1 cannot be reached"));
    gone.address = "no.such.host.invalid";
    cr_assert(err_is(source_ask(&arena, &gone, 1000, &facts), ERR_UNAVAILABLE));
}
