/*
 * Looks into PNG files for the command-line tests, with zlib alone, so that it shares nothing with
 * what it checks.
 *
 *   check_png facts FILE            prints: width height depth colour-type palette-entries
 *   check_png histogram FILE        prints: value count, for each grey value or index that occurs
 *   check_png same A B [MASK]       the samples of A and B agree (but where MASK is 255)
 *   check_png top A B               the first rows of A are those of B
 *   check_png colours LABEL COLOUR  COLOUR shows LABEL's indices in the colours of LABEL's palette
 *
 * 8-bit grey, RGB and indexed, 16-bit grey; not interlaced.  Exits with 1 and a line on standard
 * error when something does not hold.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { GREY = 0, RGB = 2, INDEXED = 3 };
#define MAX_SIDE 20000u

typedef struct png {
    const char *name;
    unsigned width, height, depth, type;
    unsigned palette_entries;
    uint8_t palette[256][3];
    uint8_t *packed; /* all IDAT together */
    size_t packed_size;
    size_t stride;   /* bytes a row */
    uint8_t *pixels; /* [height][stride] */
} png;

static void die(const png *p, const char *what)
{
    fprintf(stderr, "check_png: %s: %s\n", p->name, what);
    exit(1);
}

static unsigned big_endian(const uint8_t *b)
{
    return (unsigned)b[0] << 24 | (unsigned)b[1] << 16 | (unsigned)b[2] << 8 | b[3];
}

