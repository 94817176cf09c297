/* Services: typed structs, shapes, operations and faults; handlers for the services of ops/. */
#include "api-spec/model.h"
#include "api-spec/specgen.h"

int gen_services(int argc, char **argv)
{
    struct model m;

    if (argc < 2)
        return 2;
    model_load(&m, argc - 1, argv + 1);
    for (size_t i = 0; i < m.service_count; i++) {
        write_service_header(&m, &m.services[i], argv[0]);
        write_service_source(&m.services[i], argv[0]);
        if (m.services[i].has_handlers)
            write_service_handlers(&m.services[i], argv[0]);
    }
    write_faults(&m, argv[0]);
    return 0;
}
