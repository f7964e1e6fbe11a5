/*
 * Label maps with the scores that an independent reference gives them: counts to the pixel, scores
 * to 1e-9, NaN where it has NaN.  The committed cases, and on machines that have them those of the
 * scene-parsing sample as well.
 */
#include "eval/semantic_scores.h"
#include "core/image/labels.h"
#include "tests/golden/golden.h"

/* One folder of the tree. */
typedef struct golden_case {
    const char *path;
    cnx_semantic_rules rules;
    cnx_semantic_score_options options;
    cnx_label_reader *readers[2];
    cnx_semantic_counter *counter;
    cnx_semantic_counts counts;
    int64_t *confusion;
} golden_case;

static bool read_labels(cnx_label_map *out, cnx_label_reader *reader, const golden_case *c,
                        const cJSON *name)
{
    char path[GOLDEN_PATH];
    cnx_error err = {0};
    golden_format(path, "%s/%s", c->path, cJSON_GetStringValue(name));
    const bool read =
        cnx_labels_read(out, reader, path, CNX_LABELS_INDEX, &err) == CNX_OK && out->u8;
    CHECK(read, "%s", err.message);
    return read;
}

static void count_pair(golden_case *c, const cJSON *pair)
{
    cnx_label_map pred, truth;
    if (!read_labels(&pred, c->readers[0], c, cJSON_GetArrayItem(pair, 0)) ||
        !read_labels(&truth, c->readers[1], c, cJSON_GetArrayItem(pair, 1)))
        return;
    const bool fits = pred.width == truth.width && pred.height == truth.height;
    CHECK(fits, "%s: sizes differ", c->path);
    if (fits)
        cnx_semantic_count(c->counter, (cnx_label_view){truth.u8, false},
                           (cnx_label_view){pred.u8, false},
                           (size_t)truth.width * (size_t)truth.height, &c->counts, c->confusion);
}

static void check_counts(const golden_case *c, const cJSON *want, const char *key,
                         const int64_t *got)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(want, key);
    CHECK(cJSON_GetArraySize(list) == c->rules.classes, "%s: %s is no list", c->path, key);
    for (int i = 0; i < c->rules.classes; i++) {
        const cJSON *count = cJSON_GetArrayItem(list, i);
        CHECK(count && (double)got[i] == count->valuedouble, "%s: %s of class %d: %lld", c->path,
              key, i, (long long)got[i]);
    }
}

static void check_score(const golden_case *c, const char *what, double got, const cJSON *want)
{
    const bool same = cJSON_IsNull(want)
                          ? isnan(got)
                          : cJSON_IsNumber(want) && fabs(got - want->valuedouble) <= 1e-9;
    CHECK(same, "%s: %s is %.17g, expected %.17g", c->path, what, got,
          cJSON_IsNumber(want) ? want->valuedouble : (double)NAN);
}

static void check_scores(const golden_case *c, const cJSON *want)
{
    const cJSON *by_class = cJSON_GetObjectItemCaseSensitive(want, "per_class");
    const cJSON *means = cJSON_GetObjectItemCaseSensitive(want, "summary");
    cnx_semantic_summary summary;
    cnx_semantic_summarise(&summary, &c->counts, &c->options);
    check_score(c, "aAcc", summary.accuracy, cJSON_GetObjectItemCaseSensitive(means, "aAcc"));
    for (int s = 0; s < CNX_SCORE_COUNT; s++) {
        char mean[32];
        const char *name = cnx_semantic_score_names[s];
        snprintf(mean, sizeof mean, "m%s", name);
        check_score(c, mean, summary.mean[s], cJSON_GetObjectItemCaseSensitive(means, mean));
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(by_class, name);
        for (int i = 0; i < c->rules.classes; i++) {
            double scores[CNX_SCORE_COUNT];
            cnx_semantic_class_scores(scores, &c->counts, i, &c->options);
            check_score(c, name, scores[s], cJSON_GetArrayItem(list, i));
        }
    }
}

