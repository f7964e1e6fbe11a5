#include "export_format.h"

#include "core/memory.h"

float *export_load(export_net *net, const char *name, size_t count)
{
    float *values = NULL;
    if (net->status == CNX_OK)
        net->status = cnx_load_floats(&values, net->weights, name, count, net->err);
    return values;
}

void export_load_linear(export_net *net, const char *layer, int in_c, int out_c, const float *gamma,
                        float **weight, float **bias)
{
    *weight = export_load(net, cnx_name("%s.weight", layer).text, (size_t)in_c * (size_t)out_c);
    *bias = export_load(net, cnx_name("%s.bias", layer).text, (size_t)out_c);
    if (!*bias) {
        cnx_free(*weight);
        *weight = NULL;
        return;
    }
    for (int o = 0; gamma && o < out_c; o++) {
        (*bias)[o] *= gamma[o];
        for (int i = 0; i < in_c; i++)
            (*weight)[(size_t)o * (size_t)in_c + (size_t)i] *= gamma[o];
    }
}
