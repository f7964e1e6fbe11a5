/* What cnx classify tells of a picture on standard output. */
#ifndef CNX_TOOLS_CLASSIFY_REPORT_H
#define CNX_TOOLS_CLASSIFY_REPORT_H

#include "heads/classifier_group.h"
#include "tools/session.h"

/* The likeliest classes of one picture; all borrowed. */
typedef struct cnx_classified {
    const cnx_description *description;
    const double *probabilities; /* [classes] */
    const int *top;              /* [count], the likeliest first */
    int count;
    const cnx_classify_stats *stats;
    char *const *outputs; /* [CNX_CLASS_SAVES] paths, NULL for what is not saved */
} cnx_classified;

cnx_status cnx_classify_report_text(const cnx_picture *p, const cnx_classified *c, cnx_error *err);
/* head: the line that names the columns comes first. */
cnx_status cnx_classify_report_csv(const cnx_picture *p, const cnx_classified *c, bool head,
                                   cnx_error *err);
cnx_status cnx_classify_report_json(const cnx_picture *p, const cnx_classified *c, cnx_error *err);

#endif
