/*
 * Counting one picture.
 *
 * Both maps 8-bit, as nearly all are: a joint histogram of 256 x 256 pairs of stored values, whose
 * rows are then taken for classes.  Labels come in areas, so that eight pixels at a time mostly
 * hold one pair; where they do not, neighbours go to two tables in turns, because adding to the
 * same place twice in a row waits for the first addition to be stored.
 *
 * Otherwise: runs of one pair, each taken for classes once.
 */
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "eval/semantic.h"

enum { VALUES = 256, STEP = 8 };
/* A stored value that is no class. */
enum { IGNORED = -1, BEYOND = -2 };

struct cnx_semantic_counter {
    cnx_semantic_rules rules;
    uint32_t *tables; /* [2][VALUES truth][VALUES prediction], zero between pictures */
};

cnx_status cnx_semantic_counter_open(cnx_semantic_counter **out, const cnx_semantic_rules *rules,
                                     cnx_error *err)
{
    *out = NULL;
    CNX_TRY(cnx_semantic_check_rules(rules, err));
    cnx_semantic_counter *counter = calloc(1, sizeof *counter);
    uint32_t *tables = cnx_calloc(2 * VALUES * VALUES * sizeof *tables);
    if (!counter || !tables) {
        free(counter);
        cnx_free(tables);
        return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for counting labels");
    }
    *counter = (cnx_semantic_counter){.rules = *rules, .tables = tables};
    *out = counter;
    return CNX_OK;
}

void cnx_semantic_counter_close(cnx_semantic_counter **counter)
{
    if (*counter) {
        cnx_free((*counter)->tables);
        free(*counter);
    }
    *counter = NULL;
}

/* ---- from stored values to classes ---- */

static int truth_class(const cnx_semantic_rules *rules, int value)
{
    if (rules->reduce_zero_label)
        value = value == 0 || value == 255 ? 255 : value - 1;
    if (value == rules->ignore)
        return IGNORED;
    return value < rules->classes ? value : BEYOND;
}

static int predicted_class(const cnx_semantic_rules *rules, int value)
{
    value -= rules->pred_offset;
    return value >= 0 && value < rules->classes ? value : BEYOND;
}

/* n pixels with truth t (not ignored) and prediction p, each a class or BEYOND. */
static void add_pair(cnx_semantic_counts *counts, int64_t *confusion, int t, int p, int64_t n)
{
    if (p >= 0)
        counts->predicted[p] += n;
    else
        counts->totals[CNX_SEMANTIC_PRED_BEYOND] += n;
    if (t < 0 || p < 0)
        return;
    if (confusion)
        confusion[(size_t)t * (size_t)counts->classes + (size_t)p] += n;
    if (p == t) {
        counts->intersect[t] += n;
        counts->totals[CNX_SEMANTIC_HITS] += n;
    } else if (p == t + 1)
        counts->totals[CNX_SEMANTIC_ONE_ABOVE] += n;
    else if (p == t - 1)
        counts->totals[CNX_SEMANTIC_ONE_BELOW] += n;
}

/* n pixels with truth t; true when their predictions count. */
static bool add_truth(cnx_semantic_counts *counts, int t, int64_t n)
{
    if (t >= 0)
        counts->labelled[t] += n;
    else
        counts->totals[t == IGNORED ? CNX_SEMANTIC_IGNORED : CNX_SEMANTIC_TRUTH_BEYOND] += n;
    return t != IGNORED;
}

/* ---- 8-bit labels ---- */

static uint64_t rotated(uint64_t word)
{
    return word << 8 | word >> 56;
}

static void fill_tables(uint32_t *restrict tables, const uint8_t *truth, const uint8_t *pred,
                        size_t pixels)
{
    uint32_t *const other = tables + VALUES * VALUES;
    size_t i = 0;
    for (; i + STEP <= pixels; i += STEP) {
        uint64_t t, p;
        memcpy(&t, truth + i, STEP);
        memcpy(&p, pred + i, STEP);
        /* A word that is the same when turned by a byte has equal bytes. */
        if (((t ^ rotated(t)) | (p ^ rotated(p))) == 0) {
            tables[truth[i] * VALUES + pred[i]] += STEP;
            continue;
        }
        for (size_t j = i; j < i + STEP; j += 2) {
            tables[truth[j] * VALUES + pred[j]]++;
            other[truth[j + 1] * VALUES + pred[j + 1]]++;
        }
    }
    for (; i < pixels; i++)
        tables[truth[i] * VALUES + pred[i]]++;
}

