/* Data sets in COCO's form on disk: where things are found, what is matched, what is refused. */
#include "datasets/coco_set.h"

#include <sys/stat.h>
#include <time.h>

#include "tests/unit/check.h"

static char root[] = "/tmp/cnx_coco_set_XXXXXX";

static const char *at(const char *name)
{
    static char paths[4][300];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

/* Writes a file, and makes the folders above it. */
static void put(const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    CHECK(file != NULL, "%s", path);
    if (file) {
        fputs(text, file);
        fclose(file);
    }
}

static void clear(void)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s && mkdir %s", root, root);
    CHECK(system(command) == 0);
}

static const char two_images[] =
    "{\"images\":[{\"id\":9,\"file_name\":\"b.jpg\",\"width\":4,\"height\":3},"
    "{\"id\":2,\"file_name\":\"a.jpg\",\"width\":4,\"height\":3}],"
    "\"categories\":[{\"id\":1,\"name\":\"person\"},{\"id\":3,\"name\":\"traffic light\"}],"
    "\"annotations\":[{\"id\":5,\"image_id\":9,\"category_id\":3,\"bbox\":[0,0,2,2],\"area\":4,"
    "\"iscrowd\":0,\"segmentation\":[[0,0,2,0,2,2,0,2]]}]}";

static cnx_status open_dir(cnx_coco_set *set, const char *split, cnx_error *err)
{
    const cnx_coco_place place = {.dir = root, .split = split};
    const cnx_coco_truth_options options = {.threads = 2, .segmentations = true};
    return cnx_coco_set_open(set, &place, &options, err);
}

static void test_layouts(void)
{
    static const struct {
        const char *split, *annotations, *pictures;
    } layouts[] = {
        {NULL, "annotations/instances_val2017.json", "val2017"},
        {"test", "annotations/instances_test.json", "images/test"},
        {"val", "instances_val.json", "images/validation"},
        {"validation", "instances_val.json", "images/val"},
        {"train", "train/_annotations.coco.json", "train"},
        {"val", "annotations/val.json", "images"},
        {"val", "annotations.json", "."},
        {"val2017", "instances.json", "images"},
        {NULL, "coco/annotations/instances_val2017.json", "coco/val2017"},
        {NULL, "coco/annotations/instances_val2017.json", "coco/images/val2017"},
    };
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        char name[100], *path;
        cnx_coco_set set;
        cnx_error error = {0};
        clear();
        put(layouts[i].annotations, two_images);
        snprintf(name, sizeof name, "%s/a.jpg", layouts[i].pictures);
        put(name, "");
        snprintf(name, sizeof name, "%s/b.jpg", layouts[i].pictures);
        put(name, "");
        CHECK(open_dir(&set, layouts[i].split, &error) == CNX_OK, "%zu: %s", i, error.message);
        if (error.status != CNX_OK)
            continue;
        CHECK(set.truth.image_count == 2 && set.truth.images[0].id == 2 && set.missing == 0 &&
              set.first_missing == -1);
        CHECK(set.truth.annotation_count == 1 && set.truth.annotations[0].segmentation.count == 1);
        path = cnx_coco_set_path(&set, 1);
        CHECK(path && access(path, F_OK) == 0, "%zu: %s", i, path);
        free(path);
        cnx_coco_set_close(&set);
    }
}

static void refused(const char *split, const char *word, const char *other)
{
    cnx_coco_set set;
    cnx_error error = {0};
    CHECK(open_dir(&set, split, &error) != CNX_OK, "was taken");
    CHECK(strstr(error.message, word) && strstr(error.message, other), "%s (not: %s, %s)",
          error.message, word, other);
    CHECK(!set.annotations && !set.images && !set.truth.images, "something is left");
}

static void test_refusals(void)
{
    clear();
    refused("val", "annotations/instances_val.json", "--split");
    put("annotations/instances_val2017.json", two_images);
    refused(NULL, "a.jpg", "val2017");
    put("val2017/c.jpg", "");
    refused(NULL, "a.jpg", "val2017");
    /* One of two is missing: that is for whoever needs it. */
    put("val2017/b.jpg", "");
    cnx_coco_set set;
    CHECK(open_dir(&set, NULL, NULL) == CNX_OK && set.missing == 1 && set.first_missing == 0);
    cnx_coco_set_close(&set);

    put("annotations/instances_val2017.json",
        "{\"images\":[],\"categories\":[],\"annotations\":[]}");
    refused(NULL, "instances_val2017.json", "");
    put("annotations/instances_val2017.json",
        "{\"images\":[{\"id\":7}],\"categories\":[],\"annotations\":[]}");
    refused(NULL, "instances_val2017.json", "");
    put("annotations/instances_val2017.json",
        "{\"images\":[{\"id\":7,\"file_name\":\"b.jpg\",\"width\":4,\"height\":4},{\"id\":8}],"
        "\"categories\":[],\"annotations\":[]}");
    refused(NULL, "image 8", "file_name");
    put("annotations/instances_val2017.json",
        "{\"images\":[{\"id\":7,\"file_name\":\"b.jpg\",\"width\":4,\"height\":4}],\"categories\":"
        "[],\"annotations\":[{\"id\":77,\"image_id\":7,\"category_id\":1,\"segmentation\":[[1,\"x\""
        ",3,4,5,6]],\"bbox\":[0,0,1,1],\"area\":1,\"iscrowd\":0}]}");
    refused(NULL, "77", "");
    put("annotations/instances_val2017.json", "[1, 2");
    refused(NULL, "instances_val2017.json", "");
    const cnx_coco_place place = {.annotations = at("gone.json"), .images = root};
    const cnx_coco_truth_options options = {.threads = 1};
    cnx_error error;
    CHECK(cnx_coco_set_open(&set, &place, &options, &error) == CNX_ERR_IO, "%s", error.message);
}

