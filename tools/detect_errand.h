/* What a picture goes through in cnx detect. */
#ifndef CNX_TOOLS_DETECT_ERRAND_H
#define CNX_TOOLS_DETECT_ERRAND_H

#include "heads/detector.h"
#include "tools/detect_args.h"
#include "tools/detect_results.h"
#include "tools/session.h"

/* The session's model. */
typedef struct cnx_detect_model {
    const cnx_detect_args *args;
    cnx_detector *detector; /* holds the weights and makes the estimates */
    cnx_pipeline pipeline;
    cnx_rcnn_rules rules;
    bool *only;                  /* owned, [classes], or NULL */
    long long *ids;              /* owned, of the inputs */
    cnx_detect_results *results; /* NULL in a dry run */
} cnx_detect_model;

extern const cnx_errand cnx_detect_errand;

#endif
