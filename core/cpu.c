#include "core/cpu.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <stdbool.h>

/* Not every compiler's __builtin_cpu_supports knows this one. */
static bool has_f16c(void)
{
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C);
}

/* SHA-256, with the shuffles that go with it. */
static bool has_sha(void)
{
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_SHA) &&
           __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3");
}

/* __builtin_cpu_supports also asks whether the operating system saves the wide registers. */
unsigned cnx_cpu_detected(void)
{
    unsigned flags = 0;
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c())
        flags |= CNX_CPU_AVX2;
    if ((flags & CNX_CPU_AVX2) && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        flags |= CNX_CPU_AVX512;
    if (has_sha())
        flags |= CNX_CPU_SHA;
    return flags;
}

#else

unsigned cnx_cpu_detected(void)
{
#if defined(__aarch64__)
    return CNX_CPU_NEON; /* part of every 64-bit ARM */
#else
    return 0;
#endif
}

#endif

unsigned cnx_cpu_flags(void)
{
#ifdef CNX_NO_SIMD
    return 0;
#else
    return cnx_cpu_detected();
#endif
}
