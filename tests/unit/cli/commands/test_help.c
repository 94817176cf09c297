#include "base/arena.h"
#include "base/buf.h"
#include "cli/commands/help.h"
#include "cli/commands/names.h"
#include "contract/elasticache.h"

#include <criterion/criterion.h>

#include <string.h>

Test(help, names_every_operation)
{
    struct arena a = {0};
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    help_all(&a, &text);
    const char *all = buf_cstr(&text);
    for (size_t i = 0; i < service_elasticache.op_count; i++) {
        const struct op_desc *op = &service_elasticache.ops[i];
        const char *row = arena_printf(&a, "    %s ", name_kebab(&a, op->name));
        cr_expect_not_null(strstr(all, row), "%s", op->name);
    }
    cr_expect_not_null(strstr(all, "    up "));
    cr_expect_not_null(strstr(all, "get-caller-identity"));
    arena_fini(&a);
}

Test(help, of_an_operation_shows_every_option_once)
{
    struct arena a = {0};

    for (size_t i = 0; i < service_elasticache.op_count; i++) {
        const struct op_desc *op = &service_elasticache.ops[i];
        scoped(buf_fini) struct buf text = BUF_EMPTY;
        help_operation(&a, &service_elasticache, op, &text);
        for (size_t j = 0; j < op->in->member_count; j++) {
            const struct shape_member *m = &op->in->members[j];
            if (strcmp(m->name, "Marker") == 0 || strcmp(m->name, "NextToken") == 0 ||
                strncmp(m->name, "Max", 3) == 0)
                continue; /* paging is shown as aws-cli shows it */
            const char *row = arena_printf(&a, "\n    --%s", name_kebab(&a, m->name));
            cr_expect_not_null(strstr(buf_cstr(&text), row), "%s of %s", m->name, op->name);
        }
    }
    arena_fini(&a);
}

Test(help, keeps_its_paragraphs_narrow)
{
    struct arena a = {0};
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    help_operation(&a, &service_elasticache, service_op(&service_elasticache, "CreateCacheCluster"),
                   &text);
    struct str rest = buf_str(&text);
    while (rest.len > 0) {
        struct str line = str_cut(&rest, '\n');
        cr_expect(line.len <= 110, "%.*s", STR_ARG(line));
    }
    arena_fini(&a);
}
