/*
 * How the interface model looks at run time: constant tables that specgen writes from api-spec, and
 * the C representation of each kind of value. Codecs, validators, the command line and the OpenAPI
 * document are loops over these tables.
 *
 * C representation of a value, by kind:
 *
 *     STRING     const char *          NULL = absent; UTF-8, no NUL inside
 *     INTEGER    struct opt_int        also LONG (the range differs)
 *     DOUBLE     struct opt_double     also FLOAT
 *     BOOLEAN    struct opt_bool
 *     TIMESTAMP  struct opt_time       milliseconds since 1970, UTC
 *     BLOB       struct opt_blob       decoded bytes
 *     STRUCT     as a member a pointer to the generated struct, NULL = absent; in a list the struct
 *     LIST       struct { bool has; size_t count; T *items; }, T being the item's representation
 *     MAP        struct { bool has; size_t count; struct { const char *key; T value; } *items; },
 *                T as in a list; no T needs a stricter alignment than a pointer
 *
 * Decoded values live in the arena that was given to the decoder.
 */
#ifndef LARDER_BASE_SHAPE_H
#define LARDER_BASE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct opt_int {
    bool has;
    int64_t value;
};

struct opt_double {
    bool has;
    double value;
};

struct opt_bool {
    bool has;
    bool value;
};

struct opt_time {
    bool has;
    int64_t value; /* milliseconds since 1970, UTC */
};

struct opt_blob {
    bool has;
    const unsigned char *ptr;
    size_t len;
};

/* The common head of every generated list and map. */
struct shape_seq {
    bool has; /* given, maybe empty */
    size_t count;
    void *items;
};

#define INT_OF(v)  ((struct opt_int){true, (v)})
#define BOOL_OF(v) ((struct opt_bool){true, (v)})
#define TIME_OF(v) ((struct opt_time){true, (v)})

enum shape_kind {
    SHAPE_STRING,
    SHAPE_INTEGER,
    SHAPE_LONG,
    SHAPE_DOUBLE,
    SHAPE_BOOLEAN,
    SHAPE_TIMESTAMP,
    SHAPE_BLOB,
    SHAPE_STRUCT,
    SHAPE_LIST,
    SHAPE_MAP,
};

struct shape;

struct shape_member {
    const char *name;          /* the member's name in the model: JSON key, command-line option */
    const char *wire;          /* its name in Query requests and XML answers; often the same */
    const struct shape *shape; /* what it holds */
    size_t offset;             /* where it stands in the generated struct */
    bool is_required;
    const char *doc;   /* one sentence, or NULL */
    const char *query; /* its name in requests where that is not `wire`, else NULL */
};

struct shape {
    enum shape_kind kind;
    const char *name; /* the model's name of the shape */
    size_t size;      /* bytes of one value as a list item (STRUCT: of the struct) */
    const struct shape_member *members; /* STRUCT, in the model's order */
    size_t member_count;
    const struct shape *item;  /* LIST: the item; MAP: the value */
    const char *item_name;     /* LIST: element name in XML; MAP: name of the value */
    const char *key_name;      /* MAP: name of the key */
    bool is_flat;              /* LIST, MAP: no element around the entries */
    const char *const *values; /* STRING: the enum, or NULL */
    size_t value_count;
    bool has_min, has_max;
    int64_t min, max;         /* INTEGER: value; STRING: length in characters; LIST: entries */
    const char *pattern;      /* STRING: POSIX extended expression for the whole text, or NULL */
    const char *pattern_text; /* the same as the model has it, for people and for JSON schemas */
    bool is_sensitive;        /* never logged, never shown in messages */
};

struct fault_desc {
    int code;         /* FAULT_* */
    const char *name; /* the shape's name in the model, or the code for generic ones */
    const char *wire; /* what stands in <Code> */
    int status;       /* HTTP */
    bool is_receiver; /* our mistake rather than the caller's */
    const char *doc;  /* one sentence, or NULL */
};

struct op_rest {
    const char *method; /* "GET" */
    const char *path;   /* "/v1/cache-clusters/{CacheClusterId}" */
};

struct op_desc {
    const char *name; /* "CreateCacheCluster" */
    const char *doc;  /* one sentence, or NULL */
    const struct shape *in;
    const struct shape *out;     /* NULL when there is no result element */
    const char *wrapper;         /* "CreateCacheClusterResult", or NULL */
    const int *faults;           /* FAULT_* codes of the model, ended by 0 */
    const struct op_rest *rests; /* where it stands as a resource; the first is the main one */
    size_t rest_count;
    bool is_read_only; /* needs no write transaction */
};

struct paginator_desc {
    const char *op;
    const char *in_token, *out_token, *results, *limit; /* limit may be NULL */
};

struct waiter_accept {
    const char *matcher;  /* "pathAll", "pathAny", "error" */
    const char *argument; /* "CacheClusters[].CacheClusterStatus", or NULL */
    const char *expected;
    const char *state; /* "success", "failure", "retry" */
};

struct waiter_desc {
    const char *name; /* "CacheClusterAvailable" */
    const char *op;
    int delay_s, tries;
    const struct waiter_accept *accepts;
    size_t accept_count;
};

struct service_desc {
    const char *name;    /* "elasticache": the service in the credential scope */
    const char *version; /* "2015-02-02" */
    const char *xmlns;
    bool is_ec2;               /* speaks EC2's dialect of Query: flat lists, other envelopes */
    const char *target;        /* its name in the JSON and CBOR protocols; NULL: it has but Query */
    const struct op_desc *ops; /* sorted by name */
    size_t op_count;
    const struct paginator_desc *paginators;
    size_t paginator_count;
    const struct waiter_desc *waiters;
    size_t waiter_count;
};

/* The operation of that exact name, or NULL. */
const struct op_desc *service_op(const struct service_desc *s, const char *name);

/* The member of that model name in a STRUCT shape, or NULL. */
const struct shape_member *shape_find(const struct shape *s, const char *name);

/*
 * Walking values. The address of a value is that of its representation: of the `const char *` for a
 * STRING, of the struct itself for a STRUCT, of the opt_* or the list's head for the others.
 */

/* The value of a member in the struct `owner`, or NULL when it is absent. */
const void *shape_value(const struct shape_member *m, const void *owner);

/* Bytes from one entry of a LIST or MAP to the next. */
size_t shape_stride(const struct shape *s);

/* The value of entry `i` of a LIST or MAP, and its key in a MAP. */
void *shape_entry(const struct shape *s, const struct shape_seq *seq, size_t i);
const char **shape_key(const struct shape *s, const struct shape_seq *seq, size_t i);

#endif
