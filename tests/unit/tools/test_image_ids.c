/* Numbers of pictures, and paths as seen from another folder. */
#include "tools/image_ids.h"

#include <sys/stat.h>

#include "tests/unit/check.h"
#include "tools/relative_path.h"

static void test_numbers(void)
{
    static const struct {
        const char *stem;
        long long id;
    } cases[] = {
        {"000000000139", 139},
        {"0", 0},
        {"42", 42},
        {"COCO_val2014_000000000042", 42},
        {"COCO_train2014_000000581921", 581921},
        {"9007199254740992", 1LL << 53},
        {"9007199254740993", -1},
        {"99999999999999999999999999", -1},
        {"", -1},
        {"12a", -1},
        {"-1", -1},
        {"+1", -1},
        {" 1", -1},
        {"1.5", -1},
        {"photo_12", -1},
        {"COCO_12", -1},
        {"COCO_val2014_", -1},
        {"COCO_val2014_12x", -1},
        {"76c44d1addac", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(cnx_image_id_of(cases[i].stem) == cases[i].id, "%s: %lld", cases[i].stem,
              cnx_image_id_of(cases[i].stem));
}

static void test_assign(void)
{
    static char stems[][4] = {"b", "2", "a", "", "1", "4", "c", "x"}, none[] = "no file";
    static const long long wanted[] = {3, 2, 5, 6, 1, 4, 7, 8};
    enum { COUNT = 8 };
    cnx_input items[COUNT] = {{0}};
    for (int i = 0; i < COUNT; i++)
        items[i] = stems[i][0] ? (cnx_input){.name = stems[i], .stem = stems[i]}
                               : (cnx_input){.name = none};
    cnx_inputs inputs = {items, COUNT, COUNT};
    long long *ids;
    cnx_error error;
    CHECK(cnx_image_ids_assign(&ids, &inputs, NULL) == CNX_OK);
    for (int i = 0; ids && i < COUNT; i++)
        CHECK(ids[i] == wanted[i], "%s: %lld", items[i].name, ids[i]);
    free(ids);
    strcpy(stems[2], "002");
    CHECK(cnx_image_ids_assign(&ids, &inputs, &error) == CNX_ERR_ARGUMENT && !ids);
    CHECK(strstr(error.message, "002") && strstr(error.message, "number 2"), "%s", error.message);
}

static void test_relative(const char *folder)
{
    static const char *const made[] = {"a", "a/b", "a/bc", "d"};
    char path[600];
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, made[i]);
        CHECK(mkdir(path, 0700) == 0, "%s", path);
    }
    CHECK(chdir(folder) == 0);
    static const struct {
        const char *from, *path, *wanted;
    } cases[] = {
        {"a", "a/x.png", "x.png"},
        {"a", "a/b/x.png", "b/x.png"},
        {"a/b", "a/x.png", "../x.png"},
        {"a/b", "a/bc/x.png", "../bc/x.png"},
        {"a/bc", "a/b/x.png", "../b/x.png"},
        {"a/b", "d/x.png", "../../d/x.png"},
        {".", "x.png", "x.png"},
        {"a/b", "x.png", "../../x.png"},
        {"a/b/../b", "./a/../d/x.png", "../../d/x.png"},
        {"/", "/x.png", "x.png"},
        {"a", "gone/x.png", "x.png"},
        {"gone", "a/x.png", "x.png"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = NULL;
        CHECK(cnx_relative_path(&got, cases[i].from, cases[i].path, NULL) == CNX_OK);
        CHECK(got && strcmp(got, cases[i].wanted) == 0, "%s from %s: %s", cases[i].path,
              cases[i].from, got ? got : "nothing");
        free(got);
    }
    /* From the root, and to a file in it. */
    char *got = NULL, *back = NULL;
    CHECK(cnx_relative_path(&got, "/", "a/x.png", NULL) == CNX_OK);
    snprintf(path, sizeof path, "/%s", got);
    CHECK(strstr(got, "a/x.png") && got[0] != '/', "%s", got);
    CHECK(cnx_relative_path(&back, "a", "/x.png", NULL) == CNX_OK);
    snprintf(path, sizeof path, "a/%s", back);
    char *parent = strrchr(path, '/');
    parent[1] = '\0';
    struct stat here, root;
    CHECK(stat(path, &here) == 0 && stat("/", &root) == 0 && here.st_ino == root.st_ino, "%s",
          back);
    free(got);
    free(back);
}

int main(void)
{
    char folder[] = "/tmp/cnx_paths_XXXXXX", command[64];
    test_numbers();
    test_assign();
    if (mkdtemp(folder))
        test_relative(folder);
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0);
    return CHECK_RESULT;
}
