/* Class lists: built in, counted, and from the user's file. */
#include "datasets/classes.h"

#include "core/json.h"
#include "datasets/known_sets.h"
#include "tests/unit/check.h"

static char path[] = "/tmp/cnx_test_classes_XXXXXX";

static void write_file(const char *text)
{
    FILE *file = fopen(path, "wb");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void test_ade20k(void)
{
    cnx_classes c;
    cnx_error err = {0};
    CHECK(cnx_classes_open(&c, "ade20k", &err) == CNX_OK, "%s", err.message);
    CHECK(c.count == 150 && strcmp(c.name, "ade20k") == 0 && c.palette_given);
    CHECK(strcmp(c.names[0], "wall") == 0 && strcmp(c.names[149], "flag") == 0);
    CHECK(c.palette[0] == 120 && c.palette[3] == 180 && c.palette[6] == 6);
    CHECK(c.rules.reduce_zero_label && c.rules.ignore == 255 && c.rules.coding == CNX_LABELS_INDEX);
    CHECK(cnx_label_class(&c.rules, 0) == 255 && cnx_label_class(&c.rules, 255) == 255 &&
          cnx_label_class(&c.rules, 1) == 0 && cnx_label_class(&c.rules, 150) == 149);
    cnx_classes_free(&c);
    CHECK(!c.names && !c.palette && !c.name && c.count == 0);
    cnx_classes_free(&c);
}

static void test_known_sets(void)
{
    const cnx_known_set *set;
    for (size_t i = 0; (set = cnx_known_set_at(i)); i++) {
        cnx_classes c;
        cnx_error err = {0};
        CHECK(cnx_classes_open(&c, set->name, &err) == CNX_OK, "%s", err.message);
        CHECK(c.count == set->classes, "%s: %d", set->name, c.count);
        CHECK(c.palette_given == set->has_palette, "%s", set->name);
        /* ILSVRC has two cranes and two maillots. */
        for (int a = 0; a < c.count && !set->pictures; a++)
            for (int b = 0; b < a; b++)
                CHECK(strcmp(c.names[a], c.names[b]) != 0, "%s: %s twice", set->name, c.names[a]);
        cnx_classes_free(&c);
    }
    CHECK(!cnx_known_set_named("none"));
}

static void test_imagenet_s(void)
{
    cnx_classes c;
    cnx_error err = {0};
    CHECK(cnx_classes_open(&c, "imagenet-s50", &err) == CNX_OK, "%s", err.message);
    CHECK(c.rules.coding == CNX_LABELS_RGB16 && c.rules.ignore == 1000 &&
          !c.rules.reduce_zero_label && cnx_label_class(&c.rules, 0) == 0);
    CHECK(strcmp(c.names[0], "other") == 0 && strcmp(c.names[1], "n01443537 goldfish") == 0);
    cnx_classes_free(&c);
}

static void test_agreement_with_shared(void)
{
    char at[4096];
    if (!check_shared(at, sizeof at, "spec/ade20k.json"))
        return;
    cnx_classes ours, theirs;
    cnx_error err = {0};
    /* The file as it is: a list of objects with names and colours. */
    CHECK(cnx_classes_open(&theirs, at, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_classes_open(&ours, "ade20k", &err) == CNX_OK, "%s", err.message);
    CHECK(theirs.count == 150 && theirs.palette_given &&
          memcmp(ours.palette, theirs.palette, sizeof(uint8_t) * 450) == 0);
    for (int i = 0; i < ours.count && i < theirs.count; i++)
        CHECK(strcmp(ours.names[i], theirs.names[i]) == 0, "%s, %s", ours.names[i],
              theirs.names[i]);
    cnx_classes_free(&ours);
    cnx_classes_free(&theirs);
}

static void test_count(void)
{
    cnx_classes c;
    cnx_error err = {0};
    CHECK(cnx_classes_open(&c, "3", &err) == CNX_OK, "%s", err.message);
    CHECK(c.count == 3 && strcmp(c.names[2], "class 2") == 0 && strcmp(c.name, "3 classes") == 0);
    CHECK(!c.rules.reduce_zero_label && c.rules.ignore == 255 && !c.palette_given);
    CHECK(memcmp(c.palette, c.palette + 3, 3) != 0);
    cnx_classes_free(&c);
    static const char *const wrong[] = {"0", "65537", "99999999999999999999"};
    for (size_t i = 0; i < 3; i++)
        CHECK(cnx_classes_open(&c, wrong[i], &err) == CNX_ERR_ARGUMENT && !c.names, "%s", wrong[i]);
}

static void test_files(void)
{
    cnx_classes c;
    cnx_error err = {0};
    write_file("[\"sky\", \"ro\\nad\"]");
    CHECK(cnx_classes_open(&c, path, &err) == CNX_OK, "%s", err.message);
    CHECK(c.count == 2 && strcmp(c.names[0], "sky") == 0 && strcmp(c.names[1], "ro?ad") == 0 &&
          strcmp(c.name, path) == 0 && c.rules.ignore == 255);
    cnx_classes_free(&c);

    write_file(
        "{\"name\": \"mine\", \"classes\": [\"a\", \"b\"], \"palette\": [[1, 2, 3], [4, 5, 255]],"
        " \"ignore\": null, \"reduce_zero_label\": true, \"coding\": \"rgb16\"}");
    CHECK(cnx_classes_open(&c, path, &err) == CNX_OK, "%s", err.message);
    CHECK(strcmp(c.name, "mine") == 0 && c.palette_given && c.palette[5] == 255 &&
          c.rules.ignore == -1 && c.rules.reduce_zero_label && c.rules.coding == CNX_LABELS_RGB16);
    cnx_classes_free(&c);

    write_file("{\"classes\": [\"a\"], \"ignore\": 1000}");
    CHECK(cnx_classes_open(&c, path, &err) == CNX_OK && c.rules.ignore == 1000, "%s", err.message);
    cnx_classes_free(&c);
}

static void test_wrong_files(void)
{
    static const char *const cases[][2] = {
        {"{}", "classes: expected a list"},
        {"[]", "classes: expected a list"},
        {"7", "classes: expected a list"},
        {"[1]", "entry 0 is a number"},
        {"[{\"rgb\": [1, 2, 3]}]", "entry 0 is an object"},
        {"[\"a\", {\"name\": \"b\", \"rgb\": [1, 2, 3]}]", "1 of 2 have a colour"},
        {"[{\"name\": \"b\", \"rgb\": [1, 2]}]", "colour of class 0"},
        {"[{\"name\": \"b\", \"rgb\": [1, 2, 256]}]", "colour of class 0"},
        {"{\"classes\": [\"a\"], \"palette\": [[1, 2, 3], [1, 2, 3]]}", "list of 1 colours"},
        {"{\"classes\": [\"a\"], \"palette\": [[1, 2.5, 3]]}", "colour of class 0"},
        {"{\"classes\": [\"a\"], \"ignore\": -1}", "ignore: expected"},
        {"{\"classes\": [\"a\"], \"reduce_zero_label\": 1}", "reduce_zero_label: expected true"},
        {"{\"classes\": [\"a\"], \"coding\": \"x\"}", "coding: expected"},
        {"{\"classes\": [\"a\"]", "line 1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnx_classes c;
        cnx_error err = {0};
        write_file(cases[i][0]);
        CHECK(cnx_classes_open(&c, path, &err) == CNX_ERR_FORMAT && !c.names, "%s", cases[i][0]);
        CHECK(strstr(err.message, cases[i][1]) && strstr(err.message, path), "%s: %s", cases[i][0],
              err.message);
    }
    cnx_classes c;
    cnx_error err = {0};
    CHECK(cnx_classes_open(&c, "ade21k", &err) == CNX_ERR_IO &&
              strstr(err.message, "known data set") && strstr(err.message, "ade21k"),
          "%s", err.message);
    CHECK(cnx_classes_open(&c, "", &err) != CNX_OK);
}

int main(void)
{
    const int made = mkstemp(path);
    CHECK(made >= 0);
    close(made);
    test_ade20k();
    test_known_sets();
    test_imagenet_s();
    test_agreement_with_shared();
    test_count();
    test_files();
    test_wrong_files();
    unlink(path);
    return CHECK_RESULT;
}
