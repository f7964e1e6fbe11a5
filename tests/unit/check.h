/* The few words a test needs.  A test program returns CHECK_RESULT from main. */
#ifndef CNX_TESTS_CHECK_H
#define CNX_TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int check_failed, check_passed;

/* Counts, and says where when it fails; goes on either way. */
#define CHECK(cond, ...)                                                                           \
    do {                                                                                           \
        if (cond) {                                                                                \
            check_passed++;                                                                        \
        } else {                                                                                   \
            check_failed++;                                                                        \
            fprintf(stderr, "%s:%d: CHECK(%s) failed:", __FILE__, __LINE__, #cond);                \
            fprintf(stderr, " " __VA_ARGS__);                                                      \
            fputc('\n', stderr);                                                                   \
        }                                                                                          \
    } while (0)

#define CHECK_RESULT                                                                               \
    (fprintf(stderr, "%d checks passed, %d failed\n", check_passed, check_failed),                 \
     check_failed ? EXIT_FAILURE : EXIT_SUCCESS)

/* A folder of fixtures under CNX_SHARED (or ../shared beside the source tree), or NULL when the
 * machine has none; tests then use what is committed under tests/data alone. */
static inline const char *check_shared(char *buffer, size_t size, const char *sub)
{
    const char *root = getenv("CNX_SHARED");
    if (root && *root)
        snprintf(buffer, size, "%s/%s", root, sub);
    else
        snprintf(buffer, size, "%s/../shared/%s", CNX_SOURCE_DIR, sub);
    return access(buffer, R_OK) == 0 ? buffer : NULL;
}

/* Deterministic random numbers (splitmix64): the same on every machine. */
static inline unsigned long long check_random(unsigned long long *state)
{
    unsigned long long z = (*state += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

/* Uniform in [-1, 1). */
static inline float check_uniform(unsigned long long *state)
{
    return (float)(check_random(state) >> 40) * (2.0f / 16777216.0f) - 1.0f;
}

#endif
