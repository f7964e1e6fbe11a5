/* COCO's forms: results, and a data set of annotations. */
#include <stdlib.h>

#include "core/json.h"
#include "tools/detected.h"

static void put_numbers(FILE *to, const double *values, size_t count)
{
    fputc('[', to);
    for (size_t i = 0; i < count; i++) {
        if (i)
            fputc(',', to);
        cnx_json_put_number(to, values[i]);
    }
    fputc(']', to);
}

/* {"size":[h,w],"counts":"..."} */
static cnx_status put_runs(FILE *to, const cnx_rle *mask, cnx_error *err)
{
    const size_t length = cnx_rle_to_text(NULL, 0, mask);
    char *text = malloc(length + 1);
    CNX_FAIL_IF(!text, CNX_ERR_MEMORY, "not enough memory for the text of a mask");
    cnx_rle_to_text(text, length + 1, mask);
    fprintf(to, "{\"size\":[%u,%u],\"counts\":", mask->h, mask->w);
    cnx_json_put_string(to, text); /* '\' is one of the text's characters */
    fputc('}', to);
    free(text);
    return CNX_OK;
}

/* [[x,y,x,y,...],...]; a mask without a pixel has no polygon, and stays a list of runs. */
static cnx_status put_polygons(FILE *to, const cnx_detected *d, const cnx_detection *detection,
                               cnx_error *err)
{
    cnx_outline outline;
    CNX_TRY(cnx_detected_outline(&outline, d, detection, err));
    if (outline.count == 0)
        return put_runs(to, &detection->mask, err);
    fputc('[', to);
    for (size_t k = 0; k < outline.count; k++) {
        if (k)
            fputc(',', to);
        put_numbers(to, outline.xy + 2 * outline.starts[k],
                    2 * (outline.starts[k + 1] - outline.starts[k]));
    }
    fputc(']', to);
    cnx_outline_free(&outline);
    return CNX_OK;
}

static void put_box(FILE *to, const cnx_detection *detection)
{
    double box[4];
    cnx_detected_box(box, detection);
    fputs(",\"bbox\":", to);
    put_numbers(to, box, 4);
}

static cnx_status put_records(FILE *to, const cnx_detected *d, bool polygons, cnx_error *err)
{
    for (size_t i = 0; i < d->count; i++) {
        const cnx_detection *detection = cnx_detected_at(d, i);
        const bool masked = cnx_detected_has_mask(detection) && !d->no_masks;
        fprintf(to, "%s{\"image_id\":%lld", i ? ",\n" : "", d->image_id);
        if (d->file_name) {
            fputs(",\"file_name\":", to);
            cnx_json_put_string(to, d->file_name);
        }
        fprintf(to, ",\"category_id\":%d", d->description->category_ids[detection->label]);
        if (!masked || !d->no_boxes)
            put_box(to, detection);
        fputs(",\"score\":", to);
        cnx_json_put_number(to, (double)detection->score);
        if (masked) {
            fputs(",\"segmentation\":", to);
            CNX_TRY(polygons ? put_polygons(to, d, detection, err)
                             : put_runs(to, &detection->mask, err));
        }
        fputc('}', to);
    }
    return CNX_OK;
}

cnx_status cnx_detected_coco(FILE *to, const cnx_detected *d, cnx_error *err)
{
    return put_records(to, d, false, err);
}

cnx_status cnx_detected_coco_polygons(FILE *to, const cnx_detected *d, cnx_error *err)
{
    return put_records(to, d, true, err);
}

/* ---- as a data set ---- */

cnx_status cnx_detected_annotations(FILE *to, const cnx_detected *d, cnx_error *err)
{
    for (size_t i = 0; i < d->count; i++) {
        const cnx_detection *detection = cnx_detected_at(d, i);
        double box[4], area;
        cnx_detected_box(box, detection);
        area = cnx_detected_has_mask(detection) ? cnx_rle_area(&detection->mask) : box[2] * box[3];
        fprintf(to, "%s{\"id\":%lld,\"image_id\":%lld,\"category_id\":%d", i ? ",\n" : "",
                d->first_id + (long long)i, d->image_id,
                d->description->category_ids[detection->label]);
        put_box(to, detection);
        fputs(",\"area\":", to);
        cnx_json_put_number(to, area);
        fputs(",\"iscrowd\":0,\"score\":", to);
        cnx_json_put_number(to, (double)detection->score);
        fputs(",\"segmentation\":", to);
        if (cnx_detected_has_mask(detection))
            CNX_TRY(put_polygons(to, d, detection, err));
        else
            fputs("[]", to);
        fputc('}', to);
    }
    return CNX_OK;
}

cnx_status cnx_detected_image(FILE *to, const cnx_detected *d, cnx_error *err)
{
    (void)err;
    fprintf(to, "{\"id\":%lld,\"file_name\":", d->image_id);
    cnx_json_put_string(to, d->file_name);
    fprintf(to, ",\"width\":%d,\"height\":%d}", d->found->width, d->found->height);
    return CNX_OK;
}

void cnx_detected_categories(FILE *to, const cnx_description *description)
{
    fputc('[', to);
    for (int c = 0; c < description->class_count; c++) {
        fprintf(to, "%s{\"id\":%d,\"name\":", c ? "," : "", description->category_ids[c]);
        cnx_json_put_string(to, description->class_names[c]);
        fputs(",\"supercategory\":\"\"}", to);
    }
    fputc(']', to);
}
