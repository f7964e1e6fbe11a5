#include "tools/coco_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "core/file.h"
#include "core/memory.h"
#include "tools/coco_tell.h"
#include "tools/coco_worst.h"
#include "tools/page.h"

static const char *const kind_words[CNX_COCO_KINDS] = {"boxes", "masks"};

/* -1 is pycocotools' word for nothing to average. */
static double percent(double value)
{
    return value < 0 ? NAN : 100 * value;
}

/* ---- headline ---- */

static void put_headline(FILE *to, const cnx_coco_run *run, const cnx_coco_part_scores *scores)
{
    enum { MOST = 1 + 2 * CNX_COCO_KINDS };
    cnx_page_column columns[MOST] = {{"score", true, 0}};
    double published[CNX_COCO_KINDS];
    int count = 1;
    cnx_coco_published(published, run);
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++) {
        if (!scores->kinds[kind])
            continue;
        columns[count++] =
            (cnx_page_column){kind == CNX_COCO_BBOX ? "boxes, %" : "masks, %", false, 2};
        columns[count++] = (cnx_page_column){"published, %", false, 1};
    }
    cnx_page_section(to, "Scores", NULL);
    cnx_page_table_begin(to, "headline", columns, count, false);
    for (int s = 0; s < CNX_COCO_STATS; s++) {
        cnx_page_cell cells[MOST] = {{cnx_coco_stats[s].key, 0}};
        int at = 1;
        for (int kind = 0; kind < CNX_COCO_KINDS; kind++) {
            if (!scores->kinds[kind])
                continue;
            cells[at++].value = percent(scores->stats[kind][s]);
            cells[at++].value = s == 0 ? published[kind] : NAN;
        }
        cnx_page_table_row(to, columns, count, cells);
    }
    cnx_page_table_end(to, false);
}

static void put_domains(FILE *to, const cnx_coco_run *run, const cnx_coco_part_scores *scores)
{
    enum { SHOWN = 6, COLUMNS = SHOWN + 2 };
    cnx_page_column columns[COLUMNS] = {{"domain", true, 0}, {"pictures", false, -1}};
    const cnx_coco_robustness r = cnx_coco_robustness_of(run, scores);
    for (int s = 0; s < SHOWN; s++)
        columns[2 + s] = (cnx_page_column){cnx_coco_stats[s].key, false, 1};
    cnx_page_section(to, "Domains", "Box AP in per cent.");
    cnx_page_table_begin(to, "domains", columns, COLUMNS, false);
    for (int i = 0; i <= run->part_count; i++) {
        const bool mean = i == run->part_count;
        cnx_page_cell cells[COLUMNS] = {{mean ? "mean" : run->parts[i].name, 0},
                                        {NULL, (double)(mean ? run->count : run->parts[i].count)}};
        for (int s = 0; s < SHOWN; s++)
            cells[2 + s].value = mean ? 100 * cnx_coco_mean_of_parts(scores, run->part_count, s)
                                      : percent(scores[i].stats[CNX_COCO_BBOX][s]);
        cnx_page_table_row(to, columns, COLUMNS, cells);
    }
    cnx_page_table_end(to, false);
    cnx_page_facts_begin(to);
    if (isnan(r.coco))
        cnx_page_fact(to, "effective robustness", "needs the model's box AP on COCO");
    else if (!isnan(r.effective))
        cnx_page_fact(to, "effective robustness", "%.1f - 0.45 x %.1f = %.1f", 100 * r.mean,
                      100 * r.coco, 100 * r.effective);
    cnx_page_facts_end(to);
}

/* ---- categories ---- */

static const char *category_name(char *buffer, size_t size, const cnx_coco_scores *s, int category)
{
    const cnx_coco_truth *truth = cnx_coco_scorer_truth(s->scorer);
    const int64_t id = cnx_coco_scorer_params(s->scorer)->category_ids[category];
    const char *name = truth->categories[cnx_coco_find_category(truth, id)].name;
    if (!name)
        snprintf(buffer, size, "%lld", (long long)id);
    return name ? name : buffer;
}

static void put_categories(FILE *to, const cnx_coco_scores *s, int kind)
{
    enum { SHOWN = 6, COLUMNS = SHOWN + 3 };
    cnx_page_column columns[COLUMNS] = {{"category", true, 0}};
    char id[32], heading[64];
    for (int i = 0; i < SHOWN; i++)
        columns[1 + i] = (cnx_page_column){cnx_coco_stats[i].key, false, 1};
    columns[1 + SHOWN] = (cnx_page_column){"AR", false, 1};
    columns[2 + SHOWN] = (cnx_page_column){"truths", false, -1};
    snprintf(heading, sizeof heading, "By category: %s", kind_words[kind]);
    snprintf(id, sizeof id, "classes-%s", cnx_coco_kind_names[kind]);
    cnx_page_section(to, heading, "In per cent. A click on a column's head sorts by it.");
    cnx_page_table_begin(to, id, columns, COLUMNS, true);
    for (int c = 0; c < s->categories; c++) {
        double stats[CNX_COCO_STATS];
        char buffer[32];
        cnx_coco_summary(stats, s, c);
        cnx_page_cell cells[COLUMNS] = {{category_name(buffer, sizeof buffer, s, c), 0}};
        for (int i = 0; i < SHOWN; i++)
            cells[1 + i].value = percent(stats[i]);
        cells[1 + SHOWN].value = percent(stats[8]);
        cells[2 + SHOWN].value = (double)s->truths[(size_t)c * (size_t)s->ranges];
        cnx_page_table_row(to, columns, COLUMNS, cells);
    }
    cnx_page_table_end(to, true);
}

