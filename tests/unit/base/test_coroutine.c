#include "base/coroutine.h"

#include <criterion/criterion.h>

struct count {
    int steps, done;
};

static void step_thrice(struct coroutine *self, void *arg)
{
    struct count *c = arg;

    for (int i = 0; i < 3; i++) {
        c->steps++;
        coroutine_stop(self);
    }
    c->done++;
}

Test(coroutine, it_goes_on_where_it_stopped)
{
    struct count n = {0};
    struct coroutine *c = coroutine_new(step_thrice, &n, 16384);

    for (int i = 1; i <= 3; i++) {
        cr_assert_not(coroutine_resume(c));
        cr_assert_eq(n.steps, i);
    }
    cr_assert(coroutine_resume(c));
    cr_assert_eq(n.done, 1);
    coroutine_free(c);
}

Test(coroutine, many_take_turns)
{
    struct count n[50] = {{0}};
    struct coroutine *c[50];
    int ended = 0;

    for (int i = 0; i < 50; i++)
        c[i] = coroutine_new(step_thrice, &n[i], 16384);
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < 50; i++)
            ended += coroutine_resume(c[i]);
    cr_assert_eq(ended, 50);
    for (int i = 0; i < 50; i++) {
        cr_assert_eq(n[i].steps, 3);
        coroutine_free(c[i]);
    }
}

static void use_stack(struct coroutine *self, void *arg)
{
    volatile char deep[200000];

    for (size_t i = 0; i < sizeof(deep); i += 512)
        deep[i] = (char)i;
    coroutine_stop(self);
    for (size_t i = 0; i < sizeof(deep); i += 512)
        *(int *)arg += deep[i] == (char)i;
}

Test(coroutine, its_stack_is_its_own)
{
    int sound = 0;
    struct coroutine *c = coroutine_new(use_stack, &sound, 1 << 20);

    cr_assert_not(coroutine_resume(c));
    cr_assert(coroutine_resume(c));
    cr_assert_eq(sound, (200000 + 511) / 512);
    coroutine_free(c);
}

Test(coroutine, one_that_never_ran_can_be_freed)
{
    coroutine_free(coroutine_new(step_thrice, NULL, 16384));
    coroutine_free(NULL);
}
