/* A group follows somebody outside for one of two reasons: data is moved in, or it is a secondary
 * of a global datastore. */
#include "controlplane/ops/migration.h"

#include "contract/faults.h"
#include "controlplane/store/sources.h"

static bool is_operating(const struct group_facts *f)
{
    return f->newest && f->newest->state == OPERATION_RUNNING &&
           (f->newest->kind == GROUP_MIGRATE || f->newest->kind == GROUP_COMPLETE_MIGRATION);
}

struct err migration_is_under_way(struct call *c, const struct group_facts *f, bool *out)
{
    struct source_row *rows;
    size_t count;

    TRY(store_source_list(c->tx, &f->group.id, 1, &rows, &count));
    *out = is_operating(f) || (count > 0 && !f->global);
    return OK;
}

struct err migration_refuse(struct call *c, const struct group_facts *f)
{
    bool is_under;

    TRY(migration_is_under_way(c, f, &is_under));
    if (!is_under)
        return OK;
    return fault(c, FAULT_INVALID_REPLICATION_GROUP_STATE,
                 "Replication group %s is under migration and cannot be modified.", f->group.name);
}
