/*
 * How fast this processor multiplies and adds when nothing else is to be done: what kernels are
 * measured against.
 */
#ifndef CNX_CORE_PEAK_H
#define CNX_CORE_PEAK_H

/* GFLOP/s of a loop of multiply-adds that touches no memory, in this thread's own time: some
 * milliseconds. */
typedef double (*cnx_peak)(void);

/* By the instruction set of a table of kernels ("avx512", "avx2", "neon"; else the best that this
 * CPU and build have; without any, plain multiplications and additions). */
cnx_peak cnx_peak_of(const char *table);

/* The same of `threads` threads at once, by the clock on the wall. */
double cnx_peak_of_threads(const char *table, int threads);

#endif
