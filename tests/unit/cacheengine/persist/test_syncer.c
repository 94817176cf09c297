#include "cacheengine/persist/syncer.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

Test(syncer, marks_come_back_when_the_disk_has_what_they_stand_for)
{
    struct syncer s;
    FILE *f = tmpfile();
    int second = dup(fileno(f));

    syncer_init(&s);
    cr_assert_eq(atomic_load(&s.synced_mark), 0);
    syncer_sync(&s, fileno(f), 7);
    syncer_sync_and_close(&s, second, 9);
    syncer_wait(&s);
    cr_assert_eq(atomic_load(&s.pending), 0);
    cr_assert_eq(atomic_load(&s.synced_mark), 9);
    cr_assert_eq(fcntl(second, F_GETFD), -1);
    fclose(f);
    syncer_fini(&s);
}

Test(syncer, a_failure_is_remembered_until_a_later_job_does_well)
{
    struct syncer s;
    FILE *f = tmpfile();

    syncer_init(&s);
    syncer_sync(&s, 9999, 7);
    syncer_wait(&s);
    cr_assert_eq(atomic_load(&s.failure), EBADF);
    cr_assert_eq(atomic_load(&s.synced_mark), 0);
    syncer_sync(&s, fileno(f), 8);
    syncer_wait(&s);
    cr_assert_eq(atomic_load(&s.failure), 0);
    cr_assert_eq(atomic_load(&s.synced_mark), 8);
    fclose(f);
    syncer_fini(&s);
}
