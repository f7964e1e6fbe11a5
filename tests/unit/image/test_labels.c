/* Label maps: every kind of PNG comes back as the numbers that were stored, and nothing else does. */
#include "core/image/labels.h"

#include "tests/unit/image/files.h"
#include "tests/unit/image/opencv_reference.h"
#include "tests/unit/image/png_build.h"

static cnx_label_reader *reader;

static const struct {
    int colour, depth;
} kinds[] = {{0, 1}, {0, 2}, {0, 4},  {0, 8}, {0, 16}, {3, 1}, {3, 2}, {3, 4},
             {3, 8}, {2, 8}, {2, 16}, {4, 8}, {4, 16}, {6, 8}, {6, 16}};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* Runs of equal labels, with noise in between, so that all filters meet both. */
static uint16_t *make_samples(const png_build *p, unsigned long long *seed)
{
    const size_t n = (size_t)p->width * (size_t)p->height * (size_t)png_build_channels(p->colour);
    uint16_t *samples = malloc(n * sizeof *samples);
    unsigned value = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned long long r = check_random(seed);
        if (r % 5 == 0 || i % 97 > 80)
            value = (unsigned)(r >> 20);
        samples[i] = (uint16_t)(value & ((1u << p->depth) - 1));
    }
    return samples;
}

/* Decodes a copy of exactly that many bytes, so that a sanitizer sees a read past them. */
static cnx_status decode_copy(cnx_label_map *map, const uint8_t *bytes, size_t size, cnx_error *err)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, bytes, size);
    const cnx_status status = cnx_label_map_decode(map, reader, copy, size, "copy", err);
    free(copy);
    CHECK((status == CNX_OK) == (map->u8 != NULL || map->u16 != NULL));
    CHECK(!map->u8 || !map->u16);
    return status;
}

static size_t count_wrong(const cnx_label_map *map, const uint16_t *samples)
{
    const size_t n = (size_t)map->width * (size_t)map->height * (size_t)map->channels;
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += (map->u8 ? map->u8[i] : map->u16[i]) != samples[i];
    return wrong;
}

static void check_against_opencv(const png_bytes *file, const cnx_label_map *map)
{
    int width = 0, height = 0, bytes = 0;
    void *seen = reference_decode_grey(file->data, file->size, &width, &height, &bytes);
    const size_t n = (size_t)map->width * (size_t)map->height;
    CHECK(seen && width == map->width && height == map->height && bytes == map->bits / 8);
    if (seen)
        CHECK(memcmp(seen, map->u8 ? (const void *)map->u8 : map->u16, n * (size_t)bytes) == 0);
    free(seen);
}

static void check_round_trip(const png_build *p)
{
    cnx_error err = {0};
    cnx_label_map map;
    png_bytes file = png_build_file(p);
    CHECK(decode_copy(&map, file.data, file.size, &err) == CNX_OK, "%s", err.message);
    CHECK(map.width == p->width && map.height == p->height && map.bits == p->depth);
    CHECK(map.channels == png_build_channels(p->colour) && map.palette == (p->colour == 3));
    CHECK((map.u16 != NULL) == (p->depth == 16));
    if (map.u8 || map.u16)
        CHECK(count_wrong(&map, p->samples) == 0,
              "%zu samples: colour %d, %d bits, %d x %d, filter %d, interlaced %d",
              count_wrong(&map, p->samples), p->colour, p->depth, p->width, p->height, p->filter,
              p->interlaced);
    if (p->colour == 0 && p->depth >= 8)
        check_against_opencv(&file, &map);
    cnx_label_map probed;
    CHECK(cnx_label_map_probe(&probed, file.data, file.size, "p", &err) == CNX_OK &&
          probed.width == p->width && probed.height == p->height && probed.bits == p->depth &&
          probed.channels == map.channels && !probed.u8 && !probed.u16);
    free(file.data);
}

