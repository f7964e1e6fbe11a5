/* Data sets on disk: what belongs together, in which order, and which layouts are known. */
#include "datasets/dataset.h"

#include <errno.h>
#include <sys/stat.h>

#include "tests/unit/check.h"

static char root[] = "/tmp/cnx_test_dataset_XXXXXX";

/* A file of one byte below the root, with the folders above it. */
static void touch(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); *p++ = '/') {
        *p = '\0';
        CHECK(mkdir(path, 0777) == 0 || errno == EEXIST, "%s", path);
    }
    FILE *file = fopen(path, "wb");
    CHECK(file && fputc('x', file) == 'x' && fclose(file) == 0, "%s", path);
}

static const char *at(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static bool ends(const char *text, const char *end)
{
    return text && strlen(text) >= strlen(end) &&
           strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static void test_ade20k(void)
{
    touch("ade/ADEChallengeData2016/images/validation/b.jpg");
    touch("ade/ADEChallengeData2016/images/validation/a.jpg");
    touch("ade/ADEChallengeData2016/images/validation/a-1.jpg");
    touch("ade/ADEChallengeData2016/images/validation/.hidden.jpg");
    touch("ade/ADEChallengeData2016/images/validation/note.txt");
    touch("ade/ADEChallengeData2016/annotations/validation/a.png");
    touch("ade/ADEChallengeData2016/annotations/validation/b.png");
    touch("ade/ADEChallengeData2016/annotations/validation/a-1.png");
    touch("ade/ADEChallengeData2016/images/training/t.jpg");
    touch("ade/ADEChallengeData2016/annotations/training/u.png");
    cnx_dataset d;
    cnx_error err = {0};
    static const char *const dirs[] = {"ade", "ade/", "ade/ADEChallengeData2016"};
    for (size_t i = 0; i < 3; i++) {
        CHECK(cnx_dataset_open_ade20k(&d, at(dirs[i]), NULL, &err) == CNX_OK, "%s", err.message);
        CHECK(d.count == 3 && d.pairs == 3 && strcmp(d.layout, "ADE20K") == 0);
        /* Sorted as file names are: '-' stands before '.', though "a" stands before "a-1". */
        CHECK(d.count == 3 && strcmp(d.items[0].id, "a-1") == 0 &&
              strcmp(d.items[1].id, "a") == 0 && strcmp(d.items[2].id, "b") == 0);
        for (size_t k = 0; k < d.count; k++)
            CHECK(access(d.items[k].image, R_OK) == 0 && access(d.items[k].labels, R_OK) == 0);
        cnx_dataset_free(&d);
        CHECK(!d.items && d.count == 0);
    }
    CHECK(cnx_dataset_open_ade20k(&d, at("ade"), "training", &err) == CNX_OK, "%s", err.message);
    CHECK(d.count == 2 && d.pairs == 0 && d.images_alone == 1 && d.labels_alone == 1);
    CHECK(d.count == 2 && ends(d.items[0].image, "t.jpg") && !d.items[0].labels &&
          !d.items[1].image && ends(d.items[1].labels, "u.png"));
    cnx_dataset_free(&d);
}

static void test_layouts(void)
{
    touch("ins/validation/n01/x.JPEG");
    touch("ins/validation/n02/x.JPEG");
    touch("ins/validation-segmentation/n01/x.png");
    touch("ins/validation-segmentation/n02/x.png");
    touch("own/images/q.png");
    touch("own/masks/q.png");
    cnx_dataset d;
    cnx_error err = {0};
    CHECK(cnx_dataset_open(&d, at("ins"), NULL, NULL, &err) == CNX_OK, "%s", err.message);
    CHECK(strcmp(d.layout, "ImageNet-S") == 0 && d.pairs == 2 && d.count == 2 &&
          strcmp(d.items[0].id, "n01/x") == 0);
    cnx_dataset_free(&d);
    CHECK(cnx_dataset_open(&d, at("own"), NULL, NULL, &err) == CNX_OK, "%s", err.message);
    CHECK(strcmp(d.layout, "images and masks") == 0 && d.pairs == 1);
    cnx_dataset_free(&d);
    CHECK(cnx_dataset_open_ade20k(&d, at("ins"), NULL, &err) == CNX_ERR_IO &&
              strstr(err.message, "annotations/validation"),
          "%s", err.message);
    CHECK(cnx_dataset_open(&d, at("none"), NULL, NULL, &err) == CNX_ERR_IO &&
              strstr(err.message, "not a folder"),
          "%s", err.message);
}

static void test_suffixes(void)
{
    touch("city/left/aachen/1_leftImg8bit.png");
    touch("city/fine/aachen/1_gtFine_labelTrainIds.png");
    touch("city/fine/aachen/1_gtFine_color.png");
    cnx_dataset d;
    cnx_error err = {0};
    char left[512], fine[512];
    snprintf(left, sizeof left, "%s/city/left", root);
    snprintf(fine, sizeof fine, "%s/city/fine", root);
    const cnx_dataset_suffixes suffixes = {"_leftImg8bit.png", "_gtFine_labelTrainIds.png"};
    CHECK(cnx_dataset_open_folders(&d, left, fine, &suffixes, &err) == CNX_OK, "%s", err.message);
    CHECK(d.count == 1 && d.pairs == 1 && strcmp(d.items[0].id, "aachen/1") == 0);
    cnx_dataset_free(&d);
    const cnx_dataset_suffixes wrong = {NULL, "_none.png"};
    CHECK(cnx_dataset_open_folders(&d, left, fine, &wrong, &err) == CNX_ERR_IO &&
              strstr(err.message, "*_none.png"),
          "%s", err.message);
}

static void test_refusals(void)
{
    touch("raw/images/validation/ADE_val_1.jpg");
    touch("raw/annotations/validation/ADE_val_1_seg.png");
    touch("raw2/images/ADE/validation/k/ADE_val_1_seg.png");
    touch("jpegs/images/1.jpg");
    touch("jpegs/labels/1.jpg");
    touch("twice/images/1.jpg");
    touch("twice/images/1.png");
    touch("twice/labels/1.png");
    touch("empty/images/validation/readme.txt");
    touch("empty/annotations/validation/1.png");
    touch("splits/images/train/1.png");
    touch("splits/annotations/train/1.png");
    static const struct {
        const char *dir, *word;
        cnx_status status;
    } cases[] = {{"raw", "full ADE20K", CNX_ERR_UNSUPPORTED},
                 {"raw2", "ADEChallengeData2016", CNX_ERR_UNSUPPORTED},
                 {"jpegs", "JPEG changes", CNX_ERR_UNSUPPORTED},
                 {"twice", "--image-suffix", CNX_ERR_FORMAT},
                 {"empty", "holds no picture", CNX_ERR_IO},
                 {"splits", "--split", CNX_ERR_IO}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnx_dataset d;
        cnx_error err = {0};
        CHECK(cnx_dataset_open(&d, at(cases[i].dir), NULL, NULL, &err) == cases[i].status, "%s: %s",
              cases[i].dir, err.message);
        CHECK(strstr(err.message, cases[i].word) && strstr(err.message, root), "%s", err.message);
        CHECK(!d.items && !d.images && d.count == 0);
    }
}

/* A link that leads back up must not be followed for ever. */
static void test_circle(void)
{
    touch("circle/images/1.png");
    touch("circle/labels/1.png");
    char link[512];
    snprintf(link, sizeof link, "%s/circle/labels/again", root);
    CHECK(symlink("..", link) == 0);
    cnx_dataset d;
    cnx_error err = {0};
    CHECK(cnx_dataset_open(&d, at("circle"), NULL, NULL, &err) == CNX_ERR_IO &&
              strstr(err.message, "inside each other"),
          "%s", err.message);
}

int main(void)
{
    CHECK(mkdtemp(root) != NULL);
    test_ade20k();
    test_layouts();
    test_suffixes();
    test_refusals();
    test_circle();
    char command[600];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    CHECK(system(command) == 0);
    return CHECK_RESULT;
}
