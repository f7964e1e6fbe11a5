#include "timed_run.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/threads.h"

enum { MIN_SIZE = 32, MAX_SIZE = 16384, MAX_THREADS = 1024, MAX_RUNS = 10000 };

void timed_run_fail(const timed_run *run, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "%s: ", run->program);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

/* ---- command line ---- */

static _Noreturn void usage(const timed_run *run)
{
    fprintf(stderr,
            "usage: %s [options] MODEL\n"
            "  --size HxW      the input's size (512x512)\n"
            "  --threads N     (all processors)\n"
            "  --runs N        timed runs after one that warms up (3)\n"
            "  --backbone      MODEL's backbone alone\n"
            "  --input FILE    the normalised picture, float32 [3][H][W] (default: noise)\n"
            "  --output FILE   where the results of the last run go, float32, channels first\n",
            run->program);
    if (run->option)
        fprintf(stderr, "  --%s %s\n", run->option, run->option_help);
    if (run->flag)
        fprintf(stderr, "  --%s %s\n", run->flag, run->flag_help);
    exit(2);
}

static int parse_int(const timed_run *run, const char *option, const char *text, int max)
{
    char *end;
    const long value = strtol(text, &end, 10);
    if (end == text || *end || value < 1 || value > max) {
        fprintf(stderr, "%s: --%s wants 1 to %d, not %s\n", run->program, option, max, text);
        exit(2);
    }
    return (int)value;
}

static void parse_size(timed_run *run, const char *text)
{
    int used = 0;
    if (sscanf(text, "%5dx%5d%n", &run->h, &run->w, &used) != 2 || text[used] ||
        run->h < MIN_SIZE || run->w < MIN_SIZE || run->h > MAX_SIZE || run->w > MAX_SIZE) {
        fprintf(stderr, "%s: --size wants HxW of %d to %d, not %s\n", run->program, MIN_SIZE,
                MAX_SIZE, text);
        exit(2);
    }
}

void timed_run_parse(timed_run *run, int argc, char **argv)
{
    enum { SIZE = 1, THREADS, RUNS, BACKBONE, INPUT, OUTPUT, OPTION, FLAG };
    /* The program's own ones come last: without a name they end the list. */
    struct option options[] = {{"size", 1, NULL, SIZE},
                               {"threads", 1, NULL, THREADS},
                               {"runs", 1, NULL, RUNS},
                               {"backbone", 0, NULL, BACKBONE},
                               {"input", 1, NULL, INPUT},
                               {"output", 1, NULL, OUTPUT},
                               {run->option, 1, NULL, OPTION},
                               {run->option ? run->flag : NULL, 0, NULL, FLAG},
                               {NULL, 0, NULL, 0}};
    run->h = run->w = 512;
    run->threads = cnx_threads_available();
    run->runs = 3;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == SIZE)
            parse_size(run, optarg);
        else if (c == THREADS)
            run->threads = parse_int(run, "threads", optarg, MAX_THREADS);
        else if (c == RUNS)
            run->runs = parse_int(run, "runs", optarg, MAX_RUNS);
        else if (c == BACKBONE)
            run->backbone = true;
        else if (c == INPUT)
            run->input = optarg;
        else if (c == OUTPUT)
            run->output = optarg;
        else if (c == OPTION)
            run->value = optarg;
        else if (c == FLAG)
            run->flag_given = true;
        else
            usage(run);
    }
    if (optind + 1 != argc)
        usage(run);
    run->model = argv[optind];
}

/* ---- input and output ---- */

static void read_floats(const timed_run *run, float *values, size_t count)
{
    FILE *f = fopen(run->input, "rb");
    if (!f)
        timed_run_fail(run, "%s: cannot be opened", run->input);
    if (fread(values, sizeof *values, count, f) != count || fgetc(f) != EOF)
        timed_run_fail(run, "%s: is not %zu float32 values ([3][%d][%d])", run->input, count,
                       run->h, run->w);
    fclose(f);
}

float *timed_run_input(const timed_run *run)
{
    const size_t count = 3 * (size_t)run->h * (size_t)run->w;
    float *values = malloc(count * sizeof *values);
    if (!values)
        timed_run_fail(run, "not enough memory for the input");
    if (run->input) {
        read_floats(run, values, count);
        return values;
    }
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) { /* -2..2, what normalised pictures span */
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(state >> 8) * (4.0f / 16777216.0f) - 2.0f;
    }
    return values;
}

void timed_run_save(const timed_run *run, bool first, const float *values, size_t count)
{
    if (!run->output)
        return;
    FILE *f = fopen(run->output, first ? "wb" : "ab");
    if (!f)
        timed_run_fail(run, "%s: cannot be written", run->output);
    const bool good = fwrite(values, sizeof *values, count, f) == count;
    if (fclose(f) != 0 || !good)
        timed_run_fail(run, "%s: cannot be written", run->output);
}

/* ---- timing ---- */

/* Of all threads of the process: on a shared machine steadier than what the clock on the wall says,
 * but threads that spin while they wait count as well. */
static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void timed_run_go(const timed_run *run, void (*work)(void *), void *context)
{
    for (int i = 0; i <= run->runs; i++) {
        const double cpu = cpu_now(), start = cnx_now();
        work(context);
        const double took = cnx_now() - start;
        printf("%s %.6f %.6f\n", i == 0 ? "warm" : "run", took, cpu_now() - cpu);
        fflush(stdout);
    }
}

void timed_run_print_load(double seconds)
{
    printf("load %.6f\n", seconds);
}

void timed_run_print_peak(void)
{
    printf("peak %.1f\n", (double)cnx_peak_rss() / 1048576);
}
