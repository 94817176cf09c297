#include "dispatch_test.h"

#define LOAD(options, name, body) "FUNCTION LOAD " options "\"#!lua name=" name "\\n" body "\""
#define ECHO(name)                "redis.register_function('" name "', function(k, a) return {k[1], a[1]} end)"

Test(cmd_function, functions_are_loaded_called_and_deleted)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "FCALL f 0", "-ERR Function not found\r\n");
    says(&f, LOAD("", "lib", ECHO("f")), "$3\r\nlib\r\n");
    says(&f, LOAD("", "lib", ECHO("f")), "-ERR Library 'lib' already exists\r\n");
    says(&f, LOAD("REPLACE ", "lib", ECHO("f")), "$3\r\nlib\r\n");
    says(&f, LOAD("FOO ", "lib", ECHO("f")), "-ERR Unknown option given: FOO\r\n");
    says(&f, "FCALL f 1 a b", "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    says(&f, "FCALL f x", "-ERR Bad number of keys provided\r\n");
    says(&f, "FCALL_RO f 0",
         "-ERR Can not execute a script with write flag using *_ro command.\r\n");
    shows(&f, "FUNCTION LIST WITHCODE LIBRARYNAME L*", "library_name\r\n$3\r\nlib\r\n");
    says(&f, "FUNCTION LIST LIBRARYNAME x*", "*0\r\n");
    shows(&f, "INFO memory", "number_of_functions:1\r\n");
    says(&f, "FUNCTION DELETE lib", "+OK\r\n");
    says(&f, "FUNCTION DELETE lib", "-ERR Library not found\r\n");
    says(&f, "FUNCTION FLUSH NOW", "-ERR FUNCTION FLUSH only supports SYNC|ASYNC option\r\n");
    says(&f, "FUNCTION KILL", "-NOTBUSY No scripts in execution right now.\r\n");
    resp_close(&f);
}

Test(cmd_function, errors_say_which_function)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f,
         LOAD("", "lib", "redis.register_function('f', function() return redis.call('nope') end)"),
         "$3\r\nlib\r\n");
    says(&f, "FCALL f 0",
         "-ERR Unknown Redis command called from script script: f, on @user_function:2.\r\n");
    says(&f, "FUNCTION LOAD x", "-ERR Missing library metadata\r\n");
    resp_close(&f);
}

Test(cmd_function, an_empty_engine_has_none)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "FUNCTION FLUSH", "+OK\r\n");
    says(&f, "FUNCTION LIST", "*0\r\n");
    shows(&f, "FUNCTION STATS", "libraries_count\r\n:0\r\n");
    cr_assert_null(f.engine.scripting);
    resp_close(&f);
}
