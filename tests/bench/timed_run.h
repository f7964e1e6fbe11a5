/*
 * What the programs that time a network have in common: command line, input, printed figures.
 *
 * Each prints lines of a word and its values, for tests/bench/bench_peers to read:
 *
 *     runtime NAME VERSION ...
 *     load SECONDS
 *     warm SECONDS CPU_SECONDS      the first run
 *     run SECONDS CPU_SECONDS       once for each further run
 *     macs ALL LEFT                 multiply-adds (cnx only; see core/plan/cost.h)
 *     peak MIB                      largest resident size of the whole process, loading included
 *
 * They exit with 2 for a bad command line and with 1 for anything else that fails.
 */
#ifndef CNX_BENCH_TIMED_RUN_H
#define CNX_BENCH_TIMED_RUN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct timed_run {
    const char *program;
    const char *option, *option_help; /* the program's own option with a value, NULL for none */
    const char *flag, *flag_help;     /* and its own flag */
    /* Results of parsing. */
    const char *value; /* of the own option; NULL where it was not given */
    bool flag_given;
    const char *model, *input, *output;
    int h, w, threads, runs;
    bool backbone; /* four feature maps instead of logits */
} timed_run;

/* Fills in what the command line says; ends the program where it says nonsense. */
void timed_run_parse(timed_run *run, int argc, char **argv);

/* The normalised picture, [3][h][w]: the file that was named, else noise, the same in every
 * program.  The caller frees it. */
float *timed_run_input(const timed_run *run);

/* Calls work once to warm up, then runs times, and prints how long each call took. */
void timed_run_go(const timed_run *run, void (*work)(void *), void *context);
void timed_run_print_load(double seconds);
void timed_run_print_peak(void);

/* Appends `count` floats to the output file (made empty by the first call); nothing without one. */
void timed_run_save(const timed_run *run, bool first, const float *values, size_t count);

_Noreturn void timed_run_fail(const timed_run *run, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
