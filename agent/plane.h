/*
 * The control plane that this host obeys: where it is asked for, and its epoch.
 *
 * Of several control planes one leads at a time, and each that takes the lead has a higher epoch.
 * The highest that was obeyed is on the disk before anything is done by it; who comes with a lower
 * one, or is another one with the same, has been succeeded and is not obeyed. Messages tell it, so
 * that such a one learns of it.
 */
#ifndef LARDER_AGENT_PLANE_H
#define LARDER_AGENT_PLANE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct clock;
struct plane;

/* All borrowed for the life of the part. */
struct plane_conf {
    const struct clock *clock;
    const char *path;        /* of the file that keeps what is obeyed */
    const char *const *urls; /* without slashes at their ends; at least one */
    size_t url_count;
};

/* Reads what was obeyed before. ERR_CORRUPT, ERR_IO. */
must_use struct err plane_open(struct arena *a, const struct plane_conf *conf, struct plane **out);
void plane_close(struct plane *p); /* accepts NULL */

/* Where it is asked for at the moment; what this points to changes. */
const char *const *plane_url(const struct plane *p);
size_t plane_count(const struct plane *p);

/* The one that was asked is of no use: the next one is asked. True when all had their turn since
 * one was of use. */
bool plane_turn(struct plane *p);

/* The one that is asked is of use. */
void plane_stay(struct plane *p);

/* Whether what comes from a control plane of that epoch is obeyed; a higher one is on the disk when
 * this returns OK. ERR_DENIED when it has been succeeded; ERR_IO: it cannot be written down. */
must_use struct err plane_take(struct plane *p, struct arena *a, int64_t epoch, int64_t leader);

/* What is obeyed; `heard_ms` is how long ago something of it was, as far as this process knows. */
struct plane_word {
    int64_t epoch; /* 0: nobody yet */
    int64_t leader;
    int64_t heard_ms;
};
struct plane_word plane_word(const struct plane *p);

#endif
