/* One place asks whether a step was meant, and one around each commit what is to happen. */
#include "controlplane/reconcile/failpoint.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/str.h"
#include "base/vec.h"

#include <signal.h>
#include <string.h>

static const char *const fault_words[] = {
    [FAILPOINT_CRASH] = "crash", [FAILPOINT_ERROR] = "error", [FAILPOINT_HANG] = "hang"};

static bool fault_parse(struct str word, enum failpoint_fault *out)
{
    for (size_t i = 0; i < countof(fault_words); i++)
        if (str_is(word, fault_words[i])) {
            *out = (enum failpoint_fault)i;
            return true;
        }
    return false;
}

struct err failpoint_parse(struct arena *a, const char *text, struct failpoint *out)
{
    struct str rest = str_of(text);
    struct failpoint f = {0};

    f.operation = str_dup(a, str_cut(&rest, ':'));
    f.step = str_dup(a, str_cut(&rest, ':'));
    bool is_fault = fault_parse(str_cut(&rest, ':'), &f.fault);
    f.is_before = str_is(rest, "before");
    bool is_known =
        is_fault && *f.operation && *f.step &&
        (rest.len == 0 || (f.fault != FAILPOINT_HANG && (f.is_before || str_is(rest, "after"))));
    if (!is_known)
        return err_format(a, ERR_INVALID,
                          "LARDER_FAILPOINT=%s: give OPERATION:STEP:crash, :error (each with "
                          ":before or :after) or :hang",
                          text);
    *out = f;
    return OK;
}

static bool is_operation(const char *operation, const char *who, const char *kind)
{
    size_t length = strlen(who);

    return strncmp(operation, who, length) == 0 && operation[length] == '-' &&
           strcmp(operation + length + 1, kind) == 0;
}

static bool is_meant(const struct failpoint *f, const char *who, const char *kind, const char *step)
{
    return strcmp(f->step, step) == 0 && is_operation(f->operation, who, kind);
}

bool failpoint_holds(struct failpoint *f, const char *who, const char *kind, const char *step)
{
    if (!f || f->fault != FAILPOINT_HANG || !is_meant(f, who, kind, step))
        return false;
    f->is_reached = true;
    return true;
}

void failpoint_reach(struct failpoint *f, const char *who, const char *kind, const char *step)
{
    if (f && !f->is_over && f->fault != FAILPOINT_HANG && is_meant(f, who, kind, step))
        f->is_reached = true;
}

static struct err strike(struct failpoint *f)
{
    f->is_over = true;
    f->is_reached = false;
    if (f->fault == FAILPOINT_CRASH)
        raise(SIGKILL);
    log_warn("a fault on purpose", f_str("operation", f->operation), f_str("step", f->step),
             f_str("commit", f->is_before ? "before" : "after"));
    return err_make(ERR_IO, "a fault on purpose");
}

static bool is_due(const struct failpoint *f)
{
    return f && f->is_reached && f->fault != FAILPOINT_HANG;
}

struct err failpoint_before_commit(struct failpoint *f)
{
    return is_due(f) && f->is_before ? strike(f) : OK;
}

struct err failpoint_after_commit(struct failpoint *f)
{
    return is_due(f) && !f->is_before ? strike(f) : OK;
}

void failpoint_names_add(struct arena *a, struct failpoint_names *names, const char *who,
                         const char *kind, const char *step)
{
    *vec_add(a, names) = (struct failpoint_name){arena_printf(a, "%s-%s", who, kind), step};
}

bool failpoint_is_of(const struct failpoint *f, const struct failpoint_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i].operation, f->operation) == 0 &&
            strcmp(names->items[i].step, f->step) == 0)
            return true;
    return false;
}
