/* CSV as RFC 4180 has it. */
#ifndef CNX_CORE_CSV_H
#define CNX_CORE_CSV_H

#include <stdio.h>

/* One field, in quotes where it must be. */
void cnx_csv_put(FILE *to, const char *text);

#endif