static uint8_t *read_file(const png *p, size_t *size)
{
    FILE *file = fopen(p->name, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        die(p, "cannot be opened");
    *size = (size_t)ftell(file);
    uint8_t *data = malloc(*size + 1);
    rewind(file);
    if (!data || fread(data, 1, *size, file) != *size)
        die(p, "cannot be read");
    fclose(file);
    return data;
}

static void read_header(png *p, const uint8_t *data, size_t length)
{
    if (length != 13)
        die(p, "IHDR has another length");
    p->width = big_endian(data);
    p->height = big_endian(data + 4);
    p->depth = data[8];
    p->type = data[9];
    const int known =
        (p->depth == 8 && (p->type == GREY || p->type == RGB || p->type == INDEXED)) ||
        (p->depth == 16 && p->type == GREY);
    if (!known || data[10] || data[11] || data[12])
        die(p, "a kind of PNG that cnx does not write");
    if (p->width < 1 || p->height < 1 || p->width > MAX_SIDE || p->height > MAX_SIDE)
        die(p, "too large for this check");
    p->stride = (size_t)p->width * (p->type == RGB ? 3 : p->depth / 8);
}

static void read_chunk(png *p, const uint8_t *type, const uint8_t *data, size_t length)
{
    if (memcmp(type, "IHDR", 4) == 0) {
        read_header(p, data, length);
    } else if (memcmp(type, "PLTE", 4) == 0) {
        if (length % 3 || length > sizeof p->palette)
            die(p, "PLTE has another length");
        p->palette_entries = (unsigned)(length / 3);
        memcpy(p->palette, data, length);
    } else if (memcmp(type, "IDAT", 4) == 0) {
        memcpy(p->packed + p->packed_size, data, length);
        p->packed_size += length;
    }
}

/* Walks the chunks, checksums included; returns when IEND ends the file. */
static void read_chunks(png *p, const uint8_t *data, size_t size)
{
    size_t at = 8;
    if (size < 8 || memcmp(data, "\x89PNG\r\n\x1a\n", 8) != 0)
        die(p, "no PNG signature");
    while (at + 12 <= size) {
        const size_t length = big_endian(data + at);
        if (length > size - at - 12)
            die(p, "a chunk passes the end of the file");
        const uint8_t *type = data + at + 4;
        const uLong sum = crc32(crc32(0, NULL, 0), type, (uInt)(length + 4));
        if (sum != big_endian(type + 4 + length))
            die(p, "a chunk's checksum is wrong");
        read_chunk(p, type, type + 4, length);
        at += 12 + length;
        if (memcmp(type, "IEND", 4) == 0) {
            if (at != size)
                die(p, "bytes after IEND");
            return;
        }
    }
    die(p, "no IEND");
}

static uint8_t paeth(int left, int up, int corner)
{
    const int guess = left + up - corner;
    const int a = abs(guess - left), b = abs(guess - up), c = abs(guess - corner);
    return (uint8_t)(a <= b && a <= c ? left : b <= c ? up : corner);
}

static void unfilter(png *p, const uint8_t *raw)
{
    const size_t step = p->type == RGB ? 3 : p->depth / 8;
    for (size_t y = 0; y < p->height; y++) {
        const uint8_t *in = raw + y * (p->stride + 1) + 1;
        uint8_t *out = p->pixels + y * p->stride;
        for (size_t x = 0; x < p->stride; x++) {
            const int left = x >= step ? out[x - step] : 0;
            const int up = y ? (out - p->stride)[x] : 0;
            const int corner = y && x >= step ? (out - p->stride)[x - step] : 0;
            const int guess[] = {0, left, up, (left + up) / 2, paeth(left, up, corner)};
            if (in[-1] > 4)
                die(p, "a filter that does not exist");
            out[x] = (uint8_t)(in[x] + guess[in[-1]]);
        }
    }
}

static png load(const char *name)
{
    png p = {.name = name};
    size_t size;
    uint8_t *data = read_file(&p, &size);
    p.packed = malloc(size + 1);
    if (!p.packed)
        die(&p, "no memory");
    read_chunks(&p, data, size);
    if (!p.stride)
        die(&p, "no IHDR");
    uLongf unpacked = (uLongf)((p.stride + 1) * p.height);
    const uLongf expected = unpacked;
    uint8_t *raw = malloc(unpacked);
    p.pixels = malloc(p.stride * p.height);
    if (!raw || !p.pixels)
        die(&p, "no memory");
    if (uncompress(raw, &unpacked, p.packed, (uLong)p.packed_size) != Z_OK || unpacked != expected)
        die(&p, "the pixels do not unpack to the picture's size");
    unfilter(&p, raw);
    if (p.type == INDEXED) {
        for (size_t i = 0; i < p.stride * p.height; i++)
            if (p.pixels[i] >= p.palette_entries)
                die(&p, "an index beyond the palette");
    }
    free(raw);
    free(data);
    return p;
}

static unsigned sample(const png *p, size_t i)
{
    return p->depth == 16 ? (unsigned)p->pixels[2 * i] << 8 | p->pixels[2 * i + 1] : p->pixels[i];
}

static void print_histogram(const png *p)
{
    static size_t count[65536];
    const size_t n = (size_t)p->width * p->height;
    if (p->type == RGB)
        die(p, "a colour picture has no histogram of values");
    for (size_t i = 0; i < n; i++)
        count[sample(p, i)]++;
    for (unsigned v = 0; v < 65536; v++)
        if (count[v])
            printf("%u %zu\n", v, count[v]);
}

static void compare(const png *a, const png *b, const png *mask, int top_only)
{
    size_t wrong = 0, first = 0;
    if (a->width != b->width || a->stride != b->stride || a->depth != b->depth ||
        (top_only ? a->height < b->height : a->height != b->height))
        die(a, "another size or depth");
    const size_t n = b->stride * b->height / (b->depth / 8);
    const size_t each = b->type == RGB ? 3 : 1;
    if (mask && (mask->width != b->width || mask->height != b->height || mask->type == RGB))
        die(mask, "another size than the pictures");
    for (size_t i = 0; i < n; i++)
        if (sample(a, i) != sample(b, i) && !(mask && sample(mask, i / each) == 255) && !wrong++)
            first = i / each;
    if (wrong) {
        fprintf(stderr,
                "check_png: %s and %s: %zu of %zu samples differ, first at row %zu column %zu\n",
                a->name, b->name, wrong, n, first / b->width, first % b->width);
        exit(1);
    }
}

static void compare_colours(const png *label, const png *colour)
{
    if (label->type != INDEXED || colour->type != RGB || label->width != colour->width ||
        label->height != colour->height)
        die(label, "no indexed picture of the same size");
    for (size_t i = 0; i < (size_t)label->width * label->height; i++)
        if (memcmp(colour->pixels + 3 * i, label->palette[label->pixels[i]], 3) != 0)
            die(colour, "a pixel that is not its label's palette colour");
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    const int files = argc - 2;
    png p[3];
    for (int i = 0; i < files && i < 3; i++)
        p[i] = load(argv[2 + i]);
    if (strcmp(what, "facts") == 0 && files == 1)
        printf("%u %u %u %u %u\n", p[0].width, p[0].height, p[0].depth, p[0].type,
               p[0].palette_entries);
    else if (strcmp(what, "histogram") == 0 && files == 1)
        print_histogram(&p[0]);
    else if (strcmp(what, "same") == 0 && (files == 2 || files == 3))
        compare(&p[0], &p[1], files == 3 ? &p[2] : NULL, 0);
    else if (strcmp(what, "top") == 0 && files == 2)
        compare(&p[0], &p[1], NULL, 1);
    else if (strcmp(what, "colours") == 0 && files == 2)
        compare_colours(&p[0], &p[1]);
    else
        return fprintf(stderr, "check_png: usage is at the top of check_png.c\n"), 2;
    for (int i = 0; i < files && i < 3; i++) {
        free(p[i].packed);
        free(p[i].pixels);
    }
    return 0;
}
