/* The generators' one program: picks the generator by its first argument. */
#include "api-spec/specgen.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} generators[] = {
    {"services",   gen_services  },
    {"states",     gen_states    },
    {"engine",     gen_engine    },
    {"parameters", gen_parameters},
};

const char *__asan_default_options(void);

/* Texts live until the program ends, which is soon; in sanitized builds that must not count as
 * leaks. */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof(generators) / sizeof(generators[0]); i++)
        if (strcmp(argv[1], generators[i].name) == 0)
            return generators[i].run(argc - 2, argv + 2);
    fprintf(stderr, "usage: specgen services|states|engine|parameters OUT_DIR FILE.json ...\n");
    return 2;
}
