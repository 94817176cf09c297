#include "base/err.h"
#include "cacheengine/types/stream_id.h"

#include <criterion/criterion.h>

#define LAST UINT64_MAX

Test(stream_id, texts_are_read_as_they_are_meant)
{
    static const struct {
        const char *text;
        enum stream_id_form form;
        bool ok, is_generated;
        struct stream_id id;
    } rows[] = {
        {"5-3",                                       STREAM_ID_EXACT,     true,  false, {5, 3}      },
        {"5",                                         STREAM_ID_EXACT,     true,  false, {5, 7}      },
        {"18446744073709551615-18446744073709551615", STREAM_ID_EXACT,     true,  false, {LAST, LAST}},
        {"18446744073709551616",                      STREAM_ID_EXACT,     false, false, {0, 0}      },
        {"-",                                         STREAM_ID_EXACT,     false, false, {0, 0}      },
        {"-",                                         STREAM_ID_BOUND,     true,  false, {0, 0}      },
        {"+",                                         STREAM_ID_BOUND,     true,  false, {LAST, LAST}},
        {"5-*",                                       STREAM_ID_EXACT,     false, false, {0, 0}      },
        {"5-*",                                       STREAM_ID_GENERATED, true,  true,  {5, 0}      },
        {"*",                                         STREAM_ID_GENERATED, false, false, {0, 0}      },
        {"5-",                                        STREAM_ID_BOUND,     false, false, {0, 0}      },
        {"-5",                                        STREAM_ID_BOUND,     false, false, {0, 0}      },
        {"1-2-3",                                     STREAM_ID_EXACT,     false, false, {0, 0}      },
        {"",                                          STREAM_ID_EXACT,     false, false, {0, 0}      },
        {"x",                                         STREAM_ID_EXACT,     false, false, {0, 0}      },
    };

    for (size_t i = 0; i < countof(rows); i++) {
        struct stream_id id = {0, 0};
        bool is_generated;

        cr_expect_eq(stream_id_parse(str_of(rows[i].text), rows[i].form, 7, &id, &is_generated),
                     rows[i].ok, "%s", rows[i].text);
        cr_expect_eq(stream_id_order(id, rows[i].id), 0, "%s", rows[i].text);
        cr_expect_eq(is_generated, rows[i].is_generated);
    }
}

Test(stream_id, there_is_one_before_and_behind_each_but_the_ends)
{
    struct stream_id id = {1, LAST}, least = STREAM_ID_MIN, most = STREAM_ID_MAX;

    cr_expect(stream_id_increase(&id));
    cr_expect_eq(stream_id_order(id, (struct stream_id){2, 0}), 0);
    cr_expect(stream_id_decrease(&id));
    cr_expect_eq(stream_id_order(id, (struct stream_id){1, LAST}), 0);
    cr_expect_not(stream_id_decrease(&least));
    cr_expect_not(stream_id_increase(&most));
}

Test(stream_id, bytes_and_text_come_back)
{
    struct stream_id id = {0x0102030405060708, LAST - 1};
    char text[STREAM_ID_TEXT_MAX];
    struct stream_id back;
    uint8_t bytes[16];

    stream_id_store(bytes, id);
    cr_expect_eq(bytes[0], 1);
    cr_expect_eq(bytes[15], 0xfe);
    cr_expect_eq(stream_id_order(stream_id_load(bytes), id), 0);
    unsigned len = stream_id_write(text, id);
    cr_expect(stream_id_parse((struct str){text, len}, STREAM_ID_EXACT, 0, &back, NULL));
    cr_expect_eq(stream_id_order(back, id), 0);
    cr_expect_eq(stream_id_write(text, STREAM_ID_MAX), 41);
}
