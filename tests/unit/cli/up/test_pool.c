#include "base/arena.h"
#include "cli/up/pool.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

Test(pool, is_cut_into_equal_blocks_in_order)
{
    static const struct {
        const char *cidr;
        size_t count;
        const char *first, *last;
    } rows[] = {
        {"127.77.0.0/16",  1, "127.77.0.0/16",  "127.77.0.0/16"  },
        {"127.77.0.0/16",  3, "127.77.0.0/18",  "127.77.128.0/18"},
        {"127.77.0.0/16",  4, "127.77.0.0/18",  "127.77.192.0/18"},
        {"127.77.0.0/16",  6, "127.77.0.0/19",  "127.77.160.0/19"},
        {"10.0.0.0/8",     2, "10.0.0.0/9",     "10.128.0.0/9"   },
        {"127.80.16.0/20", 3, "127.80.16.0/22", "127.80.24.0/22" },
        {"127.0.0.0/26",   3, "127.0.0.0/28",   "127.0.0.32/28"  },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        scoped(arena_fini) struct arena a = {0};
        const char **blocks;
        struct err e = pool_split(&a, rows[i].cidr, rows[i].count, &blocks);
        cr_assert(not(err_failed(e)), "%s: %s", rows[i].cidr, e.why);
        cr_expect(eq(str, (char *)blocks[0], (char *)rows[i].first));
        cr_expect(eq(str, (char *)blocks[rows[i].count - 1], (char *)rows[i].last));
    }
}

Test(pool, that_is_no_block_or_too_small_is_refused)
{
    static const struct {
        const char *cidr;
        size_t count;
        int code;
    } rows[] = {
        {"127.77.0.0",    1, ERR_LIMIT  }, /* a block of one */
        {"127.77.0.1/16", 1, ERR_INVALID},
        {"127.77.0.0/33", 1, ERR_INVALID},
        {"::1/64",        1, ERR_INVALID},
        {"",              1, ERR_INVALID},
        {"127.77.0.0/x",  1, ERR_INVALID},
        {"127.77.0.0/29", 1, ERR_LIMIT  },
        {"127.77.0.0/27", 3, ERR_LIMIT  },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        scoped(arena_fini) struct arena a = {0};
        const char **blocks;
        struct err e = pool_split(&a, rows[i].cidr, rows[i].count, &blocks);
        cr_expect(eq(int, e.code, rows[i].code), "%s", rows[i].cidr);
    }
}

Test(pool, of_ipv6_is_cut_or_shared)
{
    static const struct {
        const char *cidr;
        size_t count, sharing;
        const char *first, *last; /* NULL: none */
        int code;
    } rows[] = {
        {NULL,         3, 3, NULL,         NULL,                  ERR_OK     },
        {"fd00::/64",  1, 1, "fd00::/65",  "fd00::/65",           ERR_OK     },
        {"fd00::/64",  3, 3, "fd00::/67",  "fd00::4000:0:0:0/67", ERR_OK     },
        {"fd00::/120", 4, 2, "fd00::/122", "fd00::c0/122",        ERR_OK     },
        {"::1/128",    3, 3, "::1/128",    "::1/128",             ERR_OK     },
        {"::1",        6, 3, "::1",        NULL,                  ERR_OK     },
        {"fd00::/124", 3, 3, NULL,         NULL,                  ERR_LIMIT  },
        {"fd00::1/64", 3, 3, NULL,         NULL,                  ERR_INVALID},
        {"10.0.0.0/8", 3, 3, NULL,         NULL,                  ERR_INVALID},
    };

    for (size_t i = 0; i < countof(rows); i++) {
        scoped(arena_fini) struct arena a = {0};
        const char **blocks;
        struct err e = pool6_split(&a, rows[i].cidr, rows[i].count, rows[i].sharing, &blocks);
        cr_expect(eq(int, e.code, rows[i].code), "row %zu", i);
        if (err_failed(e))
            continue;
        const char *last = blocks[rows[i].count - 1];
        cr_expect(rows[i].first ? strcmp(blocks[0], rows[i].first) == 0 : !blocks[0], "row %zu", i);
        cr_expect(rows[i].last ? strcmp(last, rows[i].last) == 0 : !last, "row %zu: %s", i, last);
    }
}
