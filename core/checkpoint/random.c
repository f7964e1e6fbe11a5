#include "core/checkpoint/random.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

cnx_fill cnx_fill_for(const char *name, int rank)
{
    if (ends_with(name, ".bias") || ends_with(name, ".running_mean") || ends_with(name, ".beta"))
        return CNX_FILL_SHIFT;
    if (ends_with(name, ".running_var") || ends_with(name, ".grn.gamma"))
        return CNX_FILL_SCALE;
    if (ends_with(name, ".gamma"))
        return CNX_FILL_GAMMA;
    return rank >= 2 ? CNX_FILL_WEIGHT : CNX_FILL_SCALE;
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Uniform in [0, 1). */
static float uniform(uint64_t *state)
{
    return (float)(next_random(state) >> 40) * (1.0f / 16777216.0f);
}

/* The sum of three uniforms of variance 1/3: mean 0, variance 1, no tails; good enough here. */
static float nearly_normal(uint64_t *state)
{
    return 2.0f * (uniform(state) + uniform(state) + uniform(state)) - 3.0f;
}

static float draw(cnx_fill fill, float deviation, uint64_t *state)
{
    switch (fill) {
    case CNX_FILL_WEIGHT:
        return nearly_normal(state) * deviation;
    case CNX_FILL_SCALE:
        return 0.5f + uniform(state);
    case CNX_FILL_SHIFT:
        return 0.4f * uniform(state) - 0.2f;
    case CNX_FILL_GAMMA:
        break;
    }
    return 0.1f + 0.9f * uniform(state);
}

void cnx_fill_random(cnx_fill fill, const char *name, uint64_t seed, size_t rows, size_t count,
                     float *out)
{
    uint64_t state = seed * 0x9E3779B97F4A7C15u;
    for (const char *p = name; *p; p++)
        state = (state ^ (uint8_t)*p) * 0x100000001B3u;
    const float deviation = 1.0f / sqrtf((float)(count / rows));
    for (size_t i = 0; i < count; i++)
        out[i] = draw(fill, deviation, &state);
}
