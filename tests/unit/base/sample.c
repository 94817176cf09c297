#include "sample.h"

static const char *const colors[] = {"red", "green"};

static const struct shape string = {SHAPE_STRING, "String", .size = sizeof(char *)};
static const struct shape color = {SHAPE_STRING, "Color", .size = sizeof(char *), .values = colors,
                                   .value_count = 2};
static const struct shape text = {
    SHAPE_STRING,    "Text",   .size = sizeof(char *),   .has_min = true,          .min = 2,
    .has_max = true, .max = 4, .pattern = "^([a-zü]*)$", .pattern_text = "[a-zü]*"};
static const struct shape secret = {SHAPE_STRING,    "Secret",  .size = sizeof(char *),
                                    .has_min = true, .min = 16, .is_sensitive = true};
static const struct shape integer = {SHAPE_INTEGER,   "Integer", .size = sizeof(struct opt_int),
                                     .has_min = true, .min = 1,  .has_max = true,
                                     .max = 100000};
static const struct shape longer = {SHAPE_LONG, "Long", .size = sizeof(struct opt_int)};
static const struct shape number = {SHAPE_DOUBLE, "Double", .size = sizeof(struct opt_double)};
static const struct shape boolean = {SHAPE_BOOLEAN, "Boolean", .size = sizeof(struct opt_bool)};
static const struct shape moment = {SHAPE_TIMESTAMP, "TStamp", .size = sizeof(struct opt_time)};
static const struct shape blob = {SHAPE_BLOB, "Blob", .size = sizeof(struct opt_blob)};

static const struct shape_member inner_members[] = {
    {"Name", "Name", &string,  offsetof(struct sample_inner, name), true,  NULL, NULL},
    {"Rank", "Rank", &integer, offsetof(struct sample_inner, rank), false, NULL, NULL},
};
static const struct shape inner = {.kind = SHAPE_STRUCT,
                                   .name = "Inner",
                                   .size = sizeof(struct sample_inner),
                                   .members = inner_members,
                                   .member_count = 2};
static const struct shape inners = {.kind = SHAPE_LIST,
                                    .name = "InnerList",
                                    .size = sizeof(struct shape_seq),
                                    .item = &inner,
                                    .item_name = "Inner",
                                    .has_max = true,
                                    .max = 2};
static const struct shape texts = {.kind = SHAPE_LIST,
                                   .name = "TextList",
                                   .size = sizeof(struct shape_seq),
                                   .item = &string,
                                   .item_name = "member"};
static const struct shape flags = {.kind = SHAPE_MAP,
                                   .name = "FlagMap",
                                   .size = sizeof(struct shape_seq),
                                   .item = &boolean,
                                   .item_name = "value",
                                   .key_name = "key"};

static const struct shape_member members[] = {
    {"Text",   "Text",   &text,    offsetof(struct sample, text),   false, NULL, NULL},
    {"AColor", "AColor", &color,   offsetof(struct sample, color),  false, NULL, NULL},
    {"Secret", "Secret", &secret,  offsetof(struct sample, secret), false, NULL, NULL},
    {"Number", "Number", &integer, offsetof(struct sample, number), false, NULL, NULL},
    {"Big",    "Big",    &longer,  offsetof(struct sample, big),    false, NULL, NULL},
    {"Ratio",  "Ratio",  &number,  offsetof(struct sample, ratio),  false, NULL, NULL},
    {"Flag",   "Flag",   &boolean, offsetof(struct sample, flag),   false, NULL, NULL},
    {"When",   "When",   &moment,  offsetof(struct sample, when),   false, NULL, NULL},
    {"Bytes",  "Bytes",  &blob,    offsetof(struct sample, bytes),  false, NULL, NULL},
    {"Inner",  "Inner",  &inner,   offsetof(struct sample, inner),  false, NULL, NULL},
    {"Inners", "Inners", &inners,  offsetof(struct sample, inners), false, NULL, NULL},
    {"Texts",  "Texts",  &texts,   offsetof(struct sample, texts),  false, NULL, NULL},
    {"Flags",  "Flags",  &flags,   offsetof(struct sample, flags),  false, NULL, NULL},
};
const struct shape sample_shape = {.kind = SHAPE_STRUCT,
                                   .name = "Sample",
                                   .size = sizeof(struct sample),
                                   .members = members,
                                   .member_count = sizeof(members) / sizeof(members[0])};

static const struct op_desc ops[] = {
    {.name = "Ask",   .in = &sample_shape},
    {.name = "Begin", .in = &inner       },
    {.name = "Close", .in = &inner       },
};
const struct service_desc sample_service = {.name = "sample", .ops = ops, .op_count = 3};
