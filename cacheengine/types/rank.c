/*
 * The counted B+-tree. The one idea: a change works on one leaf and the way that led to it; a full
 * node is split before, one per attempt, and the way is then looked for anew, so no change ever
 * finds the tree half changed.
 */
#include "cacheengine/types/rank.h"

#include "base/err.h"
#include "base/prefetch.h"

#define LEAF_MAX  RANK_LEAF_MAX
#define INNER_MAX 39
/* Nodes with less than a quarter join a neighbour when both fill at most three quarters. */
#define SPARSE(max)  ((max) / 4)
#define JOINED(max)  ((max)*3 / 4)
#define MEMBER_AHEAD 6 /* members asked for ahead of a walk */

struct leaf {
    double scores[LEAF_MAX];
    uint32_t refs[LEAF_MAX];
    uint32_t count;
} __attribute__((aligned(64)));

/* What an inner node knows of a node below it. */
struct child {
    double score;   /* of its first member */
    uint32_t first; /* that member */
    uint32_t node;
    uint64_t count; /* members below */
};

struct inner {
    struct child children[INNER_MAX];
    uint32_t count;
} __attribute__((aligned(64)));

/* The way to a place in a leaf. Levels count from the leaf's parent up. They are size_t wherever
 * they run down to 0: gcc 12 drops stores whose 32-bit index has turned over on the way. */
struct path {
    struct inner *node[RANK_HEIGHT_MAX];
    uint32_t at[RANK_HEIGHT_MAX];
    struct leaf *leaf;
    uint32_t index;
};

/* ---- memory ---- */

static void *node_new(struct db *db, struct rank *r, size_t size, uint32_t *ref)
{
    *ref = heap_alloc(&db->heap, size);
    r->held += heap_class_bytes(size);
    return heap_at(&db->heap, *ref);
}

static void node_free(struct db *db, struct rank *r, uint32_t ref)
{
    r->held -= heap_item_bytes(&db->heap, ref);
    heap_free(&db->heap, ref);
}

uint32_t rank_member_new(struct db *db, struct str text, double score)
{
    bool is_short = text.len <= RANK_SHORT_MAX;
    uint32_t len = (uint32_t)text.len;
    uint32_t ref =
        heap_alloc(&db->heap, sizeof(struct rank_member) + (is_short ? 1 : 5) + text.len);
    struct rank_member *m = rank_member_at(db, ref);
    uint8_t *at = m->rest;

    m->score = score;
    *at++ = is_short ? (uint8_t)len : 0xff;
    if (!is_short) {
        memcpy(at, &len, sizeof(len));
        at += sizeof(len);
    }
    if (len)
        memcpy(at, text.ptr, len);
    return ref;
}

static struct leaf *leaf_at(const struct db *db, uint32_t ref)
{
    return heap_at(&db->heap, ref);
}

static struct inner *inner_at(const struct db *db, uint32_t ref)
{
    return heap_at(&db->heap, ref);
}

/* ---- order ---- */

int rank_compare(struct str a, struct str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int c = common ? memcmp(a.ptr, b.ptr, common) : 0;

    return c ? c : (a.len > b.len) - (a.len < b.len);
}

bool rank_is_below(double score, struct str text, const struct rank_bound *bound)
{
    if (!bound->by_text)
        return bound->is_behind ? score <= bound->score : score < bound->score;
    int c = rank_compare(text, bound->text);
    return bound->is_behind ? c <= 0 : c < 0;
}

/* How many of a leaf's scores are less than v (or equal to it). Without branches that depend on
 * scores, which nobody could foretell. */
static uint32_t scores_below(const double *scores, uint32_t n, double v, bool or_equal)
{
    const double *base = scores;

    while (n > 1) {
        uint32_t half = n / 2;

        base += (or_equal ? base[half - 1] <= v : base[half - 1] < v) ? half : 0;
        n -= half;
    }
    if (n == 1)
        base += or_equal ? *base <= v : *base < v;
    return (uint32_t)(base - scores);
}

