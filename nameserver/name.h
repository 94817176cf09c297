/* Host names as the zone has them: "clean" is lower case without a dot at the end. */
#ifndef LARDER_NAMESERVER_NAME_H
#define LARDER_NAMESERVER_NAME_H

#include <stdbool.h>

#define DNS_NAME_MAX      254  /* 253 characters and a NUL (RFC 1035, section 2.3.4) */
#define DNS_ADDRESSES_MAX 1000 /* of one name */

/* `text` as a host name in lower case without a dot at its end; false when it is none: labels of 1
 * to 63 letters, digits, hyphens and underscores, 253 characters in all. */
bool dns_name_clean(const char *text, char out[DNS_NAME_MAX]);

/* A letter in lower case, a digit, hyphen or underscore as it is; 0 for what no label may contain.
 */
char dns_label_char(char c);

/* True when `name` is `zone` or ends with a dot and `zone`; both clean. */
bool dns_name_is_within(const char *name, const char *zone);

/* True for ns.<zone>, the server's own name. */
bool dns_name_is_servers(const char *name, const char *zone);

/* True for what is inside the zone, neither the zone itself nor the server's own name. */
bool dns_name_may_be_published(const char *name, const char *zone);

#endif
