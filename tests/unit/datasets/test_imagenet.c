/* ImageNet on disk: every layout, every relative, and what is refused. */
#include <sys/stat.h>

#include "core/file.h"
#include "core/json.h"
#include "datasets/imagenet.h"
#include "datasets/imagenet_classes.h"
#include "datasets/imagenet_labels.h"
#include "tests/unit/check.h"

static char root[] = "/tmp/cnx-imagenet-XXXXXX";

/* Makes an empty file, and the folders above it. */
static void make(const char *path)
{
    char full[512];
    snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full, "ab");
    CHECK(file != NULL, "%s", full);
    if (file)
        fclose(file);
}

static void write_text(const char *path, const char *text)
{
    char full[512];
    make(path);
    snprintf(full, sizeof full, "%s/%s", root, path);
    FILE *file = fopen(full, "wb");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s", full);
}

static cnx_status open_set(cnx_imagenet *set, const char *folder, cnx_imagenet_options options,
                           cnx_error *err)
{
    static char paths[2][512];
    char full[512];
    snprintf(full, sizeof full, "%s/%s", root, folder);
    if (options.labels) {
        snprintf(paths[0], sizeof paths[0], "%s/%s", root, options.labels);
        options.labels = paths[0];
    }
    if (options.classes) {
        snprintf(paths[1], sizeof paths[1], "%s/%s", root, options.classes);
        options.classes = paths[1];
    }
    err->message[0] = '\0';
    return cnx_imagenet_open(set, full, &options, err);
}

/* labels: of all items in order, -1 at the end. */
static void expect(const char *folder, cnx_imagenet_options options, const char *layout,
                   const int *labels)
{
    cnx_imagenet set;
    cnx_error err;
    CHECK(open_set(&set, folder, options, &err) == CNX_OK, "%s: %s", folder, err.message);
    CHECK(set.layout && strstr(set.layout, layout), "%s: %s", folder, set.layout);
    size_t count = 0;
    for (; labels[count] >= 0; count++)
        CHECK(count < set.count && set.items[count].label == labels[count], "%s: item %zu", folder,
              count);
    CHECK(count == set.count, "%s: %zu pictures", folder, set.count);
    cnx_imagenet_free(&set);
    CHECK(!set.items && !set.folder && set.count == 0, "freed");
}

static void refused(const char *folder, cnx_imagenet_options options, const char *word,
                    const char *second)
{
    cnx_imagenet set;
    cnx_error err;
    CHECK(open_set(&set, folder, options, &err) != CNX_OK, "%s: accepted", folder);
    CHECK(strstr(err.message, word) && strstr(err.message, second), "%s: wanted %s, %s: %s", folder,
          word, second, err.message);
    CHECK(!set.items && !set.wnids, "left open");
    cnx_imagenet_free(&set);
}

static const cnx_imagenet_options plain = {0};

/* ---- layouts ---- */

