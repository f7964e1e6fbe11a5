#include "tools/score_coco.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/clock.h"
#include "core/memory.h"
#include "tools/coco_results.h"
#include "tools/console.h"
#include "tools/words.h"

bool cnx_is_coco_file(const char *path)
{
    struct stat st;
    const size_t length = strlen(path);
    if (length > 5 && strcasecmp(path + length - 5, ".json") == 0)
        return true;
    /* A pipe must not be read from, nor waited for. */
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    FILE *file = fopen(path, "rbe");
    if (!file)
        return false;
    char text[64] = "";
    const size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    const char *p = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
    p += strspn(p, " \t\r\n");
    return *p == '[' || *p == '{';
}

static cnx_status choose_kinds(bool kinds[CNX_COCO_KINDS], const cnx_score_coco *run,
                               cnx_error *err)
{
    bool box = false, masks = false;
    if (run->args->kind.given) {
        kinds[CNX_COCO_BBOX] = run->args->kind.value != CNX_COCO_KIND_SEGM;
        kinds[CNX_COCO_SEGM] = run->args->kind.value != CNX_COCO_KIND_BBOX;
        return CNX_OK;
    }
    CNX_TRY(cnx_coco_results_look(run->pred, &box, &masks, err));
    kinds[CNX_COCO_BBOX] = true; /* those of masks, where there are no others */
    kinds[CNX_COCO_SEGM] = masks;
    return CNX_OK;
}

static cnx_status prepare(cnx_coco_setup *setup, const cnx_score_coco *run, cnx_error *err)
{
    const char *const sources[] = {run->pred, run->truth};
    CNX_TRY(cnx_coco_args_apply(setup, run->args, err));
    CNX_TRY(choose_kinds(setup->params.kinds, run, err));
    setup->params.threads = run->threads;
    return cnx_coco_results_check(run->csv, run->per_image, run->args->arrays.value, &setup->params,
                                  sources, 2, run->overwrite, err);
}

static cnx_status tell(const cnx_coco_results *results, const cnx_score_coco *run, cnx_error *err)
{
    cnx_coco_results_warn(results);
    CNX_TRY(
        cnx_coco_results_write(results, run->csv, run->per_image, run->args->arrays.value, err));
    if (run->json) {
        putchar('{');
        cnx_coco_results_print_members(stdout, results);
        printf("}\n");
    } else {
        cnx_coco_results_print(stdout, results);
    }
    return cnx_console_flush(err);
}

static cnx_status score(cnx_coco_setup *setup, const cnx_coco_truth *truth,
                        const cnx_score_coco *run, cnx_error *err)
{
    cnx_coco_scorer *scorer = NULL;
    cnx_coco_results results = {0};
    cnx_status status = CNX_OK;
    const double started = cnx_now();
    CNX_CHECK(cnx_coco_args_choose(setup, run->args, truth, err));
    CNX_CHECK(cnx_coco_scorer_open(&scorer, truth, &setup->params, err));
    CNX_CHECK(cnx_coco_scorer_read(scorer, run->pred, err));
    CNX_CHECK(cnx_coco_results_make(&results, scorer, err));
    CNX_CHECK(tell(&results, run, err));
    if (!run->quiet)
        cnx_console_note("%llu results of %zu images scored in %.2f s, %d threads, peak memory %s",
                         (unsigned long long)cnx_coco_scorer_arrivals(scorer).results,
                         cnx_coco_scorer_params(scorer)->image_id_count, cnx_now() - started,
                         run->threads, cnx_words_bytes(cnx_peak_rss()).text);
cleanup:
    cnx_coco_results_free(&results);
    cnx_coco_scorer_close(&scorer);
    return status;
}

int cnx_score_coco_run(const cnx_score_coco *run)
{
    cnx_coco_setup setup = {0};
    cnx_coco_truth truth = {0};
    cnx_error error = {0};
    cnx_status status = prepare(&setup, run, &error);
    if (status == CNX_OK) {
        const cnx_coco_truth_options options = {.threads = run->threads,
                                                .segmentations = setup.params.kinds[CNX_COCO_SEGM]};
        status = cnx_coco_truth_open(&truth, run->truth, &options, &error);
    }
    if (status == CNX_OK)
        status = score(&setup, &truth, run, &error);
    cnx_coco_truth_close(&truth);
    cnx_coco_setup_free(&setup);
    if (status == CNX_OK)
        return CNX_EXIT_DONE;
    return error.message[0] ? cnx_console_fail(&error) : CNX_EXIT_FAILED;
}
