#include "base/err.h"
#include "controlplane/api/answers.h"

#include <criterion/criterion.h>

#include <pthread.h>
#include <string.h>

static void free_answers(struct answers **all)
{
    answers_free(*all);
}

static void keep(struct answers *all, const char *key, uint64_t revision, const char *body)
{
    answers_keep(all, str_of(key), revision,
                 &(struct answer){.content_type = "text/xml", .id_at = 3, .body = str_of(body)});
}

/* The first letter of the body, or '-' for none. */
static char found(struct answers *all, const char *key, uint64_t revision)
{
    struct answer *kept = answers_find(all, str_of(key), revision);
    char first = kept ? kept->body.ptr[0] : '-';

    answer_let_go(kept);
    return first;
}

Test(answers, what_is_kept_is_found_at_its_revision_alone)
{
    scoped(free_answers) struct answers *all = answers_new(1 << 16);
    char body[] = "body";

    cr_expect_eq(found(all, "a", 2), '-');
    keep(all, "a", 2, body);
    memset(body, 'x', 4);
    struct answer *kept = answers_find(all, STR("a"), 2);
    cr_assert_not_null(kept);
    cr_expect(str_is(kept->body, "body"));
    cr_expect_str_eq(kept->content_type, "text/xml");
    cr_expect_eq(kept->id_at, 3);
    answer_let_go(kept);
    cr_expect_eq(found(all, "b", 2), '-');
    cr_expect_eq(found(all, "a", 4), '-');
    cr_expect_eq(found(all, "a", 0), '-');
}

Test(answers, a_newer_revision_ends_all_that_are_older)
{
    scoped(free_answers) struct answers *all = answers_new(1 << 16);

    keep(all, "a", 2, "old");
    struct answer *held = answers_find(all, STR("a"), 2);
    keep(all, "b", 4, "new");
    cr_expect_eq(found(all, "a", 2), '-');
    cr_expect_eq(found(all, "a", 4), '-');
    cr_expect_eq(found(all, "b", 4), 'n');
    keep(all, "b", 2, "late");
    cr_expect_eq(found(all, "b", 4), 'n');
    cr_expect(str_is(held->body, "old"), "who holds it still has it");
    answer_let_go(held);
}

Test(answers, the_same_key_again_takes_the_place)
{
    scoped(free_answers) struct answers *all = answers_new(1 << 16);

    keep(all, "a", 2, "one");
    keep(all, "a", 2, "two");
    cr_expect_eq(found(all, "a", 2), 't');
}

Test(answers, room_is_bounded)
{
    static char half[3000], large[6000];
    scoped(free_answers) struct answers *all = answers_new(10000);

    memset(half, 'h', sizeof(half) - 1);
    memset(large, 'l', sizeof(large) - 1);
    keep(all, "large", 2, large);
    cr_expect_eq(found(all, "large", 2), '-', "more than half of the room is not for one");
    keep(all, "a", 2, half);
    keep(all, "b", 2, half);
    keep(all, "c", 2, half);
    cr_expect_eq(found(all, "a", 2), 'h');
    keep(all, "d", 2, half);
    cr_expect_eq(found(all, "a", 2), '-');
    cr_expect_eq(found(all, "d", 2), 'h');
}

static void *use_often(void *all)
{
    for (uint64_t i = 0; i < 2000; i++) {
        const char *key = i % 3 ? "a" : "b";
        keep(all, key, i / 10, key);
        char first = found(all, key, i / 10);
        if (first != '-' && first != *key)
            return all;
    }
    return NULL;
}

Test(answers, threads_share_them)
{
    scoped(free_answers) struct answers *all = answers_new(1 << 16);
    pthread_t threads[4];

    for (size_t i = 0; i < countof(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, use_often, all), 0);
    for (size_t i = 0; i < countof(threads); i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        cr_expect_null(failed);
    }
}
