/* `larder`: `larder up` runs a service, everything else asks one. */
#include "cli/commands/commands.h"
#include "cli/up/up.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        puts("larder " LARDER_VERSION);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "up") == 0)
        return up_main(argc - 1, argv + 1);
    return command_run(argc - 1, argv + 1);
}