static void test_folders(void)
{
    make("w/val/n01443537/b.JPEG");
    make("w/val/n01443537/a.jpg");
    make("w/val/n01440764/c.png");
    make("w/val/n01440764/notes.txt");
    make("w/val/n15075141/deep/er/d.JPEG");
    expect("w", plain, "WordNet", (const int[]){0, 1, 1, 999, -1});
    expect("w/val", plain, "WordNet", (const int[]){0, 1, 1, 999, -1});
    expect("w", (cnx_imagenet_options){.split = "val"}, "WordNet", (const int[]){0, 1, 1, 999, -1});
    refused("w", (cnx_imagenet_options){.split = "train"}, "train", "--split");
    refused("nowhere", plain, "nowhere", "no such folder");

    /* ImageNet-V2 sorts by number, not by text. */
    make("v2/10/x.jpeg");
    make("v2/2/y.jpeg");
    make("v2/999/z.jpeg");
    expect("v2", plain, "number", (const int[]){10, 2, 999, -1});
    make("v2/1000/z.jpeg");
    refused("v2", plain, "1000", "0 to 999");

    make("u/n01440764/a.jpg");
    make("u/misc/b.jpg");
    refused("u", plain, "u/misc", "is no class");
    make("x/n01440764/a.jpg");
    make("x/n99999999/b.jpg");
    refused("x", plain, "n99999999", "none of the 1000 classes");
    make("y/n01440764/a.jpg");
    make("y/stray.jpg");
    refused("y", plain, "stray.jpg", "folders of the classes");
    make("empty/n01440764/a.txt");
    refused("empty", plain, "empty", "no pictures");

    write_text("three.json", "[\"cat\", \"dog\", \"fish\"]");
    make("own/dog/a.png");
    make("own/cat/b.png");
    expect("own", (cnx_imagenet_options){.classes = "three.json"}, "", (const int[]){0, 1, -1});
    make("own/horse/b.png");
    refused("own", (cnx_imagenet_options){.classes = "three.json"}, "horse", "is no class");
    write_text("wnids.json", "{\"classes\": [\"one\", \"two\"], \"wnids\": [\"1\", \"0\"]}");
    make("digits/0/a.png");
    make("digits/1/b.png");
    expect("digits", (cnx_imagenet_options){.classes = "wnids.json"}, "", (const int[]){1, 0, -1});
    write_text("broken.json", "{\"classes\": [\"a\"], \"wnids\": [\"b\", \"c\"]}");
    refused("own", (cnx_imagenet_options){.classes = "broken.json"}, "broken.json", "2 of folders");
}

