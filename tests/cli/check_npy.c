/*
 * Looks into .npy files for the command-line tests.
 *
 *   check_npy shape FILE             prints type and shape: "float32 3 260 347"
 *   check_npy near A B ATOL RTOL     |a - b| <= ATOL + RTOL |b| for each element; axes of length 1
 * in front do not matter
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/npy.h"

static cnx_npy load(const char *path)
{
    cnx_error err;
    cnx_npy npy;
    if (cnx_npy_read(&npy, path, &err) != CNX_OK) {
        fprintf(stderr, "check_npy: %s\n", err.message);
        exit(1);
    }
    return npy;
}

static void print_shape(const cnx_npy *npy)
{
    fputs(npy->type == CNX_NPY_F32   ? "float32"
          : npy->type == CNX_NPY_F64 ? "float64"
                                     : "other",
          stdout);
    for (int i = 0; i < npy->rank; i++)
        printf(" %zu", npy->shape[i]);
    putchar('\n');
}

static int same_shape(const cnx_npy *a, const cnx_npy *b)
{
    int i = 0, j = 0;
    while (i < a->rank && a->shape[i] == 1)
        i++;
    while (j < b->rank && b->shape[j] == 1)
        j++;
    return a->rank - i == b->rank - j &&
           memcmp(a->shape + i, b->shape + j, (size_t)(a->rank - i) * sizeof *a->shape) == 0;
}

static int near(const cnx_npy *a, const cnx_npy *b, double atol, double rtol)
{
    if (a->type != CNX_NPY_F32 || b->type != CNX_NPY_F32 || !same_shape(a, b))
        return fprintf(stderr, "check_npy: another type or shape\n"), 1;
    const float *x = a->data, *y = b->data;
    for (size_t i = 0; i < a->elements; i++)
        if (!(fabs((double)x[i] - (double)y[i]) <= atol + rtol * fabs((double)y[i])))
            return fprintf(stderr, "check_npy: element %zu: %.9g and %.9g\n", i, (double)x[i],
                           (double)y[i]),
                   1;
    return 0;
}

int main(int argc, char **argv)
{
    int code = 2;
    if (argc == 3 && strcmp(argv[1], "shape") == 0) {
        cnx_npy npy = load(argv[2]);
        print_shape(&npy);
        cnx_npy_free(&npy);
        code = 0;
    } else if (argc == 6 && strcmp(argv[1], "near") == 0) {
        cnx_npy a = load(argv[2]), b = load(argv[3]);
        code = near(&a, &b, strtod(argv[4], NULL), strtod(argv[5], NULL));
        cnx_npy_free(&a);
        cnx_npy_free(&b);
    } else {
        fprintf(stderr, "check_npy: usage is at the top of check_npy.c\n");
    }
    return code;
}
