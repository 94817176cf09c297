/* What the commands on streams share. */
#ifndef LARDER_TYPES_T_STREAM_H
#define LARDER_TYPES_T_STREAM_H

#include "cacheengine/keyspace/call.h"
#include "cacheengine/types/stream_group.h"

/* The stream of an entry. */
static inline struct stream *stream_of(const struct entry *e)
{
    return entry_outside(e);
}

/* The stream in argument `arg` for reading or writing. NULL when there is none; *ok is false after
 * WRONGTYPE was sent. */
struct stream *stream_read(struct cmd_call *c, uint32_t arg, bool *ok);
struct stream *stream_write(struct cmd_call *c, uint32_t arg, bool *ok);

/* Makes the key in argument `arg`, where there is none, an empty stream. */
struct stream *stream_make(struct cmd_call *c, uint32_t arg);

/* An argument as the name of an entry; false after the error was sent. */
bool stream_call_id(struct cmd_call *c, uint32_t arg, struct stream_id *out);

/* `count` arguments as names, in the scratch arena; NULL after the error was sent. */
struct stream_id *stream_call_ids(struct cmd_call *c, uint32_t arg, uint32_t count);

/* Two arguments as a range: "-", "+", and "(" in front of what is left out. */
bool stream_call_range(struct cmd_call *c, uint32_t from_arg, uint32_t to_arg,
                       struct stream_id *from, struct stream_id *to);

/* One end of it. */
bool stream_call_from(struct cmd_call *c, uint32_t arg, struct stream_id *out);

void reply_stream_id(struct reply *r, struct stream_id id);

/* Says an entry: its name, its fields and values. */
void reply_stream_entry(struct reply *r, struct stream_entry *e);

/* Says at most `count` (0: all) entries of a range and how many these are. */
uint64_t reply_stream_range(struct reply *r, const struct stream *s, struct stream_id from,
                            struct stream_id to, uint64_t count, bool is_back);

/* Says one entry, without a word about how many; false when it is not there. */
bool reply_stream_one(struct reply *r, const struct stream *s, struct stream_id id);

/* A name as text in the scratch arena. */
struct str stream_id_text(struct cmd_call *c, struct stream_id id);

/* The group in argument `arg`, NULL when the stream or the group is not there. */
static inline struct stream_group *stream_call_group(const struct cmd_call *c,
                                                     const struct stream *s, uint32_t arg)
{
    return s ? stream_group_find(s, c->argv[arg]) : NULL;
}

/* The consumer of a name, which is made and told when there is none; it is seen now. */
struct stream_consumer *stream_call_consumer(struct cmd_call *c, struct key k,
                                             struct stream_group *g, struct str name);

/* Tells that an entry waits for its consumer: as XCLAIM, which does the same again, and to who
 * takes slots over exactly as it is. */
void stream_tell_pending(struct cmd_call *c, struct str key, const struct stream_group *g,
                         const struct stream_pending *p);

/* The first of these two. */
void stream_tell_claim(struct cmd_call *c, struct str key, const struct stream_group *g,
                       const struct stream_pending *p);

/* The second one, to anybody: as LARDER.CONSUMER. Without an entry (NULL) only the consumer. */
void stream_tell_consumer(struct cmd_call *c, struct str key, const struct stream_group *g,
                          const struct stream_consumer *of, const struct stream_pending *p,
                          unsigned audience);

/* Tells up to where the group has read. */
void stream_tell_group(struct cmd_call *c, struct str key, const struct stream_group *g,
                       unsigned audience);

#endif
