/* Decimal text to the nearest double, whatever the locale. */
#ifndef CNX_CORE_NUMBER_H
#define CNX_CORE_NUMBER_H

#include <stdbool.h>

/*
 * Reads a number of JSON's grammar (-1, 2.5e-3, ...) that begins at `text` and is followed by a byte that
 * cannot belong to a number (a NUL will do).  Returns the byte behind it, or NULL when there is none.
 * The result is correctly rounded; what is too large becomes infinity, too small 0.
 */
const char *cnx_number_read(double *out, const char *text);

#endif
