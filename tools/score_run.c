#include "tools/score_run.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/threads.h"
#include "tools/console.h"
#include "tools/interrupt.h"
#include "tools/score_results.h"

/* What one thread has of its own. */
typedef struct worker {
    cnx_label_reader *readers[2];
    cnx_semantic_counter *counter;
    cnx_semantic_counts picture, sum;
} worker;

typedef struct run_state {
    cnx_score_run *out;
    const cnx_mask_pairs *pairs;
    const cnx_mask_folder *folders;
    const cnx_score_options *options;
    worker *workers;
    atomic_size_t finished;
    atomic_bool stop;
} run_state;

/* ---- one pair ---- */

static cnx_label_view view_of(const cnx_label_map *map)
{
    return map->u16 ? (cnx_label_view){map->u16, true} : (cnx_label_view){map->u8, false};
}

static cnx_status check_sizes(const cnx_mask_pair *pair, const cnx_label_map maps[2],
                              cnx_error *err)
{
    CNX_FAIL_IF(maps[0].width != maps[1].width || maps[0].height != maps[1].height, CNX_ERR_FORMAT,
                "%s: %d x %d pixels, but its truth %s has %d x %d; predictions must have the size "
                "of the annotated picture",
                pair->paths[0], maps[0].width, maps[0].height, pair->paths[1], maps[1].width,
                maps[1].height);
    return CNX_OK;
}

/* Says which value of a map is in no bin. */
static cnx_status fail_beyond(const char *path, const cnx_semantic_rules *rules, int value,
                              bool is_truth, cnx_error *err)
{
    const int first = is_truth ? rules->reduce_zero_label : rules->pred_offset;
    char ignored[48] = "";
    if (is_truth && rules->ignore >= 0)
        snprintf(ignored, sizeof ignored, " (and %d, which is ignored)", rules->ignore);
    return cnx_fail(err, CNX_ERR_FORMAT, "%s: found the value %d; the %d classes are %d to %d%s",
                    path, value, rules->classes, first, first + rules->classes - 1, ignored);
}

static cnx_status check_values(const worker *w, const cnx_mask_pair *pair,
                               const cnx_label_map maps[2], size_t pixels,
                               const cnx_score_options *options, cnx_error *err)
{
    const int64_t *totals = w->picture.totals;
    if (!options->strict)
        return CNX_OK;
    for (int side = 1; side >= 0; side--) {
        if (!totals[side ? CNX_SEMANTIC_TRUTH_BEYOND : CNX_SEMANTIC_PRED_BEYOND])
            continue;
        const int value =
            cnx_semantic_find_beyond(&options->rules, view_of(&maps[side]), side, pixels);
        return fail_beyond(pair->paths[side], &options->rules, value, side, err);
    }
    return CNX_OK;
}

/* Masks of the data set's own coding, and predictions also with one sample a pixel: that is how
 * cnx segment writes them. */
static cnx_status read_labels(cnx_label_map *out, cnx_label_reader *reader, const char *path,
                              cnx_label_coding coding, bool is_truth, cnx_error *err)
{
    cnx_mapping file;
    CNX_TRY(cnx_mapping_open(&file, path, err));
    cnx_status status = cnx_label_map_decode(out, reader, file.data, file.size, path, err);
    if (status == CNX_OK && !is_truth && out->channels == 1)
        coding = CNX_LABELS_INDEX;
    if (status == CNX_OK)
        status = cnx_label_map_interpret(out, reader, path, coding, err);
    cnx_mapping_close(&file);
    return status;
}

static cnx_status read_pair(cnx_label_map maps[2], worker *w, const cnx_mask_pair *pair,
                            cnx_label_coding coding, cnx_error *err)
{
    for (int side = 0; side < 2; side++)
        CNX_TRY(read_labels(&maps[side], w->readers[side], pair->paths[side], coding, side, err));
    return check_sizes(pair, maps, err);
}

