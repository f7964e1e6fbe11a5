#include "tools/coco_args.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/number.h"
#include "tools/words.h"

const char *const cnx_coco_kind_choices[] = {"bbox", "segm", "both", NULL};

void cnx_coco_setup_free(cnx_coco_setup *setup)
{
    free(setup->image_ids);
    free(setup->category_ids);
    *setup = (cnx_coco_setup){0};
}

const char *cnx_coco_args_given(const cnx_coco_args *a)
{
    return a->kind.given          ? "kind"
           : a->iou_thrs.given    ? "iou-thrs"
           : a->max_dets.given    ? "max-dets"
           : a->area_ranges.given ? "area-ranges"
           : a->agnostic.given    ? "agnostic"
           : a->categories.given  ? "categories"
           : a->images.given      ? "images"
           : a->errors.given      ? "errors"
           : a->arrays.given      ? "arrays"
                                  : NULL;
}

/* ---- numbers ---- */

/* A number that begins at *at and ends at one of `stops`, past which *at moves. */
static bool take_number(double *out, const char **at, const char *stops, char *stop)
{
    const char *end = cnx_number_read(out, *at);
    if (!end || (*end && !strchr(stops, *end)))
        return false;
    *stop = *end;
    *at = *end ? end + 1 : end;
    return true;
}

/* first:last:step, as NumPy's linspace(first, last, round((last - first) / step) + 1). */
static cnx_status take_sweep(double *out, int *count, const char *text, double first,
                             const char *at, cnx_error *err)
{
    double last, step;
    char stop;
    const bool sound = take_number(&last, &at, ":", &stop) && stop == ':' &&
                       take_number(&step, &at, "", &stop) && !*at;
    CNX_FAIL_IF(!sound || !(step > 0) || !(last >= first), CNX_ERR_ARGUMENT,
                "--iou-thrs: \"%s\" is not FIRST:LAST:STEP", text);
    const double n = rint((last - first) / step) + 1;
    CNX_FAIL_IF(!(n <= CNX_COCO_MOST), CNX_ERR_ARGUMENT,
                "--iou-thrs: \"%s\" is more than %d numbers", text, (int)CNX_COCO_MOST);
    *count = (int)n;
    cnx_coco_linspace(out, first, last, *count);
    return CNX_OK;
}

static cnx_status take_thresholds(cnx_coco_setup *out, const char *text, cnx_error *err)
{
    const char *at = text;
    char stop = ',';
    int n = 0;
    while (stop == ',') {
        double value;
        CNX_FAIL_IF(n == CNX_COCO_MOST, CNX_ERR_ARGUMENT, "--iou-thrs: more than %d numbers",
                    (int)CNX_COCO_MOST);
        CNX_FAIL_IF(!take_number(&value, &at, ",:", &stop), CNX_ERR_ARGUMENT,
                    "--iou-thrs: \"%s\" is not a list of numbers, nor FIRST:LAST:STEP", text);
        if (stop == ':' && n == 0)
            CNX_TRY(take_sweep(out->thresholds, &n, text, value, at, err));
        else
            out->thresholds[n++] = value;
    }
    for (int i = 0; i < n; i++)
        CNX_FAIL_IF(!(out->thresholds[i] >= 0 && out->thresholds[i] <= 1), CNX_ERR_ARGUMENT,
                    "--iou-thrs: %g does not lie between 0 and 1", out->thresholds[i]);
    out->params.thresholds = out->thresholds;
    out->params.threshold_count = n;
    return CNX_OK;
}

static cnx_status take_max_dets(cnx_coco_setup *out, const char *text, cnx_error *err)
{
    const char *at = text;
    char stop = ',';
    int n = 0;
    while (stop == ',') {
        double value;
        CNX_FAIL_IF(n == CNX_COCO_MOST, CNX_ERR_ARGUMENT, "--max-dets: more than %d numbers",
                    (int)CNX_COCO_MOST);
        CNX_FAIL_IF(!take_number(&value, &at, ",", &stop) || value != floor(value) || value < 1 ||
                        value > 1e9,
                    CNX_ERR_ARGUMENT, "--max-dets: \"%s\" is not a list of whole numbers from 1",
                    text);
        /* pycocotools sorts them. */
        int place = n++;
        for (; place > 0 && out->max_dets[place - 1] > (int)value; place--)
            out->max_dets[place] = out->max_dets[place - 1];
        CNX_FAIL_IF(place > 0 && out->max_dets[place - 1] == (int)value, CNX_ERR_ARGUMENT,
                    "--max-dets: %d stands twice in \"%s\"", (int)value, text);
        out->max_dets[place] = (int)value;
    }
    CNX_FAIL_IF(n < 3, CNX_ERR_ARGUMENT,
                "--max-dets: three numbers or more are needed, as 1,10,100; \"%s\" has %d", text,
                n);
    out->params.max_dets = out->max_dets;
    out->params.max_det_count = n;
    return CNX_OK;
}

