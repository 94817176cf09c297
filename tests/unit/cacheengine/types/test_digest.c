#include "cacheengine/types/digest.h"
#include "types_play.h"

static void fingerprint(struct harness *h, char out[2 * DIGEST_SHA1_BYTES + 1])
{
    unsigned char digest[DIGEST_SHA1_BYTES];

    digest_all(&h->ks, &h->scratch, digest);
    digest_hex(digest, sizeof(digest), out);
}

/* The same keys, made in another order and in other encodings. */
Test(digest, it_follows_from_what_keys_hold_alone)
{
    static const char *const lines[][6] = {
        {"SADD s 1 a 2", "HSET h f 1 g 2",   "RPUSH l x y", "ZADD z 1 a 2.5 b", "SET k v",
         "SET n 12"    },
        {"SET n 12",     "ZADD z 2.5 b 1 a", "SET k v",     "RPUSH l x y",      "HSET h g 2 f 1",
         "SADD s 2 1 a"},
    };
    char texts[2][2 * DIGEST_SHA1_BYTES + 1], empty[2 * DIGEST_SHA1_BYTES + 1];

    for (int i = 0; i < 2; i++) {
        struct harness h;

        harness_begin(&h);
        fingerprint(&h, empty);
        cr_expect_str_eq(empty, "0000000000000000000000000000000000000000");
        if (i == 1)
            h.settings.hash_packed_entries = h.settings.set_packed_entries =
                h.settings.zset_packed_entries = 0;
        for (size_t j = 0; j < countof(lines[i]); j++)
            play_line(&h, lines[i][j]);
        fingerprint(&h, texts[i]);
        harness_end(&h);
    }
    cr_expect_str_eq(texts[0], texts[1]);
    cr_expect_str_neq(texts[0], empty);
}

Test(digest, every_difference_shows)
{
    static const char *const lines[] = {"RPUSH l a b", "RPUSH l b a",  "SADD l a b", "HSET l a b",
                                        "ZADD l 1 a",  "ZADD l 1.5 a", "SET l a",    "SET m a"};
    char texts[countof(lines)][2 * DIGEST_SHA1_BYTES + 1];

    for (size_t i = 0; i < countof(lines); i++) {
        struct harness h;

        harness_begin(&h);
        play_line(&h, lines[i]);
        fingerprint(&h, texts[i]);
        for (size_t j = 0; j < i; j++)
            cr_expect_str_neq(texts[i], texts[j]);
        harness_end(&h);
    }
}