static void check_confusion(const golden_case *c, const cJSON *want)
{
    const cJSON *row, *cell;
    size_t i = 0;
    cJSON_ArrayForEach(row, want)
    {
        cJSON_ArrayForEach(cell, row)
        {
            CHECK((double)c->confusion[i] == cell->valuedouble, "%s: confusion %zu is %lld",
                  c->path, i, (long long)c->confusion[i]);
            i++;
        }
    }
    CHECK(i == (size_t)c->rules.classes * (size_t)c->rules.classes, "%s: the matrix", c->path);
}

/* rules and expectations stand in `want`, pairs and confusion in `file`. */
static void run_case(golden_case *c, const cJSON *want, const cJSON *file)
{
    cnx_error err = {0};
    const cJSON *pair, *beta = cJSON_GetObjectItemCaseSensitive(want, "beta");
    const cJSON *replacement = cJSON_GetObjectItemCaseSensitive(want, "nan_to_num");
    const cJSON *confusion = cJSON_GetObjectItemCaseSensitive(want, "confusion_gt_row_pred_col");
    c->rules.classes = golden_int(want, "num_classes", 0);
    c->rules.ignore = golden_int(want, "ignore_index", -1);
    c->rules.reduce_zero_label =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(want, "reduce_zero_label"));
    c->options.beta = cJSON_IsNumber(beta) ? beta->valuedouble : 1;
    c->options.replace_nan = cJSON_IsNumber(replacement);
    c->options.replacement = c->options.replace_nan ? replacement->valuedouble : 0;
    const bool opened = cnx_label_reader_open(&c->readers[0], &err) == CNX_OK &&
                        cnx_label_reader_open(&c->readers[1], &err) == CNX_OK &&
                        cnx_semantic_counter_open(&c->counter, &c->rules, &err) == CNX_OK &&
                        cnx_semantic_counts_alloc(&c->counts, c->rules.classes, &err) == CNX_OK;
    CHECK(opened, "%s: %s", c->path, err.message);
    c->confusion = calloc((size_t)c->rules.classes * (size_t)c->rules.classes, sizeof(int64_t));
    if (opened && c->confusion) {
        cJSON_ArrayForEach(pair, cJSON_GetObjectItemCaseSensitive(file, "pairs"))
        {
            count_pair(c, pair);
        }
        check_counts(c, want, "area_intersect", c->counts.intersect);
        check_counts(c, want, "area_pred", c->counts.predicted);
        check_counts(c, want, "area_label", c->counts.labelled);
        check_scores(c, want);
        if (confusion)
            check_confusion(c, confusion);
    }
    free(c->confusion);
    cnx_semantic_counts_free(&c->counts);
    cnx_semantic_counter_close(&c->counter);
    cnx_label_reader_close(&c->readers[0]);
    cnx_label_reader_close(&c->readers[1]);
}

static void visit(void *user, const golden_tree *tree, const char *name)
{
    int *cases = user;
    char path[GOLDEN_PATH], expected[GOLDEN_PATH];
    golden_format(path, "%s/miou/%s", tree->path, name);
    golden_format(expected, "%s/expected.json", path);
    if (access(expected, R_OK) != 0)
        return; /* the README */
    cJSON *file = golden_json(expected);
    const cJSON *sample = cJSON_GetObjectItemCaseSensitive(file, "mmseg");
    golden_case c = {.path = path};
    if (sample)
        c.rules.pred_offset = 1; /* submission form */
    run_case(&c, sample ? sample : file, file);
    cJSON_Delete(file);
    ++*cases;
}

int main(void)
{
    golden_tree tree = {.manifest = NULL};
    int cases = 0;
    golden_format(tree.path, "%s/tests/data", CNX_SOURCE_DIR);
    golden_each(&tree, "miou", visit, &cases);
    CHECK(cases >= 12, "%d committed cases", cases);
    if (check_shared(tree.path, sizeof tree.path, "fixtures/seg"))
        golden_each(&tree, "miou", visit, &cases);
    fprintf(stderr, "%d cases\n", cases);
    return CHECK_RESULT;
}
