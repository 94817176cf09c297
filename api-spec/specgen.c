/* The generators' one program: picks the generator by its first argument. */
#include "api-spec/specgen.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} generators[] = {
    {"services", gen_services},
    {"states",   gen_states  },
    {"engine",   gen_engine  },
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof(generators) / sizeof(generators[0]); i++)
        if (strcmp(argv[1], generators[i].name) == 0)
            return generators[i].run(argc - 2, argv + 2);
    fprintf(stderr, "usage: specgen services|states|engine OUT_DIR FILE.json ...\n");
    return 2;
}