static cnx_status score_pair(cnx_score_pair *out, worker *w, const cnx_mask_pair *pair,
                             const run_state *state, cnx_error *err)
{
    const cnx_score_options *options = state->options;
    cnx_label_map maps[2];
    if (!pair->paths[0] || !pair->paths[1])
        return cnx_mask_pair_fail(pair, state->folders, err);
    CNX_TRY(read_pair(maps, w, pair, options->coding, err));
    const size_t pixels = (size_t)maps[0].width * (size_t)maps[0].height;
    cnx_semantic_counts_clear(&w->picture);
    cnx_semantic_count(w->counter, view_of(&maps[1]), view_of(&maps[0]), pixels, &w->picture, NULL);
    CNX_TRY(check_values(w, pair, maps, pixels, options, err));
    const int64_t *totals = w->picture.totals;
    out->pixels = totals[CNX_SEMANTIC_PIXELS];
    out->counted = out->pixels - totals[CNX_SEMANTIC_IGNORED] - totals[CNX_SEMANTIC_TRUTH_BEYOND];
    out->hits = totals[CNX_SEMANTIC_HITS];
    out->beyond[0] = totals[CNX_SEMANTIC_PRED_BEYOND];
    out->beyond[1] = totals[CNX_SEMANTIC_TRUTH_BEYOND];
    if (options->summaries)
        cnx_semantic_summarise(&out->summary, &w->picture, &options->scores);
    cnx_semantic_counts_add(&w->sum, &w->picture);
    return CNX_OK;
}

static void work(void *context, int index, int thread)
{
    run_state *state = context;
    cnx_score_pair *out = &state->out->pairs[index];
    cnx_error error = {0};
    if (atomic_load(&state->stop) || cnx_interrupted())
        return;
    /* Pairs are begun in order: whatever comes before the first one that fails has been begun and
     * will be done, so that the pair that is told does not depend on threads. */
    const cnx_status status =
        score_pair(out, &state->workers[thread], &state->pairs->items[index], state, &error);
    out->done = status == CNX_OK;
    if (!out->done) {
        out->problem = strdup(error.message[0] ? error.message : "failed");
        if (!state->options->keep_going)
            atomic_store(&state->stop, true);
    }
    const size_t finished = atomic_fetch_add(&state->finished, 1) + 1;
    if (thread == 0 && state->options->meter) {
        state->options->meter->done = finished;
        cnx_meter_share(state->options->meter, 0);
    }
}

/* ---- all pairs ---- */

static void close_workers(worker *workers, int count)
{
    for (int i = 0; workers && i < count; i++) {
        cnx_label_reader_close(&workers[i].readers[0]);
        cnx_label_reader_close(&workers[i].readers[1]);
        cnx_semantic_counter_close(&workers[i].counter);
        cnx_semantic_counts_free(&workers[i].picture);
        cnx_semantic_counts_free(&workers[i].sum);
    }
    free(workers);
}

static cnx_status open_worker(worker *w, const cnx_semantic_rules *rules, cnx_error *err)
{
    CNX_TRY(cnx_label_reader_open(&w->readers[0], err));
    CNX_TRY(cnx_label_reader_open(&w->readers[1], err));
    CNX_TRY(cnx_semantic_counter_open(&w->counter, rules, err));
    CNX_TRY(cnx_semantic_counts_alloc(&w->picture, rules->classes, err));
    return cnx_semantic_counts_alloc(&w->sum, rules->classes, err);
}

/* Adds up what the threads have; the first problem is the run's without keep_going. */
static cnx_status gather(cnx_score_run *out, const run_state *state, int threads, cnx_error *err)
{
    for (int i = 0; i < threads; i++)
        cnx_semantic_counts_add(&out->counts, &state->workers[i].sum);
    for (size_t i = 0; i < state->pairs->count; i++) {
        const cnx_score_pair *pair = &out->pairs[i];
        out->done += pair->done;
        out->failed += pair->problem != NULL;
        CNX_FAIL_IF(pair->problem && !state->options->keep_going, CNX_ERR_FORMAT, "%s",
                    pair->problem);
    }
    return CNX_OK;
}

