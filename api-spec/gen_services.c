#include "api-spec/specgen.h"

int gen_services(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 0;
}
