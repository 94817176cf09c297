/* Labels of letters, digits, hyphens and underscores, brought to lower case. */
#include "nameserver/name.h"

#include "base/str.h"

#include <string.h>

#define LABEL_MAX 63

char dns_label_char(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
        return c;
    return '\0';
}

bool dns_name_clean(const char *text, char out[DNS_NAME_MAX])
{
    struct str rest = str_of(text);
    size_t len = 0;

    if (str_ends(rest, "."))
        rest.len--;
    if (rest.len == 0 || rest.len >= DNS_NAME_MAX || rest.ptr[rest.len - 1] == '.')
        return false;
    while (rest.len > 0) {
        struct str label = str_cut(&rest, '.');
        if (label.len == 0 || label.len > LABEL_MAX)
            return false;
        if (len > 0)
            out[len++] = '.';
        for (size_t i = 0; i < label.len; i++)
            if (!(out[len++] = dns_label_char(label.ptr[i])))
                return false;
    }
    out[len] = '\0';
    return true;
}

bool dns_name_is_within(const char *name, const char *zone)
{
    size_t name_len = strlen(name), zone_len = strlen(zone);

    if (name_len < zone_len || memcmp(name + name_len - zone_len, zone, zone_len) != 0)
        return false;
    return name_len == zone_len || name[name_len - zone_len - 1] == '.';
}

bool dns_name_is_servers(const char *name, const char *zone)
{
    return strncmp(name, "ns.", 3) == 0 && strcmp(name + 3, zone) == 0;
}

bool dns_name_may_be_published(const char *name, const char *zone)
{
    return dns_name_is_within(name, zone) && strlen(name) > strlen(zone) &&
           !dns_name_is_servers(name, zone);
}
