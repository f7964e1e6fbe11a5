#include "tools/imagenet_results.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/csv.h"
#include "core/file.h"
#include "core/json.h"
#include "tools/console.h"

/* ---- counting ---- */

static void score_corruptions(cnx_imagenet_results *r)
{
    const cnx_imagenet *set = &r->run->set;
    double references[CNX_MAX_CORRUPTIONS];
    const cnx_real_arg clean = r->run->args->clean_error;
    r->mce = r->relative_mce = r->mean_error = NAN;
    if (set->corruption_count == 0)
        return;
    r->mean_error = 0;
    for (int c = 0; c < set->corruption_count; c++) {
        references[c] = set->corruptions[c].alexnet_error;
        r->errors[c] = cnx_corruption_error(r->groups + (size_t)c * CNX_SEVERITIES, CNX_SEVERITIES);
        r->ces[c] = r->errors[c] / references[c];
        r->mean_error += r->errors[c] / set->corruption_count;
    }
    r->mce = cnx_mean_corruption_error(r->errors, references, set->corruption_count);
    if (clean.given)
        r->relative_mce = cnx_relative_corruption_error(
            r->errors, clean.value, references, CNX_ALEXNET_CLEAN_ERROR, set->corruption_count);
}

cnx_status cnx_imagenet_results_open(cnx_imagenet_results *out, const cnx_imagenet_run *run,
                                     cnx_error *err)
{
    *out = (cnx_imagenet_results){.run = run};
    out->classes = calloc((size_t)run->set.class_count, sizeof *out->classes);
    CNX_FAIL_IF(!out->classes, CNX_ERR_MEMORY, "not enough memory for the scores by class");
    for (size_t i = 0; i < run->count; i++) {
        const cnx_imagenet_picture *p = &run->pictures[i];
        const cnx_imagenet_item *item = cnx_imagenet_item_of(run, i);
        if (!p->done)
            continue;
        cnx_top_counts_rank(&out->all, p->rank);
        cnx_top_counts_rank(&out->classes[item->label], p->rank);
        cnx_top_counts_rank(&out->groups[item->group], p->rank);
    }
    score_corruptions(out);
    return CNX_OK;
}

void cnx_imagenet_results_close(cnx_imagenet_results *results)
{
    free(results->classes);
    results->classes = NULL;
}

/* ---- words ---- */

void cnx_imagenet_models_text(const cnx_imagenet_run *run, char *text, size_t size)
{
    size_t n = 0;
    text[0] = '\0';
    for (int i = 0; i < run->group.count && n < size; i++)
        n += (size_t)snprintf(text + n, size - n, "%s%s", i ? " + " : "",
                              cnx_classifier_description(run->group.members[i])->name);
}

void cnx_imagenet_views_text(const cnx_imagenet_run *run, char *text, size_t size)
{
    size_t n = 0;
    char view[128];
    text[0] = '\0';
    for (int i = 0; i < run->group.count && n < size; i++) {
        cnx_view_describe(&run->group.pipelines[i], view, sizeof view);
        n += (size_t)snprintf(text + n, size - n, "%s%s", i ? "; " : "", view);
    }
}

/* ---- files ---- */

static void put_value(FILE *to, double value)
{
    if (isnan(value))
        fputs(",nan", to);
    else
        fprintf(to, ",%.17g", value);
}

static void put_counts(FILE *to, const cnx_top_counts *c)
{
    fprintf(to, ",%" PRId64, c->images);
    put_value(to, cnx_top_percent(c->top1, c->images));
    put_value(to, cnx_top_percent(c->top5, c->images));
}

static void write_classes(FILE *to, const cnx_imagenet_results *r)
{
    const cnx_imagenet *set = &r->run->set;
    fprintf(to, "class,wnid,name,images,top1,top5\n");
    for (int c = 0; c < set->class_count; c++) {
        if (set->subset && !set->subset[c])
            continue;
        fprintf(to, "%d,", c);
        cnx_csv_put(to, set->wnids[c]);
        putc(',', to);
        cnx_csv_put(to, set->names[c]);
        put_counts(to, &r->classes[c]);
        putc('\n', to);
    }
}

