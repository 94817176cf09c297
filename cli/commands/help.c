/* Help texts: loops over the tables of the specification, laid out for a terminal. */
#include "cli/commands/help.h"

#include "base/arena.h"
#include "base/buf.h"
#include "cli/commands/commands.h"
#include "cli/commands/names.h"
#include "cli/commands/options.h"

#include <string.h>

enum { LINE_WIDTH = 96, TEXT_COLUMN = 8, SHORTHAND_WIDTH = 60 };

/* Adds `text` in lines of at most LINE_WIDTH, indented, and a newline. */
static void add_paragraph(struct buf *out, int indent, const char *text)
{
    size_t column = 0;

    while (*text) {
        size_t word = strcspn(text, " ");
        if (column > 0 && column + 1 + word > LINE_WIDTH) {
            buf_putc(out, '\n');
            column = 0;
        }
        if (column == 0) {
            buf_printf(out, "%*s", indent, "");
            column = (size_t)indent;
        } else {
            buf_putc(out, ' ');
            column++;
        }
        buf_add(out, text, word);
        column += word;
        text += word + strspn(text + word, " ");
    }
    buf_putc(out, '\n');
}

static const char *kind_word(const struct shape *s)
{
    switch (s->kind) {
    case SHAPE_STRING: return "TEXT";
    case SHAPE_INTEGER:
    case SHAPE_LONG: return "N";
    case SHAPE_DOUBLE: return "NUMBER";
    case SHAPE_BOOLEAN: return "true|false";
    case SHAPE_TIMESTAMP: return "TIME";
    case SHAPE_BLOB: return "BASE64";
    case SHAPE_STRUCT:
    case SHAPE_LIST:
    case SHAPE_MAP: break;
    }
    return "JSON";
}

/* "Key=TEXT,Value=TEXT", or JSON where shorthand would be hard to read. */
static const char *value_word(struct arena *a, const struct shape *s)
{
    scoped(buf_fini) struct buf text = BUF_EMPTY;

    if (s->kind == SHAPE_LIST)
        return arena_printf(a, "%s [...]", value_word(a, s->item));
    if (s->kind != SHAPE_STRUCT)
        return kind_word(s);
    for (size_t i = 0; i < s->member_count; i++) {
        const struct shape *member = s->members[i].shape;
        buf_printf(&text, "%s%s=%s", i ? "," : "", s->members[i].name,
                   member->kind == SHAPE_LIST ? value_word(a, member->item) : kind_word(member));
    }
    return text.len <= SHORTHAND_WIDTH ? str_dup(a, buf_str(&text)) : "JSON";
}

static void add_limits(struct buf *out, const struct shape *s)
{
    if (s->value_count > 0) {
        buf_printf(out, "%*sone of:", TEXT_COLUMN, "");
        for (size_t i = 0; i < s->value_count; i++)
            buf_printf(out, " %s", s->values[i]);
        buf_putc(out, '\n');
    }
    if (!s->has_min && !s->has_max)
        return;
    buf_printf(out, "%*s%s", TEXT_COLUMN, "",
               s->kind == SHAPE_STRING ? "characters:"
               : s->kind == SHAPE_LIST ? "entries:"
                                       : "range:");
    if (s->has_min)
        buf_printf(out, " at least %lld", (long long)s->min);
    if (s->has_max)
        buf_printf(out, "%s at most %lld", s->has_min ? "," : "", (long long)s->max);
    buf_putc(out, '\n');
}

static void add_member(struct arena *a, struct buf *out, const struct shape_member *m)
{
    const char *option = name_kebab(a, m->name);

    if (m->shape->kind == SHAPE_BOOLEAN)
        buf_printf(out, "    --%s, --no-%s", option, option);
    else
        buf_printf(out, "    --%s %s", option, value_word(a, m->shape));
    buf_puts(out, m->is_required ? "  (required)\n" : "\n");
    if (m->doc)
        add_paragraph(out, TEXT_COLUMN, m->doc);
    add_limits(out, m->shape->kind == SHAPE_LIST ? m->shape->item : m->shape);
}

