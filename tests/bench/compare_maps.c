/*
 * How far two files of float32 values lie apart, such as cnx_time and ort_time write.
 *
 *     compare_maps [--classes K] REFERENCE OTHER
 *
 * Prints the largest difference, the reference's range, and their quotient; with --classes, for
 * logits [K][pixels], also how many pixels have another label, and the largest lead of the
 * reference's label over the other among them, relative to the range: what is no more than twice
 * the largest difference is a tie.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"

static cnx_mapping open_floats(const char *path)
{
    cnx_mapping m;
    cnx_error err;
    if (cnx_mapping_open(&m, path, &err) != CNX_OK) {
        fprintf(stderr, "compare_maps: %s\n", err.message);
        exit(1);
    }
    if (m.size == 0 || m.size % sizeof(float)) {
        fprintf(stderr, "compare_maps: %s: not a file of float32 values\n", path);
        exit(1);
    }
    return m;
}

static float at(const cnx_mapping *m, size_t i)
{
    float value;
    memcpy(&value, m->data + i * sizeof value, sizeof value);
    return value;
}

/* The class whose logit is largest; the lowest of several. */
static size_t label(const cnx_mapping *m, size_t classes, size_t pixels, size_t p)
{
    size_t best = 0;
    for (size_t c = 1; c < classes; c++)
        if (at(m, c * pixels + p) > at(m, best * pixels + p))
            best = c;
    return best;
}

static void compare_labels(const cnx_mapping *a, const cnx_mapping *b, size_t classes, double range)
{
    const size_t pixels = a->size / sizeof(float) / classes;
    size_t changed = 0;
    double lead = 0;
    for (size_t p = 0; p < pixels; p++) {
        const size_t la = label(a, classes, pixels, p), lb = label(b, classes, pixels, p);
        changed += la != lb;
        lead = fmax(lead, (double)at(a, la * pixels + p) - (double)at(a, lb * pixels + p));
    }
    printf("labels %zu of %zu lead %.3g\n", changed, pixels, lead / range);
}

static void compare(const cnx_mapping *a, const cnx_mapping *b, size_t classes)
{
    double worst = 0, low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < a->size / sizeof(float); i++) {
        const double x = (double)at(a, i), y = (double)at(b, i);
        if (!isfinite(x) || !isfinite(y)) {
            fprintf(stderr, "compare_maps: value %zu is %g in one, %g in the other\n", i, x, y);
            exit(1);
        }
        worst = fmax(worst, fabs(x - y));
        low = fmin(low, x);
        high = fmax(high, x);
    }
    const double range = high - low;
    printf("difference %.3g range %.4g relative %.3g\n", worst, range, worst / range);
    if (classes)
        compare_labels(a, b, classes, range);
}

static _Noreturn void usage(void)
{
    fputs("usage: compare_maps [--classes K] REFERENCE OTHER\n", stderr);
    exit(2);
}

static size_t parse_classes(const char *text)
{
    char *end;
    const long value = strtol(text, &end, 10);
    if (end == text || *end || value < 1)
        usage();
    return (size_t)value;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"classes", 1, NULL, 'c'}, {NULL, 0, NULL, 0}};
    size_t classes = 0;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c != 'c')
            usage();
        classes = parse_classes(optarg);
    }
    if (optind + 2 != argc)
        usage();
    cnx_mapping a = open_floats(argv[optind]), b = open_floats(argv[optind + 1]);
    if (a.size != b.size || (classes && a.size / sizeof(float) % classes)) {
        fprintf(stderr, "compare_maps: %s has %zu values, %s %zu\n", argv[optind],
                a.size / sizeof(float), argv[optind + 1], b.size / sizeof(float));
        return 1;
    }
    compare(&a, &b, classes);
    cnx_mapping_close(&a);
    cnx_mapping_close(&b);
    return 0;
}
