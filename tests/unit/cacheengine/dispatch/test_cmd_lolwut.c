#include "dispatch_test.h"

Test(cmd_lolwut, a_picture_comes_with_a_version)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    shows(&f, "LOLWUT", "Redis ver. ");
    hides(&f, "LOLWUT", "Georg Nees");
    hides(&f, "LOLWUT VERSION 7 x", "Georg Nees");
    shows(&f, "LOLWUT VERSION 5", "Georg Nees");
    /* One square of which each side is seen. */
    shows(&f, "LOLWUT VERSION 5 4 1 1", "\u28b0\u2812\u2812\u28b2\n\u28b8\u28c0\u28c0\u28f8\n");
    shows(&f, "LOLWUT VERSION 5 100000 0 100000", "Redis ver. ");
    says(&f, "LOLWUT VERSION x", "-ERR value is not an integer or out of range\r\n");
    says(&f, "LOLWUT VERSION 5 x", "-ERR value is not an integer or out of range\r\n");
    resp_close(&f);
}
