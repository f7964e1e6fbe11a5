#include "tools/detected.h"

size_t cnx_detected_order(size_t *out, const cnx_detections *found, const cnx_description *d)
{
    size_t n = 0;
    for (int c = 0; c < d->class_count; c++)
        for (size_t i = 0; d->category_ids[c] >= 0 && i < found->count; i++)
            if (found->items[i].label == c)
                out[n++] = i;
    return n;
}

void cnx_detected_box(double xywh[4], const cnx_detection *detection)
{
    const float *box = detection->box;
    xywh[0] = (double)box[0];
    xywh[1] = (double)box[1];
    xywh[2] = (double)box[2] - (double)box[0];
    xywh[3] = (double)box[3] - (double)box[1];
}

static double within(double value, int most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

void cnx_detected_corners(double corners[4], const cnx_detected *d, const cnx_detection *detection)
{
    for (int i = 0; i < 4; i++)
        corners[i] = within((double)detection->box[i], i % 2 ? d->found->height : d->found->width);
}

cnx_status cnx_detected_outline(cnx_outline *out, const cnx_detected *d,
                                const cnx_detection *detection, cnx_error *err)
{
    *out = (cnx_outline){0};
    return cnx_detected_has_mask(detection)
               ? cnx_outline_trace(out, &detection->mask, d->tolerance, err)
               : CNX_OK;
}
