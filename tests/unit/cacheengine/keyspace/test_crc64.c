#include "cacheengine/keyspace/crc64.h"

#include <criterion/criterion.h>

Test(crc64, of_the_usual_digits_is_the_usual_number)
{
    cr_assert_eq(crc64(0, "123456789", 9), 0xe9c6d914c4b8d9caULL);
    cr_assert_eq(crc64(0, "", 0), 0);
}

Test(crc64, goes_on_where_it_stopped_wherever_that_was)
{
    char text[200];

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * 31);
    uint64_t whole = crc64(0, text, sizeof(text));
    for (size_t cut = 0; cut <= sizeof(text); cut++)
        cr_assert_eq(crc64(crc64(0, text, cut), text + cut, sizeof(text) - cut), whole, "%zu", cut);
}

Test(crc64, is_the_same_byte_by_byte_and_in_a_long_run)
{
    static char text[5000];
    uint64_t slow = 0;

    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)(i * i + i / 7);
        slow = crc64(slow, text + i, 1);
    }
    cr_assert_eq(crc64(0, text, sizeof(text)), slow);
}