/* ---- curves ---- */

/* Precision at each recall, the mean over categories and, for threshold -1, over thresholds. */
static void mean_precision(double out[CNX_COCO_RECALLS], const cnx_coco_scores *s, int threshold)
{
    for (int r = 0; r < s->recalls && r < CNX_COCO_RECALLS; r++) {
        double sum = 0;
        size_t n = 0;
        for (int t = 0; t < s->thresholds; t++)
            for (int k = 0; k < s->categories && (threshold < 0 || t == threshold); k++) {
                const size_t cell =
                    (((size_t)t * (size_t)s->recalls + (size_t)r) * (size_t)s->categories +
                     (size_t)k) *
                        (size_t)s->ranges * (size_t)s->max_dets +
                    (size_t)s->max_dets - 1;
                if (s->precision[cell] < 0)
                    continue;
                sum += s->precision[cell];
                n++;
            }
        out[r] = n ? sum / (double)n : NAN;
    }
}

static void put_curves(FILE *to, const cnx_coco_scores *s, int kind)
{
    enum { MOST = 4 };
    const cnx_coco_params *p = cnx_coco_scorer_params(s->scorer);
    const int shown[] = {0, s->thresholds / 2, s->thresholds - 1};
    double recalls[CNX_COCO_RECALLS], values[MOST][CNX_COCO_RECALLS];
    char names[MOST][48], heading[64];
    cnx_page_curve curves[MOST];
    int count = 0;
    cnx_coco_recalls(recalls);
    for (int i = 0; i < 3; i++) {
        if (i && shown[i] == shown[i - 1])
            continue;
        mean_precision(values[count], s, shown[i]);
        snprintf(names[count], sizeof names[0], "IoU %.2f", p->thresholds[shown[i]]);
        count++;
    }
    if (s->thresholds > 1) {
        mean_precision(values[count], s, -1);
        snprintf(names[count++], sizeof names[0], "mean of %d thresholds", s->thresholds);
    }
    for (int i = 0; i < count; i++)
        curves[i] = (cnx_page_curve){names[i], recalls, values[i], CNX_COCO_RECALLS};
    snprintf(heading, sizeof heading, "Precision and recall: %s", kind_words[kind]);
    cnx_page_section(to, heading, "The mean over the categories.");
    cnx_page_curves(to, "recall", "precision", curves, count);
}

/* ---- facts ---- */

static void put_facts(FILE *to, const cnx_coco_run *run)
{
    const cnx_description *d = cnx_detector_description(run->detector);
    const cnx_eval_coco_args *args = run->args;
    char kernels[512], pipeline[1024];
    struct utsname machine = {0};
    cnx_kernels_describe(cnx_detector_kernels(run->detector), kernels, sizeof kernels);
    cnx_detection_describe(&run->pipeline, &run->rules, pipeline, sizeof pipeline);
    uname(&machine);
    cnx_page_section(to, "How it was made", NULL);
    cnx_page_facts_begin(to);
    cnx_page_fact(to, "model", "%s (%s)", d->name,
                  args->run.model.given ? args->run.model.value : "embedded demo model");
    cnx_page_fact(to, "pipeline", "%s", pipeline);
    for (int i = 0; i < run->part_count; i++)
        cnx_page_fact(to, "data", "%s, pictures in %s", run->parts[i].set.annotations,
                      run->parts[i].set.images);
    cnx_page_fact(to, "pictures", "%zu scored, %zu skipped", run->done, run->failed);
    cnx_page_fact(to, "classes", "%d of the model's %d are categories of the data",
                  run->parts[0].matched, d->class_count);
    if (run->masks)
        cnx_page_fact(to, "areas of masks", "%s",
                      args->segm_boxes.given ? "those of their boxes" : "their own");
    cnx_page_fact(to, "kernels", "%s", kernels);
    cnx_page_fact(to, "machine", "%s %s, %d threads", machine.sysname, machine.machine,
                  run->session.threads);
    cnx_page_fact(to, "program", "cnx %s", CNX_VERSION);
    cnx_page_facts_end(to);
}

static cnx_status put_page(FILE *to, cnx_coco_run *run, const cnx_coco_part_scores *scores,
                           cnx_error *err)
{
    const cnx_description *d = cnx_detector_description(run->detector);
    const char *file = strrchr(run->parts[0].set.annotations, '/');
    char title[256];
    snprintf(title, sizeof title, "%.120s on %.100s", d->name,
             run->args->domains ? "COCO-O"
             : file             ? file + 1
                                : run->parts[0].set.annotations);
    cnx_page_begin(to, title, "Object detection, scored as pycocotools scores it.");
    if (run->args->domains)
        put_domains(to, run, scores);
    else
        put_headline(to, run, scores);
    for (int kind = 0; kind < CNX_COCO_KINDS && !run->args->domains; kind++)
        if (scores->kinds[kind]) {
            put_curves(to, &scores->scores[kind], kind);
            put_categories(to, &scores->scores[kind], kind);
        }
    CNX_TRY(cnx_coco_page_worst(to, run, scores, err));
    put_facts(to, run);
    cnx_page_end(to);
    return CNX_OK;
}

cnx_status cnx_coco_page_write(cnx_coco_run *run, const cnx_coco_part_scores *scores,
                               cnx_error *err)
{
    cnx_output out = {0};
    CNX_TRY(cnx_output_open(&out, run->args->report.value, err));
    cnx_status status = put_page(out.stream, run, scores, err);
    if (status == CNX_OK)
        status = cnx_output_commit(&out, err);
    cnx_output_abort(&out);
    return status;
}
