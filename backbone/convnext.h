/*
 * ConvNeXt (V1 with layer scale, V2 with GRN, isotropic) as a backbone.  convnext.c opens with its
 * architecture.
 */
#ifndef CNX_BACKBONE_CONVNEXT_H
#define CNX_BACKBONE_CONVNEXT_H

#include "core/checkpoint/weights.h"
#include "core/ops/block.h"
#include "core/ops/conv.h"
#include "core/plan/plan.h"

#define CNX_STAGES 4

/* What the checkpoint's shapes tell, and what few networks do differently: zero is the published
 * ConvNeXt. */
typedef struct cnx_convnext_desc {
    int depths[CNX_STAGES];
    int dims[CNX_STAGES];
    int version;    /* 1: layer scale; 2: GRN */
    bool isotropic; /* one stage, at stride 16: the first depth and width; the others are 0 */
    bool unscaled;  /* version 1 whose blocks have no layer scale */
    int dwconv[CNX_STAGES]; /* edge of the depthwise filters: 3, 5 or 7; 0: 7 */
    cnx_mlp_act act;
    float eps; /* of all LayerNorms; 0: 1e-6 */
} cnx_convnext_desc;

/* 1 for an isotropic network, else CNX_STAGES. */
int cnx_convnext_stages(const cnx_convnext_desc *desc);
/* Channels of the last map. */
int cnx_convnext_width(const cnx_convnext_desc *desc);
float cnx_convnext_eps(const cnx_convnext_desc *desc);

/* "tiny", "base", "isotropic_small" ...; NULL for widths and depths that have no name. */
const char *cnx_convnext_variant(const cnx_convnext_desc *desc);
/* Depths and dims by name; false when there is no such variant. */
bool cnx_convnext_named(const char *variant, cnx_convnext_desc *desc);

typedef struct cnx_convnext cnx_convnext;

/*
 * Declares all tensors that the network needs, under `prefix` ("backbone." or "").  out_norms: the
 * four output norms norm0..norm3 as well (dense form).
 */
void cnx_convnext_expect(const cnx_convnext_desc *desc, const char *prefix, bool out_norms,
                         cnx_weights *weights);
/* Reads and packs them on `threads` threads.  weights NULL: a network without weights, for planning
 * only. */
cnx_status cnx_convnext_open(cnx_convnext **out, const cnx_convnext_desc *desc, const char *prefix,
                             bool out_norms, cnx_weights *weights, const cnx_kernels *kernels,
                             int threads, cnx_error *err);
void cnx_convnext_close(cnx_convnext **net);
/* Memory of the packed weights. */
size_t cnx_convnext_bytes(const cnx_convnext *net);

/*
 * Adds the network to a plan.  input: [h, w, 3] normalised RGB.  features[i] is the map of stage i
 * (strides 4, 8, 16, 32; isotropic: the first alone, 16), after its output norm where there is one.
 * h or w below the last stride is CNX_ERR_ARGUMENT.
 */
cnx_status cnx_convnext_plan(const cnx_convnext *net, cnx_plan *plan, cnx_value input,
                             cnx_value features[CNX_STAGES], cnx_error *err);

#endif
