/*
 * Slabs of one size class each, carved from one reserved run of addresses. The one idea: a slab's
 * record (16 bytes, apart from the slab) says all, so allocating and freeing touch that record and
 * the item, and nothing else.
 */
#include "cacheengine/keyspace/heap.h"

#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define heap_poison(p, n)   ASAN_POISON_MEMORY_REGION((p), (n))
#define heap_unpoison(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#else
#define heap_poison(p, n)   ((void)(p), (void)(n))
#define heap_unpoison(p, n) ((void)(p), (void)(n))
#endif

#define SLAB_GRANULES 4096
#define NO_ITEM       0xffff
#define NO_CLASS      0xffff
#define RUN_CLASS     0xfffe /* the first slab of an item of several; `used` says how many */
#define HUGE_PAGE     (2UL << 20)
#define OPEN_STEP     32  /* slabs made writable at a time: 2 MiB, a huge page */
#define HUGE_FROM     256 /* slabs from which on huge pages are asked for: 16 MiB */
#define WARM_KEPT     16  /* empty slabs kept with their memory, beside a sixteenth of the used */
#define SMALLEST_RUN  (64UL << 20)
#define CLOSE_STEP    (8UL << 20)

struct heap_slab {
    uint32_t next, prev; /* in the list of its class's slabs with room, or of empty ones */
    uint16_t free_head;  /* freed items: granule within the slab, linked through the items */
    uint16_t used;       /* items handed out */
    uint16_t fresh;      /* granule from which on nothing was handed out yet */
    uint16_t class_id;
};

/* Sizes above 1 KiB: slabs divided by 60, 56, ... 4, rounded down to cache lines. */
static const uint16_t big_sizes[] = {
    1088, 1152, 1280, 1344, 1472, 1600, 1792, 1920, 2048, 2176, 2304, 2496, 2688,  2944,  3264,
    3584, 3840, 4096, 4352, 4672, 4992, 5440, 5952, 6528, 7232, 8192, 9344, 10880, 13056, 16384,
};
#define SMALL_CLASSES 64

static uint32_t class_of(size_t size)
{
    uint32_t c = 0;

    if (size <= 1024)
        return (uint32_t)((size + HEAP_GRANULE - 1) / HEAP_GRANULE) - 1;
    while (big_sizes[c] < size)
        c++;
    return SMALL_CLASSES + c;
}

static uint32_t class_bytes(uint32_t class_id)
{
    if (class_id < SMALL_CLASSES)
        return (class_id + 1) * HEAP_GRANULE;
    return big_sizes[class_id - SMALL_CLASSES];
}

/* Whole slabs for an item above HEAP_ITEM_MAX. */
static uint32_t run_of(size_t size)
{
    return (uint32_t)((size + HEAP_SLAB_BYTES - 1) / HEAP_SLAB_BYTES);
}

size_t heap_class_bytes(size_t size)
{
    if (size > HEAP_ITEM_MAX)
        return (size_t)run_of(size) * HEAP_SLAB_BYTES;
    return class_bytes(class_of(size));
}

size_t heap_item_bytes(const struct heap *h, uint32_t ref)
{
    const struct heap_slab *s = &h->slabs[ref / SLAB_GRANULES];

    if (s->class_id == RUN_CLASS)
        return (size_t)s->used * HEAP_SLAB_BYTES;
    return class_bytes(s->class_id);
}

static size_t record_bytes(const struct heap *h)
{
    return (size_t)h->slab_limit * sizeof(struct heap_slab);
}

