/*
 * Fingerprints. What has an order is mixed in one by one, each time with the hash of all before it;
 * what has none is added up by exclusive or, so that the order in which it is met does not matter.
 */
#include "cacheengine/types/digest.h"

#include "base/arena.h"
#include "cacheengine/keyspace/number.h"
#include "cacheengine/types/collection.h"
#include "cacheengine/types/sequence.h"
#include "cacheengine/types/stream.h"
#include "cacheengine/types/t_zset.h"

#include <arpa/inet.h>

typedef unsigned char digest_bytes[DIGEST_SHA1_BYTES];

static void add(unsigned char *digest, const void *bytes, size_t len)
{
    digest_bytes more;

    digest_sha1(bytes, len, more);
    for (size_t i = 0; i < sizeof(more); i++)
        digest[i] ^= more[i];
}

static void mix(unsigned char *digest, const void *bytes, size_t len)
{
    digest_bytes mixed;

    add(digest, bytes, len);
    digest_sha1(digest, DIGEST_SHA1_BYTES, mixed);
    memcpy(digest, mixed, sizeof(mixed));
}

static void mix_number(unsigned char *digest, uint32_t v)
{
    v = htonl(v);
    mix(digest, &v, sizeof(v));
}

static void mix_item(unsigned char *digest, const struct packed_item *item)
{
    struct packed_digits digits;
    struct str text = packed_text(item, &digits);

    mix(digest, text.ptr, text.len);
}

static void mix_list(struct db *db, const struct entry *e, struct key k, struct arena *a,
                     unsigned char *digest)
{
    struct sequence list;
    struct sequence_walk walk;
    struct packed_item item;

    sequence_open(&list, db, k, (struct entry *)e);
    sequence_walk_begin(&walk, &list, 0, false, a);
    while (sequence_next(&walk, &item))
        mix_item(digest, &item);
}

static void add_members(struct db *db, const struct entry *e, struct key k, unsigned char *digest)
{
    struct collection c;
    struct collection_walk walk = {0};
    struct packed_item item;
    struct packed_digits digits;

    collection_open(&c, db, k, (struct entry *)e);
    while (collection_next(&c, &walk, &item)) {
        digest_bytes pair = {0};
        struct str text = packed_text(&item, &digits);

        if (c.width == 1) {
            add(digest, text.ptr, text.len);
            continue;
        }
        mix(pair, text.ptr, text.len);
        packed_get(walk.rest, &item);
        mix_item(pair, &item);
        if (packed_end(walk.rest) != PACKED_NO_END)
            add(pair, "!!hexpire!!", 11);
        add(digest, pair, sizeof(pair));
    }
}

static void add_scored(void *ctx, const struct zset_member *m)
{
    digest_bytes pair = {0};
    char score[40];

    mix(pair, m->text.ptr, m->text.len);
    mix(pair, score, number_write_double(score, m->score));
    add(ctx, pair, sizeof(pair));
}

static void mix_stream(const struct stream *s, unsigned char *digest)
{
    struct stream_walk w = stream_walk_begin(s, STREAM_ID_MIN, STREAM_ID_MAX, false);
    struct stream_entry e;
    struct packed_item field, value;

    while (stream_next(&w, &e)) {
        char id[STREAM_ID_TEXT_MAX];
        unsigned len = stream_id_write(id, e.id);

        *(char *)memchr(id, '-', len) = '.';
        mix(digest, id, len);
        for (uint32_t i = 0; i < e.fields; i++) {
            stream_pair(&e, &field, &value);
            mix_item(digest, &field);
            mix_item(digest, &value);
        }
    }
}

void digest_value(struct db *db, const struct entry *e, struct arena *a, unsigned char *digest)
{
    struct str name = entry_key(e);
    struct key k = keyspace_key(db->ks, name);
    struct number_text digits;
    struct str text;
    struct zset z;

    /* The types have the numbers here that they have there, but for one. */
    mix_number(digest, entry_type(e) == TYPE_STREAM ? 6 : (uint32_t)entry_type(e));
    switch (entry_type(e)) {
    case TYPE_LIST: mix_list(db, e, k, a, digest); break;
    case TYPE_SET:
    case TYPE_HASH: add_members(db, e, k, digest); break;
    case TYPE_ZSET:
        zset_open(&z, db, k, (struct entry *)e);
        zset_each(&z, 0, zset_count(&z), false, add_scored, digest);
        break;
    case TYPE_STREAM: mix_stream(entry_outside(e), digest); break;
    default: text = db_string(e, &digits); mix(digest, text.ptr, text.len);
    }
    if (entry_has_deadline(e))
        add(digest, "!!expire!!", 10);
}

struct digest_walk {
    struct db *db;
    struct arena *a;
    unsigned char *digest;
};

static void add_key(void *ctx, uint32_t ref)
{
    struct digest_walk *w = ctx;
    const struct entry *e = heap_at(&w->db->heap, ref);
    struct str name = entry_key(e);
    digest_bytes one = {0};

    mix(one, name.ptr, name.len);
    digest_value(w->db, e, w->a, one);
    add(w->digest, one, sizeof(one));
}

void digest_all(struct keyspace *ks, struct arena *a, unsigned char *digest)
{
    memset(digest, 0, DIGEST_SHA1_BYTES);
    for (int id = 0; id < ks->db_count; id++) {
        struct digest_walk walk = {&ks->dbs[id], a, digest};

        if (db_count(walk.db) == 0)
            continue;
        mix_number(digest, (uint32_t)id);
        index_each(&walk.db->index, add_key, &walk);
    }
}
