/* The form of refusals. */
#include "contract/faults.h"
#include "controlplane/front/refuse.h"
#include "world.h"

#include <criterion/criterion.h>

#include <string.h>

Test(refuse, query_gets_xml_and_every_other_path_json)
{
    static const struct {
        const char *path, *type;
    } rows[] = {
        {"/",                  "text/xml"        },
        {"/v1/cache-clusters", "application/json"},
        {"/agent/v1/sync",     "application/json"},
        {"/metrics",           "application/json"},
        {"",                   "application/json"},
    };
    struct world w;

    world_open(&w);
    for (size_t i = 0; i < countof(rows); i++) {
        struct api_request request = {.method = "POST", .path = str_of(rows[i].path)};
        struct api_response out = {0};
        refuse(w.api, &w.arena, &request, FAULT_REQUEST_TIMEOUT, "too slow", &out);
        cr_expect_eq(out.status, 408);
        cr_expect_str_eq(out.content_type, rows[i].type, "%s", rows[i].path);
        cr_expect_not_null(strstr(buf_cstr(&out.body), "too slow"));
        buf_fini(&out.body);
    }
    world_close(&w);
}
