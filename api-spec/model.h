/* The interface model as the generators of services see it: loaded, checked, in a fixed order. */
#ifndef LARDER_API_SPEC_MODEL_H
#define LARDER_API_SPEC_MODEL_H

#include "api-spec/spec.h"

struct model_fault {
    const char *constant; /* "FAULT_CACHE_CLUSTER_NOT_FOUND" */
    const char *name;     /* the shape's name, or the code of a generic one */
    const char *wire;     /* what stands in <Code> */
    int status;
    bool is_receiver;
    const char *doc;
};

struct model_service {
    const char *file;
    const char *name;   /* "elasticache" */
    const char *prefix; /* "ec" */
    bool is_ec2;        /* requests have names of their own; see write_members */
    bool has_handlers;  /* its operations run in controlplane/ops */
    const cJSON *meta, *shapes, *paginators, *waiters;
    const cJSON *member_docs; /* sentences for members of that name in any shape, or NULL */
    const cJSON **ops;        /* sorted by name */
    size_t op_count;
    const cJSON **used; /* shapes that members and items refer to, sorted by name */
    size_t used_count;
};

struct model {
    struct model_service *services;
    size_t service_count;
    struct model_fault *faults; /* sorted by constant */
    size_t fault_count;
};

/* Loads every file (told apart by their top-level names) and checks all of it. */
void model_load(struct model *m, int count, char **paths);

/* Where an operation or shape stands, for messages: "elasticache.json: shape X". */
const cJSON *model_shape(const struct model_service *s, const char *place, const char *name);

/* What is said about a member: its own sentence, or that for all members of its name, or NULL. */
const char *model_member_doc(const struct model_service *s, const cJSON *member);

/* The constant of the fault that an error shape of a service stands for. */
const char *model_fault_constant(const char *shape_name);

/* Adds one fault; the same one twice is fine, two different ones of one constant are not. */
void model_add_fault(struct model *m, const char *file, struct model_fault fault);

/* Checks: each ends the program at the first thing that is wrong. Names come last, when all is
 * loaded. */
void model_check_shapes(const struct model_service *s);
void model_check_operation(const struct model_service *s, const cJSON *op);
void model_check_names(const struct model_service *s);

/* The Java-like expression of the model as a POSIX extended one, or NULL when POSIX cannot say it.
 */
const char *pattern_to_posix(const char *pattern);

/* Writers: each makes its files below `dir`. */
void write_service_header(const struct model *m, const struct model_service *s, const char *dir);
void write_service_source(const struct model_service *s, const char *dir);
void write_service_handlers(const struct model_service *s, const char *dir);
void write_faults(const struct model *m, const char *dir);

#endif
