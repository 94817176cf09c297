#include "base/fs.h"
#include "cacheengine/dispatch/cmd_persist.h"
#include "cacheengine/dispatch/guard.h"
#include "dispatch_test.h"

#include <stdlib.h>

#define KEY   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct place {
    struct resp_fixture f;
    struct resp_client admin;
    char dir[64], option[96];
};

static void start(struct place *p)
{
    struct arena a = {0};

    resp_open(&p->f, (const char *const[]){p->option, "larder-sealed yes", NULL});
    cr_assert_not(err_failed(engine_load_data(&p->f.engine, NULL, &a)));
    resp_client_open(&p->f, &p->admin, true);
    arena_fini(&a);
}

static void stop(struct place *p)
{
    resp_client_close(&p->f, &p->admin);
    resp_close(&p->f);
}

#define admin_says(p, line, answer) \
    cr_assert_str_eq(resp_ask_of(&(p)->f, &(p)->admin, (line)), (answer))

Test(cmd_seal, files_are_loaded_once_their_key_is_given_and_nothing_is_served_before)
{
    struct place p;

    strcpy(p.dir, "/tmp/larder-seal-XXXXXX");
    cr_assert_not_null(mkdtemp(p.dir));
    snprintf(p.option, sizeof(p.option), "dir %s", p.dir);
    start(&p);
    says(&p.f, "GET a", "-LOADING Redis is loading the dataset in memory\r\n");
    says(&p.f, "BGSAVE", "-LOADING Redis is loading the dataset in memory\r\n");
    admin_says(&p, "LARDER.KEY 12", "-ERR the data key is 64 hexadecimal digits\r\n");
    admin_says(&p, "LARDER.KEY " KEY, "+OK\r\n");
    says(&p.f, "SET a 1", "+OK\r\n");
    says(&p.f, "SAVE", "+OK\r\n");
    admin_says(&p, "LARDER.KEY " OTHER, "-ERR the engine has another data key already\r\n");
    stop(&p);

    start(&p);
    shows(&p.f, "LARDER.KEY " KEY, "-ERR unknown command");
    cr_assert_not_null(strstr(resp_ask_of(&p.f, &p.admin, "LARDER.KEY " OTHER),
                              "the file is sealed under another key"));
    cr_assert(p.f.engine.guards & GUARD_KEYLESS);
    admin_says(&p, "LARDER.KEY " KEY, "+OK\r\n");
    says(&p.f, "GET a", "$1\r\n1\r\n");
    stop(&p);
    cr_assert_not(err_failed(fs_remove_tree(p.dir)));
}
