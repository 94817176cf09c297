#include "cacheengine/dispatch/files.h"

#include <sys/resource.h>

int64_t files_for_clients(int64_t clients)
{
    rlim_t want = (rlim_t)clients + FILES_RESERVED;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return clients;
    if (limit.rlim_cur >= want)
        return clients;
    /* Beyond the hard limit only the privileged get, and no further than the system goes. */
    struct rlimit all = {want, limit.rlim_max > want ? limit.rlim_max : want};
    if (setrlimit(RLIMIT_NOFILE, &all) == 0)
        return clients;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    return (int64_t)limit.rlim_cur - FILES_RESERVED;
}
