/*
 * Random numbers in place of trained weights: where only shapes and speed matter.
 *
 * They are scaled so that activations neither die nor explode, and depend on the seed and on the
 * tensor's name alone.
 */
#ifndef CNX_CORE_RANDOM_H
#define CNX_CORE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef enum cnx_fill {
    CNX_FILL_WEIGHT, /* of a matrix: mean 0, variance 1 / fan-in */
    CNX_FILL_SCALE,  /* 0.5..1.5: what multiplies in a norm; a variance */
    CNX_FILL_SHIFT,  /* -0.2..0.2: biases, means */
    CNX_FILL_GAMMA   /* 0.1..1: layer scale */
} cnx_fill;

/* What suits a tensor of this name and rank. */
cnx_fill cnx_fill_for(const char *name, int rank);

/* out[count]; rows: the first axis, of which each has count / rows inputs. */
void cnx_fill_random(cnx_fill fill, const char *name, uint64_t seed, size_t rows, size_t count,
                     float *out);

#endif