static void test_all_kinds(void)
{
    static const int sizes[][2] = {{1, 1},  {1, 9},   {9, 1},   {3, 2},
                                   {16, 3}, {17, 19}, {33, 70}, {131, 97}};
    unsigned long long seed = 5;
    for (size_t k = 0; k < KINDS; k++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (int filter = -1; filter < 5; filter++)
                for (int interlaced = 0; interlaced < 2; interlaced++) {
                    png_build p = {.width = sizes[s][0],
                                   .height = sizes[s][1],
                                   .colour = kinds[k].colour,
                                   .depth = kinds[k].depth,
                                   .interlaced = interlaced,
                                   .filter = filter,
                                   .chunk = s % 2 ? 0 : 7};
                    uint16_t *samples = make_samples(&p, &seed);
                    p.samples = samples;
                    check_round_trip(&p);
                    free(samples);
                }
}

static void test_committed_files(void)
{
    cnx_label_map map;
    cnx_error err = {0};
    CHECK(cnx_labels_read(&map, reader, IMAGES "/decode/gray1.png", CNX_LABELS_INDEX, &err) ==
              CNX_OK,
          "%s", err.message);
    CHECK(map.bits == 1);
    for (size_t i = 0; i < (size_t)map.width * (size_t)map.height; i++)
        CHECK(map.u8[i] < 2);
    CHECK(cnx_labels_read(&map, reader, IMAGES "/bad/img_index_out.png", CNX_LABELS_INDEX, &err) ==
              CNX_OK,
          "an index without a colour is still a number: %s", err.message);
}

/* ---- labels ---- */

static cnx_status read_built(cnx_label_map *map, int colour, int depth, const uint16_t *samples,
                             cnx_label_coding coding, cnx_error *err)
{
    const png_build p = {
        .width = 2, .height = 1, .colour = colour, .depth = depth, .samples = samples};
    png_bytes file = png_build_file(&p);
    const cnx_status status =
        cnx_labels_decode(map, reader, file.data, file.size, "mask.png", coding, err);
    free(file.data);
    return status;
}

static void test_codings(void)
{
    cnx_label_map map;
    cnx_error err = {0};
    const uint16_t coded[8] = {150, 0, 0, 0xE8, 3, 0}, coloured[] = {1, 2, 3, 1, 0, 0};
    const uint16_t grey[] = {7, 300, 1, 1, 1, 1, 1, 1};
    CHECK(read_built(&map, 2, 8, coded, CNX_LABELS_RGB16, &err) == CNX_OK, "%s", err.message);
    CHECK(map.channels == 1 && !map.u8 && map.u16[0] == 150 && map.u16[1] == 1000);
    CHECK(read_built(&map, 0, 16, grey, CNX_LABELS_INDEX, &err) == CNX_OK && map.u16[0] == 7 &&
          map.u16[1] == 300);

    CHECK(read_built(&map, 2, 8, coloured, CNX_LABELS_RGB16, &err) == CNX_ERR_UNSUPPORTED);
    CHECK(strncmp(err.message, "mask.png: ", 10) == 0 && strstr(err.message, "colour map"), "%s",
          err.message);
    CHECK(!map.u8 && !map.u16 && map.width == 0);
    CHECK(read_built(&map, 0, 8, coded, CNX_LABELS_RGB16, &err) == CNX_ERR_UNSUPPORTED &&
              strstr(err.message, "1 sample of 8 bits"),
          "%s", err.message);
    CHECK(read_built(&map, 2, 16, grey, CNX_LABELS_RGB16, &err) == CNX_ERR_UNSUPPORTED);
    static const struct {
        int colour;
        const char *name;
    } refused[] = {{2, "RGB;"}, {4, "grey with alpha"}, {6, "RGBA"}};
    for (size_t i = 0; i < 3; i++)
        CHECK(read_built(&map, refused[i].colour, 8, coded, CNX_LABELS_INDEX, &err) ==
                      CNX_ERR_UNSUPPORTED &&
                  strstr(err.message, refused[i].name),
              "%s", err.message);
}

static void test_other_formats(void)
{
    static const struct {
        const char *file, *word;
        cnx_status status;
    } cases[] = {{IMAGES "/decode/gray.jpg", "not a PNG", CNX_ERR_UNSUPPORTED},
                 {IMAGES "/bad/img_html.jpg", "HTML", CNX_ERR_FORMAT},
                 {IMAGES "/bad/img_empty.png", "empty", CNX_ERR_FORMAT},
                 {IMAGES "/bad/img_bad_crc.png", "checksum", CNX_ERR_FORMAT},
                 {IMAGES "/bad/img_huge_claim.png", "3600000000", CNX_ERR_FORMAT},
                 {IMAGES "/bad/img_overflow.png", "2147483647", CNX_ERR_FORMAT},
                 {IMAGES "/bad/img_no_plte.png", "palette", CNX_ERR_FORMAT},
                 {IMAGES "/bad/img_zero.png", "0 x 5", CNX_ERR_FORMAT},
                 {IMAGES "/none.png", "cannot be opened", CNX_ERR_IO}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnx_label_map map;
        cnx_error err = {0};
        CHECK(cnx_labels_read(&map, reader, cases[i].file, CNX_LABELS_INDEX, &err) ==
                  cases[i].status,
              "%s: %s", cases[i].file, err.message);
        CHECK(strstr(err.message, cases[i].file) == err.message &&
                  strstr(err.message, cases[i].word),
              "%s", err.message);
        CHECK(!map.u8 && !map.u16);
    }
}

/* ---- damage ---- */

static void expect_refusal(const png_bytes *file, size_t size, const char *word)
{
    cnx_label_map map;
    cnx_error err = {0};
    CHECK(decode_copy(&map, file->data, size, &err) == CNX_ERR_FORMAT, "%zu bytes, %s", size,
          err.message);
    CHECK(strstr(err.message, word), "\"%s\" has no \"%s\"", err.message, word);
}

static void test_cut_and_changed(void)
{
    unsigned long long seed = 8;
    png_build p = {.width = 19, .height = 11, .colour = 3, .depth = 8, .filter = -1, .chunk = 20};
    uint16_t *samples = make_samples(&p, &seed);
    p.samples = samples;
    png_bytes file = png_build_file(&p);
    for (size_t size = 0; size < file.size; size++)
        expect_refusal(&file, size, "");
    for (size_t i = 0; i < file.size; i++) {
        file.data[i] ^= 0x10; /* the checksums see each */
        cnx_label_map map;
        cnx_error err = {0};
        CHECK(decode_copy(&map, file.data, file.size, &err) != CNX_OK, "byte %zu", i);
        file.data[i] ^= 0x10;
    }
    free(file.data);
    free(samples);
}

/* Sound chunks around image data that do not fit the header. */
static void test_wrong_data(void)
{
    unsigned long long seed = 9;
    png_build p = {.width = 40, .height = 30, .colour = 0, .depth = 8, .filter = 1};
    uint16_t *samples = make_samples(&p, &seed);
    p.samples = samples;
    png_bytes rows = png_build_rows(&p);
    png_append(&rows, "x", 1);
    const struct {
        size_t size;
        const char *word;
    } cases[] = {{rows.size, "more image data"}, {rows.size - 2, "end early"}, {0, "end early"}};
    for (size_t i = 0; i < 3; i++) {
        png_bytes file = png_build_around(&p, rows.data, cases[i].size);
        expect_refusal(&file, file.size, cases[i].word);
        free(file.data);
    }
    rows.data[41] = 5;
    png_bytes file = png_build_around(&p, rows.data, rows.size - 1);
    expect_refusal(&file, file.size, "row 1 has filter 5");
    free(file.data);
    free(rows.data);
    free(samples);
}

static void test_wrong_chunks(void)
{
    const uint16_t samples[] = {1, 2};
    const png_build p = {.width = 2, .height = 1, .colour = 0, .depth = 8, .samples = samples};
    png_bytes good = png_build_file(&p), file = {0};
    const size_t head = 33, data = good.size - head - 12; /* IDAT's whole length */
    /* Image data in two runs. */
    png_append(&file, good.data, head + data);
    png_append_chunk(&file, "tEXt", "a", 1);
    png_append(&file, good.data + head, data + 12);
    expect_refusal(&file, file.size, "one run");
    /* No image data. */
    file.size = head;
    png_append_chunk(&file, "IEND", NULL, 0);
    expect_refusal(&file, file.size, "no image data");
    /* A palette in a grey picture. */
    file.size = head;
    png_append_chunk(&file, "PLTE", "abc", 3);
    png_append(&file, good.data + head, data + 12);
    expect_refusal(&file, file.size, "grey and has a palette");
    /* Text is passed over. */
    cnx_label_map map;
    cnx_error err = {0};
    file.size = head;
    png_append_chunk(&file, "tEXt", "abc", 3);
    png_append(&file, good.data + head, data + 12);
    CHECK(decode_copy(&map, file.data, file.size, &err) == CNX_OK && map.u8[1] == 2, "%s",
          err.message);
    free(file.data);
    free(good.data);
}

int main(void)
{
    cnx_error err = {0};
    CHECK(cnx_label_reader_open(&reader, &err) == CNX_OK, "%s", err.message);
    test_all_kinds();
    test_committed_files();
    test_codings();
    test_other_formats();
    test_cut_and_changed();
    test_wrong_data();
    test_wrong_chunks();
    cnx_label_reader_close(&reader);
    CHECK(reader == NULL);
    cnx_label_reader_close(&reader);
    return CHECK_RESULT;
}