static void open_categories(cnx_coco_set *set, const char *categories)
{
    char text[1000];
    cnx_error error = {0};
    snprintf(
        text, sizeof text,
        "{\"images\":[{\"id\":1,\"file_name\":\"a.jpg\"}],\"annotations\":[],\"categories\":%s}",
        categories);
    put("own.json", text);
    const cnx_coco_place place = {.annotations = at("own.json"), .images = root};
    const cnx_coco_truth_options options = {.threads = 1};
    CHECK(cnx_coco_set_open(set, &place, &options, &error) == CNX_OK, "%s", error.message);
}

static void test_match(void)
{
    static const char *const names[] = {"person", "Traffic_Light", "hotdog", "zebra"};
    int64_t ids[4];
    cnx_coco_set set;
    cnx_error error;
    clear();
    put("a.jpg", "");
    open_categories(&set,
                    "[{\"id\":90,\"name\":\"Hot-Dog\"},{\"id\":10,\"name\":\"traffic light\"},"
                    "{\"id\":0,\"name\":\"person\"},{\"id\":4,\"name\":\"PERSON\"},{\"id\":5}]");
    CHECK(cnx_coco_set_match(ids, &set, names, 4, NULL) == CNX_OK);
    CHECK(ids[0] == 0 && ids[1] == 10 && ids[2] == 90 && ids[3] == -1, "%d %d %d %d", (int)ids[0],
          (int)ids[1], (int)ids[2], (int)ids[3]);
    static const char *const twice[] = {"hot dog", "hotdog"};
    CHECK(cnx_coco_set_match(ids, &set, twice, 2, &error) == CNX_ERR_FORMAT);
    CHECK(strstr(error.message, "hotdog") && strstr(error.message, "90"), "%s", error.message);
    static const char *const near[] = {"Person"};
    CHECK(cnx_coco_set_match(ids, &set, near, 1, &error) == CNX_ERR_FORMAT, "two fit equally well");
    CHECK(strstr(error.message, "categories 0 and 4"), "%s", error.message);
    cnx_coco_set_close(&set);
    open_categories(&set, "[{\"id\":1,\"name\":\"cat\"},{\"id\":2,\"name\":\"cat\"}]");
    static const char *const cat[] = {"cat"};
    CHECK(cnx_coco_set_match(ids, &set, cat, 1, &error) == CNX_ERR_FORMAT);
    CHECK(strstr(error.message, "categories 1 and 2"), "%s", error.message);
    cnx_coco_set_close(&set);
}

/* Thousands of pictures a second. */
static void test_many(void)
{
    enum { COUNT = 3000 };
    clear();
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    fputs("{\"images\":[", to);
    for (int i = 0; i < COUNT; i++)
        fprintf(to, "%s{\"id\":%d,\"file_name\":\"%d.jpg\",\"width\":640,\"height\":480}",
                i ? "," : "", COUNT - i, COUNT - i);
    fputs("],\"categories\":[{\"id\":1,\"name\":\"x\"}],\"annotations\":[", to);
    for (int i = 0; i < 5 * COUNT; i++)
        fprintf(to,
                "%s{\"id\":%d,\"image_id\":%d,\"category_id\":1,\"bbox\":[1,2,30,40],\"area\":1200,"
                "\"iscrowd\":0,\"segmentation\":[[1,2,31,2,31,42,1,42]]}",
                i ? "," : "", i + 1, 1 + i / 5);
    fputs("]}", to);
    fclose(to);
    put("annotations/instances_val2017.json", text);
    free(text);
    for (int i = 1; i <= COUNT; i++) {
        char name[40];
        snprintf(name, sizeof name, "val2017/%d.jpg", i);
        put(name, "");
    }
    struct timespec before, after;
    cnx_coco_set set;
    clock_gettime(CLOCK_MONOTONIC, &before);
    CHECK(open_dir(&set, NULL, NULL) == CNX_OK);
    clock_gettime(CLOCK_MONOTONIC, &after);
    const double seconds =
        (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    fprintf(stderr, "%.0f pictures a second\n", COUNT / seconds);
    CHECK(set.truth.image_count == COUNT && set.missing == 0 &&
          set.truth.annotation_count == 5 * COUNT);
    CHECK(set.truth.images[0].id == 1 && strcmp(set.truth.images[0].file_name, "1.jpg") == 0);
    CHECK(seconds < 3, "%d pictures took %.1f s", COUNT, seconds);
    cnx_coco_set_close(&set);
}

static void test_nuclei(void)
{
    char buffer[512];
    const char *dir = check_shared(buffer, sizeof buffer, "data/nuclei");
    const cnx_coco_place place = {.dir = dir, .split = "val"};
    const cnx_coco_truth_options options = {.threads = 1, .segmentations = true};
    cnx_coco_set set;
    cnx_error error = {0};
    if (!dir)
        return;
    CHECK(cnx_coco_set_open(&set, &place, &options, &error) == CNX_OK, "%s", error.message);
    CHECK(set.truth.image_count == 66 && set.truth.annotation_count == 2378 && set.missing == 0);
    cnx_coco_set_close(&set);
}

int main(void)
{
    if (!mkdtemp(root))
        return EXIT_FAILURE;
    test_layouts();
    test_refusals();
    test_match();
    test_many();
    test_nuclei();
    clear();
    rmdir(root);
    return CHECK_RESULT;
}
