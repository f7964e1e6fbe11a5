/* What a picture goes through in cnx segment. */
#ifndef CNX_TOOLS_SEGMENT_ERRAND_H
#define CNX_TOOLS_SEGMENT_ERRAND_H

#include "heads/segmentor_group.h"
#include "tools/segment_args.h"
#include "tools/session.h"

/* The session's model. */
typedef struct cnx_segment_model {
    const cnx_segment_args *args;
    cnx_segmentor_group group; /* holds the weights and makes the estimates */
} cnx_segment_model;

extern const cnx_errand cnx_segment_errand;

#endif
