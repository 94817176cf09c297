/* What the commands on fields that end share: FIELDS and its number, times, and what is told. */
#ifndef LARDER_TYPES_HASH_FIELDS_H
#define LARDER_TYPES_HASH_FIELDS_H

#include "cacheengine/types/deadline.h"
#include "cacheengine/types/t_hash.h"

#define HASH_FIELDS_ERROR \
    "ERR numfields should be greater than 0 and match the provided number of fields"

/* The argument that is FIELDS, from one on; argc when there is none. */
uint32_t hash_fields_word(const struct cmd_call *c, uint32_t first);

/* True when the number behind it is that of the fields, with `width` arguments each, which are all
 * that follows. False after an error was sent: `error`, or that it is no number. */
bool hash_fields_count(struct cmd_call *c, uint32_t word, uint32_t width, const char *error);

/* Reads when fields are to end, at least 1; false after the error was sent. */
bool field_end_parse(struct cmd_call *c, uint32_t arg, struct deadline_unit unit, int64_t *out_ms);

/* Words of what is told in place of a command: fields (and values) that it changed. */
struct field_effect {
    struct cmd_call *call;
    struct str *words; /* NULL: nobody listens */
    uint32_t count;
};

/* Words in front of the fields: verb, key, two of an end, FIELDS, number. */
#define FIELD_EFFECT_HEAD 6

/* Begins; at most `most` words will be noted, the head counted. */
void field_effect_begin(struct field_effect *f, struct cmd_call *c, uint32_t most);
void field_effect_note(struct field_effect *f, struct str word);

/* Tells the head and the words; with FIELDS and their number between unless `width` (words for
 * each) is 0. */
void field_effect_tell(struct field_effect *f, const struct str *head, uint32_t head_count,
                       uint32_t width);

/* Tells that these fields were removed, end then, or do not end any more. */
void field_effect_removed(struct field_effect *f);
void field_effect_ends(struct field_effect *f, int64_t end_ms);
void field_effect_stays(struct field_effect *f);

/* Lets a field not end any more and notes that; false when it did not end or is not there. */
bool field_persist(struct collection *h, struct str name, struct field_effect *effect);

#endif
