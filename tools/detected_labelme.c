/* labelme's file beside a picture. */
#include "core/json.h"
#include "tools/detected.h"

static void put_point(FILE *to, const double *xy)
{
    fputc('[', to);
    cnx_json_put_number(to, xy[0]);
    fputc(',', to);
    cnx_json_put_number(to, xy[1]);
    fputc(']', to);
}

/* group: the shapes of one thing share it; 0: it is the only one. */
static void put_shape(FILE *to, const cnx_detected *d, const cnx_detection *detection,
                      const char *type, const double *xy, size_t points, size_t group)
{
    fputs("{\"label\":", to);
    cnx_json_put_string(to, d->description->class_names[detection->label]);
    fputs(",\"points\":[", to);
    for (size_t i = 0; i < points; i++) {
        if (i)
            fputc(',', to);
        put_point(to, xy + 2 * i);
    }
    fputs("],\"group_id\":", to);
    if (group)
        fprintf(to, "%zu", group);
    else
        fputs("null", to);
    fprintf(to, ",\"description\":\"\",\"shape_type\":\"%s\",\"flags\":{},\"score\":", type);
    cnx_json_put_number(to, (double)detection->score);
    fputc('}', to);
}

/* Polygons where there is a mask with a pixel, else the box. */
static cnx_status put_detection(FILE *to, const cnx_detected *d, const cnx_detection *detection,
                                size_t number, cnx_error *err)
{
    cnx_outline outline;
    CNX_TRY(cnx_detected_outline(&outline, d, detection, err));
    if (outline.count == 0) {
        double corners[4];
        cnx_detected_corners(corners, d, detection);
        put_shape(to, d, detection, "rectangle", corners, 2, 0);
    }
    for (size_t k = 0; k < outline.count; k++) {
        fputs(k ? ",\n" : "", to);
        put_shape(to, d, detection, "polygon", outline.xy + 2 * outline.starts[k],
                  outline.starts[k + 1] - outline.starts[k], outline.count > 1 ? number : 0);
    }
    cnx_outline_free(&outline);
    return CNX_OK;
}

cnx_status cnx_detected_labelme(FILE *to, const cnx_detected *d, cnx_error *err)
{
    fputs("{\"version\":\"5.4.1\",\"flags\":{},\"shapes\":[\n", to);
    for (size_t i = 0; i < d->count; i++) {
        fputs(i ? ",\n" : "", to);
        CNX_TRY(put_detection(to, d, cnx_detected_at(d, i), i + 1, err));
    }
    fputs("\n],\"imagePath\":", to);
    cnx_json_put_string(to, d->image_path);
    fprintf(to, ",\"imageData\":null,\"imageHeight\":%d,\"imageWidth\":%d}\n", d->found->height,
            d->found->width);
    return CNX_OK;
}