/* A line for each severity, then one for all five. */
static void write_corruptions(FILE *to, const cnx_imagenet_results *r)
{
    const cnx_imagenet *set = &r->run->set;
    fprintf(to, "corruption,group,severity,images,top1,top5,error,CE\n");
    for (int c = 0; c < set->corruption_count; c++) {
        cnx_top_counts sum = {0};
        for (int s = 0; s < CNX_SEVERITIES; s++) {
            const cnx_top_counts *g = &r->groups[c * CNX_SEVERITIES + s];
            cnx_top_counts_add(&sum, g);
            fprintf(to, "%s,%s,%d", set->corruptions[c].name, set->corruptions[c].group, s + 1);
            put_counts(to, g);
            put_value(to, 100 - cnx_top_percent(g->top1, g->images));
            fputs(",\n", to);
        }
        fprintf(to, "%s,%s,mean", set->corruptions[c].name, set->corruptions[c].group);
        put_counts(to, &sum);
        put_value(to, 100 * r->errors[c]);
        put_value(to, 100 * r->ces[c]);
        putc('\n', to);
    }
}

static void write_pictures(FILE *to, const cnx_imagenet_results *r)
{
    const cnx_imagenet_run *run = r->run;
    fprintf(to, "file,class,wnid,predicted,predicted_wnid,prob,rank\n");
    for (size_t i = 0; i < run->count; i++) {
        const cnx_imagenet_picture *p = &run->pictures[i];
        const cnx_imagenet_item *item = cnx_imagenet_item_of(run, i);
        if (!p->done)
            continue;
        cnx_csv_put(to, item->id);
        fprintf(to, ",%d,", item->label);
        cnx_csv_put(to, run->set.wnids[item->label]);
        fprintf(to, ",%d,", p->first);
        cnx_csv_put(to, run->set.wnids[p->first]);
        fprintf(to, ",%.9g,%d\n", (double)p->prob, p->rank + 1);
    }
}

static cnx_status write_file(const cnx_text_arg *file,
                             void (*write)(FILE *, const cnx_imagenet_results *),
                             const cnx_imagenet_results *results, cnx_error *err)
{
    if (!file->given)
        return CNX_OK;
    cnx_output out = {0};
    CNX_TRY(cnx_output_open(&out, file->value, err));
    write(out.stream, results);
    const cnx_status status = cnx_output_commit(&out, err); /* tells what could not be written */
    cnx_output_abort(&out);
    return status;
}

cnx_status cnx_imagenet_results_write(const cnx_imagenet_results *results, cnx_error *err)
{
    const cnx_imagenet_args *args = results->run->args;
    const bool corrupted = results->run->set.corruption_count > 0;
    CNX_TRY(write_file(&args->csv, corrupted ? write_corruptions : write_classes, results, err));
    return write_file(&args->per_image, write_pictures, results, err);
}

/* ---- the table ---- */

static void print_corruptions(const cnx_imagenet_results *r)
{
    const cnx_imagenet *set = &r->run->set;
    printf("%-18s  error %% by severity 1 to 5               mean      CE\n", "corruption");
    for (int c = 0; c < set->corruption_count; c++) {
        printf("%-18s", set->corruptions[c].name);
        for (int s = 0; s < CNX_SEVERITIES; s++) {
            const cnx_top_counts *g = &r->groups[c * CNX_SEVERITIES + s];
            printf("  %6.2f", 100 - cnx_top_percent(g->top1, g->images));
        }
        printf("  %7.2f  %6.2f\n", 100 * r->errors[c], 100 * r->ces[c]);
    }
    if (isnan(r->mce)) {
        printf("mCE    none: not all of the %d corruptions have pictures of every severity\n",
               set->corruption_count);
        return;
    }
    printf("mCE    %.2f (AlexNet: 100); plain mean of the errors %.2f %%\n", r->mce,
           100 * r->mean_error);
    if (!isnan(r->relative_mce))
        printf("relative mCE %.2f (clean error %.2f %%)\n", r->relative_mce,
               100 * r->run->args->clean_error.value);
}

