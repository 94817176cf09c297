/*
 * Access strings: what a user may do, in the words of ACL SETUSER. Only rules about commands, keys
 * and channels are the tenant's to say; passwords and commands that a managed node keeps to itself
 * are not. Pure.
 * see: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
 */
#ifndef LARDER_CONTROLPLANE_MODEL_ACCESS_STRING_H
#define LARDER_CONTROLPLANE_MODEL_ACCESS_STRING_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;

#define ACCESS_STRING_MAX 8192

/*
 * Checks every rule, and gives the text as it is kept: "on" or "off" first ("off" when neither is
 * said), and "-@all" before the first rule about commands where none of them says what they begin
 * with. Text that needs neither is kept byte for byte. FAULT_INVALID_PARAMETER_VALUE names the rule
 * that is wrong.
 */
must_use struct err access_string_read(struct arena *a, const char *text, const char **out);

/* The first engine version that knows all rules of a text that was checked: "6.0", "6.2", "7.0". */
const char *access_string_since(const char *text);

/*
 * Adds the words of a text that was checked to a line for an engine, and takes back, in each set of
 * permissions, what the tenant's rules would give of the commands that are the owner's. A bundled
 * engine does not have them all; another one's are all named.
 */
void access_string_rules(struct str text, bool is_bundled, struct buf *out);

#endif
