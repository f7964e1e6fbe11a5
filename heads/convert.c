/* Converting: the needed tensors under canonical names, and the description beside them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "heads/model.h"

typedef struct conversion {
    cnx_model_file *file;
    cnx_tensor_source *tensors;
    size_t count;
} conversion;

/* Norms, biases and statistics stay float32 in every conversion: they are small and delicate. */
static cnx_dtype stored_dtype(const cnx_key *key, cnx_dtype wanted)
{
    static const char weight[] = ".weight";
    const size_t n = strlen(key->canonical);
    const bool matrix = key->rank >= 2 && n >= sizeof weight &&
                        strcmp(key->canonical + n - (sizeof weight - 1), weight) == 0;
    return matrix ? wanted : CNX_F32;
}

/* Wide elements first, so that every tensor lies aligned to its own; then by name, so that the
 * same model gives the same bytes whatever file it came from. */
static int compare_tensors(const void *a, const void *b)
{
    const cnx_tensor_source *x = a, *y = b;
    const size_t sx = cnx_dtype_size(x->dtype), sy = cnx_dtype_size(y->dtype);
    return sx != sy ? (sx < sy ? 1 : -1) : strcmp(x->name, y->name);
}

static cnx_status list_tensors(conversion *c, cnx_dtype dtype, cnx_error *err)
{
    const cnx_weights *w = c->file->weights;
    const size_t keys = cnx_weights_key_count(w);
    c->tensors = calloc(keys + 1, sizeof *c->tensors);
    CNX_FAIL_IF(!c->tensors, CNX_ERR_MEMORY, "not enough memory for the list of tensors");
    for (size_t i = 0; i < keys; i++) {
        const cnx_key *key = cnx_weights_key(w, i);
        if (key->state != CNX_KEY_MATCHED)
            continue;
        cnx_tensor_source *t = &c->tensors[c->count++];
        t->name = key->canonical;
        t->dtype = stored_dtype(key, dtype);
        t->rank = key->rank;
        memcpy(t->shape, key->shape, sizeof t->shape);
    }
    qsort(c->tensors, c->count, sizeof *c->tensors, compare_tensors);
    return CNX_OK;
}

/* The least magnitude that rounds to infinity. */
static float overflow_limit(cnx_dtype dtype)
{
    return dtype == CNX_F16 ? 65520.0f : dtype == CNX_BF16 ? 0x1.FFp127f : INFINITY;
}

static size_t count_elements(const cnx_tensor_source *t)
{
    size_t n = 1;
    for (int i = 0; i < t->rank; i++)
        n *= (size_t)t->shape[i]; /* as many as the checked tensor of the source has */
    return n;
}

static cnx_status fill(void *user, size_t index, float *values, cnx_error *err)
{
    const conversion *c = user;
    const cnx_tensor_source *t = &c->tensors[index];
    const float limit = overflow_limit(t->dtype);
    CNX_TRY(cnx_weights_read(c->file->weights, t->name, values, err));
    const size_t n = count_elements(t);
    for (size_t i = 0; i < n; i++)
        CNX_FAIL_IF(fabsf(values[i]) >= limit, CNX_ERR_MODEL,
                    "%s: %s holds %g, which %s cannot hold; convert to %s",
                    cnx_checkpoint_name(c->file->checkpoint), t->name, (double)values[i],
                    cnx_dtype_name(t->dtype), t->dtype == CNX_F16 ? "bf16 or f32" : "f32");
    return CNX_OK;
}

cnx_status cnx_model_file_convert(cnx_model_file *file, const char *out_path, cnx_dtype dtype,
                                  cnx_error *err)
{
    cnx_status status = CNX_OK;
    conversion c = {.file = file};
    cJSON *json = NULL;
    char *text = NULL;
    CNX_FAIL_IF(dtype != CNX_F32 && dtype != CNX_F16 && dtype != CNX_BF16, CNX_ERR_ARGUMENT,
                "cannot convert to %s: f32, f16 and bf16 are possible", cnx_dtype_name(dtype));
    CNX_TRY(cnx_weights_check(file->weights, err));
    json = cnx_description_to_json(&file->description);
    text = json ? cJSON_PrintUnformatted(json) : NULL;
    CNX_CHECK_IF(!text, CNX_ERR_MEMORY, "not enough memory for the description");
    CNX_CHECK(list_tensors(&c, dtype, err));
    /* The source stays mapped until the new file is renamed into place, so out_path may name it. */
    const cnx_text_pair metadata[] = {{"format", "pt"}, {"cnx", text}};
    CNX_CHECK(cnx_safetensors_write(out_path, c.tensors, c.count, fill, &c, metadata, 2, err));
cleanup:
    free(c.tensors);
    cJSON_free(text);
    cJSON_Delete(json);
    return status;
}
