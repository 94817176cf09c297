/* What the files of HyperLogLogs share. */
#ifndef LARDER_TYPES_T_HYPERLOGLOG_H
#define LARDER_TYPES_T_HYPERLOGLOG_H

#include "cacheengine/keyspace/call.h"
#include "cacheengine/types/hll.h"

/* The bytes of a HyperLogLog; false after the error when the key holds something else. */
bool hll_bytes_of(struct cmd_call *c, const struct entry *e, struct str *out);

/* The error for one whose registers are not right. */
void hll_say_damaged(struct cmd_call *c);

/* Makes the value of the key a dense one with these registers and this head. */
void hll_store_dense(struct cmd_call *c, struct key k, const uint8_t *registers, const void *head);

#endif
