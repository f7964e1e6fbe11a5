#include "core/kernels/kernels.h"

#include <stdio.h>
#include <string.h>

#include "core/cpu.h"
#include "core/kernels/openblas.h"

typedef struct table {
    const char *name;
    void (*overwrite)(cnx_kernels *k);
    unsigned needs; /* CPU flags */
} table;

/* Best first, by measurement (tests/bench/bench_kernels.c). */
static const table tables[] = {
#if !defined(CNX_NO_SIMD) && defined(__x86_64__)
    {"avx512", cnx_kernels_avx512, CNX_CPU_AVX512},
    {"avx2", cnx_kernels_avx2, CNX_CPU_AVX2},
#endif
    {"openblas", cnx_kernels_openblas, 0},
    {"ref", cnx_kernels_ref, 0},
};
enum { TABLES = sizeof tables / sizeof *tables };

static bool offered(const table *t)
{
    return (t->needs & ~cnx_cpu_flags()) == 0;
}

/* "auto, avx2, openblas, ref": the names that would do here. */
static void list_offered(char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "auto");
    for (int i = 0; i < TABLES; i++)
        if (offered(&tables[i]) && used < size)
            used += (size_t)snprintf(text + used, size - used, ", %s", tables[i].name);
}

cnx_status cnx_kernels_init(cnx_kernels *k, const char *name, cnx_error *err)
{
    const bool any = !name || strcmp(name, "auto") == 0;
    cnx_kernels_ref(k);
    for (int i = 0; i < TABLES; i++)
        if (offered(&tables[i]) && (any || strcmp(name, tables[i].name) == 0)) {
            tables[i].overwrite(k);
            return CNX_OK;
        }
    char names[128];
    list_offered(names, sizeof names);
    return cnx_fail(err, CNX_ERR_ARGUMENT,
                    "kernels: this CPU and build have no \"%.64s\"; choose one of: %s", name,
                    names);
}

void cnx_kernels_describe(const cnx_kernels *k, char *text, size_t size)
{
    const unsigned flags = cnx_cpu_flags();
    const char *cpu = flags & CNX_CPU_AVX512 ? "AVX2, AVX-512"
                      : flags & CNX_CPU_AVX2 ? "AVX2"
                      : flags & CNX_CPU_NEON ? "NEON"
                                             : "no vector instructions that are used";
    bool modern;
    const char *core = cnx_openblas_core(&modern);
    const bool fallback = !modern && (flags & (CNX_CPU_AVX2 | CNX_CPU_AVX512));
    snprintf(text, size, "kernels %s; CPU: %s; OpenBLAS core: %s%s%s%s", k->name, cpu, core,
             fallback ? " (does not know this CPU and runs old kernels: set OPENBLAS_CORETYPE="
                      : "",
             !fallback                ? ""
             : flags & CNX_CPU_AVX512 ? "SkylakeX"
                                      : "Haswell",
             fallback ? ")" : "");
}
