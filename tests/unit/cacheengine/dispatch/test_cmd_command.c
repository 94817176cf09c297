#include "base/command.h"
#include "dispatch_test.h"

Test(cmd_command, every_command_is_found_by_its_name_in_any_case)
{
    for (size_t i = 0; i < command_count; i++) {
        char upper[64];
        size_t len = strlen(command_table[i].name);

        for (size_t j = 0; j <= len; j++)
            upper[j] = (char)(command_table[i].name[j] >= 'a' && command_table[i].name[j] <= 'z'
                                  ? command_table[i].name[j] - 32
                                  : command_table[i].name[j]);
        cr_assert_eq(command_find(upper, len), &command_table[i]);
        cr_assert_eq(command_find(command_table[i].name, len), &command_table[i]);
        upper[len] = '!';
        cr_assert_null(command_find(upper, len + 1));
    }
    cr_assert_null(command_find("", 0));
    cr_assert_null(command_find("ge\0", 3));
}

Test(cmd_command, a_description_has_all_its_parts)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(
        &f, "COMMAND INFO get",
        "*1\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*3\r\n+@read\r\n"
        "+@string\r\n+@fast\r\n*0\r\n*1\r\n*6\r\n$5\r\nflags\r\n*2\r\n+RO\r\n+access\r\n$12\r\n"
        "begin_search\r\n*4\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n*2\r\n$5\r\nindex\r\n:1\r\n"
        "$9\r\nfind_keys\r\n*4\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n*6\r\n$7\r\nlastkey\r\n:0\r\n"
        "$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n*0\r\n");
    says(&f, "COMMAND INFO nosuch", "*1\r\n$-1\r\n");
    shows(&f, "COMMAND DOCS get", "$7\r\nsummary\r\n");
    shows(&f, "COMMAND DOCS object", "$11\r\nsubcommands\r\n");
    says(&f, "COMMAND DOCS nosuch", "*0\r\n");
    resp_close(&f);
}

Test(cmd_command, keys_are_found_in_arguments)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "COMMAND GETKEYS mset a 1 b 2", "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    says(&f, "COMMAND GETKEYS rename x y", "*2\r\n$1\r\nx\r\n$1\r\ny\r\n");
    says(&f, "COMMAND GETKEYS ping x", "-ERR The command has no key arguments\r\n");
    says(&f, "COMMAND GETKEYS nosuch a", "-ERR Invalid command specified\r\n");
    says(&f, "COMMAND GETKEYS get a b",
         "-ERR Invalid number of arguments specified for command\r\n");
    resp_close(&f);
}

Test(cmd_command, lists_can_be_filtered)
{
    struct resp_fixture f;

    resp_open(&f, NULL);
    says(&f, "COMMAND LIST FILTERBY PATTERN getde*", "*1\r\n$6\r\ngetdel\r\n");
    shows(&f, "COMMAND LIST FILTERBY ACLCAT transaction", "$4\r\nexec\r\n");
    says(&f, "COMMAND LIST FILTERBY MODULE none", "*0\r\n");
    says(&f, "COMMAND LIST FILTERBY nosuch x", "-ERR syntax error\r\n");
    resp_close(&f);
}
