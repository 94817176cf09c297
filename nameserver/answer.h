/* One DNS message in, one out: the whole protocol of the embedded server, without a socket. */
#ifndef LARDER_NAMESERVER_ANSWER_H
#define LARDER_NAMESERVER_ANSWER_H

#include "base/net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zone;

#define ANSWER_UDP_MAX    1232  /* what fits every path unfragmented (DNS flag day 2020) */
#define ANSWER_STREAM_MAX 65535 /* what the length prefix can say */

struct answer_call {
    const uint8_t *query;
    size_t query_len;
    bool is_stream;              /* TCP: no truncation */
    const struct net_addr *here; /* where the query arrived: the address of ns.<zone> */
};

/* Writes the answer to `out` (room for ANSWER_UDP_MAX bytes, or ANSWER_STREAM_MAX when is_stream)
 * and returns its length; 0 when the only right answer is silence. Takes any bytes. */
size_t dns_answer(struct zone *z, const struct answer_call *call, uint8_t *out);

#endif