/* Reserves `bytes` aligned to huge pages; NULL when refused. */
static char *reserve_run(size_t bytes)
{
    char *p = mmap(NULL, bytes + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    size_t off = (HUGE_PAGE - ((uintptr_t)p & (HUGE_PAGE - 1))) & (HUGE_PAGE - 1);
    if (off)
        munmap(p, off);
    munmap(p + off + bytes, HUGE_PAGE - off);
    return p + off;
}

/* Opens the whole run, where the system counts only memory that is used: so nothing has to be asked
 * of it later on, when another thread may have it busy. */
static void open_whole(struct heap *h)
{
    size_t small = (size_t)HUGE_FROM * HEAP_SLAB_BYTES;
    size_t bytes = (size_t)h->slab_limit * HEAP_SLAB_BYTES;

    if (mprotect(h->base, bytes, PROT_READ | PROT_WRITE) != 0)
        return;
    (void)madvise(h->base + small, bytes - small, MADV_HUGEPAGE);
    h->slab_open = h->slab_limit;
}

struct err heap_open(struct heap *h, struct account *account)
{
    size_t bytes = HEAP_REACH_BYTES;
    struct heap made = {.account = account, .slab_top = 1, .slab_ready = 1};

    while (!(made.base = reserve_run(bytes))) {
        bytes /= 2;
        if (bytes < SMALLEST_RUN)
            return err_make(ERR_LIMIT, "the system grants no address space for the data");
    }
    made.slab_limit = (uint32_t)(bytes / HEAP_SLAB_BYTES);
    made.slabs = mmap(NULL, record_bytes(&made), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made.slabs == MAP_FAILED) {
        munmap(made.base, bytes);
        return err_make(ERR_LIMIT, "the system grants no address space for the data's records");
    }
    open_whole(&made);
    *h = made;
    return OK;
}

void heap_rebook(struct heap *h, struct account *account)
{
    if (h->account)
        account_sub(h->account, h->used_bytes);
    h->account = account;
    account_add(account, h->used_bytes);
}

/* Gives the memory back in steps, before the addresses: others who ask the system for memory wait
 * for a step, while for all of it they would wait some milliseconds for each gigabyte. */
static void empty(struct heap *h)
{
    uint32_t end =
        h->slab_ready + OPEN_STEP < h->slab_open ? h->slab_ready + OPEN_STEP : h->slab_open;
    size_t bytes = (size_t)end * HEAP_SLAB_BYTES;

    for (size_t at = 0; at < bytes; at += CLOSE_STEP)
        (void)madvise(h->base + at, bytes - at < CLOSE_STEP ? bytes - at : CLOSE_STEP,
                      MADV_DONTNEED);
}

void heap_close(struct heap *h)
{
    if (!h->base)
        return;
    account_sub(h->account, h->used_bytes);
    heap_unpoison(h->base, (size_t)h->slab_top * HEAP_SLAB_BYTES);
    empty(h);
    munmap(h->base, (size_t)h->slab_limit * HEAP_SLAB_BYTES);
    munmap(h->slabs, record_bytes(h));
    *h = (struct heap){0};
}

static void list_push(struct heap *h, uint32_t *head, uint32_t at)
{
    struct heap_slab *s = &h->slabs[at];

    s->prev = 0;
    s->next = *head;
    if (*head)
        h->slabs[*head].prev = at;
    *head = at;
}

static void list_remove(struct heap *h, uint32_t *head, uint32_t at)
{
    struct heap_slab *s = &h->slabs[at];

    if (s->prev)
        h->slabs[s->prev].next = s->next;
    else
        *head = s->next;
    if (s->next)
        h->slabs[s->next].prev = s->prev;
    s->next = s->prev = 0;
}

/* Makes slabs of the run writable; from some size on they should be huge pages. */
static void make_writable(struct heap *h, uint32_t first, uint32_t end)
{
    char *at = h->base + (size_t)first * HEAP_SLAB_BYTES;
    size_t bytes = (size_t)(end - first) * HEAP_SLAB_BYTES;

    check(mprotect(at, bytes, PROT_READ | PROT_WRITE) == 0);
    if (first >= HUGE_FROM)
        (void)madvise(at, bytes, MADV_HUGEPAGE);
    h->slab_open = end;
}

/* Opens the next step, and in a big heap the one behind it for the thread that looks ahead. */
static void open_step(struct heap *h)
{
    uint32_t first = h->slab_ready == 1 ? 0 : h->slab_ready;
    uint32_t end = first + OPEN_STEP;

    check(h->slab_top < h->slab_limit && end <= h->slab_limit);
    if (h->slab_open < end)
        make_writable(h, first, end);
    h->slab_ready = end;
    if (!h->ahead || end < HUGE_FROM || end + OPEN_STEP > h->slab_limit)
        return;
    if (h->slab_open < end + OPEN_STEP)
        make_writable(h, end, end + OPEN_STEP);
    h->ahead(h->ahead_ctx, h->base + (size_t)end * HEAP_SLAB_BYTES,
             (size_t)OPEN_STEP * HEAP_SLAB_BYTES);
}

void heap_populate(void *at, size_t bytes)
{
    /* In pieces, as the others wait for the address space meanwhile. An error is as good: then
     * memory comes with the first use. */
    for (size_t i = 0; i < bytes; i += HUGE_PAGE)
        (void)madvise((char *)at + i, HUGE_PAGE, MADV_POPULATE_WRITE);
}

/* The first freed run of at least `count` slabs, cut to size; 0 when there is none. */
static uint32_t run_reuse(struct heap *h, uint32_t count)
{
    uint32_t at = h->run_head;

    while (at && h->slabs[at].used < count)
        at = h->slabs[at].next;
    if (!at)
        return 0;
    uint32_t rest = h->slabs[at].used - count;
    list_remove(h, &h->run_head, at);
    h->run_slabs -= count;
    if (rest) {
        h->slabs[at + count] = (struct heap_slab){.class_id = NO_CLASS, .used = (uint16_t)rest};
        list_push(h, &h->run_head, at + count);
    }
    return at;
}

static uint32_t run_alloc(struct heap *h, uint32_t count)
{
    uint32_t at = run_reuse(h, count);

    check(count <= UINT16_MAX);
    if (!at) {
        at = h->slab_top;
        while (h->slab_ready < at + count)
            open_step(h);
        h->slab_top += count;
    }
    h->slabs[at] = (struct heap_slab){.class_id = RUN_CLASS, .used = (uint16_t)count};
    h->used_bytes += (size_t)count * HEAP_SLAB_BYTES;
    account_add(h->account, (size_t)count * HEAP_SLAB_BYTES);
    return at * SLAB_GRANULES;
}

static void run_free(struct heap *h, uint32_t at)
{
    struct heap_slab *s = &h->slabs[at];
    size_t bytes = (size_t)s->used * HEAP_SLAB_BYTES;

    h->used_bytes -= bytes;
    account_sub(h->account, bytes);
    (void)madvise(h->base + (size_t)at * HEAP_SLAB_BYTES, bytes, MADV_DONTNEED);
    s->class_id = NO_CLASS;
    h->run_slabs += s->used;
    list_push(h, &h->run_head, at);
}

static uint32_t slab_take(struct heap *h)
{
    uint32_t at = h->warm_head;

    if (at) {
        list_remove(h, &h->warm_head, at);
        h->warm_count--;
        return at;
    }
    at = h->cold_head;
    if (at) {
        list_remove(h, &h->cold_head, at);
        h->cold_count--;
        return at;
    }
    at = run_reuse(h, 1);
    if (at)
        return at;
    if (h->slab_top >= h->slab_ready)
        open_step(h);
    return h->slab_top++;
}

static uint32_t warm_limit(const struct heap *h)
{
    return WARM_KEPT + (h->slab_top - h->cold_count - h->run_slabs - h->warm_count) / 16;
}

static void slab_give(struct heap *h, uint32_t at)
{
    h->slabs[at].class_id = NO_CLASS;
    heap_unpoison(h->base + (size_t)at * HEAP_SLAB_BYTES, HEAP_SLAB_BYTES);
    list_push(h, &h->warm_head, at);
    h->warm_count++;
}

/* Gives the memory of the first empty slab back. */
static void cool_one(struct heap *h)
{
    uint32_t at = h->warm_head;

    list_remove(h, &h->warm_head, at);
    h->warm_count--;
    (void)madvise(h->base + (size_t)at * HEAP_SLAB_BYTES, HEAP_SLAB_BYTES, MADV_DONTNEED);
    list_push(h, &h->cold_head, at);
    h->cold_count++;
}

bool heap_cool(struct heap *h)
{
    if (h->warm_count <= warm_limit(h))
        return false;
    cool_one(h);
    return true;
}

void heap_purge(struct heap *h)
{
    while (h->warm_count > 0)
        cool_one(h);
}

static uint32_t slab_begin(struct heap *h, uint32_t class_id)
{
    uint32_t at = slab_take(h);

    h->slabs[at] = (struct heap_slab){.free_head = NO_ITEM, .class_id = (uint16_t)class_id};
    list_push(h, &h->partial[class_id], at);
    return at;
}

static bool slab_is_full(const struct heap_slab *s, uint32_t granules)
{
    return s->free_head == NO_ITEM && s->fresh + granules > SLAB_GRANULES;
}

uint32_t heap_alloc(struct heap *h, size_t size)
{
    if (__builtin_expect(size > HEAP_ITEM_MAX, 0))
        return run_alloc(h, run_of(size));
    uint32_t class_id = class_of(size);
    uint32_t bytes = class_bytes(class_id);
    uint32_t at = h->partial[class_id];

    if (__builtin_expect(!at, 0))
        at = slab_begin(h, class_id);
    struct heap_slab *s = &h->slabs[at];
    uint32_t granule = s->free_head;
    if (granule != NO_ITEM) {
        char *item = heap_at(h, at * SLAB_GRANULES + granule);
        heap_unpoison(item, bytes);
        memcpy(&s->free_head, item, sizeof(s->free_head));
    } else {
        granule = s->fresh;
        s->fresh = (uint16_t)(granule + bytes / HEAP_GRANULE);
    }
    s->used++;
    if (slab_is_full(s, bytes / HEAP_GRANULE))
        list_remove(h, &h->partial[class_id], at);
    h->used_bytes += bytes;
    account_add(h->account, bytes);
    return at * SLAB_GRANULES + granule;
}

void heap_free(struct heap *h, uint32_t ref)
{
    uint32_t at = ref / SLAB_GRANULES;
    struct heap_slab *s = &h->slabs[at];

    if (s->class_id == RUN_CLASS) {
        run_free(h, at);
        return;
    }
    uint32_t bytes = class_bytes(s->class_id);
    bool was_full = slab_is_full(s, bytes / HEAP_GRANULE);
    char *item = heap_at(h, ref);

    check(s->used > 0);
    h->used_bytes -= bytes;
    account_sub(h->account, bytes);
    s->used--;
    if (s->used == 0) {
        if (!was_full)
            list_remove(h, &h->partial[s->class_id], at);
        slab_give(h, at);
        return;
    }
    memcpy(item, &s->free_head, sizeof(s->free_head));
    heap_poison(item + sizeof(s->free_head), bytes - sizeof(s->free_head));
    s->free_head = (uint16_t)(ref % SLAB_GRANULES);
    if (was_full)
        list_push(h, &h->partial[s->class_id], at);
}

bool heap_has_room(const struct heap *h)
{
    if (!h->base)
        return true;
    uint32_t free = h->slab_limit - h->slab_top + h->warm_count + h->cold_count + h->run_slabs;
    return free > h->slab_limit / 64 + OPEN_STEP;
}

size_t heap_backed_bytes(const struct heap *h)
{
    if (!h->base)
        return 0;
    return (size_t)(h->slab_top - 1 - h->cold_count - h->run_slabs) * HEAP_SLAB_BYTES;
}

size_t heap_wasted_bytes(const struct heap *h)
{
    return heap_backed_bytes(h) - (size_t)h->warm_count * HEAP_SLAB_BYTES - h->used_bytes;
}

/* ---- tidying ---- */

bool heap_is_sparse(const struct heap *h, uint32_t ref)
{
    uint32_t at = ref / SLAB_GRANULES;
    const struct heap_slab *s = &h->slabs[at];

    if (s->class_id == RUN_CLASS || h->partial[s->class_id] == at)
        return false;
    uint32_t most = HEAP_SLAB_BYTES / class_bytes(s->class_id);
    return s->used <= most - (most + 7) / 8;
}

uint32_t heap_move(struct heap *h, uint32_t ref)
{
    size_t bytes = heap_item_bytes(h, ref);
    uint32_t to = heap_alloc(h, bytes);

    memcpy(heap_at(h, to), heap_at(h, ref), bytes);
    heap_free(h, ref);
    return to;
}
