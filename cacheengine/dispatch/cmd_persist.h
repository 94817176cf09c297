/* What the persistence commands lend to DEBUG. */
#ifndef LARDER_DISPATCH_CMD_PERSIST_H
#define LARDER_DISPATCH_CMD_PERSIST_H

struct cmd_call;

/* DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE]: saves all keys and loads them again. */
void debug_reload(struct cmd_call *c);

#endif
