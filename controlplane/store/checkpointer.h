/*
 * Keeps the log that is written ahead short, in a thread and on a connection of its own: who
 * commits does not wait for the disk on behalf of thousands of commits before. Private to store/.
 */
#ifndef LARDER_CONTROLPLANE_STORE_CHECKPOINTER_H
#define LARDER_CONTROLPLANE_STORE_CHECKPOINTER_H

struct checkpointer;

/* `path` is borrowed. The thread begins with the first poke. */
struct checkpointer *checkpointer_new(const char *path);

/* Ends what is under way; NULL-safe. */
void checkpointer_free(struct checkpointer *c);

/* The log has become long. */
void checkpointer_poke(struct checkpointer *c);

#endif
