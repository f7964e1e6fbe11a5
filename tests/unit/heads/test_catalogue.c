/* The built-in models: every name and alias means one model, every config is one, figures are read as
 * they are printed. */
#include <math.h>

#include "core/embedded/embedded.h"
#include "heads/catalogue.h"
#include "heads/config.h"
#include "tests/unit/check.h"

enum { MAX_NAMES = 512 };

typedef struct names {
    char text[MAX_NAMES][128];
    int count;
} names;

static void add_name(void *user, const char *name)
{
    names *n = user;
    if (n->count < MAX_NAMES)
        snprintf(n->text[n->count++], sizeof *n->text, "%s", name);
}

static void test_names(void)
{
    static names all;
    cnx_catalogue_names(add_name, &all);
    CHECK(all.count > 60 && all.count < MAX_NAMES, "%d names", all.count);
    for (int i = 0; i < all.count; i++) {
        char found[128];
        CHECK(cnx_catalogue_find(all.text[i], found, sizeof found), "%s is not found", all.text[i]);
        for (int j = 0; j < i; j++)
            CHECK(strcmp(all.text[i], all.text[j]) != 0, "%s stands for two", all.text[i]);
    }
    char found[128];
    static const char *const wrong[] = {"",
                                        "upernet",
                                        "configs/upernet_convnext_tiny_512",
                                        "..",
                                        "upernet_convnext_tiny.png",
                                        "upernet_convnext_tiny.json.pth"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(!cnx_catalogue_find(wrong[i], found, sizeof found), "'%s' means %s", wrong[i], found);
    CHECK(cnx_catalogue_find("cascade_mask_rcnn_convnext_base_22k_3x.pth", found, sizeof found) &&
              strcmp(found, "cascade_mask_rcnn_convnext_base_22k") == 0,
          "%s", found);
}

/* Published files are found by their names; scores fit the task. */
static void test_entries(void)
{
    cnx_error err = {0};
    cnx_catalogue_entry e;
    int counts[3] = {0};
    for (size_t i = 0; cnx_catalogue_at(i, &e, &err) == CNX_OK && *e.name; i++) {
        char found[128];
        const cnx_published *p = &e.published;
        counts[e.task]++;
        CHECK(!*p->file ||
                  (cnx_catalogue_find(p->file, found, sizeof found) && strcmp(found, e.name) == 0),
              "%s is not the file of %s", p->file, e.name);
        CHECK(!*p->flops || (p->h >= 224 && p->w >= 224), "%s: FLOPs of which size?", e.name);
        CHECK(isnan(p->miou_ss) || e.task == CNX_TASK_SEGMENTATION, "%s", e.name);
        CHECK(isnan(p->box_ap) || e.task == CNX_TASK_DETECTION, "%s", e.name);
        CHECK(isnan(p->top1) || e.task == CNX_TASK_CLASSIFICATION, "%s", e.name);
    }
    CHECK(err.message[0] == '\0', "%s", err.message);
    CHECK(counts[0] == 1 + 6 && counts[1] == 1 + 7 && counts[2] == 16 + 5 + 3, "%d, %d, %d",
          counts[0], counts[1], counts[2]);
}

/* What stands in configs/ is in the program. */
static void test_all_embedded(void)
{
    static const char *const some[] = {"convnext_imagenet1k_384", "mask_rcnn_coco",
                                       "cascade_mask_rcnn_coco", "upernet_ade20k_640", "coco"};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        cnx_error err = {0};
        cJSON *config = NULL;
        CHECK(cnx_config_load(&config, some[i], NULL, 0, &err) == CNX_OK, "%s", err.message);
        cJSON_Delete(config);
    }
}

static void test_figures(void)
{
    static const struct {
        const char *text;
        double value, unit;
    } figures[] = {{"60M", 60e6, 1e6},     {"4.5G", 4.5e9, 1e8},    {"101.0G", 101e9, 1e8},
                   {"1027G", 1027e9, 1e9}, {"4158958", 4158958, 1}, {"0.25M", 0.25e6, 1e4}};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        double unit;
        const double value = cnx_published_value(figures[i].text, &unit);
        CHECK(fabs(value - figures[i].value) < 1e-6 * value, "%s: %g", figures[i].text, value);
        CHECK(fabs(unit - figures[i].unit) < 1e-6 * unit, "%s: %g", figures[i].text, unit);
    }
    CHECK(cnx_published_value("much", NULL) == 0, "a word is no figure");
}

int main(void)
{
    test_names();
    test_entries();
    test_all_embedded();
    test_figures();
    return CHECK_RESULT;
}
