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

/* RFC 4231, test cases 1 and 2 */
Test(digest, hmac_gives_the_values_of_its_standard)
{
    unsigned char key[20], sum[DIGEST_SHA256_BYTES];
    char hex[2 * DIGEST_SHA256_BYTES + 1];

    memset(key, 0x0b, sizeof(key));
    digest_hmac_sha256(key, sizeof(key), "Hi There", 8, sum);
    digest_hex(sum, sizeof(sum), hex);
    cr_assert_str_eq(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    digest_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, sum);
    digest_hex(sum, sizeof(sum), hex);
    cr_assert_str_eq(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}
