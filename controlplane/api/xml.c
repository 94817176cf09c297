/* Straight writing into one buffer; nothing is built in between. */
#include "controlplane/api/xml.h"

#include "base/shape_text.h"

#include <stdint.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static const char *escape_of(const unsigned char *p)
{
    switch (*p) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\r': return "&#xD;"; /* a parser would make a line feed of a bare one */
    case '\t':
    case '\n': return NULL;
    default: return *p < 0x20 ? REPLACEMENT : NULL;
    }
}

/* U+FFFE and U+FFFF are well-formed UTF-8 and yet no XML. */
static bool is_noncharacter(const unsigned char *p, size_t left)
{
    return left >= 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe;
}

/* Bytes that need a second look; nearly all text has none. */
static bool is_special(unsigned char c)
{
    static const uint64_t special[4] = {0xffffffff | 1ULL << '"' | 1ULL << '&' | 1ULL << '<' |
                                            1ULL << '>',
                                        0, 0, 1ULL << (0xef - 192)};

    return special[c / 64] >> (c % 64) & 1;
}

void xml_text(struct buf *out, struct str text)
{
    const unsigned char *p = (const unsigned char *)text.ptr;
    size_t plain = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (!is_special(p[i]))
            continue;
        size_t width = is_noncharacter(p + i, text.len - i) ? 3 : 1;
        const char *escape = width == 3 ? REPLACEMENT : escape_of(p + i);
        if (!escape)
            continue;
        buf_add(out, text.ptr + plain, i - plain);
        buf_puts(out, escape);
        plain = i + width;
        i += width - 1;
    }
    if (text.len > plain)
        buf_add(out, text.ptr + plain, text.len - plain);
}

static void open_tag(struct buf *out, struct str name)
{
    char *at = buf_reserve(out, name.len + 2);

    at[0] = '<';
    memcpy(at + 1, name.ptr, name.len);
    at[name.len + 1] = '>';
    out->len += name.len + 2;
}

static void close_tag(struct buf *out, struct str name)
{
    char *at = buf_reserve(out, name.len + 3);

    at[0] = '<';
    at[1] = '/';
    memcpy(at + 2, name.ptr, name.len);
    at[name.len + 2] = '>';
    out->len += name.len + 3;
}

static void empty_tag(struct buf *out, struct str name)
{
    buf_putc(out, '<');
    buf_add_str(out, name);
    buf_puts(out, "/>");
}

static void write_members(struct buf *out, const struct shape *s, const void *value)
{
    for (size_t i = 0; i < s->member_count; i++) {
        const struct shape_member *m = &s->members[i];
        const void *member = shape_value(m, value);
        if (member)
            xml_element(out, m->wire, m->shape, member);
    }
}

static void write_struct(struct buf *out, struct str name, const struct shape *s, const void *value)
{
    size_t start = out->len;
    size_t inside;

    open_tag(out, name);
    inside = out->len;
    write_members(out, s, value);
    if (out->len > inside) {
        close_tag(out, name);
        return;
    }
    out->len = start;
    empty_tag(out, name);
}

static void write_map_entry(struct buf *out, struct str name, const struct shape *s,
                            const struct shape_seq *seq, size_t i)
{
    open_tag(out, name);
    open_tag(out, str_of(s->key_name));
    xml_text(out, str_of(*shape_key(s, seq, i)));
    close_tag(out, str_of(s->key_name));
    xml_element(out, s->item_name, s->item, shape_entry(s, seq, i));
    close_tag(out, name);
}

/* Flat ones repeat their own name; others stand inside of it under the item's. */
static void write_seq(struct buf *out, struct str name, const struct shape *s,
                      const struct shape_seq *seq)
{
    struct str entry = s->kind == SHAPE_MAP ? STR("entry") : str_of(s->item_name);

    if (seq->count == 0 && !s->is_flat)
        empty_tag(out, name);
    if (seq->count == 0)
        return;
    if (s->is_flat)
        entry = name;
    else
        open_tag(out, name);
    for (size_t i = 0; i < seq->count; i++) {
        if (s->kind == SHAPE_MAP)
            write_map_entry(out, entry, s, seq, i);
        else
            xml_element(out, entry.ptr, s->item, shape_entry(s, seq, i));
    }
    if (!s->is_flat)
        close_tag(out, name);
}

