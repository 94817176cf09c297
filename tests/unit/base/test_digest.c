#include "base/digest.h"

#include <criterion/criterion.h>

#include <string.h>

Test(digest, sha1_gives_the_values_of_its_standard)
{
    unsigned char sum[DIGEST_SHA1_BYTES];
    char hex[2 * DIGEST_SHA1_BYTES + 1];

    digest_sha1("abc", 3, sum);
    digest_hex(sum, sizeof(sum), hex);
    cr_assert_str_eq(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
    digest_sha1("", 0, sum);
    digest_hex(sum, sizeof(sum), hex);
    cr_assert_str_eq(hex, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

Test(digest, sha256_gives_the_values_of_its_standard)
{
    static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    unsigned char sum[DIGEST_SHA256_BYTES];
    char hex[2 * DIGEST_SHA256_BYTES + 1];

    digest_sha256(text, strlen(text), sum);
    digest_hex(sum, sizeof(sum), hex);
    cr_assert_str_eq(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}
