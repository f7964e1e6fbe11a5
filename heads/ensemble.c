#include "heads/ensemble.h"

#include <math.h>
#include <string.h>

cnx_status cnx_ensemble_shares(double shares[CNX_MAX_MODELS], const double *weights, int count,
                               cnx_error *err)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        const double weight = weights ? weights[i] : 1;
        CNX_FAIL_IF(!isfinite(weight) || weight < 0, CNX_ERR_ARGUMENT,
                    "weight %d of the models is %g; a weight is 0 or more", i + 1, weight);
        sum += weight;
    }
    CNX_FAIL_IF(!(sum > 0) || !isfinite(sum), CNX_ERR_ARGUMENT,
                "the weights of the models add up to %g", sum);
    for (int i = 0; i < count; i++)
        shares[i] = (weights ? weights[i] : 1) / sum;
    return CNX_OK;
}

static bool made_up(const cnx_description *d)
{
    return strcmp(d->classes_from, "generated") == 0;
}

cnx_status cnx_ensemble_compare(const cnx_description *a, const char *a_name,
                                const cnx_description *b, const char *b_name, cnx_error *err)
{
    CNX_FAIL_IF(a->class_count != b->class_count, CNX_ERR_MODEL,
                "%s has %d classes, %s has %d: only models of the same classes can be averaged",
                b_name, b->class_count, a_name, a->class_count);
    for (int c = 0; c < a->class_count && !made_up(a) && !made_up(b); c++)
        CNX_FAIL_IF(
            strcmp(a->class_names[c], b->class_names[c]) != 0, CNX_ERR_MODEL,
            "class %d is \"%s\" in %s and \"%s\" in %s: only models of the same classes, in "
            "the same order, can be averaged",
            c, b->class_names[c], b_name, a->class_names[c], a_name);
    return CNX_OK;
}