static void test_flat(void)
{
    make("f/val_1.JPEG");
    make("f/val_2.JPEG");
    make("f/val_3.JPEG");
    refused("f", plain, "without a class", "--labels");
    write_text("l1.txt", "val_2.JPEG 7\n# a comment\n\nval_1.JPEG n15075141\nf/val_3 1 99 99\n");
    const cnx_imagenet_options one = {.labels = "l1.txt"};
    expect("f", one, "list", (const int[]){999, 7, 1, -1});
    write_text("l2.csv", "ImageId,PredictionString\nval_3,n01443537 85 1 2 3 \nval_1,n01440764 1 "
                         "2 3 4\nval_2,n01443537 0 0 0 0\n");
    expect("f", (cnx_imagenet_options){.labels = "l2.csv"}, "list", (const int[]){0, 1, 1, -1});
    write_text("l3.txt", "n01440764\r\nn01443537\r\n5\r\n");
    expect("f", (cnx_imagenet_options){.labels = "l3.txt"}, "list", (const int[]){0, 1, 5, -1});
    write_text("f/val.txt", "val_1 3\nval_2 2\nval_3 1\n");
    expect("f", plain, "list", (const int[]){3, 2, 1, -1});
    static const struct {
        const char *text, *word, *second;
    } wrong[] = {
        {"val_1 1\nval_2 2\n", "val_3.JPEG", "no line"},
        {"1\n2\n", "2 labels for 3 pictures", "each"},
        {"val_1 1000\nval_2 2\nval_3 3\n", "1000", "development kit"},
        {"val_1 tench\n", "line 1", "tench"},
        {"val_1 1\nval_1 2\nval_2 1\nval_3 1\n", "lines 1 and 2", "different classes"},
        {"val_1 1\n7\n", "line 2", "class alone"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        write_text("wrong.txt", wrong[i].text);
        refused("f", (cnx_imagenet_options){.labels = "wrong.txt"}, wrong[i].word, wrong[i].second);
    }
    refused("w", one, "--labels", "one folder");

    make("n/ILSVRC2012_val_00000293_n01440764.JPEG");
    make("n/n01443537_12.JPEG");
    expect("n", plain, "in each name", (const int[]){0, 1, -1});
}

/* ---- relatives ---- */

static void test_relatives(void)
{
    cnx_imagenet set;
    cnx_error err;
    make("a/imagenet-a/n01498041/a.jpg"); /* 6, of A */
    make("a/imagenet-a/README.txt");
    const cnx_imagenet_options a = {.variant = CNX_IMAGENET_A};
    expect("a", a, "WordNet", (const int[]){6, -1});
    CHECK(open_set(&set, "a", a, &err) == CNX_OK && set.subset_count == 200 && set.subset[6] &&
              !set.subset[0],
          "%s", err.message);
    cnx_imagenet_free(&set);
    refused("w", a, "n01440764", "none of the 200 of ImageNet-A");
    /* The goldfish is in R. */
    const cnx_imagenet_options r = {.variant = CNX_IMAGENET_VAL_R};
    expect("w", r, "WordNet", (const int[]){1, 1, -1});
    expect("w", (cnx_imagenet_options){.variant = CNX_IMAGENET_SKETCH}, "WordNet",
           (const int[]){0, 1, 1, 999, -1});
    refused("own", (cnx_imagenet_options){.variant = CNX_IMAGENET_A, .classes = "three.json"},
            "--classes", "--variant");

    const cnx_imagenet_options c = {.variant = CNX_IMAGENET_C};
    make("c/gaussian_noise/1/n01440764/a.JPEG");
    make("c/gaussian_noise/5/n01443537/a.JPEG");
    make("c/weather/fog/3/n01443537/a.JPEG");
    make("c/extra/speckle_noise/3/n01443537/a.JPEG");
    make("c/spatter/3/n01443537/a.JPEG");
    CHECK(open_set(&set, "c", c, &err) == CNX_OK, "%s", err.message);
    CHECK(set.count == 3 && set.corruption_count == 15, "%zu pictures", set.count);
    if (set.count == 3)
        CHECK(set.items[0].group == 0 && set.items[0].label == 0 && set.items[1].group == 4 &&
                  set.items[2].group == 9 * 5 + 2 && set.items[2].label == 1,
              "groups %d %d %d", set.items[0].group, set.items[1].group, set.items[2].group);
    CHECK(strcmp(set.corruptions[9].name, "fog") == 0 &&
              set.corruptions[9].alexnet_error == 0.819324,
          "fog");
    cnx_imagenet_free(&set);
    make("c/fog/6/n01440764/a.JPEG");
    refused("c", c, "fog/6", "CORRUPTION/SEVERITY");
}

/* The built-in tables are those of the authors. */
static void test_tables(void)
{
    char path[4096];
    char *text = NULL;
    size_t size;
    cnx_error err = {0};
    cJSON *file = NULL;
    cnx_imagenet set = {0};
    CHECK(cnx_imagenet_read_classes(&set, NULL, &err) == CNX_OK && set.class_count == 1000, "%s",
          err.message);
    for (int i = 1; i < set.class_count; i++)
        CHECK(strcmp(set.wnids[i - 1], set.wnids[i]) < 0, "%s is not before %s", set.wnids[i - 1],
              set.wnids[i]);
    if (check_shared(path, sizeof path, "spec/imagenet1k.json") &&
        cnx_read_text(path, (size_t)1 << 24, &text, &size, &err) == CNX_OK &&
        cnx_json_parse(&file, text, size, path, &err) == CNX_OK) {
        int i = 0;
        const cJSON *item;
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(file, "classes"))
        {
            CHECK(strcmp(set.wnids[i], cJSON_GetStringValue(
                                           cJSON_GetObjectItemCaseSensitive(item, "wnid"))) == 0 &&
                      strcmp(set.names[i], cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(
                                               item, "name"))) == 0,
                  "class %d", i);
            i++;
        }
        CHECK(i == 1000, "%d classes", i);
    }
    cJSON_Delete(file);
    free(text);
    cnx_imagenet_free(&set);
}

int main(void)
{
    char remove_all[64];
    CHECK(mkdtemp(root) != NULL, "no folder");
    test_folders();
    test_flat();
    test_relatives();
    test_tables();
    snprintf(remove_all, sizeof remove_all, "rm -rf %s", root);
    CHECK(system(remove_all) == 0, "%s stays", root);
    return CHECK_RESULT;
}
