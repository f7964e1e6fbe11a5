#include "tools/coco_tell.h"

#include <math.h>

#include "core/json.h"
#include "eval/coco_report.h"
#include "tools/console.h"

cnx_coco_robustness cnx_coco_robustness_of(const cnx_coco_run *run,
                                           const cnx_coco_part_scores *scores)
{
    double published[CNX_COCO_KINDS];
    cnx_coco_published(published, run);
    cnx_coco_robustness r = {
        .mean = cnx_coco_mean_of_parts(scores, run->part_count, 0),
        .coco = run->args->coco_ap.given ? run->args->coco_ap.value / 100
                                         : published[CNX_COCO_BBOX] / 100,
        .effective = NAN,
    };
    if (run->part_count == CNX_COCO_O_DOMAINS)
        r.effective = r.mean - 0.45 * r.coco;
    return r;
}

/* ---- JSON ---- */

/* "bbox":{...},"segm":{...},"params":{...} */
static void put_part(const cnx_coco_run *run, const cnx_coco_part_scores *scores)
{
    const cnx_coco_scorer *any = NULL;
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++) {
        if (!scores->kinds[kind])
            continue;
        printf("\"%s\":{", cnx_coco_kind_names[kind]);
        cnx_coco_write_members(stdout, &scores->scores[kind]);
        printf("},");
        any = scores->scorers[kind];
    }
    (void)run;
    printf("\"params\":{");
    cnx_coco_write_params(stdout, any);
    printf("}");
}

static void put_skipped(const cnx_coco_run *run)
{
    const char *separator = "";
    printf(",\"skipped\":[");
    for (size_t i = 0; i < run->count; i++) {
        if (!run->pictures[i].problem)
            continue;
        printf("%s{\"image_id\":%lld,\"reason\":", separator,
               (long long)cnx_coco_run_image(run, i)->id);
        cnx_json_put_string(stdout, run->pictures[i].problem);
        printf("}");
        separator = ",";
    }
    printf("]");
}

/* No times: an interrupted run that went on must print the same bytes. */
static void put_run(const cnx_coco_run *run)
{
    char pipeline[1024];
    cnx_detection_describe(&run->pipeline, &run->rules, pipeline, sizeof pipeline);
    printf(",\"model\":");
    cnx_json_put_string(stdout, cnx_detector_description(run->detector)->name);
    printf(",\"pipeline\":");
    cnx_json_put_string(stdout, pipeline);
    printf(",\"pictures\":%zu", run->done);
    put_skipped(run);
}

static void put_json(const cnx_coco_run *run, const cnx_coco_part_scores *scores)
{
    printf("{");
    if (!run->args->domains) {
        put_part(run, scores);
        put_run(run);
        printf("}\n");
        return;
    }
    const cnx_coco_robustness r = cnx_coco_robustness_of(run, scores);
    printf("\"domains\":{");
    for (int i = 0; i < run->part_count; i++) {
        printf("%s\"%s\":{", i ? "," : "", run->parts[i].name);
        put_part(run, &scores[i]);
        printf("}");
    }
    printf("},\"mean_AP\":");
    cnx_json_put_number(stdout, r.mean);
    printf(",\"coco_AP\":");
    cnx_json_put_number(stdout, r.coco);
    printf(",\"effective_robustness\":");
    cnx_json_put_number(stdout, r.effective);
    put_run(run);
    printf("}\n");
}

/* ---- text ---- */

static void put_percent(double value)
{
    if (isnan(value))
        printf(" %8s", "-");
    else
        printf(" %8.1f", 100 * value);
}

/* A stat of one domain; -1 means that there is none. */
static void put_stat(double value)
{
    put_percent(value < 0 ? NAN : value);
}