void xml_element(struct buf *out, const char *name, const struct shape *s, const void *value)
{
    struct str tag = str_of(name);

    switch (s->kind) {
    case SHAPE_STRUCT: write_struct(out, tag, s, value); return;
    case SHAPE_LIST:
    case SHAPE_MAP: write_seq(out, tag, s, value); return;
    case SHAPE_STRING:
        open_tag(out, tag);
        xml_text(out, str_of(*(const char *const *)value));
        close_tag(out, tag);
        return;
    case SHAPE_INTEGER:
    case SHAPE_LONG:
    case SHAPE_DOUBLE:
    case SHAPE_BOOLEAN:
    case SHAPE_TIMESTAMP:
    case SHAPE_BLOB: break;
    }
    open_tag(out, tag);
    shape_text_write(out, s, value);
    close_tag(out, tag);
}

static void root_open(struct buf *out, const char *name, const char *ending,
                      const struct service_desc *service)
{
    buf_putc(out, '<');
    buf_puts(out, name);
    buf_puts(out, ending);
    buf_puts(out, " xmlns=\"");
    buf_puts(out, service->xmlns);
    buf_puts(out, "\">");
}

/* Members stand right behind the request's id; an operation without a result says that it worked.
 */
static size_t ec2_result(struct buf *out, const struct op_desc *op, const void *value,
                         const char *request_id)
{
    buf_puts(out, "<requestId>");
    size_t id_at = out->len;
    buf_puts(out, request_id);
    buf_puts(out, "</requestId>");
    if (op->out)
        write_members(out, op->out, value);
    else
        buf_puts(out, "<return>true</return>");
    buf_puts(out, "</");
    buf_puts(out, op->name);
    buf_puts(out, "Response>");
    return id_at;
}

size_t xml_result(struct buf *out, const struct service_desc *service, const struct op_desc *op,
                  const void *value, const char *request_id)
{
    root_open(out, op->name, "Response", service);
    if (service->is_ec2)
        return ec2_result(out, op, value, request_id);
    if (op->out && op->wrapper)
        write_struct(out, str_of(op->wrapper), op->out, value);
    else if (op->out)
        write_members(out, op->out, value);
    buf_puts(out, "<ResponseMetadata><RequestId>");
    size_t id_at = out->len;
    buf_puts(out, request_id);
    buf_puts(out, "</RequestId></ResponseMetadata></");
    buf_puts(out, op->name);
    buf_puts(out, "Response>");
    return id_at;
}

static void ec2_fault(struct buf *out, const struct fault_desc *fault, const char *why,
                      const char *request_id)
{
    buf_puts(out, "<Response><Errors><Error><Code>");
    buf_puts(out, fault->wire);
    buf_puts(out, "</Code><Message>");
    xml_text(out, str_of(why));
    buf_puts(out, "</Message></Error></Errors><RequestID>");
    buf_puts(out, request_id);
    buf_puts(out, "</RequestID></Response>");
}

void xml_fault(struct buf *out, const struct service_desc *service, const struct fault_desc *fault,
               const char *why, const char *request_id)
{
    if (service->is_ec2) {
        ec2_fault(out, fault, why, request_id);
        return;
    }
    root_open(out, "ErrorResponse", "", service);
    buf_puts(out, "<Error><Type>");
    buf_puts(out, fault->is_receiver ? "Receiver" : "Sender");
    buf_puts(out, "</Type><Code>");
    buf_puts(out, fault->wire);
    buf_puts(out, "</Code><Message>");
    xml_text(out, str_of(why));
    buf_puts(out, "</Message></Error><RequestId>");
    buf_puts(out, request_id);
    buf_puts(out, "</RequestId></ErrorResponse>");
}
