#include "tools/eval_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "core/embedded/embedded.h"
#include "core/file.h"
#include "core/json.h"
#include "core/kernels/kernels.h"
#include "core/memory.h"
#include "tools/page.h"
#include "tools/words.h"

enum { WORST = 8, VIEW_WIDTH = 360 };

/* ---- published figures ---- */

static bool same_numbers(const cJSON *array, const int *values, int count)
{
    if (cJSON_GetArraySize(array) != count)
        return false;
    for (int i = 0; i < count; i++)
        if (cJSON_GetArrayItem(array, i)->valuedouble != values[i])
            return false;
    return true;
}

/* The figure in one built-in config, if it describes this backbone and this crop. */
static double figure_in(const cJSON *config, const char *path, const cnx_description *d,
                        const cnx_pipeline *pipeline, const char *name)
{
    const cJSON *backbone = cJSON_GetObjectItemCaseSensitive(config, "backbone");
    const cJSON *published = cJSON_GetObjectItemCaseSensitive(config, "published");
    const cJSON *figure = cJSON_GetObjectItemCaseSensitive(published, name);
    char crop[16];
    snprintf(crop, sizeof crop, "_%d.json", pipeline->scale_short);
    const size_t length = strlen(path), tail = strlen(crop);
    const bool fits =
        length > tail && strcmp(path + length - tail, crop) == 0 &&
        same_numbers(cJSON_GetObjectItemCaseSensitive(backbone, "depths"), d->backbone.depths, 4) &&
        same_numbers(cJSON_GetObjectItemCaseSensitive(backbone, "dims"), d->backbone.dims, 4);
    return fits && cJSON_IsNumber(figure) ? figure->valuedouble : NAN;
}

double cnx_eval_published(const cnx_description *d, const cnx_pipeline *pipeline)
{
    const bool multi = pipeline->scale_count > 1 || pipeline->flip;
    const char *name = multi ? "mIoU_ms" : "mIoU_ss";
    double found = NAN;
    cnx_embedded_file file;
    for (size_t i = 0; d->class_count == 150 && isnan(found) && cnx_embedded_at(i, &file); i++) {
        cJSON *config = NULL;
        if (strncmp(file.path, "configs/upernet_", 16) != 0 ||
            cnx_json_parse(&config, (const char *)file.data, file.size, file.path, NULL) != CNX_OK)
            continue;
        found = figure_in(config, file.path, d, pipeline, name);
        cJSON_Delete(config);
    }
    return found;
}

/* ---- tables ---- */

static void put_headline(FILE *to, const cnx_eval_run *run, const cnx_semantic_summary *summary)
{
    static const cnx_page_column columns[] = {
        {"score", true, 0}, {"this run, %", false, 2}, {"published, %", false, 2}};
    const cnx_description *d = cnx_segmentor_description(run->segmentor);
    const bool ade20k = run->args->kind == CNX_EVAL_ADE20K;
    cnx_page_section(to, "Scores", NULL);
    cnx_page_table_begin(to, "headline", columns, 3, false);
    const cnx_page_cell accuracy[] = {{"aAcc", 0}, {NULL, 100 * summary->accuracy}, {NULL, NAN}};
    cnx_page_table_row(to, columns, 3, accuracy);
    for (int s = 0; s < CNX_SCORE_COUNT; s++) {
        char name[32];
        snprintf(name, sizeof name, "m%s", cnx_semantic_score_names[s]);
        const bool known = ade20k && s == CNX_SCORE_IOU;
        const cnx_page_cell cells[] = {{name, 0},
                                       {NULL, 100 * summary->mean[s]},
                                       {NULL, known ? cnx_eval_published(d, &run->pipeline) : NAN}};
        cnx_page_table_row(to, columns, 3, cells);
    }
    cnx_page_table_end(to, false);
}

static void put_classes(FILE *to, const cnx_eval_run *run)
{
    enum { COLUMNS = CNX_SCORE_COUNT + 3 };
    cnx_page_column columns[COLUMNS] = {{"class", true, 0}, {"index", false, -1}};
    for (int s = 0; s < CNX_SCORE_COUNT; s++)
        columns[2 + s] = (cnx_page_column){cnx_semantic_score_names[s], false, 2};
    columns[COLUMNS - 1] = (cnx_page_column){"labelled pixels", false, -1};
    cnx_page_section(to, "By class", "In per cent. A click on a column's head sorts by it.");
    cnx_page_table_begin(to, "classes", columns, COLUMNS, true);
    for (int c = 0; c < run->rules.classes; c++) {
        double scores[CNX_SCORE_COUNT];
        cnx_semantic_class_scores(scores, &run->counts, c, &run->scores);
        cnx_page_cell cells[COLUMNS] = {{run->classes->names[c], 0}, {NULL, c}};
        for (int s = 0; s < CNX_SCORE_COUNT; s++)
            cells[2 + s].value = 100 * scores[s];
        cells[COLUMNS - 1].value = (double)run->counts.labelled[c];
        cnx_page_table_row(to, columns, COLUMNS, cells);
    }
    cnx_page_table_end(to, true);
}

