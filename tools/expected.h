/* The sizes of the pictures that a run will see, before its model is opened. */
#ifndef CNX_TOOLS_EXPECTED_H
#define CNX_TOOLS_EXPECTED_H

#include <stdbool.h>

#include "tools/inputs.h"

/* Few sizes that stand for all: the largest picture, the widest and the highest, and those of the most
 * extreme shapes. */
enum { CNX_EXPECTED_SIZES = 5 };
typedef struct cnx_expected_size {
    int width, height;
} cnx_expected_size;

/* Looks at the beginning of every file, and returns how many of them *out has.  What cannot be read is
 * left out: that is told in its turn.  Standard input is not touched. */
int cnx_expected_sizes(cnx_expected_size out[CNX_EXPECTED_SIZES], const cnx_inputs *inputs,
                       bool ignore_exif);

#endif
