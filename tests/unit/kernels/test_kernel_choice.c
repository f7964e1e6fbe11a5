/* Choosing a table by name, and what is said about it. */
#include <strings.h>

#include "core/cpu.h"
#include "core/kernels/openblas.h"
#include "tests/unit/kernels/kernel_test.h"

static void check_name(const char *name, bool offered)
{
    cnx_kernels k;
    cnx_error err = {0};
    const cnx_status status = cnx_kernels_init(&k, name, &err);
    if (!offered) {
        CHECK(status == CNX_ERR_ARGUMENT, "%s: status %d", name, (int)status);
        CHECK(strstr(err.message, name) && strstr(err.message, "auto") &&
                  strstr(err.message, "ref"),
              "%s: \"%s\"", name, err.message);
        return;
    }
    CHECK(status == CNX_OK && strcmp(k.name, name) == 0, "%s: status %d", name, (int)status);
    CHECK(k.gemm && k.gemm_pack && k.gemm_packed_size && k.gemm_rows && k.dwconv7_row &&
              k.layernorm && k.gelu && k.combine && k.combine4 && k.resample_row && k.argmax &&
              k.softmax && k.sum_squares && k.suppress && k.paste,
          "%s has holes", name);
}

/* Asked for, OpenBLAS is loaded with the family of kernels that the CPU can run, and nothing of what
 * it was told stays behind. */
static void check_openblas(void)
{
    char **const environment = environ;
    const char *core = getenv("OPENBLAS_CORETYPE");
    check_name("openblas", true);
    CHECK(environ == environment && getenv("OPENBLAS_CORETYPE") == core, "environment");
    const cnx_openblas *blas;
    CHECK(cnx_openblas_get(&blas, NULL) == CNX_OK && !blas->shared, "loaded");
    CHECK(blas->get_num_threads() == 1, "%d threads", blas->get_num_threads());
    const unsigned flags = cnx_cpu_detected();
    const char *expected = flags & CNX_CPU_AVX512 ? "SkylakeX"
                           : flags & CNX_CPU_AVX2 ? "Haswell"
                                                  : blas->get_corename();
    if (!core)
        CHECK(strcasecmp(blas->get_corename(), expected) == 0, "core %s", blas->get_corename());
}

int main(void)
{
    const unsigned flags = cnx_cpu_flags();
    cnx_kernels k, best;
    char text[256], tiny[5];
    check_name("ref", true);
    check_openblas();
    check_name("avx2", flags & CNX_CPU_AVX2);
    check_name("avx512", flags & CNX_CPU_AVX512);
    check_name("neon", flags & CNX_CPU_NEON);
    check_name("avx1024", false);
    check_name("", false);
    CHECK(cnx_kernels_init(&k, "nothing", NULL) == CNX_ERR_ARGUMENT, "without an error to fill");

    CHECK(cnx_kernels_init(&k, NULL, NULL) == CNX_OK, "no name");
    CHECK(cnx_kernels_init(&best, "auto", NULL) == CNX_OK, "auto");
    const char *expected = flags & CNX_CPU_AVX512 ? "avx512"
                           : flags & CNX_CPU_AVX2 ? "avx2"
                           : flags & CNX_CPU_NEON ? "neon"
                                                  : "openblas";
    CHECK(strcmp(k.name, expected) == 0 && strcmp(best.name, expected) == 0, "auto takes %s",
          best.name);

    cnx_kernels_describe(&k, text, sizeof text);
    CHECK(strstr(text, expected) && strstr(text, "OpenBLAS"), "\"%s\"", text);
    cnx_kernels_describe(&k, tiny, sizeof tiny);
    CHECK(strlen(tiny) == sizeof tiny - 1, "a short buffer is filled and ended: \"%s\"", tiny);
    return CHECK_RESULT;
}
