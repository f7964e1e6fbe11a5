/* Counts as values: made, added, stored, restored. */
#include <stdlib.h>
#include <string.h>

#include "eval/semantic.h"

cnx_status cnx_semantic_check_rules(const cnx_semantic_rules *rules, cnx_error *err)
{
    CNX_FAIL_IF(rules->classes < 1 || rules->classes > CNX_SEMANTIC_MAX_CLASSES, CNX_ERR_ARGUMENT,
                "%d classes; 1 to %d can be counted", rules->classes, CNX_SEMANTIC_MAX_CLASSES);
    CNX_FAIL_IF(rules->ignore < -1 || rules->ignore > UINT16_MAX, CNX_ERR_ARGUMENT,
                "%d cannot be the ignored value: labels are 0 to %d", rules->ignore, UINT16_MAX);
    CNX_FAIL_IF(rules->pred_offset < 0 || rules->pred_offset > UINT16_MAX, CNX_ERR_ARGUMENT,
                "predictions cannot be %d above their classes: labels are 0 to %d",
                rules->pred_offset, UINT16_MAX);
    return CNX_OK;
}

size_t cnx_semantic_value_count(int classes)
{
    return 3 * (size_t)classes + CNX_SEMANTIC_TOTALS;
}

cnx_status cnx_semantic_counts_alloc(cnx_semantic_counts *out, int classes, cnx_error *err)
{
    *out = (cnx_semantic_counts){.classes = classes};
    out->values = calloc(cnx_semantic_value_count(classes), sizeof *out->values);
    CNX_FAIL_IF(!out->values, CNX_ERR_MEMORY, "not enough memory for the counts of %d classes",
                classes);
    out->intersect = out->values;
    out->predicted = out->intersect + classes;
    out->labelled = out->predicted + classes;
    out->totals = out->labelled + classes;
    return CNX_OK;
}

void cnx_semantic_counts_free(cnx_semantic_counts *counts)
{
    free(counts->values);
    *counts = (cnx_semantic_counts){0};
}

void cnx_semantic_counts_clear(cnx_semantic_counts *counts)
{
    memset(counts->values, 0, cnx_semantic_value_count(counts->classes) * sizeof *counts->values);
}

void cnx_semantic_counts_add(cnx_semantic_counts *sum, const cnx_semantic_counts *more)
{
    const size_t n = cnx_semantic_value_count(sum->classes);
    for (size_t i = 0; i < n; i++)
        sum->values[i] += more->values[i];
}

/* The sum of [n] counts, -1 when one is negative or the sum is above limit. */
static int64_t bounded_sum(const int64_t *counts, int n, int64_t limit)
{
    int64_t sum = 0;
    for (int i = 0; i < n; i++) {
        if (counts[i] < 0 || counts[i] > limit - sum)
            return -1;
        sum += counts[i];
    }
    return sum;
}

cnx_status cnx_semantic_counts_restore(cnx_semantic_counts *counts, const int64_t *values,
                                       cnx_error *err)
{
    const int k = counts->classes;
    const int64_t *intersect = values, *predicted = values + k, *labelled = predicted + k;
    const int64_t *totals = labelled + k;
    const int64_t pixels = totals[CNX_SEMANTIC_PIXELS];
    for (int i = 0; i < CNX_SEMANTIC_TOTALS; i++)
        CNX_FAIL_IF(totals[i] < 0 || totals[i] > pixels, CNX_ERR_FORMAT,
                    "the stored counts are damaged: %lld of %lld pixels", (long long)totals[i],
                    (long long)pixels);
    for (int c = 0; c < k; c++)
        CNX_FAIL_IF(intersect[c] > predicted[c] || intersect[c] > labelled[c], CNX_ERR_FORMAT,
                    "the stored counts are damaged: class %d has %lld hits, %lld predicted and "
                    "%lld labelled pixels",
                    c, (long long)intersect[c], (long long)predicted[c], (long long)labelled[c]);
    CNX_FAIL_IF(bounded_sum(intersect, k, pixels) != totals[CNX_SEMANTIC_HITS] ||
                    bounded_sum(predicted, k, pixels) < 0 || bounded_sum(labelled, k, pixels) < 0,
                CNX_ERR_FORMAT, "the stored counts are damaged: they do not fit into %lld pixels",
                (long long)pixels);
    memcpy(counts->values, values, cnx_semantic_value_count(k) * sizeof *values);
    return CNX_OK;
}
