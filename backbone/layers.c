#include "backbone/layers.h"

#include <math.h>
#include <stdio.h>

#include "core/memory.h"

#define BATCHNORM_EPS 1e-5

cnx_layer_name cnx_name(const char *fmt, ...)
{
    cnx_layer_name name;
    va_list args;
    va_start(args, fmt);
    vsnprintf(name.text, sizeof name.text, fmt, args);
    va_end(args);
    return name;
}

static void expect_vector(cnx_weights *w, const char *name, const char *field, int c)
{
    cnx_weights_expect(w, cnx_name("%s.%s", name, field).text, 1, (const int64_t[]){c});
}

void cnx_expect_affine(cnx_weights *w, const char *name, int c)
{
    expect_vector(w, name, "weight", c);
    expect_vector(w, name, "bias", c);
}

void cnx_expect_conv(cnx_weights *w, const char *name, int out_c, int in_c, int size, bool bias)
{
    cnx_weights_expect(w, cnx_name("%s.weight", name).text, 4,
                       (const int64_t[]){out_c, in_c, size, size});
    if (bias)
        expect_vector(w, name, "bias", out_c);
}

cnx_status cnx_load_floats(float **out, cnx_weights *w, const char *name, size_t count,
                           cnx_error *err)
{
    *out = NULL;
    CNX_FAIL_IF(cnx_weights_elements(w, name) != count, CNX_ERR_INTERNAL,
                "%s: read without having been checked", name);
    size_t bytes;
    CNX_FAIL_IF(!cnx_mul(count, sizeof **out, &bytes), CNX_ERR_MEMORY, "%s: too large", name);
    CNX_TRY(cnx_alloc_or_fail((void **)out, bytes, name, err));
    cnx_status status = cnx_weights_read(w, name, *out, err);
    if (status != CNX_OK) {
        cnx_free(*out);
        *out = NULL;
    }
    return status;
}

cnx_status cnx_load_values(cnx_values *out, cnx_weights *w, const char *name, size_t count,
                           cnx_error *err)
{
    *out = (cnx_values){.weights = w, .count = count};
    const cnx_tensor_info *tensor = cnx_weights_find(w, name);
    if (tensor && tensor->elements == count)
        CNX_TRY(cnx_weights_view(w, name, &out->data, err));
    if (out->data)
        return CNX_OK;
    CNX_TRY(cnx_load_floats(&out->owned, w, name, count, err));
    out->data = out->owned;
    return CNX_OK;
}

void cnx_values_free(cnx_values *values)
{
    if (values->data && !values->owned)
        cnx_weights_unview(values->weights, values->data, values->count);
    cnx_free(values->owned);
    *values = (cnx_values){0};
}

cnx_status cnx_load_affine(cnx_affine *out, cnx_weights *w, const char *name, int c, cnx_error *err)
{
    CNX_TRY(cnx_load_floats(&out->weight, w, cnx_name("%s.weight", name).text, (size_t)c, err));
    return cnx_load_floats(&out->bias, w, cnx_name("%s.bias", name).text, (size_t)c, err);
}

void cnx_affine_free(cnx_affine *affine)
{
    cnx_free(affine->weight);
    cnx_free(affine->bias);
    *affine = (cnx_affine){0};
}

/* Values of one output channel. */
static size_t filter_size(cnx_conv_spec spec)
{
    return (size_t)spec.in_c * (size_t)spec.size * (size_t)spec.size;
}

static cnx_status load_filters(cnx_values *out, cnx_weights *w, const char *name,
                               cnx_conv_spec spec, cnx_error *err)
{
    size_t count;
    CNX_FAIL_IF(!cnx_mul(filter_size(spec), (size_t)spec.out_c, &count), CNX_ERR_MEMORY,
                "%s: too large", name);
    return cnx_load_values(out, w, name, count, err);
}

cnx_status cnx_name_layer(cnx_status status, const char *name, cnx_error *err)
{
    if (status == CNX_ERR_MODEL)
        cnx_error_prefix(err, "%s", name);
    return status;
}

static void shape_only(cnx_conv *out, cnx_conv_spec spec)
{
    *out = (cnx_conv){.kind = spec.kind,
                      .size = spec.size,
                      .in_c = spec.in_c,
                      .out_c = spec.out_c,
                      .act = spec.act};
}

