/* xoshiro256++, seeded by splitmix64; both algorithms by their authors' public description. */
#include "base/rng.h"

#include "base/arena.h"
#include "base/err.h"

#include <errno.h>
#include <sys/random.h>

static uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

void rng_seed(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        r->state[i] = z ^ z >> 31;
    }
}

void rng_seed_system(struct rng *r)
{
    rng_system_bytes(r->state, sizeof(r->state));
    r->state[0] |= 1; /* the all-zero state would stay zero for ever */
}

uint64_t rng_next(struct rng *r)
{
    uint64_t *s = r->state;
    uint64_t result = rotl(s[0] + s[3], 23) + s[0];
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t rng_below(struct rng *r, uint64_t bound)
{
    check(bound > 0);
    uint64_t threshold = -bound % bound; /* below it the low residues would come up too often */
    for (;;) {
        uint64_t x = rng_next(r);
        if (x >= threshold)
            return x % bound;
    }
}

char *rng_uuid(struct rng *r, struct arena *a)
{
    uint64_t hi = (rng_next(r) & ~0xf000ull) | 0x4000ull;
    uint64_t lo = (rng_next(r) & ~(3ull << 62)) | 2ull << 62;
    return arena_printf(a, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(hi >> 32),
                        (unsigned)(hi >> 16 & 0xffff), (unsigned)(hi & 0xffff),
                        (unsigned)(lo >> 48), (unsigned long long)(lo & 0xffffffffffff));
}

void rng_system_bytes(void *out, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t got = getrandom((char *)out + done, len - done, 0);
        check(got > 0 || errno == EINTR);
        done += got > 0 ? (size_t)got : 0;
    }
}
