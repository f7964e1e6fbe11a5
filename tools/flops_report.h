/* What cnx flops tells of a network: as text, CSV, JSON or a picture; and the published tables. */
#ifndef CNX_TOOLS_FLOPS_REPORT_H
#define CNX_TOOLS_FLOPS_REPORT_H

#include <stdio.h>

#include "heads/census.h"
#include "tools/model_arg.h"

extern const char *const cnx_convention_names[]; /* by cnx_convention */

/* All borrowed. */
typedef struct cnx_flops_report {
    const cnx_model_choice *model;
    const cnx_census *census;
    cnx_convention convention;
    bool per_layer;
} cnx_flops_report;

/* FLOPs under the report's convention. */
double cnx_flops_of(const cnx_flops_report *report, const cnx_cost *cost);

/* These print on standard output. */
void cnx_flops_text(const cnx_flops_report *report);
/* A line for each part, or each layer. */
void cnx_flops_csv(const cnx_flops_report *report);
cnx_status cnx_flops_json(const cnx_flops_report *report, cnx_error *err);

/* The picture, as SVG. */
void cnx_flops_chart(FILE *to, const cnx_flops_report *report);

/* All published figures beside computed ones; as JSON where wanted. */
cnx_status cnx_flops_paper(bool json, cnx_error *err);

#endif
