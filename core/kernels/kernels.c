#include "core/kernels/kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/cpu.h"
#include "core/kernels/openblas.h"

typedef struct table {
    const char *name;
    void (*overwrite)(cnx_kernels *k); /* NULL: OpenBLAS, which may be missing */
    void (*set_weights)(cnx_kernels *k, cnx_weight_type type); /* NULL: float32 only */
    unsigned needs;                                            /* CPU flags */
} table;

/* Best first, by measurement (tests/bench/bench_kernels.c). */
static const table tables[] = {
#if !defined(CNX_NO_SIMD) && defined(__x86_64__)
    {"avx512", cnx_kernels_avx512, cnx_kernels_avx512_weights, CNX_CPU_AVX512},
    {"avx2", cnx_kernels_avx2, cnx_kernels_avx2_weights, CNX_CPU_AVX2},
#endif
#if !defined(CNX_NO_SIMD) && defined(__aarch64__)
    {"neon", cnx_kernels_neon, cnx_kernels_neon_weights, CNX_CPU_NEON},
#endif
    {"openblas", NULL, NULL, 0},
    {"ref", cnx_kernels_ref, cnx_kernels_ref_weights, 0},
};
enum { TABLES = sizeof tables / sizeof *tables };

static bool offered(const table *t)
{
    return (t->needs & ~cnx_cpu_flags()) == 0;
}

static cnx_status fill(cnx_kernels *k, const table *t, cnx_error *err)
{
    cnx_kernels_ref(k);
    if (!t->overwrite)
        return cnx_kernels_openblas(k, err);
    t->overwrite(k);
    return CNX_OK;
}

/* "avx2, openblas, ref": the names that would do here; `narrow`: with weights of 16 bits. */
static void list_offered(char *text, size_t size, bool narrow)
{
    size_t used = 0;
    *text = '\0';
    for (int i = 0; i < TABLES; i++)
        if (offered(&tables[i]) && (!narrow || tables[i].set_weights) && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
                                     tables[i].name);
}

cnx_status cnx_kernels_init(cnx_kernels *k, const char *name, cnx_error *err)
{
    const bool any = !name || strcmp(name, "auto") == 0;
    for (int i = 0; i < TABLES; i++) {
        if (!offered(&tables[i]) || (!any && strcmp(name, tables[i].name) != 0))
            continue;
        const cnx_status status = fill(k, &tables[i], err);
        if (status == CNX_OK || !any) {
            if (status != CNX_OK)
                cnx_error_prefix(err, "kernels %s", name);
            return status;
        }
    }
    char names[128];
    list_offered(names, sizeof names, false);
    return cnx_fail(err, CNX_ERR_ARGUMENT,
                    "kernels: this CPU and build have no \"%.64s\"; choose one of: auto, %s", name,
                    names);
}

/* ---- how weights are kept ---- */

/* By cnx_weight_type. */
static const struct {
    const char *name, *long_name;
    float largest;
    float beyond; /* what rounds to infinity, from here on */
} weight_types[CNX_WEIGHT_TYPES] = {
    [CNX_WEIGHTS_F32] = {"f32", "float32", 0x1.fffffep127f, INFINITY},
    [CNX_WEIGHTS_F16] = {"f16", "float16", 65504.0f, 65520.0f},
    [CNX_WEIGHTS_BF16] = {"bf16", "bfloat16", 0x1.fep127f, 0x1.ffp127f},
};

const char *cnx_weight_type_name(cnx_weight_type type)
{
    return weight_types[type].name;
}

cnx_status cnx_weight_type_parse(cnx_weight_type *out, const char *name, cnx_error *err)
{
    for (int i = 0; i < CNX_WEIGHT_TYPES; i++)
        if (strcmp(name ? name : "f32", weight_types[i].name) == 0) {
            *out = (cnx_weight_type)i;
            return CNX_OK;
        }
    return cnx_fail(err, CNX_ERR_ARGUMENT,
                    "weights: \"%.64s\" is unknown; choose one of: f32, f16, bf16", name);
}