/* ---- pictures ---- */

/* The colour of one pixel of a label map. */
typedef void (*painter)(const void *context, size_t pixel, uint8_t rgb[3]);

/* A label map of from_w x from_h, shrunk by taking the nearest pixel. */
static cnx_status paint(cnx_image *out, int width, int height, int from_w, int from_h, painter draw,
                        const void *context, cnx_error *err)
{
    CNX_TRY(cnx_image_alloc(out, width, height, err));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const size_t from_y = (size_t)y * (size_t)from_h / (size_t)height;
            const size_t from_x = (size_t)x * (size_t)from_w / (size_t)width;
            draw(context, from_y * (size_t)from_w + from_x,
                 out->data + 3 * ((size_t)y * (size_t)width + (size_t)x));
        }
    return CNX_OK;
}

typedef struct views {
    const cnx_eval_run *run;
    const cnx_label_map *truth;
    const uint16_t *pred;
} views;

static int truth_at(const views *v, size_t pixel)
{
    const int stored = v->truth->u16 ? v->truth->u16[pixel] : v->truth->u8[pixel];
    const cnx_label_rules rules = {.reduce_zero_label = v->run->rules.reduce_zero_label};
    return cnx_label_class(&rules, stored);
}

static void colour(const views *v, int label, uint8_t rgb[3])
{
    if (label < v->run->rules.classes)
        memcpy(rgb, v->run->classes->palette + 3 * (size_t)label, 3);
    else
        memset(rgb, 0, 3);
}

static void paint_truth(const void *context, size_t pixel, uint8_t rgb[3])
{
    colour(context, truth_at(context, pixel), rgb);
}

static void paint_pred(const void *context, size_t pixel, uint8_t rgb[3])
{
    const views *v = context;
    colour(v, v->pred[pixel], rgb);
}

/* Black: not scored; dark green: right; red: wrong. */
static void paint_error(const void *context, size_t pixel, uint8_t rgb[3])
{
    static const uint8_t unscored[3] = {0, 0, 0}, right[3] = {30, 70, 45}, wrong[3] = {225, 50, 40};
    const views *v = context;
    const int truth = truth_at(v, pixel);
    const bool scored = truth != v->run->rules.ignore && truth < v->run->rules.classes;
    memcpy(rgb, !scored ? unscored : truth == v->pred[pixel] ? right : wrong, 3);
}

static cnx_status put_picture(FILE *to, const cnx_eval_run *run, const cnx_eval_picture *picture,
                              cnx_label_reader *reader, cnx_error *err)
{
    static const painter painters[] = {paint_truth, paint_pred, paint_error};
    cnx_image image = {0}, drawn[4] = {{0}};
    cnx_label_map truth;
    uint16_t *labels = NULL;
    char caption[320];
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_eval_run_predict(run, picture, &image, &labels, err));
    CNX_CHECK(
        cnx_labels_read(&truth, reader, picture->item->labels, run->classes->rules.coding, err));
    CNX_CHECK_IF(truth.width != image.width || truth.height != image.height, CNX_ERR_FORMAT,
                 "%s: has changed since it was scored", picture->item->labels);
    const int width = image.width < VIEW_WIDTH ? image.width : VIEW_WIDTH;
    const int scaled = (int)((long long)image.height * width / image.width);
    const int height = scaled > 0 ? scaled : 1;
    const views v = {run, &truth, labels};
    CNX_CHECK(cnx_image_resize(&drawn[0], &image, width, height, err));
    for (int i = 0; i < 3; i++)
        CNX_CHECK(
            paint(&drawn[i + 1], width, height, image.width, image.height, painters[i], &v, err));
    const cnx_page_view shown[] = {{"picture", &drawn[0]},
                                   {"truth", &drawn[1]},
                                   {"prediction", &drawn[2]},
                                   {"errors (red)", &drawn[3]}};
    snprintf(caption, sizeof caption, "%.200s: mIoU %.2f %%, aAcc %.2f %%", picture->item->id,
             100 * picture->summary.mean[CNX_SCORE_IOU], 100 * picture->summary.accuracy);
    CNX_CHECK(cnx_page_picture(to, caption, shown, 4, err));
