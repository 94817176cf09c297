/* Users as text: the words that ACL SETUSER would take to make them again. */
#include "cacheengine/acl/acl.h"

void acl_describe_commands(const struct acl_selector *s, struct buf *out)
{
    buf_puts(out, s->is_from_all ? "+@all" : "-@all");
    vec_each(rule, &s->rules)
        buf_printf(out, " %c%.*s", rule->allows ? '+' : '-', STR_ARG(rule->text));
}

void acl_describe_keys(const struct acl_selector *s, struct buf *out)
{
    if (s->all_keys)
        buf_puts(out, "~*");
    vec_each(pattern, &s->keys) {
        if (pattern != s->keys.items)
            buf_putc(out, ' ');
        if (pattern->access != (ACL_READ | ACL_WRITE))
            buf_puts(out, pattern->access == ACL_READ ? "%R" : "%W");
        buf_putc(out, '~');
        buf_add_str(out, pattern->text);
    }
}

void acl_describe_channels(const struct acl_selector *s, struct buf *out)
{
    if (s->all_channels)
        buf_puts(out, "&*");
    vec_each(channel, &s->channels) {
        if (channel != s->channels.items)
            buf_putc(out, ' ');
        buf_putc(out, '&');
        buf_add_str(out, *channel);
    }
}

static void describe_selector(const struct acl_selector *s, struct buf *out)
{
    size_t begin = out->len;

    acl_describe_keys(s, out);
    if (out->len > begin)
        buf_putc(out, ' ');
    begin = out->len;
    if (!s->all_channels)
        buf_puts(out, s->channels.count ? "resetchannels " : "resetchannels");
    acl_describe_channels(s, out);
    if (out->len > begin)
        buf_putc(out, ' ');
    acl_describe_commands(s, out);
}

void acl_describe(const struct acl_user *u, struct buf *out)
{
    char hex[2 * DIGEST_SHA256_BYTES + 1];

    buf_puts(out, u->is_enabled ? "on " : "off ");
    if (u->is_passless)
        buf_puts(out, "nopass ");
    if (u->is_iam)
        buf_puts(out, "iam ");
    if (u->is_owners)
        buf_puts(out, "owner ");
    buf_puts(out, u->skips_sanitizing ? "skip-sanitize-payload " : "sanitize-payload ");
    vec_each(password, &u->passwords) {
        digest_hex(password->sum, sizeof(password->sum), hex);
        buf_printf(out, "#%s ", hex);
    }
    vec_each(s, &u->selectors) {
        if (s != u->selectors.items)
            buf_puts(out, " (");
        describe_selector(s, out);
        if (s != u->selectors.items)
            buf_putc(out, ')');
    }
}
