#include "base/shape.h"
#include "sample.h"

#include <criterion/criterion.h>

Test(shape, operations_are_found_by_their_exact_names)
{
    static const char *const strangers[] = {"", "ask", "Aska", "Z", "Bega"};

    for (size_t i = 0; i < sample_service.op_count; i++)
        cr_expect_eq(service_op(&sample_service, sample_service.ops[i].name),
                     &sample_service.ops[i]);
    for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
        cr_expect_null(service_op(&sample_service, strangers[i]));
}

Test(shape, absent_values_have_no_address)
{
    struct sample s = {0};

    for (size_t i = 0; i < sample_shape.member_count; i++)
        cr_expect_null(shape_value(&sample_shape.members[i], &s), "%s",
                       sample_shape.members[i].name);
}

Test(shape, values_are_found_where_they_stand)
{
    struct sample_inner inner = {.name = "n"};
    struct sample s = {.text = "t", .number = INT_OF(0), .inner = &inner, .texts = {.has = true}};

    cr_expect_eq(shape_value(shape_find(&sample_shape, "Text"), &s), &s.text);
    cr_expect_eq(shape_value(shape_find(&sample_shape, "Number"), &s), &s.number);
    cr_expect_eq(shape_value(shape_find(&sample_shape, "Inner"), &s), &inner);
    cr_expect_eq(shape_value(shape_find(&sample_shape, "Texts"), &s), &s.texts);
    cr_expect_null(shape_find(&sample_shape, "texts"));
}

Test(shape, entries_of_lists_and_maps_are_found_as_the_compiler_laid_them_out)
{
    struct sample_inner inners[3] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
    struct sample_map_entry flags[2] = {
        {"x", BOOL_OF(true) },
        {"y", BOOL_OF(false)}
    };
    struct sample s = {
        .inners = {true, 3, inners},
          .flags = {true, 2, flags }
    };
    const struct shape *list = shape_find(&sample_shape, "Inners")->shape;
    const struct shape *map = shape_find(&sample_shape, "Flags")->shape;

    cr_expect_eq(shape_entry(list, (struct shape_seq *)&s.inners, 2), &inners[2]);
    cr_expect_eq(shape_stride(map), sizeof(flags[0]));
    cr_expect_eq(shape_entry(map, (struct shape_seq *)&s.flags, 1), &flags[1].value);
    cr_expect_str_eq(*shape_key(map, (struct shape_seq *)&s.flags, 1), "y");
}
