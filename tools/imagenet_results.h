/* What came of a run over ImageNet or a relative: counts, scores, and their forms. */
#ifndef CNX_TOOLS_IMAGENET_RESULTS_H
#define CNX_TOOLS_IMAGENET_RESULTS_H

#include "tools/imagenet_run.h"

typedef struct cnx_imagenet_results {
    const cnx_imagenet_run *run;
    cnx_top_counts all;
    cnx_top_counts *classes;                                     /* owned, [class_count] */
    cnx_top_counts groups[CNX_MAX_CORRUPTIONS * CNX_SEVERITIES]; /* ImageNet-C's */
    /* ImageNet-C: errors as fractions, CEs as ratios to AlexNet's, by corruption; NaN where a severity
     * has no pictures. */
    double errors[CNX_MAX_CORRUPTIONS], ces[CNX_MAX_CORRUPTIONS];
    double mce, relative_mce; /* NaN unless all corruptions are whole */
    double mean_error;        /* plain mean of the errors, a fraction; likewise */
} cnx_imagenet_results;

cnx_status cnx_imagenet_results_open(cnx_imagenet_results *out, const cnx_imagenet_run *run,
                                     cnx_error *err);
void cnx_imagenet_results_close(cnx_imagenet_results *results);

/* --csv and --per-image. */
cnx_status cnx_imagenet_results_write(const cnx_imagenet_results *results, cnx_error *err);
/* A table or JSON on standard output. */
cnx_status cnx_imagenet_results_print(const cnx_imagenet_results *results, cnx_error *err);

/* Names of the models, and how each sees a picture, for people: "convnext_tiny + convnext_small". */
void cnx_imagenet_models_text(const cnx_imagenet_run *run, char *text, size_t size);
void cnx_imagenet_views_text(const cnx_imagenet_run *run, char *text, size_t size);

#endif
