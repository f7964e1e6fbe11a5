/* UPerHead: pyramid pooling, lateral connections, feature pyramid, fusion, classifier. */
#ifndef CNX_HEADS_UPERNET_H
#define CNX_HEADS_UPERNET_H

#include "backbone/convnext.h"

#define CNX_MAX_POOLS   8
#define CNX_MAX_CLASSES 65535

typedef struct cnx_upernet_desc {
    int channels; /* width of the head: 512 in the published models */
    int classes;
    int pools; /* number of pool scales */
    int pool_scales[CNX_MAX_POOLS];
    int auxiliary; /* width of the auxiliary head, which serves training only; 0: none, or not
                      known */
} cnx_upernet_desc;

typedef struct cnx_upernet cnx_upernet;

/* Declares the head's tensors ("decode_head.*"). */
void cnx_upernet_expect(const cnx_upernet_desc *desc, const int dims[CNX_STAGES],
                        cnx_weights *weights);
/* Reads and packs them on `threads` threads.  weights NULL: for planning only.  direct: so many of the
 * 3x3 convolutions that Winograd would do, 0 to CNX_UPERNET_DIRECT, are done directly, those of the
 * smallest maps first: slower, with a quarter of the weights. */
enum { CNX_UPERNET_DIRECT = CNX_STAGES };
cnx_status cnx_upernet_open(cnx_upernet **out, const cnx_upernet_desc *desc,
                            const int dims[CNX_STAGES], int direct, cnx_weights *weights,
                            const cnx_kernels *kernels, int threads, cnx_error *err);
/* Parameters of the auxiliary head: 3x3 ConvModule on the third map, classifier. */
size_t cnx_upernet_auxiliary_parameters(const cnx_upernet_desc *desc, const int dims[CNX_STAGES]);
void cnx_upernet_close(cnx_upernet **head);
size_t cnx_upernet_bytes(const cnx_upernet *head);

/* Adds the head to a plan; *logits is [h/4, w/4, classes]. */
cnx_status cnx_upernet_plan(const cnx_upernet *head, cnx_plan *plan,
                            const cnx_value features[CNX_STAGES], cnx_value *logits,
                            cnx_error *err);

#endif