static void put_domains(const cnx_coco_run *run, const cnx_coco_part_scores *scores)
{
    enum { SHOWN = 6 };
    const cnx_coco_robustness r = cnx_coco_robustness_of(run, scores);
    printf("%-12s %8s", "domain", "pictures");
    for (int s = 0; s < SHOWN; s++)
        printf(" %8s", cnx_coco_stats[s].key);
    printf("\n");
    for (int i = 0; i < run->part_count; i++) {
        printf("%-12s %8zu", run->parts[i].name, run->parts[i].count);
        for (int s = 0; s < SHOWN; s++)
            put_stat(scores[i].stats[CNX_COCO_BBOX][s]);
        printf("\n");
    }
    printf("%-12s %8zu", "mean", run->count);
    for (int s = 0; s < SHOWN; s++)
        put_percent(cnx_coco_mean_of_parts(scores, run->part_count, s));
    printf("\n\n");
    if (isnan(r.coco))
        printf("effective robustness: needs the model's box AP on COCO (--coco-ap)\n");
    else if (isnan(r.effective))
        printf("effective robustness: needs all six domains\n");
    else
        printf("effective robustness: %.1f - 0.45 x %.1f = %.1f\n", 100 * r.mean, 100 * r.coco,
               100 * r.effective);
}

static void put_text(const cnx_coco_run *run, const cnx_coco_part_scores *scores)
{
    const char *gap = "";
    if (run->args->domains) {
        put_domains(run, scores);
        return;
    }
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++) {
        if (!scores->kinds[kind])
            continue;
        printf("%s", gap);
        cnx_coco_write_text(stdout, &scores->scores[kind], (cnx_coco_kind)kind);
        gap = "\n";
    }
}

/* ---- what is worth a remark ---- */

static void warn(const cnx_coco_run *run, const cnx_coco_part_scores *scores)
{
    for (int i = 0; i < run->part_count; i++)
        for (int kind = 0; kind < CNX_COCO_KINDS; kind++) {
            if (!scores[i].kinds[kind])
                continue;
            const cnx_coco_arrivals a = cnx_coco_scorer_arrivals(scores[i].scorers[kind]);
            const char *path = run->parts[i].set.annotations;
            if (a.duplicate_ids)
                cnx_console_warning("%s: %llu annotations have an id that a later one has, too; as "
                                    "in pycocotools the last stands for all of them",
                                    path, (unsigned long long)a.duplicate_ids);
            if (a.zero_ids)
                cnx_console_warning("%s: an annotation has id 0; as in pycocotools, a detection "
                                    "that finds it counts as wrong",
                                    path);
            break;
        }
}

static void tell_published(const cnx_coco_run *run)
{
    double published[CNX_COCO_KINDS];
    cnx_coco_published(published, run);
    if (!run->args->run.quiet.given && !isnan(published[CNX_COCO_BBOX]))
        cnx_console_note("published for this model on COCO's val2017: box AP %.1f, mask AP %.1f",
                         published[CNX_COCO_BBOX], published[CNX_COCO_SEGM]);
}

cnx_status cnx_coco_tell(const cnx_coco_run *run, const cnx_coco_part_scores *scores,
                         cnx_error *err)
{
    warn(run, scores);
    tell_published(run);
    if (run->args->run.json.given)
        put_json(run, scores);
    else
        put_text(run, scores);
    return cnx_console_flush(err);
}

cnx_status cnx_coco_tell_csv(const cnx_coco_run *run, const cnx_coco_part_scores *scores,
                             cnx_error *err)
{
    cnx_output out = {0};
    CNX_TRY(cnx_output_open(&out, run->args->csv.value, err));
    for (int i = 0; i < run->part_count; i++) {
        if (run->parts[i].name) /* a table for each */
            fprintf(out.stream, "%s%s\n", i ? "\n" : "", run->parts[i].name);
        cnx_coco_write_csv_header(out.stream);
        for (int kind = 0; kind < CNX_COCO_KINDS; kind++)
            if (scores[i].kinds[kind])
                cnx_coco_write_csv(out.stream, &scores[i].scores[kind], (cnx_coco_kind)kind);
    }
    const cnx_status status = cnx_output_commit(&out, err);
    cnx_output_abort(&out);
    return status;
}
