#include "base/fs.h"
#include "controlplane/store/checkpointer.h"
#include "controlplane/store/db.h"
#include "fixture.h"

#include <criterion/criterion.h>

#include <sys/stat.h>

FIXTURE_SUITE(checkpointer);

static int64_t size_of(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 ? (int64_t)s.st_size : 0;
}

/* Pages in the log are pages in the file once somebody has brought them there. */
Test(checkpointer, a_long_log_is_brought_to_its_place_while_others_write, .timeout = 60)
{
    const char *path = fs_join(&f.arena, f.dir, "larder.db");
    int64_t before = size_of(path);
    struct event e = {.account = "1",
                      .region = "us-east-1",
                      .source_type = "cache-cluster",
                      .source = "c",
                      .message = arena_printf(&f.arena, "%0*d", 100000, 0)};

    fixture_commit(&f);
    while (size_of(path) == before) { /* until the thread was there */
        fixture_begin(&f, STORE_NOTE);
        for (int i = 0; i < 20; i++)
            must(store_event_add(f.tx, &e));
        fixture_commit(&f);
    }
    fixture_begin(&f, STORE_WRITE);
}

Test(checkpointer, one_that_was_never_needed_ends, .timeout = 60)
{
    checkpointer_free(checkpointer_new("/nowhere/larder.db"));
    checkpointer_free(NULL);
    struct checkpointer *c = checkpointer_new("/nowhere/larder.db");
    checkpointer_poke(c); /* which fails */
    checkpointer_free(c);
}
