#include "base/arena.h"
#include "controlplane/dns/tsig_key.h"

#include <criterion/criterion.h>

Test(tsig_key, both_forms_are_read)
{
    static const char *const texts[] = {
        "key \"larder.key\" {\n\talgorithm hmac-sha256;\n\tsecret \"c2VjcmV0IQ==\";\n};\n",
        "# made by tsig-keygen\nkey larder.key { algorithm HMAC-SHA256; // strong\n secret \"c2VjcmV0IQ==\"; };",
        "hmac-sha256:larder.key:c2VjcmV0IQ==",
        "\n# a comment\n  hmac-sha256:Larder.Key.:c2VjcmV0IQ==  \n",
        "key \"larder.key\" { secret \"c2VjcmV0IQ==\"; algorithm \"hmac-sha256\"; };",
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(texts); i++) {
        struct tsig_key key = {0};
        struct err e = tsig_key_parse(&a, str_of(texts[i]), &key);
        cr_assert_eq(e.code, ERR_OK, "row %zu: %s", i, e.why);
        cr_expect_str_eq(key.name, "larder.key.");
        cr_expect_str_eq(key.algorithm, "hmac-sha256.");
        cr_expect_str_eq(key.secret, "c2VjcmV0IQ==");
    }
    arena_fini(&a);
}

Test(tsig_key, what_is_wrong_is_said)
{
    static const char form[] =
        "neither key \"NAME\" { algorithm ...; secret ...; }; nor ALGORITHM:NAME:SECRET";
    static const char base64[] = "the key's secret is not base64";
    static const char name[] = "the key's name is not a domain name";
    static const char algorithm[] =
        "the key's algorithm is none of hmac-sha1, hmac-sha256, hmac-sha384 and hmac-sha512";
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"",                                                                 form     },
        {"#",                                                                form     },
        {"secret",                                                           form     },
        {"{",                                                                form     },
        {"zone \"k\" { secret \"c2VjcmV0IQ==\"; };",                         form     },
        {"key \"k\" { secret \"c2VjcmV0IQ==\" };",                           form     },
        {"key \"k\" { secret \"c2VjcmV0IQ==\";",                             form     },
        {"key \"k\" { colour red; };",                                       form     },
        {"key \"k\"",                                                        form     },
        {"key \"k {",                                                        form     },
        {"key \"k k\" { algorithm hmac-sha256; secret \"c2VjcmV0IQ==\"; };", name     },
        {"key \"\" { algorithm hmac-sha256; secret \"c2VjcmV0IQ==\"; };",    name     },
        {"key \"k\" { algorithm hmac-sha256; };",                            base64   },
        {"hmac-sha256:k:c2VjcmV0IQ",                                         base64   },
        {"hmac-sha256:k:c2Vj=mV0",                                           base64   },
        {"hmac-sha256:k:====",                                               base64   },
        {"hmac-sha256:k:c2Vj cmV0",                                          base64   },
        {"hmac-md5:k:c2VjcmV0IQ==",                                          algorithm},
        {":k:c2VjcmV0IQ==",                                                  algorithm},
    };
    struct arena a = {0};

    for (size_t i = 0; i < countof(rows); i++) {
        struct tsig_key key;
        struct err e = tsig_key_parse(&a, str_of(rows[i].text), &key);
        cr_expect_eq(e.code, ERR_INVALID, "%s", rows[i].text);
        cr_expect_str_eq(e.why, rows[i].why, "%s", rows[i].text);
    }
    arena_fini(&a);
}
