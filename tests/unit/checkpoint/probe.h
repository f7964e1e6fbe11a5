/* A checkpoint's tensors against the checksums of a probe file, under official names. */
#ifndef CNX_TESTS_PROBE_H
#define CNX_TESTS_PROBE_H

#include <math.h>
#include <stdbool.h>

#include "core/checkpoint/weights.h"
#include "core/file.h"
#include "core/json.h"
#include "tests/unit/check.h"

static inline cJSON *probe_read(const char *path)
{
    cnx_error err = {.message = ""};
    char *text;
    size_t size;
    cJSON *json = NULL;
    const cnx_status status = cnx_read_text(path, 16 << 20, &text, &size, &err);
    CHECK(status == CNX_OK, "%s", err.message);
    if (status != CNX_OK)
        return NULL;
    CHECK(cnx_json_parse(&json, text, size, path, &err) == CNX_OK, "%s", err.message);
    free(text);
    return json;
}

/* The checksums are of float64 sums; a double's order of summation differs in the last digits. */
static inline bool probe_near(double got, const cJSON *entry, const char *key, double scale)
{
    const double want = cJSON_GetObjectItemCaseSensitive(entry, key)->valuedouble;
    return fabs(got - want) <= 1e-9 * (scale + fabs(want));
}

static inline void probe_tensor(cnx_weights *w, const char *file, const cJSON *entry)
{
    cnx_error err = {.message = ""};
    int64_t shape[CNX_MAX_RANK];
    int rank = 0;
    size_t n = 1;
    const cJSON *size;
    cJSON_ArrayForEach(size, cJSON_GetObjectItemCaseSensitive(entry, "shape"))
    {
        shape[rank++] = size->valueint;
        n *= (size_t)size->valueint;
    }
    CHECK(cnx_weights_expect(w, entry->string, rank, shape), "%s: %s", file, entry->string);
    float *values = malloc(n * sizeof *values);
    const cnx_status status = cnx_weights_read(w, entry->string, values, &err);
    CHECK(status == CNX_OK, "%s", err.message);
    if (status == CNX_OK) {
        double sum = 0, weighted = 0, absolute = 0;
        for (size_t i = 0; i < n; i++) {
            sum += values[i];
            weighted += (double)(i + 1) * values[i];
            absolute += fabs((double)values[i]);
        }
        CHECK(probe_near(sum, entry, "sum", absolute), "%s: %s: sum", file, entry->string);
        CHECK(probe_near(weighted / (double)n, entry, "weighted", absolute), "%s: %s: weighted",
              file, entry->string);
        CHECK(probe_near(values[0], entry, "first", 0), "%s: %s: first", file, entry->string);
        CHECK(probe_near(values[n - 1], entry, "last", 0), "%s: %s: last", file, entry->string);
    }
    free(values);
}

static inline bool probe_is_optional(const char *name)
{
    const size_t n = strlen(name);
    return strncmp(name, "auxiliary_head.", 15) == 0 ||
           (n > 20 && strcmp(name + n - 20, ".num_batches_tracked") == 0);
}

/* Every tensor of the probe is in the file with its values (auxiliary head and counters may be
 * absent), and the file has no other. */
static inline void probe_weights(cnx_weights *w, const char *file, const cJSON *probe)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, probe)
    {
        const size_t n = strlen(entry->string);
        const bool counter = n > 20 && strcmp(entry->string + n - 20, ".num_batches_tracked") == 0;
        if (!counter && (!probe_is_optional(entry->string) || cnx_weights_find(w, entry->string)))
            probe_tensor(w, file, entry);
    }
    for (size_t i = 0; i < cnx_weights_key_count(w); i++) {
        const cnx_key *key = cnx_weights_key(w, i);
        CHECK(key->canonical && cJSON_GetObjectItemCaseSensitive(probe, key->canonical),
              "%s: %s is no official name", file,
              key->canonical ? key->canonical : key->tensor->name);
    }
}

#endif