static void add_option(struct buf *out, const struct option_doc *doc)
{
    buf_printf(out, "    %s%s%s\n", doc->name, doc->value ? " " : "", doc->value ? doc->value : "");
    add_paragraph(out, TEXT_COLUMN, doc->doc);
}

/* Who pages by hand still can, but the help shows the easy way, as aws-cli's does. */
static bool is_paging_member(const struct paginator_desc *pages, const struct shape_member *m)
{
    return pages && (strcmp(m->name, pages->in_token) == 0 ||
                     (pages->limit && strcmp(m->name, pages->limit) == 0));
}

void help_operation(struct arena *a, const struct service_desc *s, const struct op_desc *op,
                    struct buf *out)
{
    const struct paginator_desc *pages = paginator_of(s, op->name);
    struct option_doc doc;

    buf_printf(out, "usage: larder %s [options]\n\n", name_kebab(a, op->name));
    if (op->doc) {
        add_paragraph(out, 0, op->doc);
        buf_putc(out, '\n');
    }
    if (op->in->member_count > 0)
        buf_puts(out, "options:\n");
    for (size_t i = 0; i < op->in->member_count; i++)
        if (!is_paging_member(pages, &op->in->members[i]))
            add_member(a, out, &op->in->members[i]);
    if (pages)
        buf_puts(out, "\npaging (all pages are shown unless told otherwise):\n");
    for (size_t i = 0; pages && options_paging(i, &doc); i++)
        add_option(out, &doc);
    buf_puts(out, "\nfor every operation:\n");
    for (size_t i = 0; options_global(i, &doc); i++)
        add_option(out, &doc);
}

void help_waiters(struct arena *a, const struct service_desc *s, struct buf *out)
{
    buf_puts(out,
             "usage: larder wait CONDITION [options of the operation that it asks]\n\n"
             "Returns once the condition holds: 0, or 255 when it cannot hold any more or took too "
             "long.\n\nconditions:\n");
    for (size_t i = 0; i < s->waiter_count; i++) {
        const struct waiter_desc *w = &s->waiters[i];
        buf_printf(out, "    %-30s asks %s, for at most %d s\n", name_kebab(a, w->name),
                   name_kebab(a, w->op), w->delay_s * w->tries);
    }
}

/* The first sentence without its full stop. */
static struct str first_sentence(const char *doc)
{
    const char *end = strstr(doc, ". ");
    size_t len = end ? (size_t)(end - doc) : strlen(doc);

    if (len > 0 && doc[len - 1] == '.')
        len--;
    return (struct str){doc, len};
}

static void add_operations(struct arena *a, const struct service_desc *s, struct buf *out)
{
    for (size_t i = 0; i < s->op_count; i++) {
        const struct op_desc *op = &s->ops[i];
        const struct str doc = first_sentence(op->doc ? op->doc : "");
        buf_printf(out, "    %-48s %.*s\n", name_kebab(a, op->name), STR_ARG(doc));
    }
}

void help_all(struct arena *a, struct buf *out)
{
    buf_puts(out,
             "usage: larder COMMAND [options]\n\n"
             "Larder " LARDER_VERSION ": managed caches that speak the Amazon ElastiCache API.\n\n"
             "    up                                runs a whole service on this machine\n"
             "    wait CONDITION                    waits until a cache is available or deleted\n"
             "    help [COMMAND]                    shows this text, or that of a command\n\n"
             "Operations, with the options of aws-cli:\n\n");
    for (size_t i = 0; i < command_service_count; i++)
        add_operations(a, command_services[i], out);
    buf_puts(out, "\nThe service is looked for at $LARDER_ENDPOINT_URL, $AWS_ENDPOINT_URL, or "
                  "http://127.0.0.1:9379.\n"
                  "larder COMMAND --help shows the options of a command.\n");
}
