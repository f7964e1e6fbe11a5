#include "core/csv.h"
#include "tools/detected.h"

const char cnx_detected_csv_head[] =
    "file_name,image_id,instance,category_id,category,score,x,y,width,height,area\n";

cnx_status cnx_detected_csv(FILE *to, const cnx_detected *d, cnx_error *err)
{
    (void)err;
    for (size_t i = 0; i < d->count; i++) {
        const cnx_detection *detection = cnx_detected_at(d, i);
        double box[4];
        cnx_detected_box(box, detection);
        cnx_csv_put(to, d->file_name);
        fprintf(to, ",%lld,%zu,%d,", d->image_id, i + 1,
                d->description->category_ids[detection->label]);
        cnx_csv_put(to, d->description->class_names[detection->label]);
        fprintf(to, ",%.9g,%.9g,%.9g,%.9g,%.9g,", (double)detection->score, box[0], box[1], box[2],
                box[3]);
        if (cnx_detected_has_mask(detection))
            fprintf(to, "%u\n", cnx_rle_area(&detection->mask));
        else
            fprintf(to, "%.9g\n", box[2] * box[3]);
    }
    return CNX_OK;
}
