/* COCO's results files: a list of detections, of any length. */
#ifndef CNX_CORE_COCO_RESULTS_H
#define CNX_CORE_COCO_RESULTS_H

#include "core/coco/segmentation.h"
#include "core/json_stream.h"

typedef struct cnx_coco_result {
    int64_t image_id, category_id;
    double score;
    bool has_box;                  /* "bbox" with four numbers */
    bool no_box;                   /* "bbox" is there, and empty */
    double box[4];                 /* x, y, width, height */
    cnx_segmentation segmentation; /* a view; NONE also where it was not asked for */
} cnx_coco_result;

/* Where results go: as cnx_json_list, with results in place of text. */
typedef struct cnx_coco_results_sink {
    int threads;
    bool segmentations; /* read them; `first` may still change it */
    void *user;
    void (*first)(void *user, const cnx_coco_result *result); /* may be NULL */
    void *(*part_new)(void *user);
    void (*part_free)(void *part);
    cnx_status (*add)(void *user, void *part, const cnx_coco_result *result, cnx_error *err);
    cnx_status (*take)(void *user, void *part, cnx_error *err);
} cnx_coco_results_sink;

/* Reads the file entry by entry.  Errors name the entry.  *count: how many there were. */
cnx_status cnx_coco_results_read(const char *path, cnx_coco_results_sink *sink, uint64_t *count,
                                 cnx_error *err);

/* What the first entry has; both false where there is none, or it is damaged. */
cnx_status cnx_coco_results_look(const char *path, bool *has_box, bool *has_segmentation,
                                 cnx_error *err);

#endif