cnx_status cnx_load_conv(cnx_conv *out, cnx_weights *w, const cnx_kernels *k, const char *name,
                         cnx_conv_spec spec, cnx_error *err)
{
    shape_only(out, spec);
    if (!w)
        return CNX_OK;
    cnx_values weights = {0};
    float *bias = NULL;
    cnx_status status = CNX_OK;
    CNX_CHECK(load_filters(&weights, w, cnx_name("%s.weight", name).text, spec, err));
    CNX_CHECK(cnx_load_floats(&bias, w, cnx_name("%s.bias", name).text, (size_t)spec.out_c, err));
    status = cnx_conv_init(out, k, spec.kind, spec.size, spec.in_c, spec.out_c, weights.data, bias,
                           spec.act, err);
    CNX_CHECK(cnx_name_layer(status, name, err));
cleanup:
    cnx_values_free(&weights);
    cnx_free(bias);
    return status;
}

void cnx_expect_conv_module(cnx_weights *w, const char *name, int out_c, int in_c, int size)
{
    cnx_expect_conv(w, cnx_name("%s.conv", name).text, out_c, in_c, size, false);
    const cnx_layer_name bn = cnx_name("%s.bn", name);
    cnx_expect_affine(w, bn.text, out_c);
    expect_vector(w, bn.text, "running_mean", out_c);
    expect_vector(w, bn.text, "running_var", out_c);
}

/* The four vectors of a BatchNorm. */
typedef struct batchnorm {
    cnx_affine affine;
    float *mean, *var;
} batchnorm;

static cnx_status load_batchnorm(batchnorm *bn, cnx_weights *w, const char *name, int c,
                                 cnx_error *err)
{
    CNX_TRY(cnx_load_affine(&bn->affine, w, name, c, err));
    CNX_TRY(cnx_load_floats(&bn->mean, w, cnx_name("%s.running_mean", name).text, (size_t)c, err));
    const cnx_layer_name var = cnx_name("%s.running_var", name);
    CNX_TRY(cnx_load_floats(&bn->var, w, var.text, (size_t)c, err));
    for (int i = 0; i < c; i++)
        CNX_FAIL_IF(!(bn->var[i] >= 0), CNX_ERR_MODEL,
                    "%s: element %d is %g; a variance is never negative: the file is damaged",
                    var.text, i, (double)bn->var[i]);
    return CNX_OK;
}

static void batchnorm_free(batchnorm *bn)
{
    cnx_affine_free(&bn->affine);
    cnx_free(bn->mean);
    cnx_free(bn->var);
}

/* (w x - mean) / sqrt(var + eps) * g + b  =  (s w) x + (b - s mean),  s = g / sqrt(var + eps);
 * the new bias takes the place of the BatchNorm's own. */
static void fold_batchnorm(float *folded, const float *weights, size_t filter, batchnorm *bn,
                           int out_c)
{
    for (int o = 0; o < out_c; o++) {
        const double scale =
            (double)bn->affine.weight[o] / sqrt((double)bn->var[o] + BATCHNORM_EPS);
        const float *row = weights + (size_t)o * filter;
        float *to = folded + (size_t)o * filter;
        for (size_t i = 0; i < filter; i++)
            to[i] = (float)(scale * (double)row[i]);
        bn->affine.bias[o] = (float)((double)bn->affine.bias[o] - scale * (double)bn->mean[o]);
    }
}

cnx_status cnx_load_conv_module(cnx_filters *out, cnx_weights *w, const char *name, int size,
                                int in_c, int out_c, cnx_error *err)
{
    const cnx_conv_spec spec = {.size = size, .in_c = in_c, .out_c = out_c};
    cnx_values weights = {0};
    batchnorm bn = {0};
    cnx_status status = CNX_OK;
    CNX_CHECK(load_filters(&weights, w, cnx_name("%s.conv.weight", name).text, spec, err));
    CNX_CHECK(load_batchnorm(&bn, w, cnx_name("%s.bn", name).text, out_c, err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&out->weights, weights.count * sizeof(float), name, err));
    fold_batchnorm(out->weights, weights.data, filter_size(spec), &bn, out_c);
    out->bias = bn.affine.bias;
    bn.affine.bias = NULL;
cleanup:
    cnx_values_free(&weights);
    batchnorm_free(&bn);
    if (status != CNX_OK)
        cnx_filters_free(out);
    return status;
}

void cnx_filters_free(cnx_filters *filters)
{
    cnx_free(filters->weights);
    cnx_free(filters->bias);
    *filters = (cnx_filters){0};
}
