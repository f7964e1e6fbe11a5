#include "tools/imagenet_page.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "core/file.h"
#include "core/memory.h"
#include "tools/page.h"
#include "tools/words.h"

enum { WORST = 12, VIEW_WIDTH = 240 };

/* ---- tables ---- */

static void put_headline(FILE *to, const cnx_imagenet_results *r)
{
    static const cnx_page_column columns[] = {{"score", true, 0}, {"value", false, 3}};
    const struct {
        const char *name;
        double value;
        bool shown;
    } rows[] = {
        {"top-1, %", cnx_top_percent(r->all.top1, r->all.images), true},
        {"top-5, %", cnx_top_percent(r->all.top5, r->all.images), true},
        {"mean corruption error (AlexNet: 100)", r->mce, r->run->set.corruption_count > 0},
        {"relative mean corruption error", r->relative_mce, !isnan(r->relative_mce)},
        {"plain mean of the errors, %", 100 * r->mean_error, r->run->set.corruption_count > 0},
    };
    cnx_page_section(to, "Scores", NULL);
    cnx_page_table_begin(to, "headline", columns, 2, false);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const cnx_page_cell cells[] = {{rows[i].name, 0}, {NULL, rows[i].value}};
        if (rows[i].shown)
            cnx_page_table_row(to, columns, 2, cells);
    }
    cnx_page_table_end(to, false);
}

static void put_corruptions(FILE *to, const cnx_imagenet_results *r)
{
    static const cnx_page_column columns[] = {{"corruption", true, 0},  {"kind", true, 0},
                                              {"severity 1", false, 2}, {"2", false, 2},
                                              {"3", false, 2},          {"4", false, 2},
                                              {"5", false, 2},          {"mean error", false, 2},
                                              {"AlexNet's", false, 2},  {"CE", false, 2}};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    const cnx_imagenet *set = &r->run->set;
    if (set->corruption_count == 0)
        return;
    cnx_page_section(to, "By corruption",
                     "Top-1 errors in per cent. A click on a column's head sorts by it.");
    cnx_page_table_begin(to, "corruptions", columns, COLUMNS, true);
    for (int c = 0; c < set->corruption_count; c++) {
        cnx_page_cell cells[COLUMNS] = {{set->corruptions[c].name, 0},
                                        {set->corruptions[c].group, 0}};
        for (int s = 0; s < CNX_SEVERITIES; s++) {
            const cnx_top_counts *g = &r->groups[c * CNX_SEVERITIES + s];
            cells[2 + s].value = 100 - cnx_top_percent(g->top1, g->images);
        }
        cells[7].value = 100 * r->errors[c];
        cells[8].value = 100 * set->corruptions[c].alexnet_error;
        cells[9].value = 100 * r->ces[c];
        cnx_page_table_row(to, columns, COLUMNS, cells);
    }
    cnx_page_table_end(to, true);
}

static void put_classes(FILE *to, const cnx_imagenet_results *r)
{
    static const cnx_page_column columns[] = {{"class", true, 0},     {"WordNet id", true, 0},
                                              {"number", false, -1},  {"pictures", false, -1},
                                              {"top-1, %", false, 2}, {"top-5, %", false, 2}};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    const cnx_imagenet *set = &r->run->set;
    cnx_page_section(to, "By class", "A click on a column's head sorts by it.");
    cnx_page_table_begin(to, "classes", columns, COLUMNS, true);
    for (int c = 0; c < set->class_count; c++) {
        const cnx_top_counts *n = &r->classes[c];
        const cnx_page_cell cells[COLUMNS] = {{set->names[c], 0},
                                              {set->wnids[c], 0},
                                              {NULL, c},
                                              {NULL, (double)n->images},
                                              {NULL, cnx_top_percent(n->top1, n->images)},
                                              {NULL, cnx_top_percent(n->top5, n->images)}};
        if (!set->subset || set->subset[c])
            cnx_page_table_row(to, columns, COLUMNS, cells);
    }
    cnx_page_table_end(to, true);
}

/* ---- pictures ---- */

