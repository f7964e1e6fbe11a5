/* Pictures of ImageNet or a relative through classifiers, ranked against their truth. */
#ifndef CNX_TOOLS_IMAGENET_RUN_H
#define CNX_TOOLS_IMAGENET_RUN_H

#include "datasets/imagenet.h"
#include "eval/classification.h"
#include "eval/journal.h"
#include "heads/classifier_group.h"
#include "tools/imagenet_args.h"
#include "tools/meter.h"

/* What came of one picture. */
typedef struct cnx_imagenet_picture {
    bool done;
    int rank;      /* classes that were ranked before the truth */
    int first;     /* the class that was ranked first */
    float prob;    /* its probability, among all classes */
    char *problem; /* owned; why it was not done, or NULL */
} cnx_imagenet_picture;

typedef struct cnx_imagenet_run {
    /* filled in by the caller */
    const cnx_imagenet_args *args;
    cnx_imagenet set;
    size_t first, count; /* the part of it that is evaluated */
    cnx_classifier_group group;
    int threads, jobs;
    cnx_journal *journal;
    cnx_meter meter;

    /* what came of it */
    cnx_imagenet_picture *pictures; /* owned, [count] */
    size_t done, failed;
    bool interrupted;
} cnx_imagenet_run;

cnx_status cnx_imagenet_run_open(cnx_imagenet_run *run, cnx_error *err); /* makes room */
void cnx_imagenet_run_close(cnx_imagenet_run *run);

/* A cnx_journal_record whose user is the run. */
cnx_status cnx_imagenet_run_restore(void *run, size_t index, const char *text, cnx_error *err);

/* Does all pictures that have not been done; see cnx_crew_work. */
cnx_status cnx_imagenet_run_do(cnx_imagenet_run *run, cnx_error *err);

/* Picture `index` of the run. */
const cnx_imagenet_item *cnx_imagenet_item_of(const cnx_imagenet_run *run, size_t index);
cnx_status cnx_imagenet_read(const cnx_imagenet_run *run, size_t index, cnx_image *image,
                             cnx_error *err);

#endif