cleanup:
    for (int i = 0; i < 4; i++)
        cnx_image_free(&drawn[i]);
    cnx_image_free(&image);
    free(labels);
    return status;
}

static int by_iou(const void *a, const void *b)
{
    const cnx_eval_picture *x = *(const cnx_eval_picture *const *)a;
    const cnx_eval_picture *y = *(const cnx_eval_picture *const *)b;
    const double i = x->summary.mean[CNX_SCORE_IOU], j = y->summary.mean[CNX_SCORE_IOU];
    return i != j ? (i > j) - (i < j) : strcmp(x->item->id, y->item->id);
}

static cnx_status put_worst(FILE *to, const cnx_eval_run *run, cnx_error *err)
{
    cnx_label_reader *reader = NULL;
    size_t count = 0;
    cnx_status status = CNX_OK;
    const cnx_eval_picture **worst = calloc(run->count ? run->count : 1, sizeof(void *));
    CNX_FAIL_IF(!worst, CNX_ERR_MEMORY, "not enough memory for the report");
    for (size_t i = 0; i < run->count; i++)
        if (run->pictures[i].done && !isnan(run->pictures[i].summary.mean[CNX_SCORE_IOU]))
            worst[count++] = &run->pictures[i];
    qsort(worst, count, sizeof *worst, by_iou);
    CNX_CHECK(cnx_label_reader_open(&reader, err));
    cnx_page_section(to, "The worst pictures", "Those of the lowest mIoU.");
    cnx_page_pictures_begin(to);
    for (size_t i = 0; i < count && i < WORST; i++)
        CNX_CHECK(put_picture(to, run, worst[i], reader, err));
    cnx_page_pictures_end(to);
cleanup:
    cnx_label_reader_close(&reader);
    free(worst);
    return status;
}

/* ---- facts ---- */

static void put_facts(FILE *to, const cnx_eval_run *run, const cnx_dataset *dataset)
{
    const cnx_description *d = cnx_segmentor_description(run->segmentor);
    char kernels[512], pipeline[1024];
    struct utsname machine = {0};
    cnx_kernels_describe(cnx_segmentor_kernels(run->segmentor), kernels, sizeof kernels);
    cnx_pipeline_describe(&run->pipeline, pipeline, sizeof pipeline);
    uname(&machine);
    cnx_page_section(to, "How it was made", NULL);
    cnx_page_facts_begin(to);
    cnx_page_fact(to, "model", "%s (%s)", d->name,
                  run->args->model.given ? run->args->model.value : "embedded demo model");
    cnx_page_fact(to, "pipeline", "%s", pipeline);
    cnx_page_fact(to, "data", "%s (%s)", dataset->images, dataset->layout);
    cnx_page_fact(to, "pictures", "%zu scored, %zu skipped", run->done, run->failed);
    cnx_page_fact(to, "labels", "%d classes, ignored value %d%s", run->rules.classes,
                  run->rules.ignore, run->rules.reduce_zero_label ? ", 0 reduced" : "");
    cnx_page_fact(to, "kernels", "%s", kernels);
    cnx_page_fact(to, "machine", "%s %s, %d threads", machine.sysname, machine.machine,
                  run->threads);
    cnx_page_fact(to, "program", "cnx %s", CNX_VERSION);
    cnx_page_facts_end(to);
}

static cnx_status put_page(FILE *to, const cnx_eval_run *run, const cnx_dataset *dataset,
                           cnx_error *err)
{
    const cnx_description *d = cnx_segmentor_description(run->segmentor);
    cnx_semantic_summary summary;
    char title[256];
    cnx_semantic_summarise(&summary, &run->counts, &run->scores);
    snprintf(title, sizeof title, "%s on %s", d->name, run->classes->name);
    cnx_page_begin(to, title, "Semantic segmentation, scored as mmsegmentation scores it.");
    put_headline(to, run, &summary);
    put_classes(to, run);
    if (run->confusion) {
        cnx_page_section(to, "Confusion", NULL);
        cnx_page_matrix(to, (const char *const *)run->classes->names, run->rules.classes,
                        run->confusion);
    }
    CNX_TRY(put_worst(to, run, err));
    put_facts(to, run, dataset);
    cnx_page_end(to);
    return CNX_OK;
}

cnx_status cnx_eval_page_write(const cnx_eval_run *run, const cnx_dataset *dataset, cnx_error *err)
{
    cnx_output out = {0};
    CNX_TRY(cnx_output_open(&out, run->args->report.value, err));
    cnx_status status = put_page(out.stream, run, dataset, err);
    if (status == CNX_OK)
        status = cnx_output_commit(&out, err);
    cnx_output_abort(&out);
    return status;
}