static void print_table(const cnx_imagenet_results *r)
{
    const cnx_imagenet *set = &r->run->set;
    printf("%s: %" PRId64 " pictures, %d classes%s\n",
           cnx_imagenet_title(r->run->args->variant.value), r->all.images, set->subset_count,
           set->subset ? " (only their outputs count)" : "");
    if (set->corruption_count)
        print_corruptions(r);
    printf("top-1  %.3f %%  (%" PRId64 ")\n", cnx_top_percent(r->all.top1, r->all.images),
           r->all.top1);
    printf("top-5  %.3f %%  (%" PRId64 ")\n", cnx_top_percent(r->all.top5, r->all.images),
           r->all.top5);
}

/* ---- JSON ---- */

static void put_number(const char *key, double value)
{
    printf(",\"%s\":", key);
    cnx_json_put_number(stdout, value);
}

static void put_string(const char *key, const char *text)
{
    printf(",\"%s\":", key);
    cnx_json_put_string(stdout, text);
}

static void print_json_counts(const cnx_top_counts *c)
{
    printf("\"images\":%" PRId64, c->images);
    put_number("top1", cnx_top_percent(c->top1, c->images));
    put_number("top5", cnx_top_percent(c->top5, c->images));
    printf(",\"correct1\":%" PRId64 ",\"correct5\":%" PRId64, c->top1, c->top5);
}

static void print_json_corruptions(const cnx_imagenet_results *r)
{
    const cnx_imagenet *set = &r->run->set;
    put_number("mCE", r->mce);
    put_number("mean_error", 100 * r->mean_error);
    if (r->run->args->clean_error.given)
        put_number("relative_mCE", r->relative_mce);
    printf(",\"corruptions\":[");
    for (int c = 0; c < set->corruption_count; c++) {
        printf("%s{\"name\":\"%s\",\"group\":\"%s\"", c ? "," : "", set->corruptions[c].name,
               set->corruptions[c].group);
        put_number("error", 100 * r->errors[c]);
        put_number("CE", 100 * r->ces[c]);
        printf(",\"severities\":[");
        for (int s = 0; s < CNX_SEVERITIES; s++) {
            printf(s ? ",{" : "{");
            print_json_counts(&r->groups[c * CNX_SEVERITIES + s]);
            putchar('}');
        }
        printf("]}");
    }
    putchar(']');
}

static void print_json_classes(const cnx_imagenet_results *r)
{
    const cnx_imagenet *set = &r->run->set;
    const char *comma = "";
    printf(",\"classes\":[");
    for (int c = 0; c < set->class_count; c++) {
        if (set->subset && !set->subset[c])
            continue;
        printf("%s{\"class\":%d", comma, c);
        put_string("wnid", set->wnids[c]);
        put_string("name", set->names[c]);
        putchar(',');
        print_json_counts(&r->classes[c]);
        putchar('}');
        comma = ",";
    }
    putchar(']');
}

static void print_json_skipped(const cnx_imagenet_run *run)
{
    const char *comma = "";
    printf(",\"skipped\":[");
    for (size_t i = 0; i < run->count; i++) {
        if (!run->pictures[i].problem)
            continue;
        printf("%s{\"name\":", comma);
        cnx_json_put_string(stdout, cnx_imagenet_item_of(run, i)->id);
        put_string("error", run->pictures[i].problem);
        putchar('}');
        comma = ",";
    }
    putchar(']');
}

/* No times: an interrupted run that went on must print the same bytes. */
static void print_json(const cnx_imagenet_results *r)
{
    const cnx_imagenet_run *run = r->run;
    char models[1024], views[1024];
    cnx_imagenet_models_text(run, models, sizeof models);
    cnx_imagenet_views_text(run, views, sizeof views);
    putchar('{');
    print_json_counts(&r->all);
    put_string("variant", cnx_imagenet_variant_names[run->args->variant.value]);
    printf(",\"outputs_that_count\":%d", run->set.subset_count);
    if (run->set.corruption_count)
        print_json_corruptions(r);
    put_string("model", models);
    put_string("pipeline", views);
    print_json_classes(r);
    print_json_skipped(run);
    printf("}\n");
}

cnx_status cnx_imagenet_results_print(const cnx_imagenet_results *results, cnx_error *err)
{
    if (results->run->args->run.json.given)
        print_json(results);
    else
        print_table(results);
    return cnx_console_flush(err);
}