static cnx_status put_picture(FILE *to, const cnx_imagenet_run *run, size_t index, cnx_error *err)
{
    const cnx_imagenet_picture *p = &run->pictures[index];
    const cnx_imagenet_item *item = cnx_imagenet_item_of(run, index);
    cnx_image image = {0}, small = {0};
    char caption[512];
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_imagenet_read(run, index, &image, err));
    const int width = image.width < VIEW_WIDTH ? image.width : VIEW_WIDTH;
    const int scaled = (int)((long long)image.height * width / image.width);
    CNX_CHECK(cnx_image_resize(&small, &image, width,
                               scaled < 1           ? 1
                               : scaled > 4 * width ? 4 * width
                                                    : scaled,
                               err));
    const cnx_page_view view = {"picture", &small};
    snprintf(caption, sizeof caption, "%.160s: %.120s, taken for %.120s (%.1f %%)", item->id,
             run->set.names[item->label], run->set.names[p->first], 100 * (double)p->prob);
    CNX_CHECK(cnx_page_picture(to, caption, &view, 1, err));
cleanup:
    cnx_image_free(&image);
    cnx_image_free(&small);
    return status;
}

/* The surest mistakes, found one after the other: there are few. */
static cnx_status put_worst(FILE *to, const cnx_imagenet_run *run, cnx_error *err)
{
    cnx_status status = CNX_OK;
    bool *told = calloc(run->count + 1, sizeof *told);
    CNX_FAIL_IF(!told, CNX_ERR_MEMORY, "not enough memory for the report");
    cnx_page_section(to, "The worst mistakes", "Those that the model was surest of.");
    cnx_page_pictures_begin(to);
    for (int n = 0; n < WORST; n++) {
        size_t worst = run->count;
        for (size_t i = 0; i < run->count; i++) {
            const cnx_imagenet_picture *p = &run->pictures[i];
            if (p->done && !told[i] && p->rank > 0 &&
                (worst == run->count || p->prob > run->pictures[worst].prob))
                worst = i;
        }
        if (worst == run->count)
            break;
        told[worst] = true;
        CNX_CHECK(put_picture(to, run, worst, err));
    }
    cnx_page_pictures_end(to);
cleanup:
    free(told);
    return status;
}

/* ---- facts ---- */

static void put_facts(FILE *to, const cnx_imagenet_run *run)
{
    char kernels[512], models[1024], views[1024];
    struct utsname machine = {0};
    cnx_kernels_describe(cnx_classifier_kernels(run->group.members[0]), kernels, sizeof kernels);
    cnx_imagenet_models_text(run, models, sizeof models);
    cnx_imagenet_views_text(run, views, sizeof views);
    uname(&machine);
    cnx_page_section(to, "How it was made", NULL);
    cnx_page_facts_begin(to);
    cnx_page_fact(to, "model", "%s (%s%s)", models, run->args->run.model.value,
                  run->group.count > 1 ? " ..." : "");
    if (run->group.count > 1)
        cnx_page_fact(to, "ensemble", "%d models, the average of their %s", run->group.count,
                      run->group.average == CNX_AVERAGE_LOGITS ? "logits" : "probabilities");
    cnx_page_fact(to, "pipeline", "%s", views);
    cnx_page_fact(to, "data", "%s (%s)", run->set.folder, run->set.layout);
    cnx_page_fact(to, "pictures", "%zu scored, %zu skipped", run->done, run->failed);
    cnx_page_fact(to, "outputs that count", "%d of %d", run->set.subset_count,
                  run->set.class_count);
    cnx_page_fact(to, "kernels", "%s", kernels);
    cnx_page_fact(to, "machine", "%s %s, %d threads", machine.sysname, machine.machine,
                  run->threads);
    cnx_page_fact(to, "program", "cnx %s", CNX_VERSION);
    cnx_page_facts_end(to);
}

static cnx_status put_page(FILE *to, const cnx_imagenet_results *r, cnx_error *err)
{
    char models[1024], title[1200];
    cnx_imagenet_models_text(r->run, models, sizeof models);
    snprintf(title, sizeof title, "%s on %s", models,
             cnx_imagenet_title(r->run->args->variant.value));
    cnx_page_begin(to, title, "Classification: is the class among the first, and the first five?");
    put_headline(to, r);
    put_corruptions(to, r);
    put_classes(to, r);
    CNX_TRY(put_worst(to, r->run, err));
    put_facts(to, r->run);
    cnx_page_end(to);
    return CNX_OK;
}

cnx_status cnx_imagenet_page_write(const cnx_imagenet_results *results, cnx_error *err)
{
    cnx_output out = {0};
    CNX_TRY(cnx_output_open(&out, results->run->args->report.value, err));
    cnx_status status = put_page(out.stream, results, err);
    if (status == CNX_OK)
        status = cnx_output_commit(&out, err);
    cnx_output_abort(&out);
    return status;
}
