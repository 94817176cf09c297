/* DNS messages made and read by hand, so that the server is not tested with the library it uses. */
#ifndef LARDER_TESTS_NAMESERVER_WIRE_H
#define LARDER_TESTS_NAMESERVER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TYPE_A = 1, TYPE_NS = 2, TYPE_SOA = 6, TYPE_TXT = 16, TYPE_AAAA = 28, TYPE_OPT = 41 };
enum { TYPE_AXFR = 252, TYPE_ANY = 255 };
enum { NOERROR = 0, FORMERR = 1, NXDOMAIN = 3, NOTIMP = 4, REFUSED = 5 };

struct wire {
    uint8_t bytes[65535];
    size_t len;
};

#define WIRE_RECORDS_MAX 1100

struct wire_record {
    char name[256];
    int type;
    long ttl_s;
    char data[256]; /* an address as text, the first name of NS and SOA, or "" */
};

struct wire_reply {
    int id, rcode, opcode;
    bool is_reply, is_authoritative, is_truncated, wants_recursion;
    int questions, answers, authorities, additionals;
    char question[256];
    bool has_opt;
    int opt_udp_size, opt_extended_rcode;
    struct wire_record records[WIRE_RECORDS_MAX]; /* answers, then authorities, then additionals */
    size_t record_count;
};

/* A query with one question, class IN, recursion desired. */
void wire_query(struct wire *w, int id, const char *name, int type);

/* Puts an OPT record behind it. */
void wire_add_opt(struct wire *w, int udp_size, int version);

/* Takes a reply apart; false when it is not well-formed to its last byte. */
bool wire_read(const uint8_t *bytes, size_t len, struct wire_reply *out);

#endif