static cnx_status take_ranges(cnx_coco_setup *out, const char *text, cnx_error *err)
{
    const char *at = text;
    char stop = ',';
    int n = 0;
    while (stop == ',') {
        CNX_FAIL_IF(n == CNX_COCO_MOST, CNX_ERR_ARGUMENT, "--area-ranges: more than %d ranges",
                    (int)CNX_COCO_MOST);
        cnx_coco_range *r = &out->ranges[n];
        const size_t length = strcspn(at, "=,");
        const bool named = at[length] == '=' && length > 0 && length < sizeof r->name;
        if (named) {
            memcpy(r->name, at, length);
            r->name[length] = '\0';
            at += length + 1;
        }
        const bool sound = named && take_number(&r->low, &at, ":", &stop) && stop == ':' &&
                           take_number(&r->high, &at, ",", &stop);
        CNX_FAIL_IF(!sound || r->low > r->high, CNX_ERR_ARGUMENT,
                    "--area-ranges: \"%s\" is not NAME=LOW:HIGH, separated by commas", text);
        for (int i = 0; i < n; i++)
            CNX_FAIL_IF(strcmp(out->ranges[i].name, r->name) == 0, CNX_ERR_ARGUMENT,
                        "--area-ranges: \"%s\" stands twice", r->name);
        n++;
    }
    out->params.ranges = out->ranges;
    out->params.range_count = n;
    return CNX_OK;
}

cnx_status cnx_coco_args_apply(cnx_coco_setup *out, const cnx_coco_args *args, cnx_error *err)
{
    if (args->iou_thrs.given)
        CNX_TRY(take_thresholds(out, args->iou_thrs.value, err));
    if (args->max_dets.given)
        CNX_TRY(take_max_dets(out, args->max_dets.value, err));
    if (args->area_ranges.given)
        CNX_TRY(take_ranges(out, args->area_ranges.value, err));
    out->params.agnostic = args->agnostic.given;
    out->params.all_pairs = args->errors.given;
    return CNX_OK;
}

/* ---- lists of names and ids ---- */

/* The id that an item of the list means; false when the truth has none such. */
typedef bool (*find_item)(int64_t *id, const cnx_coco_truth *truth, const char *item);

static bool as_number(int64_t *out, const char *item)
{
    double value;
    const char *end = cnx_number_read(&value, item);
    if (!end || *end || value != floor(value) || fabs(value) > 9007199254740992.0)
        return false;
    *out = (int64_t)value;
    return true;
}

static bool find_category(int64_t *id, const cnx_coco_truth *t, const char *item)
{
    for (size_t i = 0; i < t->category_count; i++)
        if (t->categories[i].name && strcmp(t->categories[i].name, item) == 0) {
            *id = t->categories[i].id;
            return true;
        }
    return as_number(id, item) && cnx_coco_find_category(t, *id) >= 0;
}

static bool find_image(int64_t *id, const cnx_coco_truth *t, const char *item)
{
    if (as_number(id, item) && cnx_coco_find_image(t, *id) >= 0)
        return true;
    for (size_t i = 0; i < t->image_count; i++)
        if (t->images[i].file_name && strcmp(t->images[i].file_name, item) == 0) {
            *id = t->images[i].id;
            return true;
        }
    return false;
}

/* "A,B" or "@FILE", whose items stand one a line.  The caller frees *text. */
static cnx_status list_text(char **text, const char **separator, const char *value, cnx_error *err)
{
    size_t size;
    *separator = ",";
    if (value[0] != '@') {
        *text = strdup(value);
        CNX_FAIL_IF(!*text, CNX_ERR_MEMORY, "not enough memory for the command line");
        return CNX_OK;
    }
    *separator = "\r\n";
    return cnx_read_text(value + 1, (size_t)256 << 20, text, &size, err);
}

static cnx_status no_such(const char *flag, const char *item, const cnx_coco_truth *t,
                          bool categories, cnx_error *err)
{
    const char **names = calloc(t->category_count + 1, sizeof *names);
    const char *nearest = NULL;
    size_t n = 0;
    for (size_t i = 0; names && categories && i < t->category_count; i++)
        if (t->categories[i].name)
            names[n++] = t->categories[i].name;
    if (n > 0)
        nearest = cnx_words_nearest(item, names, n);
    free(names);
    return cnx_fail(err, CNX_ERR_ARGUMENT, "--%s: %s has no %s \"%s\"%s%s%s", flag, t->path,
                    categories ? "category" : "image", item, nearest ? "; did you mean \"" : "",
                    nearest ? nearest : "", nearest ? "\"?" : "");
}

static cnx_status choose(int64_t **ids, size_t *count, const char *flag, const char *value,
                         find_item find, const cnx_coco_truth *t, cnx_error *err)
{
    char *text = NULL;
    const char *separator;
    cnx_status status = CNX_OK;
    CNX_TRY(list_text(&text, &separator, value, err));
    *ids = malloc((strlen(text) + 1) * sizeof **ids); /* more than there can be */
    CNX_CHECK_IF(!*ids, CNX_ERR_MEMORY, "not enough memory for the list of --%s", flag);
    *count = 0;
    char *rest = NULL;
    for (char *item = strtok_r(text, separator, &rest); item;
         item = strtok_r(NULL, separator, &rest)) {
        if (!find(&(*ids)[*count], t, item)) {
            status = no_such(flag, item, t, find == find_category, err);
            goto cleanup;
        }
        ++*count;
    }
    CNX_CHECK_IF(*count == 0, CNX_ERR_ARGUMENT, "--%s: \"%s\" names nothing", flag, value);
cleanup:
    free(text);
    return status;
}

cnx_status cnx_coco_args_choose(cnx_coco_setup *out, const cnx_coco_args *args,
                                const cnx_coco_truth *truth, cnx_error *err)
{
    if (args->categories.given)
        CNX_TRY(choose(&out->category_ids, &out->params.category_id_count, "categories",
                       args->categories.value, find_category, truth, err));
    if (args->images.given)
        CNX_TRY(choose(&out->image_ids, &out->params.image_id_count, "images", args->images.value,
                       find_image, truth, err));
    out->params.category_ids = out->category_ids;
    out->params.image_ids = out->image_ids;
    return CNX_OK;
}
