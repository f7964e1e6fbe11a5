#include "heads/network.h"

#include <stdlib.h>

#include "core/memory.h"

cnx_status cnx_network_new(cnx_network **out, const cnx_network_kind *kind, cnx_error *err)
{
    cnx_network *net = *out = calloc(1, kind->size);
    CNX_FAIL_IF(!net, CNX_ERR_MEMORY, "not enough memory for a network");
    net->kind = kind;
    atomic_init(&net->holders, 1);
    return CNX_OK;
}

static cnx_status open_parts(cnx_network *net, cnx_model_file *file, int threads, cnx_error *err)
{
    cnx_weights *weights = net->planning ? NULL : file->weights;
    CNX_TRY(cnx_description_copy(&net->description, &file->description, err));
    CNX_TRY(cnx_convnext_open(&net->backbone, &net->description.backbone, net->kind->backbone,
                              net->kind->output_norms, weights, &net->kernels, threads, err));
    return net->kind->open_head(net, weights, threads, err);
}

cnx_status cnx_network_open(cnx_network *net, cnx_model_file *file,
                            const cnx_model_options *options, int threads, cnx_error *err)
{
    net->planning = options->planning;
    CNX_TRY(cnx_kernels_init(&net->kernels, options->kernels, err));
    CNX_TRY(cnx_kernels_set_weights(&net->kernels, options->weights, err));
    const cnx_status status = open_parts(net, file, threads, err);
    if (status != CNX_OK && file->checkpoint)
        cnx_error_prefix(err, "%s", cnx_checkpoint_name(file->checkpoint));
    CNX_TRY(status);
    const size_t bytes = cnx_network_bytes(net);
    CNX_FAIL_IF(options->max_memory && bytes > options->max_memory, CNX_ERR_MEMORY,
                "the weights alone take %.1f MiB, more than the limit of %.1f MiB",
                (double)bytes / 1048576, (double)options->max_memory / 1048576);
    cnx_memory_trim(); /* of what was read and has been packed */
    return CNX_OK;
}

void cnx_network_share(cnx_network *net)
{
    atomic_fetch_add(&net->holders, 1);
}

void cnx_network_let_go(cnx_network *net)
{
    if (!net || atomic_fetch_sub(&net->holders, 1) > 1)
        return;
    cnx_convnext_close(&net->backbone);
    net->kind->close_head(net);
    cnx_description_free(&net->description);
    free(net);
}

size_t cnx_network_bytes(const cnx_network *net)
{
    return cnx_convnext_bytes(net->backbone) + net->kind->head_bytes(net);
}
