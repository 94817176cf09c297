#include "base/arena.h"
#include "controlplane/model/iam_token.h"

#include <criterion/criterion.h>

#include <string.h>

/* Made by botocore's query signer. */
#define KEY       "AKIDEXAMPLE"
#define SECRET    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define SIGNED_MS 1700000000000
#define SIGNING                                                                               \
    "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" KEY                                 \
    "%2F20231114%2Fus-east-1%2Felasticache%2Faws4_request&X-Amz-Date=20231114T221320Z&X-Amz-" \
    "Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature="
#define TOKEN                                   \
    "my-group/?Action=connect&User=ann" SIGNING \
    "d98a33e5b77e65f4b4fb8f3e63b3a3d3f161e55f35316b76084c3f2e20abbd22"
#define SERVERLESS                                                           \
    "my-group/?Action=connect&User=ann&ResourceType=ServerlessCache" SIGNING \
    "60039c34b9044a307afe10c334efe19b9a1a1fab2b2c9265b2a0aac6df8141f1"

static const struct iam_purpose purpose = {
    .cache = "my-group", .user = "ann", .region = "us-east-1", .now_ms = SIGNED_MS + 60000};

static struct iam_token parse(struct arena *a, const char *text)
{
    struct iam_token t;

    cr_assert_not(err_failed(iam_token_parse(a, text, &t)));
    return t;
}

Test(iam_token, what_a_signer_makes_is_good_for_what_it_was_made_for)
{
    struct arena a = {0};
    struct iam_token t = parse(&a, TOKEN), s = parse(&a, SERVERLESS);
    struct iam_purpose serverless = purpose;
    int64_t left_ms;

    cr_assert_str_eq(t.access_key, KEY);
    cr_assert(iam_token_is_signed(&a, &t, SECRET));
    cr_assert_not(err_failed(iam_token_check(&a, &t, &purpose, &left_ms)));
    cr_assert_eq(left_ms, 840000);
    serverless.is_serverless = true;
    cr_assert(iam_token_is_signed(&a, &s, SECRET));
    cr_assert_not(err_failed(iam_token_check(&a, &s, &serverless, &left_ms)));
    cr_assert(err_failed(iam_token_check(&a, &s, &purpose, &left_ms)));
    cr_assert(err_failed(iam_token_check(&a, &t, &serverless, &left_ms)));
    arena_fini(&a);
}

/* The token with one piece of its text replaced. */
static const char *with(struct arena *a, const char *piece, const char *other)
{
    const char *at = strstr(TOKEN, piece);

    cr_assert_not_null(at);
    return arena_printf(a, "%.*s%s%s", (int)(at - TOKEN), TOKEN, other, at + strlen(piece));
}

Test(iam_token, the_order_and_writing_of_its_parts_do_not_matter)
{
    struct arena a = {0};
    struct iam_token t =
        parse(&a, with(&a, "Action=connect&User=ann", "User=%61nn&Action=connect"));
    struct iam_token url = parse(&a, "http://" TOKEN);

    cr_assert(iam_token_is_signed(&a, &t, SECRET));
    cr_assert(iam_token_is_signed(&a, &url, SECRET));
    arena_fini(&a);
}

Test(iam_token, a_changed_token_or_another_secret_is_no_signature)
{
    static const char *const changes[][2] = {
        {"my-group/",           "my-grouq/"             },
        {"User=ann",            "User=bob"              },
        {"20231114T221320Z",    "20231114T221321Z"      },
        {"Expires=900",         "Expires=899"           },
        {"d98a33e5",            "d98a33e6"              },
        {"us-east-1",           "us-east-2"             },
        {"SignedHeaders=host&", "SignedHeaders=host&X=&"},
        {"&X-Amz-Signature=d9", "&X-Amz-Signature="     },
    };
    struct arena a = {0};
    struct iam_token t = parse(&a, TOKEN);

    cr_assert_not(iam_token_is_signed(&a, &t, "another"));
    cr_assert_not(iam_token_is_signed(&a, &t, ""));
    for (size_t i = 0; i < countof(changes); i++) {
        t = parse(&a, with(&a, changes[i][0], changes[i][1]));
        cr_assert_not(iam_token_is_signed(&a, &t, SECRET), "%s", changes[i][1]);
    }
    arena_fini(&a);
}

Test(iam_token, it_holds_for_its_cache_user_place_and_time_alone)
{
    static const struct {
        const char *piece, *other, *why;
    } rows[] = {
        {"my-group/",      "other/",         "the token is for another cache"                       },
        {"Action=connect", "Action=Connect", "the token's action is not connect"                    },
        {"User=ann",       "User=bob",       "the token is for another user"                        },
        {"User=ann",       "Usr=ann",        "the token is for another user"                        },
        {"AWS4-HMAC",      "AWS3-HMAC",      "the token is not signed by AWS4-HMAC-SHA256"          },
        {"=host&",         "=host;x&",       "the token must sign the header host and no other"     },
        {"us-east-1",      "eu-west-1",      "the token is scoped to another day, region or service"},
        {"elasticache",    "rds-db",         "the token is scoped to another day, region or service"},
        {"20231114%2F",    "20231113%2F",    "the token is scoped to another day, region or service"},
        {"aws4_request",   "aws4",           "the token is scoped to another day, region or service"},
        {"221320Z",        "221320",         "the token has no date"                                },
        {"Expires=900",    "Expires=901",    "the token must hold for 1 to 900 seconds"             },
        {"Expires=900",    "Expires=0",      "the token must hold for 1 to 900 seconds"             },
        {"Expires=900",    "Expires=x",      "the token must hold for 1 to 900 seconds"             },
        {"Expires=900",    "Expires=60",     "the token has expired"                                },
        {"T221320Z",       "T223000Z",       "the token is from the future"                         },
    };
    struct arena a = {0};
    int64_t left_ms;

    for (size_t i = 0; i < countof(rows); i++) {
        struct iam_token t = parse(&a, with(&a, rows[i].piece, rows[i].other));
        struct err e = iam_token_check(&a, &t, &purpose, &left_ms);
        cr_assert(err_is(e, ERR_INVALID), "%s", rows[i].other);
        cr_assert_str_eq(e.why, rows[i].why);
    }
    arena_fini(&a);
}

Test(iam_token, text_that_is_no_token_is_told_so)
{
    static const char *const texts[] = {
        "",
        "password-of-16-ch",
        "?Action=connect",
        "/?Action=connect&X-Amz-Credential=k/1",
        "host?X-Amz-Credential=k/1",
        "host/path/?X-Amz-Credential=k/1",
        "host/path?X-Amz-Credential=k/1",
        "host/?Action=connect",
        "host/?X-Amz-Credential=%2F1",
        "host/?X-Amz-Credential=k%",
        "host/?X-Amz-Credential=k%2",
        "host/?X-Amz-Credential=k%zz",
        "host/?X-Amz-Credential=k%00",
        "host/?X-Amz-Credential=k/1&X-Amz-Credential=k/2",
    };
    struct arena a = {0};
    struct iam_token t;

    for (size_t i = 0; i < countof(texts); i++)
        cr_assert(err_is(iam_token_parse(&a, texts[i], &t), ERR_INVALID), "%s", texts[i]);
    arena_fini(&a);
}