cnx_status cnx_score_run_do(cnx_score_run *out, const cnx_mask_pairs *pairs,
                            const cnx_mask_folder folders[2], const cnx_score_options *options,
                            cnx_error *err)
{
    *out = (cnx_score_run){0};
    const int count = (int)pairs->count; /* a folder of 2^31 files does not fit into memory */
    const int threads = options->threads < count ? options->threads : count;
    run_state state = {.out = out, .pairs = pairs, .folders = folders, .options = options};
    cnx_status status = CNX_OK;
    out->pairs = calloc(pairs->count, sizeof *out->pairs);
    state.workers = calloc((size_t)threads, sizeof *state.workers);
    CNX_CHECK_IF(!out->pairs || !state.workers, CNX_ERR_MEMORY, "not enough memory for the scores");
    CNX_CHECK(cnx_semantic_counts_alloc(&out->counts, options->rules.classes, err));
    for (int i = 0; i < threads; i++)
        CNX_CHECK(open_worker(&state.workers[i], &options->rules, err));
    cnx_parallel_for(threads, count, work, &state);
    out->interrupted = cnx_interrupted();
    if (options->meter)
        cnx_meter_clear(options->meter);
    CNX_CHECK(gather(out, &state, threads, err));
cleanup:
    close_workers(state.workers, threads);
    return status;
}

void cnx_score_run_free(cnx_score_run *run, const cnx_mask_pairs *pairs)
{
    for (size_t i = 0; run->pairs && i < pairs->count; i++)
        free(run->pairs[i].problem);
    free(run->pairs);
    cnx_semantic_counts_free(&run->counts);
    *run = (cnx_score_run){0};
}

/* ---- what looks wrong ---- */

/* Names a file and a value of it; it is read once more, since nothing was kept. */
static void warn_beyond(const cnx_score_run *run, const cnx_mask_pairs *pairs, int side,
                        const cnx_score_options *options)
{
    size_t files = 0, first = 0;
    int64_t pixels = 0;
    for (size_t i = pairs->count; i-- > 0;) {
        if (!run->pairs[i].done || !run->pairs[i].beyond[side])
            continue;
        files++;
        first = i;
        pixels += run->pairs[i].beyond[side];
    }
    if (!files)
        return;
    cnx_error error = {0};
    cnx_label_reader *reader = NULL;
    cnx_label_map map;
    const char *path = pairs->items[first].paths[side];
    if (cnx_label_reader_open(&reader, &error) == CNX_OK &&
        read_labels(&map, reader, path, options->coding, side, &error) == CNX_OK) {
        const cnx_semantic_rules *rules = &options->rules;
        const size_t size = (size_t)map.width * (size_t)map.height;
        fail_beyond(path, rules, cnx_semantic_find_beyond(rules, view_of(&map), side, size), side,
                    &error);
        cnx_console_warning("%s; %lld pixel%s in %zu file%s are in no class (as in mmsegmentation, "
                            "they are wrong where the truth is a class; --strict refuses them)",
                            error.message, (long long)pixels, pixels == 1 ? "" : "s", files,
                            files == 1 ? "" : "s");
    }
    cnx_label_reader_close(&reader);
}

void cnx_score_run_warn(const cnx_score_run *run, const cnx_mask_pairs *pairs,
                        const cnx_score_options *options)
{
    const int64_t *totals = run->counts.totals;
    const int64_t hits = totals[CNX_SEMANTIC_HITS], above = totals[CNX_SEMANTIC_ONE_ABOVE];
    const int64_t counted = totals[CNX_SEMANTIC_PIXELS] - totals[CNX_SEMANTIC_IGNORED] -
                            totals[CNX_SEMANTIC_TRUTH_BEYOND];
    warn_beyond(run, pairs, 1, options);
    warn_beyond(run, pairs, 0, options);
    if (above > counted / 2 && above > 2 * hits)
        cnx_console_warning("most predictions are one above their truth: if they are in submission "
                            "form (1 is the first class), give --pred-offset %d",
                            options->rules.pred_offset + 1);
    cnx_score_results_warn(&run->counts, &options->rules);
}
