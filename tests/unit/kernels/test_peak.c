/* The peak of multiply-adds: a sensible number for every table, and more threads lose nothing. */
#include <math.h>

#include "core/kernels/kernels.h"
#include "core/kernels/peak.h"
#include "tests/unit/check.h"

int main(void)
{
    static const char *const tables[] = {"ref", "openblas", "avx2", "avx512", "neon", "auto"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        const double one = cnx_peak_of(tables[i])(), two = cnx_peak_of_threads(tables[i], 2);
        /* From a sanitized build on a slow machine to what no processor reaches. */
        CHECK(isfinite(one) && one > 0.01 && one < 2000, "%s: %g", tables[i], one);
        CHECK(isfinite(two) && two > 0.01 && two < 4000, "%s, two threads: %g", tables[i], two);
    }
    return CHECK_RESULT;
}