/* Takes the counts of one truth value out of both tables; returns their sum. */
static uint64_t take_row(uint32_t *restrict row, uint32_t *restrict other, uint32_t *restrict out)
{
    uint64_t sum = 0;
    for (int p = 0; p < VALUES; p++) {
        out[p] = row[p] + other[p];
        sum += out[p];
    }
    if (sum) {
        memset(row, 0, VALUES * sizeof *row);
        memset(other, 0, VALUES * sizeof *other);
    }
    return sum;
}

static void count_narrow(cnx_semantic_counter *counter, const uint8_t *truth, const uint8_t *pred,
                         size_t pixels, cnx_semantic_counts *counts, int64_t *confusion)
{
    int classes[VALUES];
    for (int p = 0; p < VALUES; p++)
        classes[p] = predicted_class(&counter->rules, p);
    fill_tables(counter->tables, truth, pred, pixels);
    for (int v = 0; v < VALUES; v++) {
        uint32_t row[VALUES];
        uint32_t *const table = counter->tables + v * VALUES;
        const uint64_t n = take_row(table, table + VALUES * VALUES, row);
        const int t = truth_class(&counter->rules, v);
        if (n == 0 || !add_truth(counts, t, (int64_t)n))
            continue;
        for (int p = 0; p < VALUES; p++)
            if (row[p])
                add_pair(counts, confusion, t, classes[p], row[p]);
    }
}

/* ---- labels of which one or both are 16-bit ---- */

static int label_at(cnx_label_view labels, size_t i)
{
    return labels.wide ? ((const uint16_t *)labels.data)[i] : ((const uint8_t *)labels.data)[i];
}

/* The first pixel from `i` on whose label is not `value`, `end` when there is none before it. */
static size_t run_end(cnx_label_view labels, int value, size_t i, size_t end)
{
    if (labels.wide)
        while (i < end && ((const uint16_t *)labels.data)[i] == value)
            i++;
    else
        while (i < end && ((const uint8_t *)labels.data)[i] == value)
            i++;
    return i;
}

static void count_runs(const cnx_semantic_rules *rules, cnx_label_view truth, cnx_label_view pred,
                       size_t pixels, cnx_semantic_counts *counts, int64_t *confusion)
{
    size_t truth_end = 0, pred_end = 0;
    for (size_t i = 0; i < pixels;) {
        const int v = label_at(truth, i), w = label_at(pred, i);
        if (truth_end <= i)
            truth_end = run_end(truth, v, i + 1, pixels);
        if (pred_end <= i)
            pred_end = run_end(pred, w, i + 1, pixels);
        const size_t end = truth_end < pred_end ? truth_end : pred_end;
        const int64_t n = (int64_t)(end - i);
        const int t = truth_class(rules, v);
        if (add_truth(counts, t, n))
            add_pair(counts, confusion, t, predicted_class(rules, w), n);
        i = end;
    }
}

void cnx_semantic_count(cnx_semantic_counter *counter, cnx_label_view truth, cnx_label_view pred,
                        size_t pixels, cnx_semantic_counts *counts, int64_t *confusion)
{
    counts->totals[CNX_SEMANTIC_PIXELS] += (int64_t)pixels;
    if (truth.wide || pred.wide)
        count_runs(&counter->rules, truth, pred, pixels, counts, confusion);
    else
        count_narrow(counter, truth.data, pred.data, pixels, counts, confusion);
}

int cnx_semantic_find_beyond(const cnx_semantic_rules *rules, cnx_label_view labels, bool is_truth,
                             size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        const int value = label_at(labels, i);
        if ((is_truth ? truth_class(rules, value) : predicted_class(rules, value)) == BEYOND)
            return value;
    }
    return -1;
}
