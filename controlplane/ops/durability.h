/* What acknowledged writes of a replication group outlive, as requests ask for it: by the member
 * Durability, or by a tag where a client knows no such member; private to ops/. */
#ifndef LARDER_CONTROLPLANE_OPS_DURABILITY_H
#define LARDER_CONTROLPLANE_OPS_DURABILITY_H

#include "contract/elasticache.h"
#include "controlplane/model/durability.h"
#include "controlplane/ops/group_facts.h"

/* FAULT_INVALID_PARAMETER_VALUE. */
must_use struct err durability_read(struct call *c, const char *text, enum durability *out);

/* What a request for a new group says; async where it says nothing. The two ways must agree. */
must_use struct err durability_choose(struct call *c, const char *member,
                                      const struct ec_tag_list *tags, enum durability *out);

/* That the group can have the durability that it names: FAULT_INVALID_PARAMETER_COMBINATION. */
must_use struct err durability_check(struct call *c, const struct replication_group *g,
                                     size_t fewest_members, bool is_global);

/* The same when a node group is to be left without a replica. */
must_use struct err durability_refuse_lone(struct call *c, enum durability durability);

/* For what is no replication group: FAULT_INVALID_PARAMETER_VALUE when a tag of theirs is there. */
must_use struct err durability_refuse_tag(struct call *c, const struct ec_tag_list *tags);

/* Takes tags that name another durability, which came with others from elsewhere, out of the list.
 */
void durability_settle_tags(enum durability durability, struct tag *tags, size_t *count);

/* The group's tag, where it has one, says what was asked for otherwise; so do its members'. */
must_use struct err durability_retag(struct call *c, const struct group_facts *f);

/* The group's tag is set, or gone (NULL): it is given what that says, with the same faults. */
must_use struct err durability_take_tag(struct call *c, const char *group, const char *value);

/* What is in force by now. */
enum durability durability_in_force(const struct group_facts *f);

#endif
