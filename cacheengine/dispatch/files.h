/* The limit of open files: how many clients there can be. */
#ifndef LARDER_DISPATCH_FILES_H
#define LARDER_DISPATCH_FILES_H

#include <stdint.h>

/* Descriptors that are no client's: listeners, logs, snapshots. */
#define FILES_RESERVED 32

/* Raises the process's limit for so many clients as far as the system lets it. Returns how many
 * there can be: `clients`, or fewer, even none. */
int64_t files_for_clients(int64_t clients);

#endif
