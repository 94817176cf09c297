#include "cacheengine/dispatch/function_payload.h"
#include "cacheengine/dispatch/scripting.h"
#include "dispatch_test.h"

#define LOAD(name, function)                                                   \
    "FUNCTION LOAD \"#!lua name=" name "\\nredis.register_function('" function \
    "', function() end)\""

Test(function_payload, what_is_written_loads_again)
{
    struct resp_fixture f;
    scoped(buf_fini) struct buf bytes = BUF_EMPTY;
    struct arena a = {0};

    resp_open(&f, NULL);
    says(&f, LOAD("b", "f"), "$1\r\nb\r\n");
    says(&f, LOAD("a", "g"), "$1\r\na\r\n");
    function_payload_write(&f.engine, &bytes);
    cr_assert_str_eq(function_payload_load(&f.engine, &a, buf_str(&bytes), LIBRARY_ADD, false),
                     "Library a already exists");
    cr_assert_null(function_payload_load(&f.engine, &a, buf_str(&bytes), LIBRARY_REPLACE, false));
    says(&f, "FUNCTION FLUSH", "+OK\r\n");
    says(&f, LOAD("c", "h"), "$1\r\nc\r\n");
    cr_assert_null(function_payload_load(&f.engine, &a, buf_str(&bytes), LIBRARY_ADD, true));
    cr_assert_eq(libraries_facts(scripting_libraries(&f.engine)).libraries, 2);
    arena_fini(&a);
    resp_close(&f);
}

Test(function_payload, damaged_bytes_are_refused)
{
    struct resp_fixture f;
    scoped(buf_fini) struct buf bytes = BUF_EMPTY;
    struct arena a = {0};

    resp_open(&f, NULL);
    says(&f, LOAD("a", "f"), "$1\r\na\r\n");
    function_payload_write(&f.engine, &bytes);
    says(&f, "FUNCTION FLUSH", "+OK\r\n");
    for (size_t i = 0; i < bytes.len; i++) {
        bytes.ptr[i] ^= 1;
        cr_assert_str_eq(function_payload_load(&f.engine, &a, buf_str(&bytes), LIBRARY_ADD, false),
                         "DUMP payload version or checksum are wrong");
        bytes.ptr[i] ^= 1;
    }
    cr_assert_not_null(
        function_payload_load(&f.engine, &a, (struct str){bytes.ptr, 5}, LIBRARY_ADD, false));
    says(&f, "FUNCTION RESTORE x", "-ERR DUMP payload version or checksum are wrong\r\n");
    says(&f, "FUNCTION RESTORE x y",
         "-ERR Wrong restore policy given, value should be either "
         "FLUSH, APPEND or REPLACE.\r\n");
    arena_fini(&a);
    resp_close(&f);
}
