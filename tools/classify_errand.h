/* What a picture goes through in cnx classify. */
#ifndef CNX_TOOLS_CLASSIFY_ERRAND_H
#define CNX_TOOLS_CLASSIFY_ERRAND_H

#include "heads/classifier_group.h"
#include "tools/classify_args.h"
#include "tools/session.h"

/* The session's model. */
typedef struct cnx_classify_model {
    const cnx_classify_args *args;
    cnx_classifier_group group; /* holds the weights and makes the estimates */
    bool csv_begun;
} cnx_classify_model;

extern const cnx_errand cnx_classify_errand;

#endif
