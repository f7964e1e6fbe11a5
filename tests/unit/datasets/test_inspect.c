/* Inspection: counts are exact, do not depend on threads, and name the first file. */
#include "datasets/findings.h"

#include <sys/stat.h>

#include "tests/unit/check.h"
#include "tests/unit/image/png_build.h"

enum { FILES = 150 };

static char root[] = "/tmp/cnx_test_inspect_XXXXXX";
static char images[64], labels[64];
static uint64_t pixels[CNX_LABEL_VALUES];
static uint32_t files[CNX_LABEL_VALUES], first[CNX_LABEL_VALUES];

/* Names sort in the order of the numbers. */
static void write_png(const char *folder, int number, const png_build *p)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%03d.png", folder, number);
    png_bytes bytes = png_build_file(p);
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(bytes.data, 1, bytes.size, file) == bytes.size && fclose(file) == 0);
    free(bytes.data);
}

static void make_files(void)
{
    unsigned long long seed = 3;
    snprintf(images, sizeof images, "%s/images", root);
    snprintf(labels, sizeof labels, "%s/labels", root);
    CHECK(mkdir(images, 0777) == 0 && mkdir(labels, 0777) == 0);
    for (int i = 0; i < FILES; i++) {
        uint16_t samples[33 * 5], grey[33 * 5] = {0};
        const bool wide = i % 7 == 0;
        png_build p = {.width = 33, .height = 5, .colour = 0, .depth = wide ? 16 : 8};
        p.samples = grey;
        write_png(images, i, &p);
        for (size_t k = 0; k < sizeof samples / sizeof *samples; k++) {
            samples[k] = (uint16_t)(check_random(&seed) % (wide ? 40000 : 20));
            pixels[samples[k]]++;
        }
        bool seen[CNX_LABEL_VALUES] = {false};
        for (size_t k = 0; k < sizeof samples / sizeof *samples; k++) {
            if (!seen[samples[k]] && files[samples[k]]++ == 0)
                first[samples[k]] = (uint32_t)i;
            seen[samples[k]] = true;
        }
        p.samples = samples;
        write_png(labels, i, &p);
    }
}

static bool stop(void *user, size_t done)
{
    size_t *calls = user;
    CHECK(done > 0 && done <= FILES);
    return ++*calls < 2;
}

static void test_counts(const cnx_dataset *data, int threads)
{
    cnx_inspection seen;
    cnx_error err = {0};
    const cnx_inspect_options options = {.coding = CNX_LABELS_INDEX, .threads = threads};
    CHECK(cnx_inspect(&seen, data, &options, &err) == CNX_OK, "%s", err.message);
    CHECK(seen.used == FILES && seen.pixels == (uint64_t)FILES * 33 * 5);
    int wrong = 0;
    for (int v = 0; v < CNX_LABEL_VALUES; v++) {
        const cnx_value_use *use = &seen.values[v];
        wrong += use->pixels != pixels[v] || use->files != files[v] ||
                 (use->files && use->first != first[v]);
    }
    CHECK(wrong == 0, "%d values with %d threads", wrong, threads);
    CHECK(seen.files[0].bits == 16 && seen.files[1].bits == 8 && seen.files[1].max == 19 &&
          seen.files[1].width == 33 && seen.files[1].image_height == 5);
    cnx_inspection_free(&seen);
    CHECK(!seen.files && !seen.values);
}

/* What stands beyond 65536 classes must not be looked up. */
static void test_limits(const cnx_dataset *data)
{
    cnx_inspection seen;
    cnx_findings findings;
    cnx_classes classes;
    cnx_error err = {0};
    const cnx_inspect_options options = {.coding = CNX_LABELS_INDEX};
    CHECK(cnx_inspect(&seen, data, &options, &err) == CNX_OK, "%s", err.message);
    static const char *const counts[] = {"65536", "65535", "255", "256", "1"};
    for (size_t i = 0; i < 5; i++)
        for (int reduce = 0; reduce < 2; reduce++) {
            CHECK(cnx_classes_open(&classes, counts[i], &err) == CNX_OK, "%s", err.message);
            classes.rules.reduce_zero_label = reduce;
            CHECK(cnx_findings_make(&findings, data, &seen, &classes, &classes.rules, &err) ==
                      CNX_OK,
                  "%s", err.message);
            for (size_t k = 1; k < findings.count; k++)
                CHECK(findings.items[k - 1].kind <= findings.items[k].kind, "problems first");
            CHECK((findings.problems > 0) == (classes.count < 40000), "%s", counts[i]);
            cnx_findings_free(&findings);
            cnx_classes_free(&classes);
        }
    cnx_inspection_free(&seen);
}

static void test_interruption(const cnx_dataset *data)
{
    cnx_inspection seen;
    cnx_error err = {0};
    size_t calls = 0;
    const cnx_inspect_options options = {
        .coding = CNX_LABELS_INDEX, .threads = 2, .progress = stop, .user = &calls};
    CHECK(cnx_inspect(&seen, data, &options, &err) == CNX_ERR_INTERRUPTED && calls == 2);
    CHECK(!seen.files && !seen.values && seen.count == 0);
}

int main(void)
{
    CHECK(mkdtemp(root) != NULL);
    make_files();
    cnx_dataset data;
    cnx_error err = {0};
    CHECK(cnx_dataset_open_folders(&data, images, labels, NULL, &err) == CNX_OK, "%s", err.message);
    CHECK(data.pairs == FILES);
    test_counts(&data, 1);
    test_counts(&data, 2);
    test_counts(&data, 5);
    test_limits(&data);
    test_interruption(&data);
    cnx_dataset_free(&data);
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    CHECK(system(command) == 0);
    return CHECK_RESULT;
}