cnx_status cnx_kernels_set_weights(cnx_kernels *k, cnx_weight_type type, cnx_error *err)
{
    for (int i = 0; i < TABLES; i++)
        if (strcmp(k->name, tables[i].name) == 0 && tables[i].set_weights) {
            tables[i].set_weights(k, type);
            k->weights = type;
            return CNX_OK;
        }
    char names[128];
    list_offered(names, sizeof names, true);
    CNX_FAIL_IF(type != CNX_WEIGHTS_F32, CNX_ERR_ARGUMENT,
                "weights: %s has no product with weights kept as %s; --kernels that have: %s",
                k->name, weight_types[type].name, names);
    return CNX_OK;
}

/* The finite value of the largest magnitude from `limit` on; 0 when there is none. */
static float find_beyond(const float *x, size_t n, float limit)
{
    float found = 0;
    for (size_t i = 0; i < n; i++)
        if (fabsf(x[i]) >= limit && isfinite(x[i]) && fabsf(x[i]) > fabsf(found))
            found = x[i];
    return found;
}

cnx_status cnx_kernels_pack(const cnx_kernels *k, int in, int out, const float *b, float *packed,
                            cnx_error *err)
{
    if (k->weights != CNX_WEIGHTS_F32) {
        const float beyond =
            find_beyond(b, (size_t)in * (size_t)out, weight_types[k->weights].beyond);
        CNX_FAIL_IF(beyond != 0, CNX_ERR_MODEL,
                    "a weight of %g (with what is folded into it) is beyond %s, which ends at %g; "
                    "--weights %s can hold it",
                    (double)beyond, weight_types[k->weights].long_name,
                    (double)weight_types[k->weights].largest,
                    k->weights == CNX_WEIGHTS_F16 && fabsf(beyond) < 0x1.ffp127f ? "bf16" : "f32");
    }
    k->gemm_pack(in, out, b, packed);
    return CNX_OK;
}

/* ---- what is said about it ---- */

/* Whether a family of OpenBLAS' kernels uses AVX2 or AVX-512. */
static bool is_modern(const char *core)
{
    static const char *const families[] = {"Haswell", "Zen", "SkylakeX", "Cooperlake",
                                           "Sapphirerapids"};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        if (strcasecmp(core, families[i]) == 0)
            return true;
    return false;
}

static void describe_openblas(char *text, size_t size)
{
    cnx_error error = {0};
    const cnx_openblas *blas;
    if (cnx_openblas_get(&blas, &error) != CNX_OK) {
        snprintf(text, size, "%.500s", error.message);
        return;
    }
    const char *core = blas->get_corename();
    const bool old = !is_modern(core) && (cnx_cpu_detected() & (CNX_CPU_AVX2 | CNX_CPU_AVX512));
    snprintf(text, size, "OpenBLAS core: %s (%s%s)", core,
             blas->shared                  ? "loaded by the program"
             : blas->told                  ? "set by cnx"
             : getenv("OPENBLAS_CORETYPE") ? "set by OPENBLAS_CORETYPE"
                                           : "its own choice",
             old ? "; slow: this CPU can run newer ones" : "");
}

void cnx_kernels_describe(const cnx_kernels *k, char *text, size_t size)
{
    const unsigned flags = cnx_cpu_flags();
    const char *cpu = flags & CNX_CPU_AVX512 ? "AVX2, AVX-512"
                      : flags & CNX_CPU_AVX2 ? "AVX2"
                      : flags & CNX_CPU_NEON ? "NEON"
                                             : "no vector instructions that are used";
    const bool narrow = k->weights != CNX_WEIGHTS_F32;
    char openblas[512];
    describe_openblas(openblas, sizeof openblas);
    snprintf(text, size, "kernels %s%s%s; CPU: %s; %s", k->name, narrow ? ", weights " : "",
             narrow ? weight_types[k->weights].name : "", cpu, openblas);
}
