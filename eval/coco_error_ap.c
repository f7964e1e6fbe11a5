#include "eval/coco_error_ap.h"

#include <stdlib.h>

/* Precision read off at recalls of 0, 0.01 ... 1, of points that are sorted. */
static double category_ap(const cnx_coco_keyed *sorted, size_t count, const cnx_coco_point *points,
                          int64_t truths, double *precision)
{
    int64_t right = 0;
    double sum = 0;
    if (truths <= 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        right += points[sorted[i].index].right;
        precision[i] = (double)right / (double)(i + 1);
    }
    for (size_t i = count; i > 1; i--)
        if (precision[i - 1] > precision[i - 2])
            precision[i - 2] = precision[i - 1];
    size_t at = 0;
    right = count > 0 ? points[sorted[0].index].right : 0;
    for (int r = 0; r < CNX_COCO_RECALLS; r++) {
        const double wanted = r / 100.0;
        while (at < count && (double)right / (double)truths < wanted)
            if (++at < count)
                right += points[sorted[at].index].right;
        sum += at < count ? precision[at] : 0;
    }
    return sum / CNX_COCO_RECALLS;
}

cnx_status cnx_coco_error_ap(double *out, const cnx_coco_point *points, size_t count,
                             const int64_t *truths, size_t categories, cnx_error *err)
{
    cnx_coco_keyed *keyed = malloc((count + 1) * sizeof *keyed);
    cnx_coco_keyed *scratch = malloc((count + 1) * sizeof *scratch);
    double *precision = malloc((count + 1) * sizeof *precision);
    size_t *starts = calloc(categories + 2, sizeof *starts);
    cnx_status status = CNX_OK;
    double sum = 0;
    size_t used = 0;
    CNX_CHECK_IF(!keyed || !scratch || !precision || !starts, CNX_ERR_MEMORY,
                 "not enough memory for the errors of %zu detections", count);
    for (size_t i = 0; i < count; i++)
        starts[points[i].category + 2]++;
    for (size_t k = 0; k <= categories; k++)
        starts[k + 1] += starts[k];
    for (size_t i = 0; i < count; i++)
        keyed[starts[points[i].category + 1]++] =
            (cnx_coco_keyed){cnx_coco_score_key(points[i].score), (uint32_t)i};
    for (size_t k = 0; k < categories; k++) {
        const size_t begin = starts[k], n = starts[k + 1] - begin;
        if (n == 0 && truths[k] == 0)
            continue;
        cnx_coco_sort(keyed + begin, scratch, n);
        sum += category_ap(keyed + begin, n, points, truths[k], precision);
        used++;
    }
    *out = used > 0 ? sum / (double)used : -1;
cleanup:
    free(keyed);
    free(scratch);
    free(precision);
    free(starts);
    return status;
}
