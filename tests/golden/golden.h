/*
 * Golden files: trees of .npy, .png and .json with a manifest.json that states each file's
 * tolerance.
 *
 * A small tree is committed under tests/data/segmentation; the whole one is used as well on
 * machines that have it.  The reference stores its maps as [n, c, h, w], the toolkit works on [h,
 * w, c].
 */
#ifndef CNX_TESTS_GOLDEN_H
#define CNX_TESTS_GOLDEN_H

#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>

#include "core/json.h"
#include "core/memory.h"
#include "core/npy.h"
#include "tests/unit/check.h"

/* A build in which numbers are an order of magnitude slower: the largest inputs are left out. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#define GOLDEN_SLOW_BUILD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define GOLDEN_SLOW_BUILD 1
#endif
#endif
#ifndef GOLDEN_SLOW_BUILD
#define GOLDEN_SLOW_BUILD 0
#endif

#define GOLDEN_PATH  1024
#define GOLDEN_ROOTS 2

typedef struct golden_tree {
    char path[GOLDEN_PATH];
    cJSON *manifest; /* owned */
} golden_tree;

/* A path or a name in words, made as by printf; one that does not fit is a failed check. */
static inline const char *golden_format(char out[GOLDEN_PATH], const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static inline const char *golden_format(char out[GOLDEN_PATH], const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int n = vsnprintf(out, GOLDEN_PATH, fmt, args);
    va_end(args);
    CHECK(n > 0 && n < GOLDEN_PATH, "%s: too long", out);
    return out;
}

/* A JSON file as a tree that the caller deletes, or NULL after a failed check. */
static inline cJSON *golden_json(const char *path)
{
    cnx_error err = {0};
    char *text = NULL;
    size_t size = 0;
    cJSON *json = NULL;
    const bool read = cnx_read_text(path, (size_t)64 << 20, &text, &size, &err) == CNX_OK;
    CHECK(read, "%s: %s", path, err.message);
    if (read)
        CHECK(cnx_json_parse(&json, text, size, path, &err) == CNX_OK, "%s", err.message);
    free(text);
    return json;
}

/* The trees of this machine: the committed one, and the whole one where there is one.
 * Returns their number. */
static inline int golden_open(golden_tree trees[GOLDEN_ROOTS])
{
    char shared[GOLDEN_PATH], manifest[GOLDEN_PATH];
    int count = 0;
    golden_format(trees[count++].path, "%s/tests/data/segmentation", CNX_SOURCE_DIR);
    if (check_shared(shared, sizeof shared, "fixtures/seg"))
        golden_format(trees[count++].path, "%s", shared);
    for (int i = 0; i < count; i++)
        trees[i].manifest = golden_json(golden_format(manifest, "%s/manifest.json", trees[i].path));
    return count;
}

static inline void golden_close(golden_tree *trees, int count)
{
    for (int i = 0; i < count; i++)
        cJSON_Delete(trees[i].manifest);
}

/* Calls visit(user, tree, name) for each entry of tree/sub, sorted; returns how many. */
typedef void (*golden_visit)(void *user, const golden_tree *tree, const char *name);
static inline int golden_each(const golden_tree *tree, const char *sub, golden_visit visit,
                              void *user)
{
    char dir[GOLDEN_PATH];
    struct dirent **entries = NULL;
    const int n = scandir(golden_format(dir, "%s/%s", tree->path, sub), &entries, NULL, alphasort);
    int visited = 0;
    for (int i = 0; i < n; i++) {
        if (entries[i]->d_name[0] != '.') {
            visit(user, tree, entries[i]->d_name);
            visited++;
        }
        free(entries[i]);
    }
    free(entries);
    return visited;
}

/* ---- JSON values ---- */

static inline int golden_int(const cJSON *object, const char *key, int fallback)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valueint : fallback;
}

static inline const char *golden_text(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* Two integers of a list under `key`; false when there is none (or null). */
static inline bool golden_pair(const cJSON *object, const char *key, int *a, int *b)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != 2)
        return false;
    *a = cJSON_GetArrayItem(list, 0)->valueint;
    *b = cJSON_GetArrayItem(list, 1)->valueint;
    return true;
}

