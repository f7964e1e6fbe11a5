/*
 * Makes pictures and label files for the command-line tests.
 *
 *   make_png FILE KIND WIDTH HEIGHT SAMPLE...
 *
 * KIND: grey8, grey16, grey4, palette8, rgb, rgba.  The samples (one or more a pixel, by kind) fill the
 * picture in bands of equal size, from the top.
 */
#include <stdio.h>

#include "tests/unit/image/png_build.h"

static const struct {
    const char *name;
    int colour, depth;
} kinds[] = {{"grey8", 0, 8},    {"grey16", 0, 16}, {"grey4", 0, 4},
             {"palette8", 3, 8}, {"rgb", 2, 8},     {"rgba", 6, 8}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static int make(const char *path, png_build p, char **numbers, size_t count)
{
    const size_t channels = (size_t)png_build_channels(p.colour), values = count / channels;
    const size_t pixels = (size_t)p.width * (size_t)p.height;
    if (values == 0 || count % channels)
        return fprintf(stderr, "make_png: %zu samples for %zu channels\n", count, channels), 1;
    uint16_t *samples = malloc(pixels * channels * sizeof *samples);
    if (!samples)
        return perror("make_png"), 1;
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < channels; c++)
            samples[i * channels + c] =
                (uint16_t)strtoul(numbers[i * values / pixels * channels + c], NULL, 10);
    p.samples = samples;
    png_bytes bytes = png_build_file(&p);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes.data, 1, bytes.size, file) != bytes.size || fclose(file) != 0)
        return perror(path), 1;
    free(bytes.data);
    free(samples);
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 0; argc > 5 && i < KINDS; i++)
        if (strcmp(argv[2], kinds[i].name) == 0)
            return make(argv[1],
                        (png_build){.width = atoi(argv[3]),
                                    .height = atoi(argv[4]),
                                    .colour = kinds[i].colour,
                                    .depth = kinds[i].depth,
                                    .filter = -1},
                        argv + 5, (size_t)argc - 5);
    fprintf(stderr, "usage: make_png FILE KIND WIDTH HEIGHT SAMPLE...\n");
    return 2;
}
