#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cpu.h"
#include "core/kernels/openblas.h"
#include "core/library.h"

#define LIBRARY "libopenblas.so.0"

/* What the first call found, for all that follow; written under pthread_once. */
static struct {
    cnx_openblas blas;
    bool usable;
    char failure[300];
} loaded;

/* The oldest family of OpenBLAS's that uses all of these instructions: newer ones multiply float32
 * alike.  NULL: its own choice stands. */
static const char *core_type(void)
{
    const unsigned flags = cnx_cpu_detected();
    return flags & CNX_CPU_AVX512 ? "SkylakeX" : flags & CNX_CPU_AVX2 ? "Haswell" : NULL;
}

static void *load_told(void)
{
    static char type[48], threads[] = "OPENBLAS_NUM_THREADS=1";
    char *added[2];
    size_t count = 0;
    const char *core = getenv("OPENBLAS_CORETYPE") ? NULL : core_type();
    if (core) {
        snprintf(type, sizeof type, "OPENBLAS_CORETYPE=%s", core);
        added[count++] = type;
        loaded.blas.told = core;
    }
    added[count++] = threads;
    return cnx_library_open(LIBRARY, RTLD_NOW | RTLD_LOCAL, added, count);
}

static bool find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol); /* C has no conversion from data to function */
    if (!symbol)
        snprintf(loaded.failure, sizeof loaded.failure, LIBRARY " has no %s: not OpenBLAS?", name);
    return symbol;
}

static void load(void)
{
    cnx_openblas *blas = &loaded.blas;
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    blas->shared = library != NULL;
    if (!library)
        library = load_told();
    if (!library) {
        snprintf(loaded.failure, sizeof loaded.failure, "%s", dlerror());
        return;
    }
    loaded.usable = find(library, "cblas_sgemm", &blas->sgemm) &&
                    find(library, "openblas_get_num_threads", &blas->get_num_threads) &&
                    find(library, "openblas_set_num_threads", &blas->set_num_threads) &&
                    find(library, "openblas_get_corename", &blas->get_corename);
    if (!loaded.usable)
        dlclose(library);
}

const cnx_openblas *cnx_openblas_loaded(void)
{
    return &loaded.blas;
}

cnx_status cnx_openblas_get(const cnx_openblas **out, cnx_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    *out = loaded.usable ? &loaded.blas : NULL;
    CNX_FAIL_IF(!loaded.usable, CNX_ERR_UNSUPPORTED, "OpenBLAS cannot be loaded: %s",
                loaded.failure);
    return CNX_OK;
}