/* The index among [low, high) of the first member whose text is not before `text`. */
static uint32_t texts_below(const struct db *db, const struct leaf *l, uint32_t low, uint32_t high,
                            struct str text, bool or_equal)
{
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int c = rank_compare(rank_member_text(rank_member_at(db, l->refs[middle])), text);

        if (c < 0 || (or_equal && c == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The index of a member in a leaf, or the one at which it would stand. */
static uint32_t leaf_index(const struct db *db, const struct leaf *l, double score, struct str text)
{
    uint32_t low = scores_below(l->scores, l->count, score, false);

    if (low == l->count || l->scores[low] != score)
        return low;
    uint32_t high = low + scores_below(l->scores + low, l->count - low, score, true);
    return texts_below(db, l, low, high, text, false);
}

/* The child below which a member stands or would stand: the last that does not begin behind it. */
static uint32_t inner_index(const struct db *db, const struct inner *n, double score,
                            struct str text)
{
    uint32_t low = 1, high = n->count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const struct child *c = &n->children[middle];
        bool is_behind = c->score > score;

        if (c->score == score)
            is_behind = rank_compare(rank_member_text(rank_member_at(db, c->first)), text) > 0;
        if (is_behind)
            high = middle;
        else
            low = middle + 1;
    }
    return low - 1;
}

/* The way to a member, or to where it would stand. */
static void path_find(const struct db *db, const struct rank *r, double score, struct str text,
                      struct path *p)
{
    uint32_t ref = r->root;

    for (size_t level = r->height; level-- > 0;) {
        p->node[level] = inner_at(db, ref);
        p->at[level] = inner_index(db, p->node[level], score, text);
        ref = p->node[level]->children[p->at[level]].node;
    }
    p->leaf = leaf_at(db, ref);
    p->index = leaf_index(db, p->leaf, score, text);
}

/* The way to a member that is there. */
static void path_to(const struct db *db, const struct rank *r, uint32_t ref, struct path *p)
{
    const struct rank_member *m = rank_member_at(db, ref);

    check(r->root);
    path_find(db, r, m->score, rank_member_text(m), p);
    check(p->index < p->leaf->count && p->leaf->refs[p->index] == ref);
}

/* The way to a rank. */
static void path_seek(const struct db *db, const struct rank *r, uint64_t n, struct path *p)
{
    uint32_t ref = r->root;

    check(n < r->count);
    for (size_t level = r->height; level-- > 0;) {
        const struct child *c = inner_at(db, ref)->children;
        uint32_t at = 0;

        while (n >= c[at].count)
            n -= c[at++].count;
        p->node[level] = inner_at(db, ref);
        p->at[level] = at;
        ref = c[at].node;
    }
    p->leaf = leaf_at(db, ref);
    p->index = (uint32_t)n;
}

/* Tells the nodes above that their first member is another, after the leaf's first has changed. */
static void path_first_changed(const struct rank *r, const struct path *p)
{
    for (size_t level = 0; level < r->height; level++) {
        struct child *c = &p->node[level]->children[p->at[level]];

        c->score = p->leaf->scores[0];
        c->first = p->leaf->refs[0];
        if (p->at[level] > 0)
            return;
    }
}

/* ---- splitting ---- */

static void child_put(struct inner *n, uint32_t at, struct child c)
{
    check(n->count < INNER_MAX && at <= n->count);
    memmove(&n->children[at + 1], &n->children[at], (n->count - at) * sizeof(c));
    n->children[at] = c;
    n->count++;
}

static void child_remove(struct inner *n, uint32_t at)
{
    n->count--;
    memmove(&n->children[at], &n->children[at + 1], (n->count - at) * sizeof(n->children[0]));
}

/* Moves the members from `keep` on into a new leaf. */
static struct child leaf_split(struct db *db, struct rank *r, struct leaf *low, uint32_t keep)
{
    struct child c = {0};
    struct leaf *high = node_new(db, r, sizeof(*high), &c.node);

    high->count = low->count - keep;
    memcpy(high->scores, low->scores + keep, high->count * sizeof(high->scores[0]));
    memcpy(high->refs, low->refs + keep, high->count * sizeof(high->refs[0]));
    low->count = keep;
    c.score = high->scores[0];
    c.first = high->refs[0];
    c.count = high->count;
    return c;
}

/* Moves the children from `keep` on into a new node. */
static struct child inner_split(struct db *db, struct rank *r, struct inner *low, uint32_t keep)
{
    struct child c = {0};
    struct inner *high = node_new(db, r, sizeof(*high), &c.node);

    high->count = low->count - keep;
    memcpy(high->children, low->children + keep, high->count * sizeof(high->children[0]));
    low->count = keep;
    for (uint32_t i = 0; i < high->count; i++)
        c.count += high->children[i].count;
    c.score = high->children[0].score;
    c.first = high->children[0].first;
    return c;
}

/* Puts a root above the root. */
static void root_raise(struct db *db, struct rank *r)
{
    struct child c = {.node = r->root, .count = r->count};
    uint32_t ref;
    struct inner *root = node_new(db, r, sizeof(*root), &ref);

    check(r->height < RANK_HEIGHT_MAX);
    if (r->height == 0) {
        c.score = leaf_at(db, r->root)->scores[0];
        c.first = leaf_at(db, r->root)->refs[0];
    } else {
        c.score = inner_at(db, r->root)->children[0].score;
        c.first = inner_at(db, r->root)->children[0].first;
    }
    root->count = 1;
    root->children[0] = c;
    r->root = ref;
    r->height++;
}

/* Where to cut a full node: in the middle, but where members come in order only one goes with
 * those to come, so that nodes stay full. */
static uint32_t split_at(const struct rank *r, const struct path *p, uint32_t max)
{
    bool is_first = p->index == 0, is_last = p->index == p->leaf->count;

    for (size_t level = 0; level < r->height; level++) {
        is_first = is_first && p->at[level] == 0;
        is_last = is_last && p->at[level] == p->node[level]->count - 1;
    }
    return is_last ? max - 1 : is_first ? 1 : max / 2;
}

/* Splits the highest of the full nodes that follow each other from the leaf up. */
static void path_make_room(struct db *db, struct rank *r, const struct path *p)
{
    size_t level = 0;
    struct child high;

    while (level < r->height && p->node[level]->count == INNER_MAX)
        level++;
    if (level == r->height) {
        root_raise(db, r);
        return;
    }
    if (level == 0)
        high = leaf_split(db, r, p->leaf, split_at(r, p, LEAF_MAX));
    else
        high = inner_split(db, r, p->node[level - 1], split_at(r, p, INNER_MAX));
    struct inner *parent = p->node[level];
    parent->children[p->at[level]].count -= high.count;
    child_put(parent, p->at[level] + 1, high);
}

/* ---- inserting ---- */

static void leaf_put(struct leaf *l, uint32_t at, double score, uint32_t ref)
{
    memmove(&l->scores[at + 1], &l->scores[at], (l->count - at) * sizeof(l->scores[0]));
    memmove(&l->refs[at + 1], &l->refs[at], (l->count - at) * sizeof(l->refs[0]));
    l->scores[at] = score;
    l->refs[at] = ref;
    l->count++;
}

static void root_begin(struct db *db, struct rank *r)
{
    struct leaf *l = node_new(db, r, sizeof(*l), &r->root);

    l->count = 0;
    r->height = 0;
}

void rank_insert(struct db *db, struct rank *r, uint32_t ref)
{
    const struct rank_member *m = rank_member_at(db, ref);
    struct path p = {0};

    if (!r->root)
        root_begin(db, r);
    for (;;) {
        path_find(db, r, m->score, rank_member_text(m), &p);
        if (__builtin_expect(p.leaf->count < LEAF_MAX, 1))
            break;
        path_make_room(db, r, &p);
    }
    leaf_put(p.leaf, p.index, m->score, ref);
    r->count++;
    for (size_t level = 0; level < r->height; level++)
        p.node[level]->children[p.at[level]].count++;
    if (p.index == 0)
        path_first_changed(r, &p);
}

void rank_prefetch(const struct db *db, const struct rank *r, double score)
{
    uint32_t ref = r->root;

    if (!ref)
        return;
    for (size_t level = r->height; level-- > 0;) {
        const struct inner *n = inner_at(db, ref);
        uint32_t low = 1, high = n->count;

        while (low < high) {
            uint32_t middle = (low + high) / 2;

            if (n->children[middle].score > score)
                high = middle;
            else
                low = middle + 1;
        }
        ref = n->children[low - 1].node;
    }
    prefetch_lines(heap_at(&db->heap, ref), sizeof(struct leaf) / CACHE_LINE);
}

/* ---- removing ---- */

static void leaf_join(struct db *db, struct rank *r, uint32_t low_ref, uint32_t high_ref)
{
    struct leaf *low = leaf_at(db, low_ref);
    const struct leaf *high = leaf_at(db, high_ref);

    memcpy(low->scores + low->count, high->scores, high->count * sizeof(low->scores[0]));
    memcpy(low->refs + low->count, high->refs, high->count * sizeof(low->refs[0]));
    low->count += high->count;
    node_free(db, r, high_ref);
}

static void inner_join(struct db *db, struct rank *r, uint32_t low_ref, uint32_t high_ref)
{
    struct inner *low = inner_at(db, low_ref);
    const struct inner *high = inner_at(db, high_ref);

    memcpy(low->children + low->count, high->children, high->count * sizeof(low->children[0]));
    low->count += high->count;
    node_free(db, r, high_ref);
}

static uint32_t node_count(const struct db *db, uint32_t ref, bool is_leaf)
{
    return is_leaf ? leaf_at(db, ref)->count : inner_at(db, ref)->count;
}

/* Joins a sparse child with a neighbour if both fit well. */
static void child_join(struct db *db, struct rank *r, struct inner *n, uint32_t at, bool is_leaf)
{
    uint32_t max = is_leaf ? LEAF_MAX : INNER_MAX;

    if (n->count < 2 || node_count(db, n->children[at].node, is_leaf) >= SPARSE(max))
        return;
    uint32_t low = at + 1 < n->count ? at : at - 1;
    struct child *c = &n->children[low];
    if (node_count(db, c[0].node, is_leaf) + node_count(db, c[1].node, is_leaf) > JOINED(max))
        return;
    if (is_leaf)
        leaf_join(db, r, c[0].node, c[1].node);
    else
        inner_join(db, r, c[0].node, c[1].node);
    c[0].count += c[1].count;
    child_remove(n, low + 1);
}

/* Frees the leaf of a path, which is empty, and all above it that is empty then. */
static void path_prune(struct db *db, struct rank *r, struct path *p)
{
    uint32_t ref = heap_ref(&db->heap, p->leaf);

    for (size_t level = 0; level < r->height; level++) {
        struct inner *n = p->node[level];

        node_free(db, r, ref);
        child_remove(n, p->at[level]);
        if (n->count > 0) {
            /* What is first above may have gone. */
            for (size_t up = level + 1; up < r->height && p->at[up - 1] == 0; up++) {
                p->node[up]->children[p->at[up]].score = n->children[0].score;
                p->node[up]->children[p->at[up]].first = n->children[0].first;
            }
            return;
        }
        ref = heap_ref(&db->heap, n);
    }
    node_free(db, r, ref);
    r->root = 0;
    r->height = 0;
}

static void root_lower(struct db *db, struct rank *r)
{
    while (r->height > 0 && inner_at(db, r->root)->count == 1) {
        uint32_t below = inner_at(db, r->root)->children[0].node;

        node_free(db, r, r->root);
        r->root = below;
        r->height--;
    }
}

/* Removes `n` members from the path's place on, which its leaf has. The path is used up. */
static void path_cut(struct db *db, struct rank *r, struct path *p, uint32_t n)
{
    struct leaf *l = p->leaf;
    uint32_t behind = l->count - p->index - n;

    memmove(&l->scores[p->index], &l->scores[p->index + n], behind * sizeof(l->scores[0]));
    memmove(&l->refs[p->index], &l->refs[p->index + n], behind * sizeof(l->refs[0]));
    l->count -= n;
    r->count -= n;
    for (size_t level = 0; level < r->height; level++)
        p->node[level]->children[p->at[level]].count -= n;
    if (l->count == 0) {
        path_prune(db, r, p);
    } else {
        if (p->index == 0)
            path_first_changed(r, p);
        if (__builtin_expect(l->count >= SPARSE(LEAF_MAX), 1))
            return;
        for (size_t level = 0; level < r->height; level++)
            child_join(db, r, p->node[level], p->at[level], level == 0);
    }
    root_lower(db, r);
}

void rank_remove(struct db *db, struct rank *r, uint32_t ref)
{
    struct path p = {0};

    path_to(db, r, ref, &p);
    path_cut(db, r, &p, 1);
}

void rank_rescore(struct db *db, struct rank *r, uint32_t ref, double score)
{
    struct rank_member *m = rank_member_at(db, ref);
    struct path p = {0};

    path_to(db, r, ref, &p);
    const double *here = &p.leaf->scores[p.index];
    bool stays = p.index > 0 && p.index + 1 < p.leaf->count && here[-1] < score && score < here[1];
    m->score = score;
    if (stays) {
        p.leaf->scores[p.index] = score;
        return;
    }
    path_cut(db, r, &p, 1);
    rank_insert(db, r, ref);
}

void rank_cut(struct db *db, struct rank *r, uint64_t first, uint64_t count,
              void (*taken)(void *ctx, uint32_t ref), void *ctx)
{
    uint32_t refs[LEAF_MAX];
    struct path p = {0};

    check(first + count <= r->count);
    while (count > 0) {
        path_seek(db, r, first, &p);
        uint32_t n = p.leaf->count - p.index;
        n = n < count ? n : (uint32_t)count;
        memcpy(refs, p.leaf->refs + p.index, n * sizeof(refs[0]));
        path_cut(db, r, &p, n);
        for (uint32_t i = 0; i < n; i++)
            prefetch(rank_member_at(db, refs[i]));
        for (uint32_t i = 0; i < n; i++)
            taken(ctx, refs[i]);
        count -= n;
    }
}

/* ---- finding ---- */

uint64_t rank_of(const struct db *db, const struct rank *r, uint32_t ref)
{
    struct path p = {0};

    path_to(db, r, ref, &p);
    uint64_t n = p.index;
    for (size_t level = 0; level < r->height; level++)
        for (uint32_t i = 0; i < p.at[level]; i++)
            n += p.node[level]->children[i].count;
    return n;
}

uint32_t rank_at(const struct db *db, const struct rank *r, uint64_t n)
{
    struct path p = {0};

    path_seek(db, r, n, &p);
    return p.leaf->refs[p.index];
}

/* How many children begin before a bound. */
static uint32_t children_below(const struct db *db, const struct inner *n,
                               const struct rank_bound *bound)
{
    uint32_t low = 0, high = n->count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const struct child *c = &n->children[middle];
        struct str text = {0};

        if (bound->by_text)
            text = rank_member_text(rank_member_at(db, c->first));
        if (rank_is_below(c->score, text, bound))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t rank_below(const struct db *db, const struct rank *r, const struct rank_bound *bound)
{
    uint32_t ref = r->root;
    uint64_t below = 0;

    if (!ref)
        return 0;
    for (size_t level = r->height; level-- > 0;) {
        const struct inner *n = inner_at(db, ref);
        uint32_t count = children_below(db, n, bound);

        if (count == 0)
            return below;
        for (uint32_t i = 0; i + 1 < count; i++)
            below += n->children[i].count;
        ref = n->children[count - 1].node;
    }
    const struct leaf *l = leaf_at(db, ref);
    if (bound->by_text)
        return below + texts_below(db, l, 0, l->count, bound->text, bound->is_behind);
    return below + scores_below(l->scores, l->count, bound->score, bound->is_behind);
}

/* ---- walking ---- */

void rank_seek(const struct db *db, const struct rank *r, uint64_t n, struct rank_walk *walk)
{
    struct path p = {0};

    path_seek(db, r, n, &p);
    walk->leaf = p.leaf;
    walk->index = p.index;
    for (size_t level = 0; level < r->height; level++) {
        walk->up[level].node = p.node[level];
        walk->up[level].at = p.at[level];
    }
}

/* Goes to the leaf beside the present one, at its nearer end. */
static void walk_turn(const struct db *db, const struct rank *r, struct rank_walk *w, bool onward)
{
    size_t level = 0;

    for (; level < r->height; level++) {
        const struct inner *n = w->up[level].node;

        if (onward ? w->up[level].at + 1 < n->count : w->up[level].at > 0)
            break;
    }
    w->leaf = NULL;
    if (level == r->height)
        return;
    w->up[level].at += onward ? 1 : UINT32_MAX;
    for (;;) {
        const struct inner *n = w->up[level].node;
        uint32_t ref = n->children[w->up[level].at].node;

        if (level == 0) {
            const struct leaf *l = leaf_at(db, ref);
            w->leaf = l;
            w->index = onward ? 0 : l->count - 1;
            return;
        }
        level--;
        w->up[level].node = inner_at(db, ref);
        w->up[level].at = onward ? 0 : inner_at(db, ref)->count - 1;
    }
}

uint32_t rank_next(const struct db *db, const struct rank *r, struct rank_walk *walk)
{
    const struct leaf *l = walk->leaf;

    if (!l)
        return 0;
    uint32_t ref = l->refs[walk->index];
    if (walk->index + MEMBER_AHEAD < l->count)
        prefetch(rank_member_at(db, l->refs[walk->index + MEMBER_AHEAD]));
    if (++walk->index == l->count)
        walk_turn(db, r, walk, true);
    return ref;
}

uint32_t rank_prev(const struct db *db, const struct rank *r, struct rank_walk *walk)
{
    const struct leaf *l = walk->leaf;

    if (!l)
        return 0;
    uint32_t ref = l->refs[walk->index];
    if (walk->index >= MEMBER_AHEAD)
        prefetch(rank_member_at(db, l->refs[walk->index - MEMBER_AHEAD]));
    if (walk->index-- == 0)
        walk_turn(db, r, walk, false);
    return ref;
}

/* ---- the end ---- */

static void leaf_free(struct db *db, struct rank *r, uint32_t ref)
{
    const struct leaf *l = leaf_at(db, ref);

    for (uint32_t i = 0; i < l->count; i++)
        prefetch(rank_member_at(db, l->refs[i]));
    for (uint32_t i = 0; i < l->count; i++)
        heap_free(&db->heap, l->refs[i]);
    r->count -= l->count;
    node_free(db, r, ref);
}

/* Frees the last leaf, and the nodes above it that it leaves empty. */
static void last_free(struct db *db, struct rank *r)
{
    struct inner *up[RANK_HEIGHT_MAX];
    uint32_t ref = r->root;
    size_t level = r->height;

    while (level-- > 0) {
        up[level] = inner_at(db, ref);
        ref = up[level]->children[up[level]->count - 1].node;
    }
    leaf_free(db, r, ref);
    for (level = 0; level < r->height; level++) {
        if (--up[level]->count > 0)
            return;
        node_free(db, r, heap_ref(&db->heap, up[level]));
    }
    r->root = 0;
    r->height = 0;
}

bool rank_free_some(struct db *db, struct rank *r, uint32_t budget)
{
    while (r->root && budget-- > 0)
        last_free(db, r);
    return !r->root;
}
