/* Medians and quartiles of timed runs. */
#include "tests/unit/check.h"
#include "tools/bench_run.h"

static void check(double *values, int count, cnx_bench_times wanted)
{
    const cnx_bench_times got = cnx_bench_times_of(values, count);
    CHECK(got.least == wanted.least && got.lower == wanted.lower && got.median == wanted.median &&
              got.upper == wanted.upper && got.most == wanted.most,
          "of %d: %g %g %g %g %g", count, got.least, got.lower, got.median, got.upper, got.most);
}

int main(void)
{
    check((double[]){3}, 1, (cnx_bench_times){3, 3, 3, 3, 3});
    check((double[]){4, 2}, 2, (cnx_bench_times){2, 2.5, 3, 3.5, 4});
    check((double[]){5, 1, 3}, 3, (cnx_bench_times){1, 2, 3, 4, 5});
    check((double[]){9, 1, 7, 3}, 4, (cnx_bench_times){1, 2.5, 5, 7.5, 9});
    check((double[]){5, 4, 3, 2, 1}, 5, (cnx_bench_times){1, 2, 3, 4, 5});
    return CHECK_RESULT;
}