/* ---- arrays ---- */

typedef struct golden_array {
    int rank;
    size_t shape[CNX_NPY_MAX_RANK];
    size_t n;
    float *data; /* owned; cnx_free */
} golden_array;

static inline float golden_half(uint16_t h)
{
    const int exponent = h >> 10 & 31, fraction = h & 1023;
    const double magnitude =
        exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return (float)(h & 0x8000 ? -magnitude : magnitude);
}

/* Reads an .npy of float32, float16 or int32 as floats. */
static inline bool golden_load(golden_array *out, const char *path)
{
    cnx_error err = {0};
    cnx_npy npy = {0};
    memset(out, 0, sizeof *out);
    const cnx_status status = cnx_npy_read(&npy, path, &err);
    CHECK(status == CNX_OK, "%s: %s", path, err.message);
    if (status != CNX_OK)
        return false;
    out->rank = npy.rank;
    out->n = npy.elements;
    memcpy(out->shape, npy.shape, sizeof out->shape);
    out->data = cnx_alloc(npy.elements * sizeof(float));
    bool known = out->data != NULL;
    for (size_t i = 0; known && i < npy.elements; i++) {
        if (npy.type == CNX_NPY_F32)
            out->data[i] = ((const float *)npy.data)[i];
        else if (npy.type == CNX_NPY_F16)
            out->data[i] = golden_half(((const uint16_t *)npy.data)[i]);
        else if (npy.type == CNX_NPY_I32)
            out->data[i] = (float)((const int32_t *)npy.data)[i];
        else
            known = false;
    }
    cnx_npy_free(&npy);
    CHECK(known, "%s: element type is not one of those that golden files have", path);
    return known;
}

static inline void golden_free(golden_array *array)
{
    cnx_free(array->data);
    memset(array, 0, sizeof *array);
}

/* One picture of c channels, [c][h * w] to [h * w][c] and back. */
static inline void golden_to_channels_last(float *out, const float *in, size_t c, size_t pixels)
{
    for (size_t i = 0; i < c; i++)
        for (size_t p = 0; p < pixels; p++)
            out[p * c + i] = in[i * pixels + p];
}

static inline void golden_to_channels_first(float *out, const float *in, size_t c, size_t pixels)
{
    golden_to_channels_last(out, in, pixels, c);
}

/* Passes when |got - want| <= atol + rtol |want| everywhere; says which element is worst else. */
static inline bool golden_near(const char *what, const float *got, const float *want, size_t n,
                               double atol, double rtol)
{
    size_t worst = 0, outside = 0;
    double worst_share = -1;
    for (size_t i = 0; i < n; i++) {
        const double limit = atol + rtol * fabs((double)want[i]);
        const double share = fabs((double)got[i] - (double)want[i]) / limit;
        outside += !(share <= 1);
        if (!(share <= worst_share)) { /* a NaN is worse than anything */
            worst_share = share;
            worst = i;
            if (isnan(share))
                break;
        }
    }
    CHECK(n > 0 && outside == 0,
          "%s: %zu of %zu outside the tolerance (atol %g, rtol %g); worst at %zu: got %.9g, want "
          "%.9g (%.3g times the tolerance)",
          what, outside, n, atol, rtol, worst, (double)got[worst], (double)want[worst],
          worst_share);
    return n > 0 && outside == 0;
}

/* golden_near with the tolerance that the manifest states for `key`. */
static inline bool golden_near_key(const golden_tree *tree, const char *key, const float *got,
                                   const float *want, size_t n, const char *context)
{
    char what[GOLDEN_PATH];
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(tree->manifest, key);
    const cJSON *atol = cJSON_GetObjectItemCaseSensitive(entry, "atol");
    const cJSON *rtol = cJSON_GetObjectItemCaseSensitive(entry, "rtol");
    const bool stated = cJSON_IsNumber(atol) && cJSON_IsNumber(rtol);
    CHECK(stated, "the manifest of %s states no tolerance for %s", tree->path, key);
    golden_format(what, "%s (%s)", key, context);
    return stated && golden_near(what, got, want, n, atol->valuedouble, rtol->valuedouble);
}

#endif
