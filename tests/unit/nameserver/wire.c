/* The parts of RFC 1035, section 4, that the tests need. */
#include "wire.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static void put16(struct wire *w, int value)
{
    w->bytes[w->len++] = (uint8_t)(value >> 8);
    w->bytes[w->len++] = (uint8_t)value;
}

static void put_name(struct wire *w, const char *name)
{
    while (*name) {
        size_t label = strcspn(name, ".");
        w->bytes[w->len++] = (uint8_t)label;
        memcpy(w->bytes + w->len, name, label);
        w->len += label;
        name += label + (name[label] == '.');
    }
    w->bytes[w->len++] = 0;
}

void wire_query(struct wire *w, int id, const char *name, int type)
{
    static const int counts[] = {1, 0, 0, 0};

    w->len = 0;
    put16(w, id);
    put16(w, 0x0100);
    for (size_t i = 0; i < 4; i++)
        put16(w, counts[i]);
    put_name(w, name);
    put16(w, type);
    put16(w, 1);
}

void wire_add_opt(struct wire *w, int udp_size, int version)
{
    w->bytes[11]++;
    w->bytes[w->len++] = 0;
    put16(w, TYPE_OPT);
    put16(w, udp_size);
    put16(w, version);
    put16(w, 0);
    put16(w, 0);
}

struct reader {
    const uint8_t *bytes;
    size_t len, at;
    bool failed;
};

static unsigned get(struct reader *r, int bytes)
{
    unsigned value = 0;

    for (int i = 0; i < bytes; i++) {
        if (r->at >= r->len) {
            r->failed = true;
            return 0;
        }
        value = value << 8 | r->bytes[r->at++];
    }
    return value;
}

static void get_name(struct reader *r, char out[256])
{
    size_t back = 0, len = 0;

    for (int hops = 0; hops < 128 && !r->failed; hops++) {
        unsigned label = get(r, 1);
        if (label >= 0xc0) {
            size_t target = (label & 0x3f) << 8 | get(r, 1);
            back = back ? back : r->at;
            r->at = target;
            continue;
        }
        if (label == 0)
            break;
        if (len > 0)
            out[len++] = '.';
        for (; label > 0 && len < 255; label--)
            out[len++] = (char)get(r, 1);
    }
    out[len] = '\0';
    r->at = back ? back : r->at;
}

static void get_data(struct reader *r, int type, size_t size, char out[256])
{
    struct reader inner = *r;

    out[0] = '\0';
    if (r->at + size > r->len) {
        r->failed = true;
        return;
    }
    if (type == TYPE_A && size == 4)
        inet_ntop(AF_INET, r->bytes + r->at, out, 256);
    if (type == TYPE_AAAA && size == 16)
        inet_ntop(AF_INET6, r->bytes + r->at, out, 256);
    if (type == TYPE_NS || type == TYPE_SOA)
        get_name(&inner, out);
    r->at += size;
}

static void get_record(struct reader *r, struct wire_reply *out)
{
    struct wire_record record = {0};

    get_name(r, record.name);
    record.type = (int)get(r, 2);
    unsigned class = get(r, 2), ttl = get(r, 4);
    record.ttl_s = ttl;
    get_data(r, record.type, get(r, 2), record.data);
    if (record.type == TYPE_OPT) {
        out->has_opt = true;
        out->opt_udp_size = (int)class;
        out->opt_extended_rcode = (int)(ttl >> 24);
    } else if (out->record_count < WIRE_RECORDS_MAX) {
        out->records[out->record_count++] = record;
    }
}

bool wire_read(const uint8_t *bytes, size_t len, struct wire_reply *out)
{
    struct reader r = {.bytes = bytes, .len = len};

    memset(out, 0, sizeof(*out));
    out->id = (int)get(&r, 2);
    unsigned flags = get(&r, 2);
    out->is_reply = flags & 0x8000;
    out->opcode = flags >> 11 & 15;
    out->is_authoritative = flags & 0x0400;
    out->is_truncated = flags & 0x0200;
    out->wants_recursion = flags & 0x0100;
    out->rcode = flags & 15;
    out->questions = (int)get(&r, 2);
    out->answers = (int)get(&r, 2);
    out->authorities = (int)get(&r, 2);
    out->additionals = (int)get(&r, 2);
    for (int i = 0; i < out->questions; i++) {
        get_name(&r, out->question);
        get(&r, 4);
    }
    for (int i = out->answers + out->authorities + out->additionals; i > 0 && !r.failed; i--)
        get_record(&r, out);
    return !r.failed && r.at == len;
}
