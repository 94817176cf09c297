/* Every operation of every service there and back: what goes out comes in as the same value. */
#include "base/arena.h"
#include "base/shape_json.h"
#include "contract/agent.h"
#include "contract/elasticache.h"
#include "contract/sts.h"
#include "controlplane/api/query.h"
#include "values.h"

#include <criterion/criterion.h>

#include <string.h>

#define ROUNDS 50

static const struct service_desc *const services[] = {&service_elasticache, &service_sts,
                                                      &service_agent};

static const char *as_json(struct arena *a, const struct shape *s, const void *value)
{
    scoped(buf_fini) struct buf out = BUF_EMPTY;
    struct json_writer w = JSON_WRITER(&out);

    shape_json_write(&w, s, value);
    return arena_strdup(a, buf_cstr(&out));
}

static void through_a_form(struct arena *a, const struct shape *s, const void *value)
{
    scoped(buf_fini) struct buf form = BUF_EMPTY;
    void *back = arena_zalloc(a, s->size);
    struct query query;

    value_to_form(&form, s, value);
    cr_assert(err_is(query_parse(a, buf_str(&form), (struct str){"", 0}, &query), ERR_OK));
    struct err e = query_decode(a, &query, s, back);
    cr_assert(err_is(e, ERR_OK), "%s: %s", s->name, e.why);
    cr_assert_str_eq(as_json(a, s, back), as_json(a, s, value));
}

static void through_json(struct arena *a, const struct shape *s, const void *value)
{
    const char *text = as_json(a, s, value);
    void *back = arena_zalloc(a, s->size);
    struct err e = shape_json_parse(a, s, str_of(text), SHAPE_UNKNOWN_REFUSE, back);

    cr_assert(err_is(e, ERR_OK), "%s: %s", s->name, e.why);
    cr_assert_str_eq(as_json(a, s, back), text);
}

static void one_round(struct rng *rng, const struct shape *s, bool is_request)
{
    scoped(arena_fini) struct arena a = {0};
    void *value = arena_zalloc(&a, s->size);

    value_fill(&a, rng, s, value);
    through_json(&a, s, value);
    if (is_request)
        through_a_form(&a, s, value);
}

Test(roundtrip, every_operation_of_every_service_there_and_back)
{
    struct rng rng;

    rng_seed(&rng, 20150202);
    for (size_t i = 0; i < countof(services); i++)
        for (size_t k = 0; k < services[i]->op_count; k++)
            for (int round = 0; round < ROUNDS; round++) {
                one_round(&rng, services[i]->ops[k].in, true);
                if (services[i]->ops[k].out)
                    one_round(&rng, services[i]->ops[k].out, false);
            }
}

Test(roundtrip, operations_are_sorted_and_their_faults_exist)
{
    for (size_t i = 0; i < countof(services); i++)
        for (size_t k = 0; k < services[i]->op_count; k++) {
            const struct op_desc *op = &services[i]->ops[k];
            cr_expect(k == 0 || strcmp(op[-1].name, op->name) < 0);
            for (const int *fault = op->faults; *fault; fault++)
                cr_expect_not_null(fault_find(*fault), "%s", op->name);
        }
    cr_expect_eq(service_elasticache.op_count, 75);
}
